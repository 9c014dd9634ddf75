// Breaks the protocol in one of several ways, as graphql-ws lets an application do. Prints what it reads of it: {code, reason}.
import { createClient } from "graphql-ws";
import { connectionParams } from "./signed_in.mjs";

const { url, breach, subscription } = JSON.parse(process.argv[2]);
const on = (event, message) => ({ on: { [event]: (socket) => socket.send(JSON.stringify(message)) } });
const speaking = (...protocols) => ({
  webSocketImpl: class extends WebSocket {
    constructor(address) {
      super(address, protocols);
    }
  },
});
const breaches = {
  UNKNOWN_MESSAGE: on("connected", { type: "start" }),
  SUBSCRIBED_BEFORE_INITIALISED: on("opened", { id: "1", type: "subscribe", payload: subscription }),
  NEVER_INITIALISED: { connectionParams: () => new Promise(() => {}) },
  INITIALISED_TWICE: on("opened", { type: "connection_init", payload: connectionParams }),
  ID_IN_USE: { generateID: () => "same" },
  NO_PROTOCOL: speaking(),
  LEGACY_PROTOCOL: speaking("graphql-ws"),
};

const client = createClient({ url, connectionParams, retryAttempts: 0, ...breaches[breach] });
const { code, reason } = await new Promise((closed) => {
  client.on("closed", closed);
  for (const _ of [1, 2]) client.subscribe(subscription, { next() {}, error() {}, complete() {} });
});
console.log(JSON.stringify({ code, reason }));
