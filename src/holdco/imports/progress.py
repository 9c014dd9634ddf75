"""Shows how far an import is, to people at a terminal; says nothing into pipes and logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Watcher(Protocol):
    """Told of each step of an import when it begins, and how far it is."""

    def begin(self, step: str, *, total: int | None = None) -> None:
        """`total` is in whatever the step counts; None where it cannot be told."""

    def reach(self, done: int) -> None: ...


class Silent:
    def begin(self, step: str, *, total: int | None = None) -> None: ...

    def reach(self, done: int) -> None: ...


class _Bars:
    """One bar per step, which stays when the next begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = None if not progress.tasks else progress.tasks[0].id

    def begin(self, step: str, *, total: int | None = None) -> None:
        self.end()
        self._task = self._progress.add_task(step, total=total)

    def reach(self, done: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def end(self) -> None:
        """A step that could not tell its length is complete when the next one begins."""
        if self._task is not None:
            task = self._progress.tasks[self._task]
            length = task.total or 1
            self._progress.update(self._task, total=length, completed=length)


@contextmanager
def bars() -> Iterator[Watcher]:
    """Bars on the terminal of standard error; nothing at all where that is none."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        shown = _Bars(progress)
        yield shown
        shown.end()
