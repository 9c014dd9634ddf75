"""What the graph's own scalars take, as values and as literals of a document."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdco.endpoint.errors import presented
from stories import Story

Failing = Callable[..., Awaitable[list[Any]]]

CREATE = 'mutation ($fields: JSON) { customerCreate(input: {name: "Lisbon", customFields: $fields}) { customer { id } } }'


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**64, "beyond 64 bits"),
        (2**63, "beyond 64 bits"),
        (-(2**63) - 1, "beyond 64 bits"),
        (10**400, "beyond 64 bits"),
        (float("inf"), "not finite"),
        (float("-inf"), "not finite"),
        (float("nan"), "not finite"),
        ("a\0b", "zero character"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
async def test_json_that_cannot_be_kept_is_refused(story: Story, execute_failing: Failing, value: Any, why: str) -> None:
    before = await story.everything()
    for fields in ({"a": value}, {"a": [[value]]}, {value: 1} if isinstance(value, str) else value):
        errors = await execute_failing(CREATE, fields=fields)
        assert why in errors[0].message
        assert [error["extensions"]["code"] for error in presented(errors, "")] == ["BAD_USER_INPUT"]
    assert await story.everything() == before


@pytest.mark.parametrize("literal", ["18446744073709551616", "1e999", "-1e999", "[{a: 9223372036854775808}]"])
async def test_literals_are_read_as_carefully_as_values(story: Story, execute_failing: Failing, literal: str) -> None:
    before = await story.everything()
    document = f'mutation {{ customerCreate(input: {{name: "Lisbon", customFields: {{a: {literal}}}}}) {{ customer {{ id }} }} }}'
    errors = await execute_failing(document)
    assert [error["extensions"]["code"] for error in presented(errors, "")] == ["BAD_USER_INPUT"]
    assert await story.everything() == before


async def test_json_is_kept_as_it_came(story: Story) -> None:
    given = {"least": -(2**63), "most": 2**63 - 1, "": 1e300, "list": [None, True, {"é": "\U0001f600"}], "small": 5e-324}
    made = await story.ask(CREATE, fields=given)
    document = "query ($id: ID!) { customer(by: {id: $id}) { customFields } }"
    found = await story.ask(document, id=made["customerCreate"]["customer"]["id"])
    assert json.dumps(found["customer"]["customFields"], sort_keys=True) == json.dumps(given, sort_keys=True)
