"""What an operation costs is what its answer may have, however it is written, and is told to whoever asks."""

from __future__ import annotations

import json
import os
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLObjectType, get_named_type, get_nullable_type, is_composite_type, is_list_type
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

import demo_company
from asking import answered
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.graphiql import Example, read_examples
from holdco.execution.execute import execute
from holdco.limits import Limits
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.sizes import SIZES
from holdco.viewer import StaffRole, Viewer
from limits.conftest import Server
from limits.documents import GRAPH, documents

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "150"))
BEYOND = Limits(
    tokens=10**5,
    fields=10**5,
    depth=500,
    aliases=10**4,
    directives=10**4,
    fragments=10**4,
    root_fields=500,
    repetitions=10**6,
)
READ = Documents(schema, sizes=SIZES, limits=BEYOND)


def cost_of(document: str, variables: dict[str, Any] | None = None) -> int:
    (cost,) = READ.read(document).costs.values()
    return cost.of(variables)


CUSTOMER = 'customer(by: { number: "ALD-HQ" })'
# The selection of a query, and the objects that its answer may have, the answer itself included.
COSTS: dict[str, tuple[str, int]] = {
    "no object": ("__typename", 1),
    "an object": (f"{CUSTOMER} {{ id name }}", 2),
    "objects in objects": (f"{CUSTOMER} {{ billingAddress {{ city }} parent {{ root {{ id }} }} }}", 5),
    "a list of a declared size": (f"{CUSTOMER} {{ receivables {{ net }} groups {{ id }} }}", 2 + 3 + 5),
    "a count": ("customers { totalCount }", 2),
    "a page": ("customers(first: 7) { nodes { id } }", 2 + 7),
    "a page from the end": ("customers(last: 7) { nodes { id } }", 2 + 7),
    "the usual page": ("customers { nodes { id } }", 2 + 50),
    "the usual page, written as null": ("customers(first: null) { nodes { id } }", 2 + 50),
    "a page of none, like one of one": ("customers(first: 0) { nodes { id } }", 2 + 1),
    "a negative page, which is refused later": ("customers(first: -5) { nodes { id } }", 2 + 1),
    "a page too large, which is refused later": ("customers(first: 2147483647) { nodes { id } }", 2 + 200),
    "a page of descendants": (f"{CUSTOMER} {{ descendants(first: 500) {{ nodes {{ id }} }} }}", 3 + 500),
    "a list that is no connection": (
        f"{CUSTOMER} {{ insights {{ topCustomers(currency: USD, first: 7) {{ customer {{ id }} }} }} }}",
        3 + 7 * 2,
    ),
    "edges": ("customers(first: 7) { edges { cursor node { id } } pageInfo { endCursor } }", 2 + 7 * 2 + 1),
    "nodes and edges": ("customers(first: 7) { nodes { id } edges { node { id } } }", 2 + 7 * 3),
    "pages in pages": (
        "customers(first: 7) { nodes { invoices(first: 3) { nodes { lines { quantity } } } } }",
        2 + 7 * (2 + 3 * 11),
    ),
    "several names for one connection": (
        "a: customers(first: 7) { nodes { id } } b: customers(first: 3) { nodes { id } }",
        3 + 10,
    ),
    "one connection twice": ("customers(first: 7) { nodes { id } } customers(first: 7) { nodes { name } }", 2 + 7),
    "items of a literal": ('nodes(ids: ["a", "b", "c"]) { id }', 1 + 3),
    "an item that stands for a list": ('nodes(ids: "a") { id }', 1 + 1),
    "the dearest type of an interface": (
        'nodes(ids: ["a", "b"]) { id ... on Customer { groups { id } } ... on Invoice { lines { quantity } customer { id } } }',
        1 + 2 * 12,
    ),
    "what all types of an interface have beside it": (
        'node(id: "a") { ... on Node { ... on Customer { parent { id } } } ... on Customer { root { id } } }',
        1 + 3,
    ),
    "the dearest type of a union": (
        (
            'invoice(by: { number: "1" }) { allocations(first: 2) { nodes { source { ... on Payment { id } '
            "... on CreditNote { customer { id } } } } } }"
        ),
        3 + 2 * 3,
    ),
    "skipped as written": (f"{CUSTOMER} {{ id parent @skip(if: true) {{ id }} root @include(if: true) {{ id }} }}", 3),
    "a tree that multiplies to less than a tree has": (
        f"{CUSTOMER} {{ children(first: 7) {{ nodes {{ children(first: 3) {{ nodes {{ id }} }} }} }} }}",
        3 + 7 * (2 + 3),
    ),
    "a tree that multiplies to more": (
        f"{CUSTOMER} {{ {'children { nodes { ' * 9} groups {{ id }} {'} } ' * 9} }}",
        1 + 4_000 * (1 + 5),
    ),
    "two trees at once, each by its name": (
        f"{CUSTOMER} {{ {'children { nodes { ' * 9} id {'} } ' * 9} }}".replace(
            "children { nodes { children", "children { nodes { a: children { nodes { id } } children", 1
        ),
        1 + 4_000 * 3,
    ),
    "trees of several customers": (
        f"customers(first: 3) {{ nodes {{ {'children { nodes { ' * 9} id {'} } ' * 9} }} }}",
        2 + 3 * 4_000 * 2,
    ),
    "average types": ("__schema { directives { name } }", 2 + len(GRAPH.directives)),
}


