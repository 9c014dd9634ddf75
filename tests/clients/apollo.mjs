// Executes operations one after another, as Apollo Client does. Prints [{results, exchanges}]: every result of an operation, one
// for each part or event, as {data, errors, error}: `errors` are those of the answer, `error` is the name of what the client made
// of them, both null where there are none. Watching ends with the last part, and after `count` events.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, NetworkStatus, gql } from "@apollo/client";
import { Defer20220824Handler, GraphQL17Alpha9Handler } from "@apollo/client/incremental";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createHash } from "node:crypto";
import { createClient } from "graphql-ws";
import { filter, lastValueFrom, map, take, takeWhile, toArray } from "rxjs";
import { exchanges, recordedFetch } from "./recorded_fetch.mjs";
import { connectionParams } from "./signed_in.mjs";

const { url, operations, link, headers, persisted, incremental } = JSON.parse(process.argv[2]);
const handlers = { Defer20220824Handler, GraphQL17Alpha9Handler };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const http = new HttpLink({ uri: url, fetch: recordedFetch, headers, ...link });
const socket = new GraphQLWsLink(createClient({ url: url.replace("http", "ws"), connectionParams }));
const asking = persisted ? new PersistedQueryLink({ sha256, ...persisted }).concat(http) : http;
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(({ operationType }) => operationType === "subscription", socket, asking),
  incrementalHandler: incremental && new handlers[incremental](),
});

const told = ({ data, error }) => ({
  data: data ?? null,
  errors: CombinedGraphQLErrors.is(error) ? error.errors.map(({ message, path, extensions }) => ({ message, path, extensions })) : null,
  error: error?.name ?? null,
});
const once = async (answered) => [told(await answered.catch((error) => ({ error })))];
const all = (answers) => lastValueFrom(answers.pipe(map(told), toArray()));
const asked = {
  query: (query, options) => once(client.query({ query, ...options })),
  mutation: (mutation, options) => once(client.mutate({ mutation, ...options })),
  watched: (query, options) => {
    const shown = client.watchQuery({ query, ...options }).pipe(filter(({ dataState, error }) => dataState !== "empty" || error));
    return all(shown.pipe(takeWhile(({ networkStatus }) => networkStatus === NetworkStatus.streaming, true)));
  },
  subscription: (query, { count, ...options }) => all(client.subscribe({ query, ...options }).pipe(take(count))),
};

const answers = [];
for (const { kind, document, ...options } of operations) {
  answers.push({ results: await asked[kind](gql(document), options), exchanges: exchanges.splice(0) });
}
console.log(JSON.stringify(answers));
client.stop();
