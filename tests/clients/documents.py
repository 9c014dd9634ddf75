"""What the tests of all clients ask."""

from __future__ import annotations

from typing import Any, Final

CUSTOMER: Final = "query Customer($id: ID!) { customer(by: {id: $id}) { id name } }"
CUSTOMER_AND_ORGANIZATION: Final = "query Both($id: ID!) { customer(by: {id: $id}) { id name } organization { id name } }"
UNKNOWN_FIELD: Final = "{ organization { nickname } }"
CREATE: Final = """
mutation Create($input: CustomerCreateInput!) {
  customerCreate(input: $input) { customer { name number } userErrors { code field } }
}
"""
DEFERRED: Final = """
query Deferred($id: ID!) { customer(by: {id: $id}) { id ... @defer { name receivables { outstanding } } } }
"""
STREAMED: Final = """
query Streamed { customers(orderBy: {field: NAME}) { edges @stream(initialCount: 1) { node { id name } } } }
"""
DEFERRED_FAILURE: Final = 'query DeferredFailure { organization { id } ... @defer { node(id: "nothing_1") { id } } }'

GRAPHQL_RESPONSE: Final = "application/graphql-response+json; charset=utf-8"
MULTIPART: Final = 'multipart/mixed; boundary="-"; incrementalSpec=v0.2'
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
# What makes a browser ask before it sends, so that a page of somebody else's cannot.
PREFLIGHTED: Final = {"apollo-require-preflight": "true"}


def query(document: str, **variables: Any) -> dict[str, Any]:
    """A request for an operation, as protocols have it."""
    return {"query": document, "variables": variables}