@pytest.mark.parametrize(("selection", "cost"), COSTS.values(), ids=COSTS)
def test_each_object_that_may_be_there_counts(selection: str, cost: int) -> None:
    assert cost_of(f"{{ {selection} }}") == cost


@pytest.mark.parametrize(("selection", "cost"), COSTS.values(), ids=COSTS)
def test_fragments_change_nothing(selection: str, cost: int) -> None:
    assert cost_of(f"{{ ...A }} fragment A on Query {{ ... on Query {{ ...B }} }} fragment B on Query {{ {selection} }}") == cost


VARIABLES: list[tuple[str, dict[str, Any] | None, int]] = [
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", None, 50),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": None}, 50),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 3}, 3),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 3.0}, 3),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 0}, 1),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": -3}, 1),
    ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 10**30}, 200),
    ("query ($n: Int = 4) { customers(first: $n) { nodes { id } } }", {}, 4),
    ("query ($n: Int = 4) { customers(first: $n) { nodes { id } } }", {"n": None}, 50),
    ("query ($n: Int = 4) { customers(first: $n) { nodes { id } } }", {"n": 9}, 9),
    ("query ($n: Int, $m: Int) { customers(first: $n, last: $m) { nodes { id } } }", {"m": 9}, 9),
    ("query ($n: Int, $m: Int) { customers(first: $n, last: $m) { nodes { id } } }", {"n": 9}, 9),
    ("query ($on: Boolean!) { customers(first: 9) { nodes @include(if: $on) { id } } }", {"on": True}, 9),
    ("query ($on: Boolean!) { customers(first: 9) { nodes @include(if: $on) { id } } }", {"on": False}, 0),
    ("query ($on: Boolean!) { customers(first: 9) { nodes @skip(if: $on) { id } } }", {"on": True}, 0),
    ("query ($on: Boolean = true) { customers(first: 9) { ... @skip(if: $on) { nodes { id } } } }", {}, 0),
    ("query ($on: Boolean!) { customers(first: 9) { nodes @skip(if: $on) { id } nodes { id } } }", {"on": True}, 9),
]


@pytest.mark.parametrize(("document", "variables", "nodes"), VARIABLES)
def test_pages_and_conditions_may_be_variables(document: str, variables: dict[str, Any] | None, nodes: int) -> None:
    for _ in range(2):
        assert cost_of(document, variables) == 2 + nodes


