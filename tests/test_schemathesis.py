"""Schemathesis makes operations out of the schema, fitting and not, and sends them to the application.

More of them: HOLDCO_EXAMPLES=5000 scripts/test tests/test_schemathesis.py
"""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import schemathesis
from graphql import DirectiveDefinitionNode, DocumentNode, parse, print_ast
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.graphql import nodes

from conftest import Client
from holdco.endpoint.errors import ErrorCode
from hostile import GRAPH, LEAVES
from stories import Story

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "200"))
REFUSALS = {code.name for code in ErrorCode} - {"INTERNAL_ERROR"}

for scalar in ("Decimal", "Date", "DateTime", "CurrencyCode"):
    schemathesis.graphql.scalar(scalar, LEAVES[scalar].map(nodes.String))
schemathesis.graphql.scalar("JSON", st.sampled_from(["", "{}", "\0", "x" * 5_000]).map(nodes.String))


def plain_schema() -> str:
    """The schema without @defer and @stream, which Schemathesis does not read."""
    document = parse((Path(__file__).parent.parent / "schema.graphql").read_text("utf-8"))
    kept = [
        each
        for each in document.definitions
        if not (isinstance(each, DirectiveDefinitionNode) and each.name.value in {"defer", "stream"})
    ]
    return print_ast(DocumentNode(definitions=tuple(kept)))


SCHEMA = schemathesis.graphql.from_file(plain_schema())


def takes_arguments(operation: APIOperation) -> bool:
    kind, _, name = operation.label.partition(".")
    return bool(GRAPH.type_map[kind].fields[name].args)


def cases(mode: GenerationMode) -> SearchStrategy[Case]:
    """What is asked without arguments cannot be asked wrongly."""
    operations = [found.ok() for found in SCHEMA.get_all_operations()]
    if mode is GenerationMode.NEGATIVE:
        operations = [operation for operation in operations if takes_arguments(operation)]
    return st.one_of([operation.as_strategy(mode) for operation in operations])


def codes_of(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", ())}


generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@generated
@given(case=cases(GenerationMode.POSITIVE))
async def test_an_operation_that_fits_the_schema_is_answered_or_refused(client: Client, case: Case) -> None:
    response = await client.http.post("/graphql", json={"query": case.body})
    assert response.status_code == 200
    assert codes_of(response) <= REFUSALS


@generated
@given(case=cases(GenerationMode.NEGATIVE))
async def test_an_operation_that_does_not_fit_the_schema_is_refused_and_changes_nothing(
    client: Client, story: Story, case: Case
) -> None:
    before = await story.everything()
    response = await client.http.post("/graphql", json={"query": case.body})
    assert response.status_code == 200
    assert set() < codes_of(response) <= REFUSALS
    assert "data" not in response.json()
    assert await story.everything() == before
