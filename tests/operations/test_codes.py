"""The list of codes that people read is the list that the program has."""

from __future__ import annotations

from pathlib import Path

from holdco.endpoint.codes import table


def test_the_page_of_errors_is_current() -> None:
    page = Path(__file__).parents[2] / "src/holdco/endpoint/ERRORS.md"
    assert page.read_text() == table(), "run .venv/bin/python -m holdco.endpoint.codes > src/holdco/endpoint/ERRORS.md"
