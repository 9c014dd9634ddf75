"""What the tests of all clients ask."""

from __future__ import annotations

from typing import Final

CUSTOMER: Final = "query Customer($id: ID!) { customer(by: {id: $id}) { id name } }"
CUSTOMER_AND_ORGANIZATION: Final = "query Both($id: ID!) { customer(by: {id: $id}) { id name } organization { id name } }"
UNKNOWN_FIELD: Final = "{ organization { nickname } }"
CREATE: Final = """
mutation Create($input: CustomerCreateInput!) {
  customerCreate(input: $input) { customer { name number } userErrors { code field } }
}
"""

GRAPHQL_RESPONSE: Final = "application/graphql-response+json; charset=utf-8"
# What makes a browser ask before it sends, so that a page of somebody else's cannot.
PREFLIGHTED: Final = {"apollo-require-preflight": "true"}
