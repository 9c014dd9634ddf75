"""Finds columns by their headings. Zoho publishes no list of them, and they vary by organization and region, so each field has
several names, and case, spaces and punctuation do not count (domain.md 4, rule 1). A percent sign does: `Item Tax` is the
name of a tax, `Item Tax %` its rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar

from holdco.imports.problems import FileRefused
from holdco.imports.reading import Sheet

Cells = TypeVar("Cells", bound=tuple[str, ...])

Aliases = Mapping[str, Sequence[str]]


def normalised(heading: str) -> str:
    folded = heading.casefold().replace("%", "percent")
    return "".join(character for character in folded if character.isalnum())


class Columns(Generic[Cells]):
    """Where the fields of a named tuple of texts stand in a sheet.

    A field that several columns could fill takes the first in the order of its aliases that has something in the row.
    """

    def __init__(self, sheet: Sheet, cells: type[Cells], aliases: Aliases, *, required: Sequence[Sequence[str]]) -> None:
        """`required` lists fields of which the file must have one. Raises FileRefused when it has none, or a heading twice."""
        assert tuple(aliases) == getattr(cells, "_fields", None), "cells are read in the order of their aliases"
        positions = _positions(sheet.headings)
        self.sheet = sheet
        self._aliases = aliases
        self._found = {
            field: [positions[name] for name in map(normalised, names) if name in positions] for field, names in aliases.items()
        }
        for choice in required:
            if not any(self._found[field] for field in choice):
                names = " or ".join(f"“{aliases[field][0]}”" for field in choice)
                others = [name for field in choice for name in aliases[field][1:]]
                also = f" (also read: {', '.join(others)})" if others else ""
                raise FileRefused(f"There is no column {names}{also}.", line=1)
        known = {normalised(name) for names in aliases.values() for name in names}
        self.unmapped = [heading for heading in sheet.headings if heading and normalised(heading) not in known]
        self.read = self._reader(cells)

    def has(self, *fields: str) -> bool:
        """Whether the sheet has a column for any of these fields."""
        return any(self._found[field] for field in fields)

    def key(self, *fields: str) -> Callable[[list[str]], str]:
        """Picks from a row the first of these fields that is not empty; of a field only its first column counts."""
        positions = [self._found[field][0] for field in fields if self._found[field]]

        def pick(row: list[str]) -> str:
            for position in positions:
                if text := row[position].strip():
                    return text
            return ""

        return pick

    def heading(self, field: str) -> str:
        """What the column of a field is called in this sheet; its usual name where there is none."""
        found = self._found[field]
        return self.sheet.headings[found[0]] if found else self._aliases[field][0]

    def _reader(self, cells: type[Cells]) -> Callable[[list[str]], Cells]:
        # Rows of a large file pass here once each: itemgetter picks all fields in one call, absent ones from an empty cell
        # that is put behind the row.
        make: Any = cells._make  # type: ignore[attr-defined] # named tuples have it
        width = len(self.sheet.headings)
        fields = list(self._aliases)
        pick = itemgetter(*(self._found[field][0] if self._found[field] else width for field in fields))
        fallbacks = [(index, self._found[field][1:]) for index, field in enumerate(fields) if len(self._found[field]) > 1]

        def read(row: list[str]) -> Cells:
            result: Cells = make(map(str.strip, pick([*row, ""])))
            return result

        def read_with_fallbacks(row: list[str]) -> Cells:
            texts = list(map(str.strip, pick([*row, ""])))
            for index, others in fallbacks:
                for position in others:
                    if texts[index]:
                        break
                    texts[index] = row[position].strip()
            result: Cells = make(texts)
            return result

        return read_with_fallbacks if fallbacks else read


def _positions(headings: Sequence[str]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, heading in enumerate(headings):
        name = normalised(heading)
        if name in positions:
            raise FileRefused(
                f"The heading “{heading}” stands twice, in columns {positions[name] + 1} and {position + 1}. Which of them "
                "counts cannot be told; take one away.",
                line=1,
            )
        if name:
            positions[name] = position
    return positions
