"""What a server keeps of documents is bounded, however many different ones are sent."""

from __future__ import annotations

import gc
import os
import sys
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.view import Endpoint
from holdco.execution import execute as execution
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from tokens import Anybody

# Ten thousand with HOLDCO_KEPT_DOCUMENTS=10000, which take ten seconds.
DOCUMENTS = int(os.environ.get("HOLDCO_KEPT_DOCUMENTS", "3000"))
DOCUMENTS_MAX = 1_000
# Once as many are kept as may be, each new one takes the place of an old one of the same size. What remains is the slack of
# dictionaries: less than one piece of memory for each document that came and went.
GROWTH_MAX = 0.01
PLANS_MAX = 16


def blocks() -> int:
    """How many pieces of memory Python has given out. Unlike tracing each of them, this costs nothing."""
    gc.collect()
    return sys.getallocatedblocks()


def text_of(number: int) -> str:
    return f"{{ a{number:05}: __typename }}"


async def data(documents: Documents, context: Context, text: str, variables: dict[str, Any] | None = None) -> Any:
    (plans,) = documents.read(text).plans.values()
    return await plans.data(schema, context, variables)


async def test_thousands_of_documents_cost_the_memory_of_those_that_are_kept(context: Context) -> None:
    documents = Documents(schema)
    empty = blocks()
    after: dict[int, int] = {}
    for number in range(DOCUMENTS):
        assert await data(documents, context, text_of(number)) == {f"a{number:05}": "Query"}
        assert len(documents) == min(number + 1, DOCUMENTS_MAX)
        if number + 1 in {DOCUMENTS_MAX, 2 * DOCUMENTS_MAX, DOCUMENTS}:
            after[number + 1] = blocks() - empty
    full = after[DOCUMENTS_MAX]
    assert full > 10 * DOCUMENTS_MAX
    assert after[DOCUMENTS] - after[2 * DOCUMENTS_MAX] < GROWTH_MAX * full
    assert after[2 * DOCUMENTS_MAX] - full < GROWTH_MAX * full


async def test_documents_that_nobody_keeps_take_their_plans_along(context: Context) -> None:
    documents = Documents(schema, documents_max=10)
    first = documents.read(text_of(0))
    assert await data(documents, context, text_of(0)) == {"a00000": "Query"}
    for number in range(1, 11):
        await data(documents, context, text_of(number))
    assert len(documents) == 10
    assert documents.read(text_of(0)) is not first


# Each of the names is skipped by a variable of its own: two to the power of seven ways to run one document.
SWITCHES = [f"s{number}" for number in range(7)]
SWITCHED = "query ({}) {{ {} t: __typename }}".format(
    " ".join(f"${name}: Boolean!" for name in SWITCHES), " ".join(f"{name}: __typename @skip(if: ${name})" for name in SWITCHES)
)


async def test_all_ways_to_skip_parts_of_a_document_are_answered_and_few_are_kept(context: Context) -> None:
    documents = Documents(schema)
    ways = [dict(zip(SWITCHES, values, strict=True)) for values in product([False, True], repeat=len(SWITCHES))]
    assert len(ways) == 128

    async def answer(some: list[dict[str, bool]]) -> int:
        for way in some:
            expected = {name: "Query" for name in SWITCHES if not way[name]} | {"t": "Query"}
            assert await data(documents, context, SWITCHED, way) == expected
        return blocks()

    empty = await answer(ways[:1])
    full = await answer(ways[-PLANS_MAX:])
    after = [await answer(ways) for _ in range(3)]
    assert len(documents) == 1
    # The last plans are the same. Those of all ways would take eight times as much.
    assert max(after) - full < (full - empty) / 2


async def test_a_way_to_skip_that_was_forgotten_is_answered_as_before(context: Context) -> None:
    documents = Documents(schema)
    nothing = dict.fromkeys(SWITCHES, True)
    for number in range(PLANS_MAX + 2):
        way = nothing | {name: bool(number >> bit & 1) for bit, name in enumerate(SWITCHES)}
        await data(documents, context, SWITCHED, way)
    assert await data(documents, context, SWITCHED, nothing) == {"t": "Query"}
    assert await data(documents, context, SWITCHED, nothing | {"s0": False}) == {"s0": "Query", "t": "Query"}


async def test_every_payload_of_a_mutation_keeps_its_plan(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    payloads = " ".join(f"a{n}: invoiceIssue(input: {{ id: $id }}) {{ userErrors {{ code @skip(if: $s) }} }}" for n in range(20))
    document = Documents(schema).read(f"mutation ($id: ID!, $s: Boolean!) {{ {payloads} }}")
    made: list[Any] = []
    plan = execution.planned
    monkeypatch.setattr(execution, "planned", lambda *given: made.append(given) or plan(*given))
    for skipped in (True, False, True, False):
        (plans,) = document.plans.values()
        variables = {"id": "cus_" + "0" * 32, "s": skipped}
        result = await execution.execute(schema, document.node, plans, context=context, variables=variables)
        expected = {} if skipped else {"code": "NOT_FOUND"}
        assert result.data == {f"a{n}": {"userErrors": [expected]} for n in range(20)}
    assert len(made) == 40


async def test_a_server_answers_more_documents_than_it_keeps(engine: AsyncEngine, organization_id: UUID) -> None:
    async def make_context(_request: Request) -> Context:
        return Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))

    app = Starlette(
        routes=[Route("/graphql", Endpoint(schema, make_context=make_context, authentication=Anybody(), is_planning=True))]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://holdco") as client:
        for number in (*range(DOCUMENTS_MAX + 20), 0, 1, DOCUMENTS_MAX):
            answer = await client.post("/graphql", json={"query": text_of(number)})
            assert answer.json() == {"data": {f"a{number:05}": "Query"}}
