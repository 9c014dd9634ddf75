// Reads a customer's invoices page by page, as Relay's usePaginationFragment does: the first with the screen's own query, the
// others with the query that relay-compiler made, by `node`. Prints [{name, numbers, hasNext}], one entry per page.
const { Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery } = require("relay-runtime");
const { getPaginationMetadata, getPaginationVariables, getSelector } = require("relay-runtime");
const screen = require("./src/__generated__/CustomerQuery.graphql");
const list = require("./src/__generated__/InvoiceList_customer.graphql");

const { url, id, count } = JSON.parse(process.argv[2]);

async function post({ text }, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json;q=0.9" },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
}

const environment = new Environment({ network: Network.create(post), store: new Store(new RecordSource()) });
const metadata = getPaginationMetadata(list, "pages");
const operation = createOperationDescriptor(screen, { id, count });
// What is shown stays in the store.
environment.retain(operation);

function shown() {
  const customer = environment.lookup(operation.fragment).data.customer;
  const { invoices } = environment.lookup(getSelector(list, customer)).data;
  return { name: customer.name, numbers: invoices.edges.map(({ node }) => node.number), ...invoices.pageInfo };
}

(async () => {
  await fetchQuery(environment, screen, { id, count }).toPromise();
  const pages = [shown()];
  while (pages.at(-1).hasNextPage) {
    const variables = getPaginationVariables("forward", count, pages.at(-1).endCursor, { id, count }, {}, metadata.paginationMetadata);
    await fetchQuery(environment, metadata.paginationRequest, { ...variables, id }).toPromise();
    pages.push(shown());
  }
  console.log(JSON.stringify(pages.map(({ endCursor, ...page }) => page)));
})();
