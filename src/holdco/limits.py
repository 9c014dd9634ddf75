"""How much one request may ask for. What asks for more is refused before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from holdco.errors import SettingsError

_HIGHEST: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Each is the highest number that is served, and is set by HOLDCO_LIMIT_ and its name: HOLDCO_LIMIT_DEPTH=20.

    `characters`  of a document's text, long names and comments included
    `tokens`      of a document, comments included
    `fields`      that the operations of a document, or one of its fragments, select once fragments are spread out
    `depth`       of fields inside fields, introspection apart; a level of a tree by `children { edges { node` takes three
    `aliases`     that a document writes
    `directives`  that a document writes
    `root_fields` that an operation has, by the names in the answer
    `repetitions` of fields beside themselves, with all below them: comparing those is what validation takes longest for
    `list_items`  of all lists together that a document and its variables give as input
    `cost`        objects that an answer may have at most (see holdco.endpoint.cost)
    `tree`        customers that one tree is reckoned to have, where a document nests `children`
    `operations`  that a document has
    `fragments`   that a document defines: validation compares those that stand beside one another in pairs
    `variables`   that the operations of a document declare
    `arguments`   of one field or directive, and fields of one input object: a refusal writes all of them down
    """

    characters: int = 100_000
    tokens: int = 5_000
    fields: int = 2_000
    depth: int = 50
    aliases: int = 50
    directives: int = 50
    root_fields: int = 20
    repetitions: int = 200
    list_items: int = 20_000
    cost: int = 500_000
    tree: int = 4_000
    operations: int = 50
    fragments: int = 100
    variables: int = 200
    arguments: int = 100

    @property
    def of_trusted(self) -> Limits:
        """For documents that whoever runs this server has written: only what one may cost, which its variables decide, still
        bounds those.
        """
        unbounded = {field.name: _HIGHEST for field in fields(self) if field.name not in {"cost", "tree"}}
        return replace(self, **unbounded)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Limits:
        """Raises SettingsError, naming the variable, for a value that makes no sense."""
        given: dict[str, int] = {}
        for field in fields(cls):
            variable = f"HOLDCO_LIMIT_{field.name.upper()}"
            if text := environment.get(variable):
                given[field.name] = _number(variable, text)
        return cls(**given)


def _number(variable: str, text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST))
    if not is_number or not 1 <= int(text) <= _HIGHEST:
        raise SettingsError(f"{variable} must be a whole number from 1 to {_HIGHEST}, not {text[:60]!r}.")
    return int(text)
