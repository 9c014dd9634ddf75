"""The contract with clients that are already in people's hands.

`released.graphql` is the schema of the last release. It is copied from `schema.graphql` when a version is released, and at no
other time. A change that breaks clients fails here: deprecate what is there, add what is new beside it, and take the old
away with the next major version, whose release copies the schema again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.packages import HERE, ask

RELEASED = HERE / "released.graphql"
PRESENT = HERE.parent.parent / "schema.graphql"


async def breaking(after: Path) -> list[tuple[str, str]]:
    changes: list[dict[str, Any]] = await ask("inspector.mjs", before=str(RELEASED), after=str(after))
    return [(change["type"], change["path"]) for change in changes if change["criticality"] == "BREAKING"]


async def test_nothing_breaks_the_clients_of_the_last_release() -> None:
    assert await breaking(PRESENT) == []


@pytest.mark.parametrize(
    ("what", "instead", "found"),
    [
        ("  street2: String\n", "", ("FIELD_REMOVED", "Address.street2")),
        ("isPaidByAncestor: Boolean!", "isPaidByAncestor: Boolean", ("FIELD_TYPE_CHANGED", "Allocation.isPaidByAncestor")),
        ("  EXACT_MATCH\n", "", ("ENUM_VALUE_REMOVED", "AllocationStrategy.EXACT_MATCH")),
        (
            "input ContactCreateInput {",
            "input ContactCreateInput {\n  title: String!",
            ("INPUT_FIELD_ADDED", "ContactCreateInput.title"),
        ),
    ],
)
async def test_a_change_that_would_break_them_is_found(tmp_path: Path, what: str, instead: str, found: tuple[str, str]) -> None:
    broken = tmp_path / "schema.graphql"
    broken.write_text(RELEASED.read_text("utf-8").replace(what, instead, 1), "utf-8")
    assert await breaking(broken) == [found]
