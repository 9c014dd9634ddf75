"""Each limit to the number: what it allows is answered, and one more is refused by its code and told both numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest

from holdco.errors import SettingsError
from holdco.limits import Limits
from holdco.schema import schema
from holdco.settings import Settings
from limits.conftest import Server, Serving

ALLOWED = 12


def _levels(levels: int) -> str:
    """So many levels of fields, each inside the one before."""
    inner = "id"
    for _ in range(levels - 2):
        inner = f"parent {{ {inner} }}"
    return f'customer(by: {{ number: "x" }}) {{ {inner} }}'


# Documents, and their variables, that have exactly so many of what is limited.
def characters(number: int) -> tuple[str, dict[str, Any]]:
    return "{ __typename".ljust(number - 1) + "}", {}


def tokens(number: int) -> tuple[str, dict[str, Any]]:
    return "{" + " __typename" * (number - 2) + "}", {}


def selected(number: int) -> tuple[str, dict[str, Any]]:
    return "{" + " __typename" * (number - 2) + " ...F } fragment F on Query { __typename ... { __typename } }", {}


def depth(number: int) -> tuple[str, dict[str, Any]]:
    return f"{{ ...F }} fragment F on Query {{ __typename ... {{ {_levels(number)} }} }}", {}


def aliases(number: int) -> tuple[str, dict[str, Any]]:
    return "{ organization { " + " ".join(f"a{n}: id" for n in range(number)) + " } }", {}


def directives(number: int) -> tuple[str, dict[str, Any]]:
    return "{ ... @include(if: true) { __typename } " + "__typename @skip(if: false) " * (number - 1) + "}", {}


def root_fields(number: int) -> tuple[str, dict[str, Any]]:
    names = " ".join(f"a{n}: __typename" for n in range(number - 1))
    return f"{{ ...F __typename __typename }} fragment F on Query {{ __typename {names} }}", {}


def repetitions(number: int) -> tuple[str, dict[str, Any]]:
    repeated = "id " * (number - 1)
    return f"{{ organization {{ {repeated} }} ...F }} fragment F on Query {{ organization {{ name }} }}", {}


def literal_items(number: int) -> tuple[str, dict[str, Any]]:
    item = '"cus_00000000000000000000000000000000" '
    nodes = f"nodes(ids: [{item * (number - 1)}]) {{ id }} a: nodes(ids: $ids) {{ id }}"
    return f"query ($ids: [ID!]! = [{item}]) {{ {nodes} }}", {}


def variable_items(number: int) -> tuple[str, dict[str, Any]]:
    ids = ["cus_00000000000000000000000000000000"] * (number - 1)
    return "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids, "more": [{"a": [], "b": 1}]}


def operations(number: int) -> tuple[str, dict[str, Any]]:
    return " ".join(f"query Q{n} {{ __typename }}" for n in range(number)), {}


def fragments(number: int) -> tuple[str, dict[str, Any]]:
    spread = " ".join(f"...F{n}" for n in range(number))
    return f"{{ {spread} }} " + " ".join(f"fragment F{n} on Query {{ __typename }}" for n in range(number)), {}


def declared(number: int) -> tuple[str, dict[str, Any]]:
    used = " ".join(f"... @include(if: $v{n}) {{ __typename }}" for n in range(number))
    return f"query ({' '.join(f'$v{n}: Boolean = true' for n in range(number))}) {{ {used} }}", {}


def arguments(number: int) -> tuple[str, dict[str, Any]]:
    names = [*schema._schema.type_map["CustomerFilter"].fields][:number]  # type: ignore[attr-defined]  # noqa: SLF001
    given = " ".join(f"{name}: null" for name in names)
    return f"query ($first: Int) {{ customers(filter: {{ {given} }}, first: $first) {{ totalCount }} }}", {}


def cost(number: int) -> tuple[str, dict[str, Any]]:
    return "query ($first: Int) { customers(first: $first) { nodes { id } } }", {"first": number - 2}


BOUNDS: dict[str, tuple[Any, str, str]] = {
    "characters": (characters, "characters", "DOCUMENT_TOO_LARGE"),
    "tokens": (tokens, "tokens", "DOCUMENT_TOO_LARGE"),
    "fields": (selected, "fields", "DOCUMENT_TOO_LARGE"),
    "depth": (depth, "depth", "DEPTH_EXCEEDED"),
    "aliases": (aliases, "aliases", "ALIASES_EXCEEDED"),
    "directives": (directives, "directives", "DIRECTIVES_EXCEEDED"),
    "operations": (operations, "operations", "DOCUMENT_TOO_LARGE"),
    "fragments": (fragments, "fragments", "DOCUMENT_TOO_LARGE"),
    "variables": (declared, "variables", "DOCUMENT_TOO_LARGE"),
    "arguments": (arguments, "arguments", "DOCUMENT_TOO_LARGE"),
    "fields of the root": (root_fields, "root_fields", "ROOT_FIELDS_EXCEEDED"),
    "repetitions": (repetitions, "repetitions", "REPETITIONS_EXCEEDED"),
    "items in the document": (literal_items, "list_items", "LIST_TOO_LARGE"),
    "items in the variables": (variable_items, "list_items", "LIST_TOO_LARGE"),
    "cost": (cost, "cost", "COST_EXCEEDED"),
}


def allowed(name: str) -> int:
    return 40 if name == "characters" else ALLOWED


@pytest.mark.parametrize(("made", "name", "code"), BOUNDS.values(), ids=BOUNDS)
async def test_what_a_limit_allows_is_answered_and_one_more_is_not(
    serving: Serving, organization: UUID, sent: list[str], made: Any, name: str, code: str
) -> None:
    number = allowed(name)
    async with serving(organization, Limits(**{name: number})) as server:
        document, variables = made(number + 1)
        response = await server.post(document, variables)
        (error,) = response.json()["errors"]
        told = {"cost": {"requested": number + 1, "maximum": number}} if made is cost else {}
        assert (response.status_code, error["extensions"]) == (400, {"code": code, **told})
        assert str(number) in error["message"]
        if name != "tokens":
            # The parser stops counting where it stops reading.
            assert str(number + 1) in error["message"]
        assert sent == []
        document, variables = made(number)
        named = {"operationName": "Q0"} if made is operations else {}
        answer = (await server.http.post("/graphql", json={"query": document, "variables": variables, **named})).json()
        assert [*answer] == ["data"]


def test_every_limit_has_its_bound_tested_or_is_an_estimate() -> None:
    assert {name for _, name, _ in BOUNDS.values()} | {"tree"} == {field.name for field in fields(Limits)}


def test_every_limit_is_a_setting() -> None:
    environment = {f"HOLDCO_LIMIT_{field.name.upper()}": str(7 + index) for index, field in enumerate(fields(Limits))}
    expected = Limits(**{field.name: 7 + index for index, field in enumerate(fields(Limits))})
    assert Settings.from_environment(environment).limits == expected
    assert Settings.from_environment({}).limits == Limits()
    assert Settings.from_environment({"HOLDCO_LIMIT_DEPTH": ""}).limits == Limits()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1e3", "٨", "9" * 30, "1.5", " 1"])
def test_a_limit_that_makes_no_sense_is_refused_by_name(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^HOLDCO_LIMIT_COST must be a whole number"):
        Settings.from_environment({"HOLDCO_LIMIT_COST": value})


@pytest.mark.parametrize("value", ["OFF", "no", "0", "true"])
def test_introspection_is_on_or_off(value: str) -> None:
    assert Settings.from_environment({}).is_introspection_on
    assert Settings.from_environment({"HOLDCO_INTROSPECTION": "on"}).is_introspection_on
    assert not Settings.from_environment({"HOLDCO_INTROSPECTION": "off"}).is_introspection_on
    with pytest.raises(SettingsError, match=r"^HOLDCO_INTROSPECTION must be on or off"):
        Settings.from_environment({"HOLDCO_INTROSPECTION": value})


INTROSPECTION = [
    "{ __schema { queryType { name } } }",
    '{ __type(name: "Customer") { name } }',
    "{ ...F } fragment F on Query { a: __schema { types { name } } }",
    "{ ... { ... on Query { __schema { types { name } } } } }",
    "mutation { __schema { types { name } } }",
]
NEARLY = {
    "a field": ("{ organisation { id } }", {}),
    "an argument": ("{ customers(frist: 1) { totalCount } }", {}),
    "a field of an input": ('{ customer(by: { numbr: "x" }) { id } }', {}),
    "a type": ("{ ... on Quary { __typename } }", {}),
    "an enum's value": ("{ customers(orderBy: [{ field: NAMES }]) { totalCount } }", {}),
    "an enum's value in a variable": (
        "query ($o: [CustomerOrder!]) { customers(orderBy: $o) { totalCount } }",
        {"o": [{"field": "NAMES"}]},
    ),
    "a field of an input in a variable": (
        "query ($by: CustomerBy!) { customer(by: $by) { id } }",
        {"by": {"numbr": "x"}},
    ),
}


async def test_without_introspection_the_schema_is_not_told(serving: Serving, organization: UUID, sent: list[str]) -> None:
    async with serving(organization, is_introspection_on=False) as server:
        for document in INTROSPECTION:
            assert await server.code(document) == "INTROSPECTION_OFF"
        answer = (await server.post("{ __typename ... on Query { a: __typename } }")).json()
        assert answer == {"data": {"__typename": "Query", "a": "Query"}}
    assert sent == []


@pytest.mark.parametrize(("document", "variables"), NEARLY.values(), ids=NEARLY)
async def test_names_are_suggested_only_with_introspection(
    serving: Serving, server: Server, organization: UUID, document: str, variables: dict[str, Any]
) -> None:
    (suggesting,) = (await server.post(document, variables)).json()["errors"][:1]
    assert "Did you mean" in suggesting["message"]
    async with serving(organization, is_introspection_on=False) as hiding:
        response = await hiding.post(document, variables)
        assert response.status_code == 400
        assert "Did you mean" not in response.text
        assert [each["extensions"] for each in response.json()["errors"]][:1] == [suggesting["extensions"]]
