"""The list of codes that people read is the list that the program has."""

from __future__ import annotations

from pathlib import Path

from holdco.endpoint.codes import table
from holdco.endpoint.errors import ErrorCode
from holdco.errors import UserErrorCode
from holdco.schema import schema


def test_the_page_of_errors_is_current() -> None:
    page = Path(__file__).parents[2] / "src/holdco/endpoint/ERRORS.md"
    assert page.read_text() == table(), "run .venv/bin/python -m holdco.endpoint.codes > src/holdco/endpoint/ERRORS.md"


def test_every_code_says_what_it_means_in_one_sentence_of_its_own() -> None:
    meanings = [code.meaning for code in (*ErrorCode, *UserErrorCode)]
    assert [meaning for meaning in meanings if not meaning[0].isupper() or not meaning.endswith(".")] == []
    assert len(set(meanings)) == len(meanings)


def test_the_schema_tells_the_same() -> None:
    (codes,) = schema.execute_sync('{ __type(name: "UserErrorCode") { enumValues { name description } } }').data.values()  # type: ignore[union-attr]
    assert {each["name"]: each["description"] for each in codes["enumValues"]} == {code: code.meaning for code in UserErrorCode}
