// Executes operations one after another, each over a connection of its own, as graphql-sse does in its distinct connections mode.
// Prints [{answers, errors, refusal, exchanges}]: `refusal` is the body of an answer that was no stream, null for others.
import { createClient } from "graphql-sse";
import { iterated } from "./iterated.mjs";
import { exchanges, recordedFetch } from "./recorded_fetch.mjs";

const { url, operations } = JSON.parse(process.argv[2]);
const client = createClient({ url, fetchFn: recordedFetch, retryAttempts: 0 });

const results = [];
for (const operation of operations) {
  const refused = async ({ response }) => ({ answers: [], errors: null, refusal: await response.json() });
  const result = await iterated(client, operation).catch(refused);
  results.push({ refusal: null, ...result, exchanges: exchanges.splice(0) });
}
console.log(JSON.stringify(results));
client.dispose();
