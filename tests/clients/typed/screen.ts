// A screen of a customer's invoices. It is only type-checked: every line says what the generated types must know.
import { type CustomerInvoicesQuery, CustomerInvoicesDocument, type CustomerCreateInput } from "./generated/graphql";
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";

type Invoice = NonNullable<CustomerInvoicesQuery["customer"]>["invoices"]["nodes"][number];

export const variables: VariablesOf<typeof CustomerInvoicesDocument> = { id: "cus_1" };

export const input: CustomerCreateInput = { name: "Lisbon" };

// Money is a string: adding it up as numbers would lose cents.
export const owed = (invoice: Invoice): string => `${invoice.balance} ${invoice.currency}`;

export const names = (result: ResultOf<typeof CustomerInvoicesDocument>): string[] =>
  result.customer === null || result.customer === undefined ? [] : [result.customer.name, ...result.customer.invoices.nodes.map(owed)];
