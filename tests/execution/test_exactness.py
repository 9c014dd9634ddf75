"""The stock executor is the oracle: what runs a level at a time gives the same bytes, or leaves the answer to the other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    IntValueNode,
    OperationDefinitionNode,
    Visitor,
    experimental_execute_incrementally,
    parse,
    validate,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis_graphql import nodes, queries
from sqlalchemy.ext.asyncio import AsyncEngine

from demo_company import load
from holdco.context import Context
from holdco.database import create_engine
from holdco.endpoint.response import encode
from holdco.execution.execute import PlanFailed, Plans
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer

GRAPH = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "60"))

DOCUMENTS = {path.stem: path.read_text("utf-8") for path in sorted((Path(__file__).parent / "documents").glob("*.graphql"))}


@pytest.fixture(scope="module")
async def demo(database_url: str) -> AsyncIterator[tuple[AsyncEngine, UUID]]:
    """The demo company in an organization of its own."""
    organization_id = uuid4()
    engine = create_engine(database_url, pool_size=2)
    await organizations.ensure(engine, organization_id)
    await load(database_url, organization_id)
    yield engine, organization_id
    await engine.dispose()


async def both(
    engine: AsyncEngine, organization_id: UUID, document: DocumentNode, variables: dict[str, Any] | None = None
) -> tuple[dict[str, Any] | None, Any]:
    """What a level at a time answers, and what graphql-core answers; each in a context of its own."""
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
    try:
        planned = await Plans(document, operation).data(schema, context, variables)
    except PlanFailed:
        planned = None
    await context.close()
    context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
    result = experimental_execute_incrementally(GRAPH, document, context_value=context, variable_values=variables)
    stock = await result if asyncio.iscoroutine(result) or asyncio.isfuture(result) else result
    await context.close()
    return planned, stock


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
async def test_a_planned_document_answers_the_same_bytes(demo: tuple[AsyncEngine, UUID], text: str) -> None:
    document = parse(text)
    assert validate(GRAPH, document) == []
    planned, stock = await both(*demo, document)
    assert stock.errors is None
    assert planned is not None
    assert encode(planned) == encode(stock.data)


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_skip_and_include_follow_their_variables(demo: tuple[AsyncEngine, UUID], *, is_wanted: bool) -> None:
    document = parse(
        "query ($is: Boolean!, $first: Int) { customers(first: $first) { nodes { number @include(if: $is) name @skip(if: $is)"
        " ...F @include(if: $is) } } } fragment F on Customer { invoices(first: $first) { nodes { number } } }"
    )
    planned, stock = await both(*demo, document, {"is": is_wanted, "first": 2})
    assert stock.errors is None
    assert encode(planned) == encode(stock.data)


@pytest.mark.parametrize(
    "text",
    [
        '{ customer(by: {id: "inv_00000000000000000000000000000000"}) { id } }',
        "{ customers(first: -1) { nodes { id } } organization { name } }",
        '{ customers { nodes { number invoices(after: "nonsense") { nodes { id } } } } }',
        '{ node(id: "nothing") { id } }',
    ],
)
async def test_an_error_is_left_to_the_stock_executor(demo: tuple[AsyncEngine, UUID], text: str) -> None:
    planned, stock = await both(*demo, parse(text))
    assert planned is None
    assert len(stock.errors) == 1


async def test_a_mutation_is_left_to_the_stock_executor(demo: tuple[AsyncEngine, UUID]) -> None:
    document = parse('mutation { customerDeactivate(input: {id: "x"}) { userErrors { code } } }')
    planned, _ = await both(*demo, document)
    assert planned is None


def _scalars() -> dict[str, Any]:
    """Values that the graph's own scalars take, for the generator."""
    return {
        "Date": strategies.dates(min_value=date(2020, 1, 1)).map(lambda day: nodes.String(day.isoformat())),
        "DateTime": strategies.just(nodes.String("2026-01-01T00:00:00Z")),
        "Decimal": strategies.just(nodes.String("1.00")),
        "CurrencyCode": strategies.sampled_from(["USD", "EUR"]).map(nodes.String),
        "JSON": strategies.just(nodes.String("json")),
    }


class Answerable(Visitor):
    """Mends what random arguments break, because an operation with an error proves nothing about its other fields."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        match node.name.value:
            case "after" | "before" | "last" | "filter":
                return REMOVE
            case "first":
                return ArgumentNode(name=node.name, value=IntValueNode(value="3"))
            case _:
                return None


ROOTS = ("customers", "invoices", "payments", "customerGroups", "organization")


def test_generated_documents_answer_the_same_bytes(database_url: str) -> None:
    """Thousands with HOLDCO_EXAMPLES=3000. An operation that fails must fail in both ways of running it."""
    compared = {"planned": 0, "failed": 0}
    organization_id = uuid4()
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, pool_size=2)

        async def prepare() -> None:
            await organizations.ensure(engine, organization_id)
            await load(database_url, organization_id)

        runner.run(prepare())

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(text=queries(schema.as_str(), fields=ROOTS, custom_scalars=_scalars(), allow_x00=False))
        def compare(text: str) -> None:
            document = visit(parse(text), Answerable())
            assert validate(GRAPH, document) == [], text
            planned, stock = runner.run(both(engine, organization_id, document))
            if stock.errors:
                compared["failed"] += 1
                assert planned is None, text
            else:
                compared["planned"] += 1
                assert planned is not None, text
                assert encode(planned) == encode(stock.data), text

        compare()
        runner.run(engine.dispose())
    assert compared["planned"] > compared["failed"]
