"""Files that are whole or not there: written under another name, and given their own when every file of the set is complete."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from holdco.errors import HoldcoError


class TargetRefused(HoldcoError):
    """A file that cannot be written, or must not be."""

    code = "EXPORT_TARGET"


class Sheet:
    """A CSV file while it is written. Rows name their cells by heading; what a row does not name is empty.

    Lines end as RFC 4180 wants it, which also makes the writer quote a carriage return inside a cell.
    """

    def __init__(self, path: Path, temporary: Path) -> None:
        self.path = path
        self.row_count = 0
        self.temporary = temporary
        self._file = temporary.open("x", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._headings: Sequence[str] = ()

    def begin(self, headings: Sequence[str]) -> None:
        assert len(set(headings)) == len(headings), "a heading stands once"
        self._headings = headings
        self._writer.writerow(headings)

    def add(self, cells: Mapping[str, str | None]) -> None:
        found = cells.get
        try:
            self._writer.writerow([found(heading) for heading in self._headings])
        except OSError as problem:
            raise _unwritable(self.path, problem) from problem
        self.row_count += 1

    def close(self) -> None:
        """On the disk, before it takes the place of anything."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def keep(self) -> None:
        self.temporary.replace(self.path)

    def discard(self) -> None:
        # On a full disk what is still in memory cannot be written, and need not be.
        with suppress(OSError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)


@contextmanager
def sheets(paths: Mapping[str, Path], *, is_overwriting: bool) -> Iterator[dict[str, Sheet]]:
    """A sheet by the name of each path. They get their names at the end, or are gone if anything is raised.

    Raises TargetRefused, with everything that is wrong with any of them, before anything is written.
    """
    if problems := list(_problems(paths, is_overwriting=is_overwriting)):
        raise TargetRefused("\n".join(problems))
    with ExitStack() as undone:
        opened = {}
        for name, path in paths.items():
            try:
                sheet = opened[name] = Sheet(path, path.with_name(f".{path.name}.{uuid4().hex[:8]}.part"))
            except OSError as problem:
                raise _unwritable(path, problem) from problem
            undone.callback(sheet.discard)
        yield opened
        for finish in (Sheet.close, Sheet.keep):
            for sheet in opened.values():
                try:
                    finish(sheet)
                except OSError as problem:
                    raise _unwritable(sheet.path, problem) from problem


def _unwritable(path: Path, problem: OSError) -> TargetRefused:
    return TargetRefused(f"{path} cannot be written: {problem.strerror}.")


def _problems(paths: Mapping[str, Path], *, is_overwriting: bool) -> Iterator[str]:
    seen: dict[Path, str] = {}
    for name, path in paths.items():
        option = f"--{name.replace('_', '-')}"
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            yield f"{other} and {option} both name {path}."
        elif not path.parent.is_dir():
            yield f"{path} cannot be written: there is no folder {path.parent}."
        elif path.exists() and not path.is_file():
            yield f"{path} cannot be written: it is no file."
        elif path.exists() and not is_overwriting:
            yield f"{path} is there already. Choose another name, or replace it with --force."
