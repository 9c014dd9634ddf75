"""The contract: what is printed is what is served, and its conventions hold everywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)

import holdco
from holdco.errors import Refusal, UserErrorCode
from holdco.ids import Kind
from holdco.schema import schema

SOURCES: Final = Path(holdco.__file__).parent
GRAPH: Final = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
OBJECTS: Final = [
    kind for name, kind in GRAPH.type_map.items() if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
]
CONNECTIONS: Final = [kind for kind in OBJECTS if kind.name.endswith("Connection")]


def mutations() -> GraphQLObjectType:
    assert GRAPH.mutation_type is not None
    return GRAPH.mutation_type


def test_the_printed_contract_is_what_the_code_serves() -> None:
    printed = (SOURCES.parents[1] / "schema.graphql").read_text(encoding="utf-8")
    assert printed.rstrip("\n") == schema.as_str().rstrip("\n"), "Run scripts/schema."


def test_every_connection_has_nodes_beside_edges_and_tells_its_page_and_its_count() -> None:
    assert len(CONNECTIONS) >= 10
    for connection in CONNECTIONS:
        fields = {name: str(field.type) for name, field in connection.fields.items()}
        node = fields["nodes"].strip("[]!")
        edge = get_named_type(connection.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        assert fields == {
            "nodes": f"[{node}!]!",
            "edges": f"[{edge.name}!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int!",
        }
        assert (str(edge.fields["node"].type), str(edge.fields["cursor"].type)) == (f"{node}!", "String!")


def test_every_connection_is_asked_for_page_by_page() -> None:
    for kind in OBJECTS:
        for field in kind.fields.values():
            if get_named_type(field.type) in CONNECTIONS:
                assert {"first", "after"} <= field.args.keys()
                assert (str(field.args["first"].type), str(field.args["after"].type)) == ("Int", "String")


def test_lists_that_grow_are_connections() -> None:
    """A plain list is of what is few by nature: each is named here, with what keeps it few."""
    plain = {
        f"{kind.name}.{name}"
        for kind in OBJECTS
        for name, field in kind.fields.items()
        if "[" in str(field.type)
        and kind not in CONNECTIONS
        and name != "userErrors"
        and isinstance(get_named_type(field.type), (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType))
    }
    assert plain == {
        "Query.nodes",  # at most 200 ids
        "Viewer.customers",  # of one client user
        "Customer.externalReferences",  # at most 100
        "Customer.ancestors",  # a path
        "Customer.groups",  # of one customer
        "Customer.receivables",  # one per currency
        "Customer.consolidatedReceivables",
        "CustomerGroup.consolidatedReceivables",
        "Insights.byCurrency",
        "Insights.byMonth",  # at most 120 months, and one per currency
        "Insights.topCustomers",  # at most 100
        "EffectivePriceList.candidates",  # of one customer and those above it
        "EffectivePercent.candidates",
        "EffectivePaymentTerms.candidates",
        "CustomerGroupPayload.shadowed",  # at most 200
        "Invoice.lines",  # at most 1000
        "Invoice.termsDrift",  # one per field
        "InvoicePayload.termsDrift",
        "TermDrift.lines",  # as Invoice.lines
        "Item.prices",  # one per currency
        "PriceList.prices",  # of at most 200 items
        "AllocationPlan.lines",  # what one request does, all of it or nothing
        "AllocationPlan.skipped",
        "AllocationPayload.allocations",
        "AllocationPayload.skipped",
        "PaymentPayload.allocations",
        "PaymentPayload.skipped",
        "PaymentPayload.allocationErrors",
        "PaymentPayload.possibleDuplicates",  # at most 10
        "InvoiceVoidPayload.reversals",
        "CustomerChanged.customers",  # at most 500 in an event, of all three
        "InvoiceChanged.invoices",
        "PaymentApplied.allocations",
    }


def test_every_mutation_takes_one_input_and_says_why_it_refused() -> None:
    for name, field in mutations().fields.items():
        assert list(field.args) == ["input"], name
        given = field.args["input"].type
        assert str(given) == f"{name[0].upper()}{name[1:]}Input!" or name.startswith("customerGroupMembers")
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert payload.name.endswith("Payload")
        assert str(field.type) == f"{payload.name}!"
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        others = [str(each.type) for other, each in payload.fields.items() if other != "userErrors"]
        assert all(not each.endswith("!") or each.startswith("[") or each in {"Boolean!", "Int!"} for each in others), name


def test_whatever_moves_money_or_changes_many_customers_needs_an_idempotency_key() -> None:
    keyed = set()
    for name, field in mutations().fields.items():
        given = get_named_type(field.args["input"].type)
        assert isinstance(given, GraphQLInputObjectType)
        if "idempotencyKey" in given.fields:
            assert str(given.fields["idempotencyKey"].type) == "String!"
            payload = get_named_type(field.type)
            assert isinstance(payload, GraphQLObjectType)
            assert str(payload.fields["replayed"].type) == "Boolean!"
            keyed.add(name)
    assert keyed == {
        "paymentRecord",
        "paymentApply",
        "paymentReverse",
        "creditNoteCreate",
        "creditNoteApply",
        "allocationReverse",
        "invoiceVoid",
        "customersBulkUpdate",
    }


def test_every_kind_of_id_names_a_type_that_is_found_again() -> None:
    nodes = {kind.name for kind in OBJECTS if any(interface.name == "Node" for interface in kind.interfaces)}
    spoken = {"GROUP": "CustomerGroup"}
    # Tokens are listed for administrators; none is found by its id.
    hidden = {Kind.ACCESS_TOKEN}
    assert nodes == {spoken.get(kind.name, kind.noun.title().replace(" ", "")) for kind in Kind if kind not in hidden}


def test_no_amount_is_a_float_and_no_name_is_written_in_another_style() -> None:
    assert "Float" not in GRAPH.type_map
    for kind in GRAPH.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            assert all(value == value.upper() and value.replace("_", "").isalnum() for value in kind.values), kind.name
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for name in kind.fields:
                assert name[0].islower(), (kind.name, name)
                assert name.isalnum(), (kind.name, name)


def _refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for below in kind.__subclasses__():
        yield below
        yield from _refusals(below)


def test_every_code_is_that_of_a_refusal_and_every_refusal_is_raised_somewhere() -> None:
    used = {
        node.id if isinstance(node, ast.Name) else node.attr
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Name, ast.Attribute))
    }
    assert {kind.__name__ for kind in _refusals()} - used == set()
    assert {kind.code for kind in _refusals()} == set(UserErrorCode)
