"""What is wrong with a file: where, and what to do about it. Everything is told at once, not only the first."""

from __future__ import annotations

from typing import NamedTuple

from holdco.errors import HoldcoError, Refusal, UserErrorCode

# More than anybody reads; a file of the wrong kind has something wrong in every row, and memory is bounded.
KEPT_MAX = 10_000


class ImportConflict(HoldcoError):
    """Somebody else wrote the same number or id while the import ran. Nothing was imported; it can be run again."""

    code = "IMPORT_CONFLICT"


class OrganizationUnknown(HoldcoError):
    code = "ORGANIZATION_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("There is no such organization yet. Run `holdco migrate` first, which makes it.")


class DateFormatRefused(HoldcoError):
    """A date format that leaves open which day a date means."""

    code = "DATE_FORMAT"


class FileRefused(Exception):
    """The file as a whole cannot be read. `line` is the physical line where it stops making sense."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class CellRefused(ValueError):
    """A cell does not hold what its column is for."""


class RowError(NamedTuple):
    """`line` is the line of the file where the row begins, counted from 1 as editors count. `column` is its heading there."""

    file: str
    line: int | None
    column: str | None
    message: str
    code: UserErrorCode = UserErrorCode.INVALID_INPUT

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        column = "" if self.column is None else f", {self.column}"
        code = "" if self.code is UserErrorCode.INVALID_INPUT else f" [{self.code.value}]"
        return f"{place}{column}: {self.message}{code}"


class Problems:
    """Collects what is wrong with one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[RowError] = []
        self.count = 0

    def add(
        self,
        line: int | None,
        message: str,
        *,
        column: str | None = None,
        code: UserErrorCode = UserErrorCode.INVALID_INPUT,
    ) -> None:
        self.count += 1
        if len(self.errors) < KEPT_MAX:
            self.errors.append(RowError(self.file, line, column, message, code))

    def refuse(self, line: int, refusal: Refusal, *, column: str | None = None) -> None:
        """A refusal of a business rule, in the words in which the API gives it."""
        self.add(line, str(refusal), column=column, code=refusal.code)
