// Executes operations one after another, as Apollo Client does. Prints [{data, errors, error, exchanges}]: `errors` are those
// of the answer, `error` is the name of what the client made of them, both null where there are none.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { exchanges, recordedFetch } from "./recorded_fetch.mjs";

const { url, operations, link, headers } = JSON.parse(process.argv[2]);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri: url, fetch: recordedFetch, headers, ...link }),
});

const told = ({ data, error }) => ({
  data: data ?? null,
  errors: CombinedGraphQLErrors.is(error) ? error.errors.map(({ message, path, extensions }) => ({ message, path, extensions })) : null,
  error: error?.name ?? null,
  exchanges: exchanges.splice(0),
});

const results = [];
for (const { kind, document, variables, ...options } of operations) {
  const answered = client[kind === "query" ? "query" : "mutate"]({ [kind]: gql(document), variables, ...options });
  results.push(told(await answered.catch((error) => ({ error }))));
}
console.log(JSON.stringify(results));
client.stop();
