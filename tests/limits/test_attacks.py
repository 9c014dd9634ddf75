"""Requests that are known to bring GraphQL servers down: each is refused by its own code, and nothing is read for it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from limits.conftest import Server, code_of

HQ = 'customer(by: { number: "ALD-HQ" })'
JSON = {"content-type": "application/json"}


def nested(levels: int, innermost: str = "id", opening: str = "children { nodes {") -> str:
    closing = " }" * opening.count("{")
    return f"{opening} " * levels + innermost + closing * levels


def doubling(fragments: int) -> str:
    """Each fragment spreads the one before it twice."""
    pages = "children(first: 0) {{ nodes {{ ...F{0} }} }}"
    each = (
        f"fragment F{number} on Customer {{ a: {pages.format(number - 1)} b: {pages.format(number - 1)} }}"
        for number in range(1, fragments)
    )
    return f"{{ {HQ} {{ ...F{fragments - 1} }} }} fragment F0 on Customer {{ id }} {' '.join(each)}"


INVOICES = "customers(first: 200) { nodes { invoices(first: 200) { nodes { allocations { nodes { id } } } } } }"
# The name of an attack, the document, and the code of its refusal.
DOCUMENTS: dict[str, tuple[str, str]] = {
    "a hundred aliases of one field": (f"{{ {HQ} {{ {' '.join(f'a{n}: name' for n in range(100))} }} }}", "ALIASES_EXCEEDED"),
    "a hundred aliases of the root": ("{ " + " ".join(f"a{n}: __typename" for n in range(100)) + " }", "ALIASES_EXCEEDED"),
    "fragments of aliases": (
        "{ ...A ...B } "
        + " ".join(f"fragment {f} on Query {{ {' '.join(f'{f}{n}: __typename' for n in range(30))} }}" for f in "AB"),
        "ALIASES_EXCEEDED",
    ),
    "ten unknown directives": ("{ __typename " + "@aa" * 10 + " }", "GRAPHQL_VALIDATION_FAILED"),
    "a hundred unknown directives": ("{ __typename " + "@aa" * 100 + " }", "DIRECTIVES_EXCEEDED"),
    "directives on many fields": (
        f"{{ {HQ} {{ {' '.join('name @include(if: true)' for _ in range(100))} }} }}",
        "DIRECTIVES_EXCEEDED",
    ),
    "directives on the operation and its variables": (
        "query (" + " ".join(f"$v{n}: Int @a" for n in range(30)) + ") " + "@a " * 30 + "{ __typename }",
        "DIRECTIVES_EXCEEDED",
    ),
    "five hundred times the same field": (f"{{ {HQ} {{ {'name ' * 500} }} }}", "REPETITIONS_EXCEEDED"),
    "five hundred times the same list": ("{ " + "customers { nodes { id } } " * 300 + "}", "REPETITIONS_EXCEEDED"),
    "the same list from many fragments": (
        "{ "
        + " ".join(f"...F{n}" for n in range(100))
        + " } "
        + " ".join(f"fragment F{n} on Query {{ customers {{ nodes {{ id }} }} }}" for n in range(100)),
        "REPETITIONS_EXCEEDED",
    ),
    "the same fields in a fragment that nothing spreads": (
        "{ __typename } fragment F on Query { " + "customers { nodes { id } } " * 300 + "}",
        "REPETITIONS_EXCEEDED",
    ),
    "the same fields inside many fragments": (
        "{ organization { " + "... { " * 10 + "id " * 50 + "} " * 10 + "} }",
        "REPETITIONS_EXCEEDED",
    ),
    "many fields inside many fragments": (
        "{ organization { " + "... { " * 20 + " ".join(f"a{n}" for n in range(1_000)) + " }" * 20 + " } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "a fragment of too many fields that nothing spreads": (
        "{ __typename } fragment F on Query { " + "a " * 2_001 + "}",
        "DOCUMENT_TOO_LARGE",
    ),
    "many small fragments": (
        "{ __typename } " + " ".join(f"fragment F{n} on Query {{ a }}" for n in range(700)),
        "DOCUMENT_TOO_LARGE",
    ),
    "many fragments beside one another": (
        "{ "
        + " ".join(f"...F{n}" for n in range(300))
        + " } "
        + " ".join(f"fragment F{n} on Query {{ a{n} }}" for n in range(300)),
        "DOCUMENT_TOO_LARGE",
    ),
    "many operations": (" ".join(f"query Q{n} {{ __typename }}" for n in range(990)), "DOCUMENT_TOO_LARGE"),
    "operations that all spread a large fragment": (
        " ".join(f"query Q{n} {{ ...F }}" for n in range(50))
        + f" fragment F on Query {{ organization {{ {' '.join(f'a{n}' for n in range(100))} }} }}",
        "DOCUMENT_TOO_LARGE",
    ),
    "many variables": (
        "query (" + " ".join(f"$v{n}: Int" for n in range(1_200)) + ") { __typename }",
        "DOCUMENT_TOO_LARGE",
    ),
    "many arguments of one field": (
        "{ customers(" + " ".join(f"a{n}: 1" for n in range(1_600)) + ") { totalCount } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "the same argument many times": ("{ node(" + 'id: "a" ' * 1_600 + ") { id } }", "DOCUMENT_TOO_LARGE"),
    "many arguments of one directive": (
        "{ __typename @include(" + " ".join(f"a{n}: true" for n in range(1_600)) + ") }",
        "DOCUMENT_TOO_LARGE",
    ),
    "many fields of an input": (
        "{ customer(by: { " + " ".join(f"a{n}: 1" for n in range(1_600)) + " }) { id } }",
        "DOCUMENT_TOO_LARGE",
    ),
    "a schema": (" ".join(f"type T{n} {{ a: Int }}" for n in range(700)), "GRAPHQL_VALIDATION_FAILED"),
    "a fragment inside itself": ("{ ...A } fragment A on Query { ...A }", "GRAPHQL_VALIDATION_FAILED"),
    "fragments inside each other": (
        (
            "{ ...A } fragment A on Query { customers { nodes { ...B } } } "
            "fragment B on Customer { children { nodes { ...B ...C } } } "
            "fragment C on Customer { ...B }"
        ),
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "fragments that double": (doubling(24), "DOCUMENT_TOO_LARGE"),
    "a long chain of fragments": (
        "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(3_000)),
        "DOCUMENT_TOO_LARGE",
    ),
    "introspection in circles": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "introspection under many names": (
        "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(21)) + " }",
        "ROOT_FIELDS_EXCEEDED",
    ),
    "many fields at the root": (
        "{ " + " ".join(f'c{n}: customer(by: {{ number: "{n}" }}) {{ id }}' for n in range(40)) + " }",
        "ROOT_FIELDS_EXCEEDED",
    ),
    "5,000 levels": ("{ a " * 5_000 + "}" * 5_000, "DEPTH_EXCEEDED"),
    "5,000 levels of lists": ("{ node(id: " + "[" * 5_000 + "]" * 5_000 + ") { id } }", "DEPTH_EXCEEDED"),
    "60 levels in circles": (f"{{ {HQ} {{ {nested(20, opening='parent { root { parent {')} }} }}", "DEPTH_EXCEEDED"),
    "60 levels out of fragments": (
        (
            f"{{ {HQ} {{ ...A }} }} fragment A on Customer {{ {nested(30, '...B', 'parent {')} }} "
            f"fragment B on Customer {{ {nested(30, opening='parent {')} }}"
        ),
        "DEPTH_EXCEEDED",
    ),
    "a name of 100,000 characters": (f"{{ {'a' * 100_000} }}", "DOCUMENT_TOO_LARGE"),
    "a text of 100,000 characters": (f'{{ node(id: "{"a" * 100_000}") {{ id }} }}', "DOCUMENT_TOO_LARGE"),
    "a comment of 100,000 characters": (f"{{ __typename }} #{'a' * 100_000}", "DOCUMENT_TOO_LARGE"),
    "6,000 comments": ("{ __typename } " + "#\n" * 6_000, "DOCUMENT_TOO_LARGE"),
    "6,000 items in a literal": ("{ nodes(ids: [" + '"a" ' * 6_000 + "]) { id } }", "DOCUMENT_TOO_LARGE"),
    "connections inside connections": (f"{{ {INVOICES} }}", "COST_EXCEEDED"),
    "a page of all under several names": (
        "{ "
        + " ".join(f"a{n}: customers(first: 200) {{ nodes {{ invoices(first: 200) {{ nodes {{ id }} }} }} }}" for n in range(20))
        + " }",
        "COST_EXCEEDED",
    ),
    "down the tree and up again": (
        f"{{ {HQ} {{ {nested(4, opening='children { nodes { parent {')} }} }}",
        "COST_EXCEEDED",
    ),
    "whole trees of many customers": (f"{{ customers(first: 200) {{ nodes {{ {nested(4)} }} }} }}", "COST_EXCEEDED"),
    "connections out of fragments": (
        (
            "{ ...Q } fragment Q on Query { customers(first: 200) { ...C } } "
            "fragment C on CustomerConnection { edges { node { ...I } } } "
            "fragment I on Customer { invoices(first: 200) { edges { node { lines { quantity } customer { id } } } } }"
        ),
        "COST_EXCEEDED",
    ),
    "connections behind an interface": (
        "query { nodes(ids: [" + '"x" ' * 200 + "]) { ... on Payment { id } ... on Customer { "
        "invoices(first: 200) { nodes { customer { contacts(first: 200) { nodes { id } } } } } } } }",
        "COST_EXCEEDED",
    ),
    "connections behind a union": (
        (
            "{ invoices(first: 200) { nodes { allocations(first: 200) { nodes { source { ... on CreditNote { id } "
            "... on Payment { allocations(first: 200) { nodes { id } } } } } } } } }"
        ),
        "COST_EXCEEDED",
    ),
    "a mutation with a payload of everything": (
        (
            'mutation { paymentReverse(input: { id: "x", idempotencyKey: "k", reason: "r" }) { payment { customer { '
            "invoices(first: 200) { nodes { customer { payments(first: 200) { nodes { customer { contacts(first: 200) "
            "{ nodes { id } } } } } } } } } } } }"
        ),
        "COST_EXCEEDED",
    ),
}


async def test_of_many_errors_a_few_are_told(server: Server, sent: list[str]) -> None:
    wrong = " ".join(f"a{n}: 1" for n in range(99))
    for document in (f"{{ customer(by: {{ {wrong} }}) {{ id }} }}", "{ customers { " + "a b c d e f " * 9 + "} }"):
        errors = (await server.post(document)).json()["errors"]
        assert [error["extensions"] for error in errors] == [{"code": "GRAPHQL_VALIDATION_FAILED"}] * 6
        assert errors[-1]["message"].startswith("Too many validation errors")
    assert sent == []


@pytest.mark.parametrize(("document", "code"), DOCUMENTS.values(), ids=DOCUMENTS)
async def test_a_document_that_does_harm_is_refused_before_anything_is_read(
    server: Server, sent: list[str], document: str, code: str
) -> None:
    assert await server.code(document) == code
    assert sent == []


PAGES = """
query ($a: Int = 200, $b: Int = 200, $c: Int) {
  customers(first: $a) { nodes { invoices(first: $b) { nodes { allocations(first: $c) { nodes { id } } } } } }
}
"""
IDS = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { invoices(first: 200) { nodes { lines { quantity } } } } } }"
IN = "query ($ids: [ID!]!) { customers(filter: { id: { in: $ids } }) { totalCount } }"
VARIABLES: dict[str, tuple[str, dict[str, Any], str]] = {
    "pages by variables": (PAGES, {"a": 200, "b": 200, "c": 200}, "COST_EXCEEDED"),
    "pages by the defaults of variables": (PAGES, {"c": 20}, "COST_EXCEEDED"),
    "no page where the variable is null": (PAGES, {"a": None, "b": 200, "c": None}, "COST_EXCEEDED"),
    "pages by variables that are floats": (PAGES, {"a": 200.0, "b": 200.0, "c": 200.0}, "COST_EXCEEDED"),
    "the items of a variable": (IDS, {"ids": ["x"] * 300}, "COST_EXCEEDED"),
    "more items than are read": (IN, {"ids": ["x"] * 20_001}, "LIST_TOO_LARGE"),
    "items of lists inside objects and lists": (
        "{ __typename }",
        {"a": {"b": [[["x"] * 5_000] * 2, {"c": ["x"] * 10_000}]}},
        "LIST_TOO_LARGE",
    ),
}


@pytest.mark.parametrize(("document", "variables", "code"), VARIABLES.values(), ids=VARIABLES)
async def test_variables_that_do_harm_are_refused_before_anything_is_read(
    server: Server, sent: list[str], document: str, variables: dict[str, Any], code: str
) -> None:
    assert await server.code(document, variables) == code
    assert sent == []


BODIES: dict[str, tuple[bytes, int, str]] = {
    "10 MB of spaces": (b'{"query": "{ __typename }"' + b" " * 10_000_000 + b"}", 413, "PAYLOAD_TOO_LARGE"),
    "10 MB of brackets": (b"[" * 10_000_000, 413, "PAYLOAD_TOO_LARGE"),
    "a million brackets": (b"[" * 1_000_000, 400, "BAD_REQUEST"),
    "a million braces": (b'{"query":' * 100_000, 400, "BAD_REQUEST"),
    "a document of half a megabyte": (json.dumps({"query": "{ a " * 100_000}).encode(), 400, "DOCUMENT_TOO_LARGE"),
    "a batch of ten": (json.dumps([{"query": "{ __typename }"}] * 10).encode(), 400, "BAD_REQUEST"),
    "an empty batch": (b"[]", 400, "BAD_REQUEST"),
}


@pytest.mark.parametrize(("body", "status", "code"), BODIES.values(), ids=BODIES)
async def test_a_body_that_does_harm_is_refused_before_anything_is_read(
    server: Server, sent: list[str], body: bytes, status: int, code: str
) -> None:
    response = await server.http.post("/graphql", content=body, headers={**JSON, "accept": "application/graphql-response+json"})
    assert (response.status_code, code_of(response)) == (status, code)
    assert sent == []


async def test_a_batch_is_told_what_to_do_instead(server: Server) -> None:
    response = await server.http.post("/graphql", json=[{"query": "{ __typename }"}])
    (error,) = response.json()["errors"]
    assert error["message"] == "Operations are not batched here: send each in a request of its own."


async def test_a_get_is_limited_as_well(server: Server, sent: list[str]) -> None:
    parameters = {"query": PAGES, "variables": json.dumps({"a": 200, "b": 200, "c": 200})}
    response = await server.http.get("/graphql", params=parameters, headers={"accept": "application/graphql-response+json"})
    assert (response.status_code, code_of(response)) == (400, "COST_EXCEEDED")
    assert sent == []


async def test_old_clients_are_refused_with_200(server: Server) -> None:
    response: httpx.Response = await server.http.post("/graphql", json={"query": f"{{ {INVOICES} }}"})
    assert (response.status_code, [*response.json()]) == (200, ["errors"])


async def test_what_graphiql_asks_about_the_schema_is_answered(server: Server, sent: list[str]) -> None:
    document = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    answer = (await server.post(document, **{"x-holdco-cost": "1"})).json()
    assert answer["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}
    objects = _objects(answer["data"])
    assert objects <= answer["extensions"]["cost"]["requested"] <= 2 * objects
    assert sent == []


def _objects(answer: Any) -> int:
    if isinstance(answer, dict):
        return 1 + sum(map(_objects, answer.values()))
    return sum(map(_objects, answer)) if isinstance(answer, list) else 0


BODY = "id number name groups { id } contacts { nodes { id } } invoices { nodes { id balance } } receivables { currency }"


@pytest.mark.parametrize("opening", ["children { nodes {", "children { edges { node {", "children(first: 200) { nodes {"])
async def test_a_tree_of_twelve_levels_is_answered(server: Server, opening: str) -> None:
    assert await server.code(f"{{ {HQ} {{ {nested(12, 'id name', opening)} }} }}") is None


async def test_a_tree_of_twelve_levels_with_all_that_hangs_there_is_answered(server: Server) -> None:
    document = f"{{ {HQ} {{ {nested(12, '...Body', '...Body children { nodes {')} }} }} fragment Body on Customer {{ {BODY} }}"
    assert await server.code(document) is None
