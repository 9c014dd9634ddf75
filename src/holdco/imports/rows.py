"""One row, or the rows of one document, while they are read: cells by field, and where their problems are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from holdco.errors import UserErrorCode
from holdco.imports import values
from holdco.imports.headings import Cells, Columns
from holdco.imports.problems import CellRefused, Problems
from holdco.imports.values import Remembered
from holdco.validation import NAME_LENGTH_MAX

Value = TypeVar("Value")

ADDRESS_PARTS = ("attention", "street", "street2", "city", "state", "postal_code", "country", "phone")


class Fields:
    """Fields that are read in the same way, picked at once: rows of large files are read in a few calls each."""

    def __init__(self, cells: type[tuple[str, ...]], *names: str) -> None:
        order: Sequence[str] = cells._fields  # type: ignore[attr-defined] # named tuples have it
        self.names = names
        self.pick: Callable[[tuple[str, ...]], tuple[str, ...]] = itemgetter(*(order.index(name) for name in names))


class Row(Generic[Cells]):
    """Reading a cell that is refused tells the problem and gives None, so that the next cell is looked at all the same."""

    __slots__ = ("cells", "columns", "is_sound", "line", "problems")

    def __init__(self, columns: Columns[Cells], line: int, cells: Cells, problems: Problems) -> None:
        self.columns = columns
        self.line = line
        self.cells = cells
        self.problems = problems
        self.is_sound = True

    def text(self, field: str) -> str:
        found: str = getattr(self.cells, field)
        return found

    def optional(self, field: str, read: Callable[[str], Value | None] | Mapping[str, Value | None]) -> Value | None:
        """None where the cell is empty, and where it is refused."""
        text: str = getattr(self.cells, field)
        if not text:
            return None
        try:
            return read(text) if callable(read) else read[text]
        except CellRefused as problem:
            self.refuse(str(problem), field)
            return None

    def required(self, field: str, read: Callable[[str], Value | None] | Mapping[str, Value | None]) -> Value | None:
        """As `optional`, but an empty cell is told."""
        if not getattr(self.cells, field):
            self.refuse("This cell cannot be empty.", field)
            return None
        return self.optional(field, read)

    def each(self, fields: Fields, read: Remembered[Value | None]) -> list[Value | None]:
        """As `optional` for each of the fields; what is read knows the empty text."""
        try:
            return list(map(read.__getitem__, fields.pick(self.cells)))
        except CellRefused:
            return [self.optional(name, read) for name in fields.names]

    def kept(self, field: str, length_max: int = NAME_LENGTH_MAX) -> str | None:
        """The text of a cell, None where it is empty."""
        text: str = getattr(self.cells, field)
        if len(text) <= length_max:
            return text or None
        return self.optional(field, lambda given: values.limited(given, length_max))

    def refuse(self, message: str, field: str | None = None, code: UserErrorCode = UserErrorCode.INVALID_INPUT) -> None:
        self.is_sound = False
        column = None if field is None else self.columns.heading(field)
        self.problems.add(self.line, message, column=column, code=code)

    def address(self, prefix: str) -> dict[str, str] | None:
        """The parts of an address whose fields are `<prefix>_<part>`, as `holdco.shapes` shows them; None without any."""
        found = {}
        for part in ADDRESS_PARTS:
            field = f"{prefix}_{part}"
            # Streets of several lines stand in one cell.
            if getattr(self.cells, field, "") and (text := self.kept(field)):
                found[part] = text
        return found or None


def differing(first: Sequence[str], other: Sequence[str]) -> int | None:
    """The index of the first cell in which a further row of a document contradicts the first one; empty cells do not."""
    for index, (one, another) in enumerate(zip(first, other, strict=True)):
        if another and one != another:
            return index
    return None
