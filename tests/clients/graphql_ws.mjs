// Executes operations one after another over one socket, as graphql-ws does. Prints {opened, results}: how often a socket was
// opened, and [{answers, errors}], `errors` null for an operation that was completed, or that was left after `count` answers.
import { createClient } from "graphql-ws";
import { iterated } from "./iterated.mjs";
import { connectionParams } from "./signed_in.mjs";

const { url, operations } = JSON.parse(process.argv[2]);
let opened = 0;
const client = createClient({ url, connectionParams, lazy: false, retryAttempts: 0, on: { opened: () => (opened += 1) } });

const results = [];
for (const operation of operations) results.push(await iterated(client, operation));
console.log(JSON.stringify({ opened, results }));
await client.dispose();
