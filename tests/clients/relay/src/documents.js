// What a screen of a customer's invoices asks. relay-compiler reads this file; nothing runs it.
graphql`
  query CustomerQuery($id: ID!, $count: Int!) {
    customer(by: { id: $id }) {
      name
      ...InvoiceList_customer @arguments(count: $count)
    }
  }
`;

graphql`
  fragment InvoiceList_customer on Customer
  @refetchable(queryName: "InvoiceListPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    invoices(first: $count, after: $cursor, orderBy: [{ field: NUMBER }]) @connection(key: "InvoiceList_invoices") {
      edges {
        node {
          id
          number
          balance
        }
      }
    }
  }
`;
