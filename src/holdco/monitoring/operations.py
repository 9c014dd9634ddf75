"""One finished operation: counted, logged where that is wanted, and logged in any case when it was slow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import structlog

from holdco.monitoring import metrics

log = structlog.get_logger(__name__)

# Clients choose names: a metric must not have as many series as they can think of.
NAMES_MAX = 200
NAMELESS: Final = "anonymous"
OTHER: Final = "other"

SUCCESS: Final = "OK"


class Names:
    """Names of trusted documents stand for themselves, and so do the first so many of others; all that come later are `other`."""

    def __init__(self, names_max: int = NAMES_MAX) -> None:
        self._names_max = names_max
        self._trusted: set[str] = set()
        self._known: set[str] = set()

    def trust(self, names: Iterable[str]) -> None:
        """These are no client's choice, and as many as the manifests have."""
        self._trusted.update(names)

    def label(self, name: str | None) -> str:
        if name is None:
            return NAMELESS
        if name not in self._trusted and name not in self._known:
            if len(self._known) >= self._names_max:
                return OTHER
            self._known.add(name)
        return name


NAMES: Final = Names()


@dataclass(eq=False)
class Measured:
    """An operation of a document, as logs and metrics speak of it. Kept with the document.

    `kind` is query, mutation or subscription, which is measured until it listens; what it hears is an `event` each.
    """

    text: str
    name: str | None
    kind: str
    _observe: dict[str, Callable[[float], None]] = field(default_factory=dict, repr=False)

    @cached_property
    def document_hash(self) -> str:
        """SHA-256 of the document's text, as persisted queries are named."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def event(self) -> Measured:
        return Measured(self.text, self.name, "event")

    @cached_property
    def observe_statements(self) -> Callable[[float], None]:
        return metrics.OPERATION_STATEMENTS.labels(self.kind).observe

    def observe(self, seconds: float, statements: int, outcome: str) -> None:
        observe = self._observe.get(outcome)
        if observe is None:
            label = NAMES.label(self.name)
            observe = self._observe[outcome] = metrics.OPERATION_SECONDS.labels(label, self.kind, outcome).observe
        observe(seconds)
        self.observe_statements(statements)


@dataclass(frozen=True, slots=True)
class Journal:
    """What is logged of operations; never the values of their variables, which are customers' data."""

    is_logging_all: bool = False
    slow_seconds: float = 1.0

    def note(self, measured: Measured, seconds: float, statements: int, outcome: str) -> None:
        measured.observe(seconds, statements, outcome)
        is_slow = seconds >= self.slow_seconds
        if not is_slow and not self.is_logging_all:
            return
        (log.warning if is_slow else log.info)(
            "slow operation" if is_slow else "operation",
            operation=measured.name,
            type=measured.kind,
            document=measured.document_hash,
            milliseconds=round(seconds * 1000, 1),
            statements=statements,
            outcome=outcome,
        )
