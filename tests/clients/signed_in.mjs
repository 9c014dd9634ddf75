// Loaded before every script: what it fetches shows the token of the test, as a page's own fetch would.
const send = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  if (process.env.HOLDCO_TOKEN) request.headers.set("authorization", `Bearer ${process.env.HOLDCO_TOKEN}`);
  return send(request);
};
