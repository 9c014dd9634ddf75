"""Statements as they are written for client users: with the visible part of each table in place of the table."""

from __future__ import annotations

import re
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, ColumnClause, ColumnElement, Executable, TextClause, Uuid, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.visitors import InternalTraversal

from holdco.sight import ORGANIZATION, PAYERS, SIGHTS, VIEWER, Audience, NotSighted, seen, visible


class Seen(ColumnElement[bool]):
    """In a statement: that a customer is seen, and that it is enough for rows of these tables to be reached from it.

    The customer is looked up once, and not for each of its invoices. For staff it is always true.
    """

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 (as SQLAlchemy declares it)
        ("customer", InternalTraversal.dp_clauseelement),
        ("below", InternalTraversal.dp_plain_obj),
    ]

    def __init__(self, customer: ColumnElement[Any], below: tuple[str, ...]) -> None:
        self.customer = customer
        self.below = below


@compiles(Seen)
def _seen(element: Seen, compiler: Any, **named: Any) -> str:
    if not isinstance(compiler, SightedCompiler):
        return "true"
    return compiler.bound(seen(compiler.process(element.customer, **named)))


class SightedCompiler(PGCompiler_asyncpg):
    """Writes the visible part of a table wherever a statement reads the table."""

    def visit_table(self, table: Any, *given: Any, **named: Any) -> str:
        written: str = super().visit_table(table, *given, **named)  # type: ignore[no-untyped-call]
        # Also told of an alias further out, such as a lateral subquery's.
        around = named.get("enclosing_alias")
        alias = around.name if around is not None and around.element is table else None
        if not named.get("asfrom") or named.get("ashint") or alias == PAYERS:
            return written
        statement: Any = self.statement
        elements = list(visitors.iterate(statement))
        read = {each.name for each in elements if isinstance(each, ColumnClause)}
        below = {name for each in elements if isinstance(each, Seen) for name in each.below}
        subquery = visible(
            table.name,
            cast("SightedDialect", self.dialect).audience,
            read & {column.name for column in table.columns},
            is_below=table.name in below,
            is_locking=getattr(statement, "_for_update_arg", None) is not None,
        )
        return self.bound(subquery) if alias else f"{self.bound(subquery)} AS {table.name}"

    def visit_textclause(self, textclause: Any, *given: Any, **named: Any) -> str:
        if self.stack and textclause.text != "MATERIALIZED":
            raise NotSighted(f"A composed statement is written as text in part: {textclause.text}")
        written: str = super().visit_textclause(textclause, *given, **named)  # type: ignore[no-untyped-call]
        return written

    def visit_column(self, column: Any, *given: Any, **named: Any) -> str:
        # What is counted, and what EXISTS asks for; only columns that are named elsewhere are read.
        if column.is_literal and column.name != "*":
            raise NotSighted(f"A composed statement is written as text in part: {column.name}")
        written: str = super().visit_column(column, *given, **named)
        return written

    def bound(self, written: str) -> str:
        """With the parameters of this statement in place of their names."""
        for name in (ORGANIZATION, VIEWER):
            # Only where it is used: Postgres knows no type of a parameter that nothing is done with.
            if f":{name}" in written:
                written = written.replace(f":{name}", self.process(bindparam(name, type_=Uuid)))
        return written


class SightedDialect(dialect):
    statement_compiler = SightedCompiler
    supports_statement_cache = True

    def __init__(self, audience: Audience) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.audience = audience


_TOLD: WeakKeyDictionary[Executable, str] = WeakKeyDictionary()


def told_otherwise(statement: TextClause, to_client_users: str) -> TextClause:
    """A statement that is written as text, and what is told to client users in its place, with `seen` where that is decided."""
    _TOLD[statement] = to_client_users
    return statement


_SOURCE: Final = re.compile(
    r"\b(from|join)\s+(\w+)(?:\s+(?!(?:where|join|cross|left|inner|on|group|order|limit|union|for)\b)(?:as\s+)?(\w+))?",
    re.IGNORECASE,
)
_OWN: Final = re.compile(r"\b(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:materialized\s+)?\(", re.IGNORECASE)
_WHOLE_ROWS: Final = re.compile(r"(?:\bselect|[.,])\s*\*", re.IGNORECASE)
_FUNCTIONS: Final = frozenset({"unnest", "lateral"})
_READS: Final = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(?:insert\s+into|update\s+\w+(?:\s+\w+)?\s+set|delete\s+from)\b", re.IGNORECASE)


def is_reading(sql: str) -> bool:
    """Whether a statement of ours, written as text, reads and does nothing else."""
    return _READS.match(sql) is not None and _WRITES.search(sql) is None


def sighted(statement: Any, audience: Audience) -> str:
    """A statement of ours that is written as text, with the visible part of each table that it reads.

    Raises NotSighted where it reads a table otherwise than by FROM or JOIN, or a column that shows something else than it holds.
    """
    if (told := _TOLD.get(statement)) is not None:
        return told
    sql: str = statement.text
    # Whatever it calls by a name of its own, and what makes rows without a table.
    own = {*_OWN.findall(sql), *_FUNCTIONS}
    if hidden := own & SIGHTS.keys():
        raise NotSighted(
            f"A statement that is written as text calls something of its own {', '.join(hidden)}, as a table is called."
        )
    read: dict[str, int] = {}
    masked: list[tuple[str, str]] = []

    def replaced(match: re.Match[str]) -> str:
        word, table, alias = match[1], match[2], match[3] or match[2]
        if table in own:
            return match[0]
        subquery = visible(table, audience)
        read[table] = read.get(table, 0) + 1
        masked.extend((alias, column) for column in SIGHTS[table].columns)
        return f"{word} {subquery} {alias}"

    rewritten = _SOURCE.sub(replaced, sql)
    for table in SIGHTS:
        if _count(table, sql) != read.get(table, 0):
            raise NotSighted(f"A statement that is written as text reads {table} otherwise than by FROM or JOIN.")
    for alias, column in masked:
        if re.search(rf"(?<![.\w:])(?:{alias}\.)?{column}\b", sql):
            raise NotSighted(f"A statement that is written as text reads {column}, which client users see otherwise: compose it.")
    if masked and (_WHOLE_ROWS.search(sql) or any(_count(alias, sql) > 1 for alias, _ in masked)):
        raise NotSighted("A statement that is written as text reads whole rows, of which client users see some otherwise.")
    return rewritten


def _count(name: str, sql: str) -> int:
    """How often the name of a table, or another that stands for it, is written, and not that of one of its columns."""
    return len(re.findall(rf"(?<![.\w:]){name}\b(?!\s*[.(])", sql))