@pytest.mark.parametrize(("ids", "cost"), [(["a"] * 5, 6), ([], 2), ("a", 2)])
def test_items_of_a_variable_count(ids: Any, cost: int) -> None:
    assert cost_of("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}) == cost


def test_a_value_that_does_not_fit_leaves_nothing_behind_for_one_that_does() -> None:
    conditional = "query ($on: Boolean!) { customers(first: 99) { nodes @include(if: $on) { id } } }"
    assert [cost_of(conditional, {"on": value}) for value in (1, True, 1.0, True)] == [2, 101, 2, 101]
    paged = "query ($n: Int) { customers(first: $n) { nodes { name } } }"
    assert [cost_of(paged, {"n": value}) for value in (True, 1, "7", 7)] == [52, 3, 3, 9]


def test_many_sizes_of_one_document_are_told_apart() -> None:
    document = "query ($n: Int) { customers(first: $n) { nodes { id } } }"
    for _ in range(2):
        assert [cost_of(document, {"n": n}) for n in range(1, 201)] == [2 + n for n in range(1, 201)]


def test_a_mutation_costs_more_than_its_payload() -> None:
    move = 'customerMove(input: { id: "a" }) { openInvoiceCount }'
    assert cost_of(f"mutation {{ {move} }}") == 1 + 11
    assert cost_of(f"mutation {{ a: {move} b: {move} }}") == 1 + 22


def test_a_cost_beyond_counting_is_a_number_all_the_same() -> None:
    inner = "invoices(first: 200) { nodes { customer { " * 10 + "id" + " } } }" * 10
    assert cost_of(f"{{ customers(first: 200) {{ nodes {{ {inner} }} }} }}") == 2**53 - 1


def test_the_size_of_every_list_is_declared() -> None:
    lists = {
        f"{kind.name}.{name}"
        for kind in GRAPH.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__") and not kind.name.endswith("Connection")
        for name, field in kind.fields.items()
        if is_list_type(get_nullable_type(field.type)) and is_composite_type(get_named_type(field.type))
    }
    assert set(SIZES.lists) == lists
    for name in (*SIZES.pages, *SIZES.trees):
        owner, _, field_name = name.partition(".")
        kind = GRAPH.type_map[owner]
        assert isinstance(kind, GraphQLObjectType)
        assert "first" in kind.fields[field_name].args


@pytest.mark.parametrize("example", read_examples(), ids=lambda example: example.name)
def test_the_tabs_of_graphiql_are_within_the_limits(example: Example) -> None:
    (cost,) = Documents(schema, sizes=SIZES).read(example.query).costs.values()
    assert 100 < cost.check(json.loads(example.variables) if example.variables is not None else None) < 50_000


async def test_the_cost_is_told_when_it_is_asked_for(server: Server) -> None:
    document = "query ($n: Int) { customers(first: $n) { nodes { id } } }"
    asked = await server.post(document, {"n": 5}, **{"x-holdco-cost": "1"})
    assert asked.json() == {
        "data": {"customers": {"nodes": []}},
        "extensions": {"cost": {"requested": 7, "maximum": 500_000}},
    }
    assert (await server.post(document, {"n": 5})).json() == {"data": {"customers": {"nodes": []}}}


async def test_the_cost_is_told_beside_errors_as_well(server: Server) -> None:
    answer = (await server.post("{ customers(first: -1) { nodes { id } } }", **{"x-holdco-cost": "1"})).json()
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]
    assert answer["extensions"] == {"cost": {"requested": 3, "maximum": 500_000}}


async def test_a_refusal_tells_both_numbers_and_what_to_change(server: Server) -> None:
    nested = "customers(first: 200) { nodes { invoices(first: 200) { nodes { allocations(first: 200) { nodes { id } } } } } }"
    (error,) = (await server.post(f"{{ {nested} }}")).json()["errors"]
    assert error == {
        "message": "The answer may have 8,080,402 objects, and at most 500,000 are served: "
        "ask for smaller pages (`first`) or fewer levels, or split the operation.",
        "extensions": {"code": "COST_EXCEEDED", "cost": {"requested": 8_080_402, "maximum": 500_000}},
    }


def objects(answer: Any) -> int:
    if isinstance(answer, dict):
        return 1 + sum(map(objects, answer.values()))
    return sum(map(objects, answer)) if isinstance(answer, list) else 0


@pytest.fixture(scope="module")
async def demo(engine: AsyncEngine, database_url: str) -> tuple[UUID, list[str]]:
    """An organization with the demo company, and the ids of what it has."""
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    assert await demo_company.load(database_url, organization_id)
    ids = "{ customers { nodes { id } } invoices { nodes { id } } payments { nodes { id } } customerGroups { nodes { id } } }"
    data = (await answered(engine, organization_id, ids, {})).data
    assert data is not None
    return organization_id, [json.dumps(node["id"]) for page in data.values() for node in page["nodes"]]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_no_answer_has_more_objects_than_it_may_have(
    engine: AsyncEngine, demo: tuple[UUID, list[str]], data: st.DataObject
) -> None:
    organization_id, ids = demo
    document, variables = data.draw(documents(ids))
    read = READ.read(document)
    (plans,), (cost,) = read.plans.values(), read.costs.values()
    context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
    try:
        result = await execute(schema, read.node, plans, context=context, variables=variables)
    finally:
        await context.close()
    assert result.errors is None, result.errors
    assert objects(result.data) <= cost.of(variables)
