// Executes operations one after another, as urql does. Prints [{data, errors, exchanges}], `errors` null where there are none.
import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { exchanges, recordedFetch } from "./recorded_fetch.mjs";

const { url, operations, headers } = JSON.parse(process.argv[2]);
const client = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  fetch: recordedFetch,
  fetchOptions: { headers },
  preferGetMethod: false,
});

const results = [];
for (const { kind, document, variables, context } of operations) {
  const { data, error } = await client[kind](document, variables ?? {}, context).toPromise();
  results.push({
    data: data ?? null,
    errors: error ? error.graphQLErrors.map(({ message, path, extensions }) => ({ message, path, extensions })) : null,
    networkError: error?.networkError?.message ?? null,
    exchanges: exchanges.splice(0),
  });
}
console.log(JSON.stringify(results));
