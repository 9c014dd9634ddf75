// Loaded before every script: what it fetches shows the token of the test, as a page's own fetch would.
const send = globalThis.fetch;
globalThis.fetch = (input, init) => {
  if (!process.env.HOLDCO_TOKEN) return send(input, init);
  // Not a new Request: Node forgets to end it when the one that it was made of is given up.
  const headers = input instanceof Request ? input.headers : new Headers(init?.headers);
  headers.set("authorization", `Bearer ${process.env.HOLDCO_TOKEN}`);
  return input instanceof Request ? send(input, init) : send(input, { ...init, headers });
};

// The same for sockets, as graphql-ws takes it.
export const connectionParams = { token: process.env.HOLDCO_TOKEN };
