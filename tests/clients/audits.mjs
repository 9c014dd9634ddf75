// Runs every audit of graphql-http against a server. Prints [{id, name, status, reason}].
import { serverAudits } from "graphql-http";

const { url } = JSON.parse(process.argv[2]);
const results = [];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
