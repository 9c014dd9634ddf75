"""All codes of errors in one table, for people to read: `python -m holdco.endpoint.codes` prints ERRORS.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from holdco.endpoint.errors import ErrorCode
from holdco.errors import UserErrorCode

_INTRODUCTION = """# Errors

Written by `.venv/bin/python -m holdco.endpoint.codes > src/holdco/endpoint/ERRORS.md`; a test compares.

## Codes of `errors`

Every error of a GraphQL answer has one of these in `extensions.code`. The status is that of an answer in which nothing was
executed. For clients of `application/json` alone, it is 200 where the table has 400 for a document or its variables.

| code | status | meaning |
| --- | --- | --- |
"""

_USER_ERRORS = """
## Codes of `userErrors`

A mutation that a business rule refuses has changed nothing and says why in its payload, with one of these codes, a message that
says what to do, and the path of the input.

| code | meaning |
| --- | --- |
"""


def table() -> str:
    return f"{_INTRODUCTION}{_rows()}{_USER_ERRORS}{_listed(UserErrorCode)}"


def _rows() -> str:
    return "".join(f"| `{code.name}` | {code.status} | {code.meaning} |\n" for code in ErrorCode)


def _listed(codes: Iterable[UserErrorCode]) -> str:
    return "".join(f"| `{code}` | {code.meaning} |\n" for code in codes)


if __name__ == "__main__":
    sys.stdout.write(table())
