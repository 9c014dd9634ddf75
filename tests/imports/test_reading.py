"""Files: bytes, lines, quotes and headings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from holdco.imports.headings import Columns, normalised
from holdco.imports.problems import FileRefused, Problems
from holdco.imports.reading import Documents, Sheet, open_sheet

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(content: bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content)
        return path

    return run


def records(sheet: Sheet) -> list[tuple[int, list[str]]]:
    return [(record.line, record.cells) for record in sheet.records()]


def refusal(path: Path) -> tuple[int | None, str]:
    with pytest.raises(FileRefused) as refused:
        list(open_sheet(path).records())
    return refused.value.line, str(refused.value)


@pytest.mark.parametrize(
    "content", [b"Name,City\nA,B\n", b"\xef\xbb\xbfName,City\r\nA,B\r\n", b"Name,City\nA,B", b"\n\nName,City\nA,B"]
)
def test_a_byte_order_mark_and_the_ends_of_lines_do_not_count(write: Write, content: bytes) -> None:
    sheet = open_sheet(write(content))
    assert sheet.headings == ("Name", "City")
    assert [cells for _, cells in records(sheet)] == [["A", "B"]]


@pytest.mark.parametrize(("content", "cells"), [(b"Name\tCity\nA, B\tC\n", ["A, B", "C"]), (b"Name;City\nA,B;C\n", ["A,B", "C"])])
def test_tabs_and_semicolons_are_known_by_the_headings(write: Write, content: bytes, cells: list[str]) -> None:
    assert records(open_sheet(write(content))) == [(2, cells)]


def test_a_row_is_known_by_the_line_where_it_begins(write: Write) -> None:
    content = b'Name,Notes\nA,"one\ntwo\r\nthree"\nB,\n\n,\nC,"x"\n'
    assert [(line, cells[0]) for line, cells in records(open_sheet(write(content)))] == [(2, "A"), (5, "B"), (8, "C")]


def test_a_row_of_another_width_is_told_with_its_line_and_left_out(write: Write) -> None:
    sheet = open_sheet(write(b"Name,City\nA\nB,C\nD,E,F\n"))
    problems = Problems("file.csv")
    assert [record.cells for record in sheet.records(problems)] == [["B", "C"]]
    assert [(error.line, error.message[:40]) for error in problems.errors] == [
        (2, "This row has 1 cells, the headings are 2"),
        (4, "This row has 3 cells, the headings are 2"),
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b",,\n,,\n"])
def test_an_empty_file_is_refused(write: Write, content: bytes) -> None:
    line, message = refusal(write(content))
    assert (line, message) == (None, "The file is empty. It should begin with a row of headings.")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.csv") == (None, "There is no such file.")
    assert refusal(tmp_path) == (None, "This is not a file that can be read more than once.")


def test_latin_1_is_refused_with_the_line_and_the_byte(write: Write) -> None:
    line, message = refusal(write("Name,City\nA,B\nC,Zürich\n".encode("latin-1")))
    assert line == 3
    assert message.startswith("Byte 18 of the file, 0xfc, is not UTF-8")


def test_a_bad_byte_far_into_the_file_is_counted_rightly(write: Write) -> None:
    """The file is decoded a megabyte at a time, and a character may lie across the border."""
    content = b"Name\n" + b"x" * ((1 << 20) - 6) + "é".encode() + b"\nok\n\xff\n"
    line, message = refusal(write(content))
    assert line == 4
    assert message.startswith(f"Byte {content.index(bytes([0xFF])) + 1} of the file, 0xff")


def test_a_character_that_the_file_ends_within_is_refused(write: Write) -> None:
    content = b"Name\nA\xc3"
    assert refusal(write(content))[1].startswith("Byte 7 of the file, 0xc3")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_unicode_encodings_are_refused_by_name(write: Write, encoding: str) -> None:
    line, message = refusal(write("Name,City\nA,B\n".encode(encoding)))
    assert (line, message) == (1, f"The file is in {encoding.upper()}. Save it as CSV in UTF-8.")


def test_a_nul_is_refused_with_its_line(write: Write) -> None:
    assert refusal(write(b"Name\nA\nB\0\n")) == (3, "Byte 9 of the file is a NUL, which is no text.")


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"])
def test_a_workbook_is_refused_as_what_it_is(write: Write, content: bytes) -> None:
    assert "Excel" in refusal(write(content))[1]


@pytest.mark.parametrize(
    "content",
    [b'Name,City\nA,B\nC,"D\nE,F\n', b'Name,City\nA,B\nC,"D"x\nE,F\n', b"Name,City\nA,B\nC," + b"x" * 131_073 + b"\n"],
)
def test_a_quotation_mark_out_of_place_and_a_cell_without_end_are_refused(write: Write, content: bytes) -> None:
    line, message = refusal(write(content))
    assert line == 3
    assert message.startswith("The row that begins here cannot be read")


def test_rows_of_a_document_are_put_together_wherever_they_stand(write: Write) -> None:
    sheet = open_sheet(write(b"Key,Cell\nA,1\nA,2\nB,3\nA,4\nC,5\n,6\n"))
    documents = Documents(sheet, lambda cells: cells[0], Problems("file.csv"))
    assert documents.keys == {"A", "B", "C", ""}
    found = [(key, [(record.line, record.cells[1]) for record in rows]) for key, rows in documents]
    assert found == [("B", [(4, "3")]), ("C", [(6, "5")]), ("", [(7, "6")]), ("A", [(2, "1"), (3, "2"), (5, "4")])]


class Cells(NamedTuple):
    name: str
    tax: str
    tax_percent: str


ALIASES = {"name": ("Display Name", "Contact Name"), "tax": ("Item Tax",), "tax_percent": ("Item Tax %", "Item Tax1 %")}


def columns(write: Write, headings: str, *, required: list[tuple[str, ...]] | None = None) -> Columns[Cells]:
    return Columns(open_sheet(write(headings.encode())), Cells, ALIASES, required=required or [("name",)])


@pytest.mark.parametrize(
    "heading", ["Display Name", "display name", "DisplayName", "DISPLAY_NAME", " Display-Name ", "contact name"]
)
def test_case_spaces_and_punctuation_of_headings_do_not_count(write: Write, heading: str) -> None:
    found = columns(write, f"Other,{heading}\n")
    assert found.read(["x", " Aldgate "]) == Cells("Aldgate", "", "")
    assert found.unmapped == ["Other"]
    assert found.heading("name") == heading.strip()


def test_a_percent_sign_in_a_heading_does_count(write: Write) -> None:
    assert normalised("Item Tax %") == normalised("item tax percent") != normalised("Item Tax")
    assert columns(write, "Display Name,Item Tax,Item Tax1 %\n").read(["A", "VAT", "20"]) == Cells("A", "VAT", "20")


def test_of_two_columns_for_one_field_the_first_alias_counts_where_it_is_not_empty(write: Write) -> None:
    found = columns(write, "Contact Name,Display Name\n")
    assert found.read(["second", "first"]).name == "first"
    assert found.read(["second", " "]).name == "second"
    assert found.heading("name") == "Display Name"


def test_a_heading_that_stands_twice_is_refused(write: Write) -> None:
    with pytest.raises(FileRefused, match="“display_name” stands twice, in columns 1 and 3"):
        columns(write, "Display Name,City,display_name\n")


def test_a_missing_column_is_named_with_its_other_names(write: Write) -> None:
    with pytest.raises(FileRefused, match=r"There is no column “Display Name” or “Item Tax” \(also read: Contact Name\)\."):
        columns(write, "City,Country\n", required=[("name", "tax")])


def test_the_key_of_a_row_is_the_first_field_that_is_not_empty(write: Write) -> None:
    key = columns(write, "Item Tax,Display Name\n").key("name", "tax")
    assert [key(["VAT", "A"]), key(["VAT", " "]), key(["", ""])] == ["A", "VAT", ""]
