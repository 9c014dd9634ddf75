"""SQL as asyncpg takes it, made once of each statement: as it is written, or with no more in it than a client user sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Executable, SelectBase, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.util import LRUCache

from holdco.sight import Audience
from holdco.sighted import SightedDialect, is_reading, sighted


class _Kept:
    """Compiled statements for one audience."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.dialect: Any = dialect() if audience is Audience.STAFF else SightedDialect(audience)  # type: ignore[no-untyped-call]
        # By their structure, as an engine keeps them: those with a client's filters differ in values only.
        self.by_structure: Any = LRUCache(500)
        self.by_statement: WeakKeyDictionary[Executable, Compiled] = WeakKeyDictionary()


_KEPT = {audience: _Kept(audience) for audience in Audience}


class Compiled(NamedTuple):
    """SQL, the names of its parameters in order, and the values of those that the statement itself brings."""

    sql: str
    names: Sequence[str]
    values: Mapping[str, Any]

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        values = self.values
        return [parameters[name] if name in parameters else values[name] for name in self.names]


def compiled(statement: Executable, audience: Audience = Audience.STAFF) -> Compiled:
    """Raises NotSighted for a statement that cannot be made to show only what a client user may see."""
    kept = _KEPT[audience]
    found = kept.by_statement.get(statement)
    if found is None:
        is_rewritten = audience is not Audience.STAFF and isinstance(statement, TextClause)
        written = text(sighted(statement, audience)) if is_rewritten else statement
        # What an engine does with a statement before it executes it; there is no other way to share its cache.
        made, extracted, *_ = cast("Any", written)._compile_w_cache(  # noqa: SLF001
            kept.dialect, compiled_cache=kept.by_structure, column_keys=[]
        )
        convert: Mapping[str, Callable[[Any], Any]] = made._bind_processors  # noqa: SLF001
        given = made.construct_params(extracted_parameters=extracted, _check=False)
        values = {name: convert[name](value) if name in convert else value for name, value in given.items()}
        found = kept.by_statement[statement] = Compiled(made.string, made.positiontup or (), values)
    return found


def reads_only(statement: Executable) -> bool:
    """Whether a statement of ours changes nothing."""
    return isinstance(statement, SelectBase) or (isinstance(statement, TextClause) and is_reading(statement.text))
