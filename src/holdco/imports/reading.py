"""Reads a CSV file row by row, whatever its size, and knows on which line each row begins.

UTF-8, with or without a byte order mark. The delimiter is whichever of comma, tab and semicolon stands most often in the
headings: Zoho writes commas and tabs, spreadsheets of some countries semicolons. Quotes follow RFC 4180, strictly: a
quotation mark out of place shifts every cell behind it, so the file is refused instead.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from holdco.imports.problems import FileRefused, Problems

_BLOCK = 1 << 20
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_WORKBOOKS = {b"PK\x03\x04": "an Excel or OpenDocument workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}


class Record(NamedTuple):
    """A row below the headings, with the physical line on which it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that has been looked through once: its bytes are text, and these are its headings."""

    path: Path
    name: str
    delimiter: str
    headings: tuple[str, ...]
    line_count: int

    def records(self, problems: Problems | None = None) -> Iterator[Record]:
        """Every row with anything in it. Rows of another width than the headings are left out, and told where asked.

        Raises FileRefused where the quotes do not close.
        """
        width = len(self.headings)
        rows = _rows(self.path, self.delimiter)
        next(rows)
        for record in rows:
            if len(record.cells) == width:
                yield record
            elif problems is not None:
                problems.add(
                    record.line,
                    f"This row has {len(record.cells)} cells, the headings are {width}. A delimiter or a line break inside a "
                    "cell must stand between quotation marks.",
                )


def open_sheet(path: Path) -> Sheet:
    """Raises FileRefused for what is no CSV file in UTF-8 with headings."""
    if not path.is_file():
        raise FileRefused(
            "There is no such file." if not path.exists() else "This is not a file that can be read more than once."
        )
    try:
        line_count = _check_bytes(path)
        delimiter = _delimiter(path)
        first = next(_rows(path, delimiter), None)
    except OSError as problem:
        raise FileRefused(f"It cannot be read: {problem.strerror}.") from None
    if first is None:
        raise FileRefused("The file is empty. It should begin with a row of headings.")
    return Sheet(path, path.name, delimiter, tuple(heading.strip() for heading in first.cells), line_count)


class Documents:
    """The rows of a sheet put together to documents, by a key that the rows of one document have in common.

    A first pass reads the keys alone. In the second, rows of one document usually stand together, and one document is held at
    a time; those that are scattered over the file (it was sorted by something else) are held until its end.
    """

    def __init__(self, sheet: Sheet, key_of: Callable[[list[str]], str], problems: Problems) -> None:
        """Raises FileRefused where the quotes do not close."""
        self.keys: set[str] = set()
        self._sheet = sheet
        self._key_of = key_of
        self._problems = problems
        self._scattered: dict[str, list[Record]] = {}
        previous: str | None = None
        for record in sheet.records():
            key = key_of(record.cells)
            if key != previous:
                if key in self.keys:
                    self._scattered[key] = []
                self.keys.add(key)
                previous = key

    def __iter__(self) -> Iterator[tuple[str, list[Record]]]:
        """Each key with its rows, in the order of the file; scattered ones at the end. Rows of the wrong width are told."""
        scattered = self._scattered
        current: list[Record] = []
        current_key = ""
        for record in self._sheet.records(self._problems):
            key = self._key_of(record.cells)
            if key in scattered:
                scattered[key].append(record)
            elif current and key == current_key:
                current.append(record)
            else:
                if current:
                    yield current_key, current
                current, current_key = [record], key
        if current:
            yield current_key, current
        yield from scattered.items()


def _rows(path: Path, delimiter: str) -> Iterator[Record]:
    """All rows, the headings first; rows with nothing in them are left out, as spreadsheets leave some behind."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                raise FileRefused(
                    f"The row that begins here cannot be read ({problem}). Either a quotation mark is missing, or one inside a "
                    f"cell is not doubled, or a cell is longer than {csv.field_size_limit()} characters.",
                    line=line,
                ) from None
            if any(cells):
                yield Record(line, cells)
            line = reader.line_num + 1


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig", newline="") as text:
        headings = next((line for line in text if line.strip()), "")
    return max(",\t;", key=headings.count)


def _check_bytes(path: Path) -> int:
    """The number of lines. Raises FileRefused for bytes that are no UTF-8 text, naming the first."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_count = 0
    offset = 0
    with path.open("rb") as file:
        _check_kind(file.read(4))
        file.seek(0)
        while True:
            block = file.read(_BLOCK)
            nul = block.find(b"\0")
            if nul >= 0:
                line = line_count + block.count(b"\n", 0, nul) + 1
                raise FileRefused(f"Byte {offset + nul + 1} of the file is a NUL, which is no text.", line=line)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as problem:
                # The decoder counts from what it had kept of the block before.
                position = max(problem.start - pending, 0)
                line = line_count + block.count(b"\n", 0, position) + 1
                byte = problem.object[problem.start]
                raise FileRefused(
                    f"Byte {offset + problem.start - pending + 1} of the file, 0x{byte:02x}, is not UTF-8; the file may be in "
                    "Latin-1 or Windows-1252. Save it as CSV in UTF-8.",
                    line=line,
                ) from None
            if not block:
                return line_count
            line_count += block.count(b"\n")
            offset += len(block)


def _check_kind(beginning: bytes) -> None:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if beginning.startswith(mark):
            raise FileRefused(f"The file is in {encoding}. Save it as CSV in UTF-8.", line=1)
    for mark, kind in _WORKBOOKS.items():
        if beginning.startswith(mark):
            raise FileRefused(f"This is {kind}. Save its sheet as CSV in UTF-8.", line=1)
