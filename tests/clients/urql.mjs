// Executes operations one after another, as urql does. Prints [{results, exchanges}]: every result of an operation, one for each
// part or event, as {data, errors, networkError}, `errors` null where there are none. With a `count` it is left after so many.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSSEClient } from "graphql-sse";
import { createClient as createWSClient } from "graphql-ws";
import { exchanges, recordedFetch } from "./recorded_fetch.mjs";
import { connectionParams } from "./signed_in.mjs";

const { url, operations, headers, persisted, subscribing } = JSON.parse(process.argv[2]);
const listening = {
  SSE: () => createSSEClient({ url, fetchFn: recordedFetch }),
  WEBSOCKET: () => createWSClient({ url: url.replace("http", "ws"), connectionParams }),
}[subscribing]?.();
const forwardSubscription = (request) => ({
  subscribe: (sink) => ({ unsubscribe: listening.subscribe({ ...request, query: request.query ?? "" }, sink) }),
});
const client = new Client({
  url,
  exchanges: [
    cacheExchange,
    ...(persisted ? [persistedExchange(persisted)] : []),
    fetchExchange,
    ...(listening ? [subscriptionExchange({ forwardSubscription })] : []),
  ],
  fetch: recordedFetch,
  fetchOptions: { headers },
  fetchSubscriptions: !listening,
  preferGetMethod: false,
});

const told = ({ data, error }) => ({
  data: data ?? null,
  errors: error ? error.graphQLErrors.map(({ message, path, extensions }) => ({ message, path, extensions })) : null,
  networkError: error?.networkError?.message ?? null,
});

// Left a moment after the last result, as a screen does that shows it. Whoever leaves urql while it tells of a result of a stream,
// as toPromise does, makes it abort that stream and let the failure go unhandled, which ends Node.
const collected = (source, count) =>
  new Promise((resolve) => {
    const results = [];
    const { unsubscribe } = source.subscribe((result) => {
      results.push(told(result));
      if (result.hasNext && results.length !== count) return;
      setImmediate(() => {
        unsubscribe();
        resolve(results);
      });
    });
  });

const answers = [];
for (const { kind, document, variables, context, count } of operations) {
  const results = await collected(client[kind](document, variables ?? {}, context), count);
  answers.push({ results, exchanges: exchanges.splice(0) });
}
console.log(JSON.stringify(answers));
