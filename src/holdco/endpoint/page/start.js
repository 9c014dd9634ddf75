"use strict";
// Starts GraphiQL with the settings that the server put into the page.

const settings = JSON.parse(document.getElementById("settings").textContent);

const workers = { graphql: "graphql.worker.js", json: "json.worker.js" };
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(`${settings.assets}/${workers[label] ?? "editor.worker.js"}`),
};

// GraphiQL calls its keys the same on every site, and developers run many sites on localhost:8000, one after another.
// With a name of our own in front, the tabs of another project do not open here instead of the examples.
const prefix = `holdco:${settings.endpoint}:`;
const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));
const storage = {
  getItem: (key) => localStorage.getItem(prefix + key),
  setItem: (key, value) => localStorage.setItem(prefix + key, value),
  removeItem: (key) => localStorage.removeItem(prefix + key),
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ownKeys().length;
  },
};

const linked = new URLSearchParams(location.search).get("query") ?? undefined;

// GraphiQL would put what is deferred at the root of an answer: it knows no form of parts but the one with paths.
const acceptWhole = ({ document }) =>
  document.definitions.some(({ operation }) => operation === "subscription") ? {} : { accept: "application/graphql-response+json" };
// Headers are shared by all tabs until somebody edits one's own.
const headers = JSON.stringify({ Authorization: `Bearer ${settings.token ?? ""}` }, null, 2);

YogaGraphiQL.renderYogaGraphiQL(document.getElementById("graphiql"), {
  endpoint: settings.endpoint,
  additionalHeaders: acceptWhole,
  title: "Holdco",
  logo:
    '<svg width="28" height="28" viewBox="0 0 28 28" fill="none" stroke="currentColor" stroke-width="2">' +
    '<path d="M14 9v5M6 19v-5h16v5"/><circle cx="14" cy="6" r="3"/><circle cx="6" cy="22" r="3"/><circle cx="22" cy="22" r="3"/></svg>',
  storage,
  headers,
  // What the editor starts with stands in the first tab, where the first example would lose its text to a link.
  defaultTabs: [
    ...(linked ? [{ query: linked, headers }] : []),
    ...settings.tabs.map(({ query, variables }) => ({ query, variables, headers })),
  ],
  // Tabs, not the address, keep what was typed; a link with ?query=… still opens as a tab of its own.
  initialQuery: linked,
  onEditQuery: undefined,
  // Headers may carry a token, which does not belong into the browser's storage.
  shouldPersistHeaders: false,
});
