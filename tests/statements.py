"""Collects the SQL that Holdco issues while tests run, and looks at it: is it fit for a cluster (distributed.md 2.2)?

Whatever reaches asyncpg is seen, by way of SQLAlchemy or not. What tests ask on their own account is left out: they may count
everything. The look itself is tested in test_statements.py.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import asyncpg
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

import holdco
from holdco.migrations.metadata import metadata

_HOLDCO: Final = str(Path(holdco.__file__).parent)
_TESTS: Final = str(Path(__file__).parent)
# What a migration moves it moves for all organizations at once, when nobody else is there.
_MIGRATIONS: Final = str(Path(_HOLDCO, "migrations"))
# Runs statements for others; who asked is further up.
_PASSING_ON: Final = frozenset({str(Path(_HOLDCO, "database.py")), str(Path(_HOLDCO, "tenancy.py"))})

# The methods of a connection that take a statement first, and the one that takes a table and makes its COPY out of sight.
ASKING: Final = (
    "execute",
    "executemany",
    "prepare",
    "cursor",
    "fetch",
    "fetchrow",
    "fetchval",
    "_copy_in",
    "_copy_out",
)
COPYING: Final = "copy_records_to_table"

TENANT_TABLES: Final = frozenset(metadata.tables)

# Tables that belong to no organization, each with its reason.
LEFT_OUT: Final = frozenset(
    {
        "alembic_version",  # which migrations have run; one row for the whole database
    }
)
_CATALOGS: Final = frozenset({"pg_catalog", "information_schema"})

# Read across organizations: that there is work tells nothing of it (bulk/models.py).
_READ_ACROSS: Final = frozenset({"waiting_jobs"})

# The frame of a transaction, by the first word.
_FRAME: Final = frozenset({"BEGIN", "COMMIT", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"})
# Statements that sqlglot does not take apart: they make tables or change a session, and read no row.
_HARMLESS: Final = frozenset(
    {
        "ALTER",
        "ANALYZE",
        "COMMENT",
        "CREATE",
        "DO",
        "DROP",
        "GRANT",
        "LISTEN",
        "NOTIFY",
        "RESET",
        "REVOKE",
        "SET",
        "SHOW",
        "UNLISTEN",
    }
)

# What a cluster refuses to compute in a statement that writes, or computes on another machine: times and ids are parameters.
_VOLATILE: Final = frozenset({"clock_timestamp", "gen_random_uuid", "now", "statement_timestamp", "transaction_timestamp"})
_VOLATILE_NODES: Final = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Uuid)

# It warns of every statement that it takes as a whole; _HARMLESS decides about those.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class Issued:
    """Every different statement of this process, and where in Holdco it came from."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}
        # Who listens to every statement that is sent by `fetch`, as a Reader does, however often it is the same.
        self.listeners: list[Callable[[str], None]] = []

    def listen(self) -> None:
        """From now on, on all connections."""
        for name in ASKING:
            setattr(asyncpg.Connection, name, self._noting(getattr(asyncpg.Connection, name), str))
        setattr(asyncpg.Connection, COPYING, self._noting(getattr(asyncpg.Connection, COPYING), "COPY {} FROM STDIN".format))

    def _noting(self, asking: Callable[..., Any], statement_of: Callable[[str], str]) -> Callable[..., Any]:
        @functools.wraps(asking)
        def ask(connection: Any, first: str, *arguments: Any, **options: Any) -> Any:
            self.note(statement_of(first))
            if asking.__name__ == "fetch":
                for listener in self.listeners:
                    listener(first)
            return asking(connection, first, *arguments, **options)

        return ask

    def note(self, statement: str) -> None:
        if statement not in self.origins and (origin := _origin()) is not None:
            self.origins[statement] = origin

    def problems(self) -> list[str]:
        """One sentence for each problem of each statement, with the place that issued it."""
        return sorted(
            f"{origin}: {problem}\n    {' '.join(statement.split())[:500]}"
            for statement, origin in self.origins.items()
            for problem in problems_of(statement)
        )


# One for the process. Here and not in conftest.py, which tests that import from it load a second time.
ISSUED: Final = Issued()


def _origin() -> str | None:
    """The line of Holdco that asks; None when it is a test, or nobody of ours.

    Coroutines that wait for one another stand in one stack, so that the asker is found above SQLAlchemy and asyncpg.
    """
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 (a traceback would have to be built first)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith((_TESTS, _MIGRATIONS)):
            return None
        if path.startswith(_HOLDCO) and path not in _PASSING_ON:
            return f"src/holdco{path.removeprefix(_HOLDCO)}:{frame.f_lineno}"
        frame = frame.f_back
    return None


@functools.cache
def problems_of(statement: str) -> tuple[str, ...]:
    """What is wrong with a statement, as sentences; empty when nothing is."""
    if (words := statement.split(maxsplit=1)) and words[0].upper().rstrip(";") in _FRAME:
        return ()
    try:
        trees = [tree for tree in sqlglot.parse(statement, dialect="postgres") if tree is not None]
    except SqlglotError as error:
        return (f"cannot be read: {str(error).splitlines()[0]}",)
    return tuple(problem for tree in trees for problem in _problems(tree))


def _problems(tree: exp.Expr) -> Iterator[str]:
    if isinstance(tree, exp.Command):
        yield from _command_problems(tree)
    elif not isinstance(tree, (exp.Create, exp.Alter, exp.Drop, exp.Comment, exp.Grant, exp.Set)):
        names = frozenset(table.alias for table in tree.find_all(exp.CTE))
        yield from (problem for table in tree.find_all(exp.Table) if (problem := _table_problem(table, names)))
        if isinstance(tree, exp.Copy):
            yield from (f"COPY into {name}: copy into a staging table." for name in _tenant_tables(tree, names))
        else:
            yield from _row_problems(tree, names)


def _row_problems(tree: exp.Expr, names: frozenset[str]) -> Iterator[str]:
    """Problems of a statement that reads or writes rows."""
    if isinstance(tree, exp.Merge):
        yield "MERGE is not pushed down to a cluster's workers; write INSERT … ON CONFLICT."
    for part in tree.find_all(exp.Select, exp.Update, exp.Delete):
        yield from _unfiltered(part, names)
    for update in tree.find_all(exp.Update):
        yield from _assignment_problems(update.expressions)
    for insert in tree.find_all(exp.Insert):
        yield from _insert_problems(insert)
    if _tenant_tables(tree, names):
        yield from _volatile(tree)


def _command_problems(command: exp.Command) -> Iterator[str]:
    word = str(command.this).upper()
    if word == "SET" and str(command.expression).strip().upper().startswith("CONSTRAINTS"):
        yield "SET CONSTRAINTS is not sent to a cluster's workers."
    elif word not in _HARMLESS:
        yield f"cannot be read: {word} …"


def _table_problem(table: exp.Table, names: frozenset[str]) -> str | None:
    """A name that is neither ours nor known to be nobody's: a new table, or a staging table that is not called so."""
    name = table.name
    if not isinstance(table.this, exp.Identifier) or name in names or name in TENANT_TABLES | LEFT_OUT:
        return None
    if table.db in _CATALOGS or name.startswith(("pg_", "import_")) or _is_alias(table):
        return None
    return f"{name} is an unknown table. Staging tables are called import_…; others are listed in tests/statements.py."


def _is_alias(table: exp.Table) -> bool:
    """`for update of i` names an alias, not a table."""
    return table.find_ancestor(exp.Lock) is not None


def _tenant_tables(tree: exp.Expr, names: frozenset[str]) -> list[str]:
    return [table.name for table in tree.find_all(exp.Table) if table.name in TENANT_TABLES - names and not _is_alias(table)]


def _unfiltered(part: exp.Expr, names: frozenset[str]) -> Iterator[str]:
    """Every table of one SELECT, UPDATE or DELETE must be held to one organization there, not only in what surrounds it."""
    sources = {
        table.alias_or_name: _organization_column(table.name)
        for table in _sources(part)
        if table.name in TENANT_TABLES - names and not (isinstance(part, exp.Select) and table.name in _READ_ACROSS)
    }
    held = _held(sources, list(_conditions(part)))
    for alias, column in sources.items():
        if alias not in held:
            yield f"{alias}.{column} is not compared with a parameter in this {part.key.upper()}."


def _organization_column(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"


def _sources(part: exp.Expr) -> Iterator[exp.Table]:
    """The tables that one SELECT, UPDATE or DELETE reads or writes, those of its subqueries left out."""
    if not isinstance(part, exp.Select):
        yield from _tables(part.this)
    if isinstance(beginning := part.args.get("from_"), exp.From):
        yield from _tables(beginning.this)
    for joined in [*(part.args.get("joins") or ()), *(part.args.get("using") or ())]:
        yield from _tables(joined)


def _tables(source: exp.Expr | None) -> Iterator[exp.Table]:
    """A table and those that are joined to it, also within parentheses."""
    if source is None:
        return
    if isinstance(source, exp.Table):
        yield source
    elif isinstance(source, (exp.Join, exp.Paren)) or (
        isinstance(source, exp.Subquery) and not isinstance(source.this, exp.Query)
    ):
        yield from _tables(source.this)
    for joined in source.args.get("joins") or ():
        yield from _tables(joined)


def _conditions(part: exp.Expr) -> Iterator[exp.EQ]:
    """The comparisons that must hold: of WHERE and of all ONs."""
    clauses = [joined.args.get("on") for joined in part.find_all(exp.Join) if joined.find_ancestor(exp.Query, exp.DML) is part]
    where = part.args.get("where")
    for clause in [*clauses, where.this if where is not None else None]:
        if clause is not None:
            yield from _comparisons(clause)


def _comparisons(clause: exp.Expr) -> Iterator[exp.EQ]:
    clause = clause.unnest()
    if isinstance(clause, exp.And):
        yield from _comparisons(clause.this)
        yield from _comparisons(clause.expression)
    elif isinstance(clause, exp.EQ):
        yield clause


def _held(sources: dict[str, str], conditions: list[exp.EQ]) -> set[str]:
    """The aliases that are compared with a parameter, directly or by way of one that is."""
    held: set[str] = set()
    equal: list[set[str]] = []
    for condition in conditions:
        left, right = condition.this.unnest(), condition.expression.unnest()
        aliases = {alias for alias in (_alias_of(left, sources), _alias_of(right, sources)) if alias is not None}
        if len(aliases) == 2:
            equal.append(aliases)
        elif aliases and (_is_parameter(left) or _is_parameter(right)):
            held |= aliases
    while spread := [pair for pair in equal if pair & held and not pair <= held]:
        held = held.union(*spread)
    return held


def _alias_of(side: exp.Expr, sources: dict[str, str]) -> str | None:
    """Of which source this is the organization, bare: a cast of a column does not tell a cluster where to go."""
    if not isinstance(side, exp.Column):
        return None
    alias = side.table or (next(iter(sources)) if len(sources) == 1 else "")
    return alias if sources.get(alias) == side.name else None


def _is_parameter(side: exp.Expr) -> bool:
    while isinstance(side, (exp.Cast, exp.Paren)):
        side = side.this
    return isinstance(side, (exp.Parameter, exp.Placeholder))


def _assignment_problems(assignments: list[exp.Expr]) -> Iterator[str]:
    if any(isinstance(each, exp.EQ) and each.this.name == "organization_id" for each in assignments):
        yield "organization_id is set: a row never changes its organization."


def _insert_problems(insert: exp.Insert) -> Iterator[str]:
    target = insert.this
    table = target.this if isinstance(target, exp.Schema) else target
    if not isinstance(table, exp.Table) or table.name not in TENANT_TABLES:
        return
    columns = {column.name for column in target.expressions} if isinstance(target, exp.Schema) else set()
    if (organization := _organization_column(table.name)) not in columns:
        yield f"INSERT into {table.name} does not name {organization}."
    conflict, rows = insert.args.get("conflict"), insert.expression
    if isinstance(rows, exp.Query) and conflict is None and insert.args.get("returning") is None:
        yield "INSERT … SELECT has neither RETURNING nor ON CONFLICT: a cluster would make it a COPY."
    if isinstance(rows, exp.Values) and rows.find(exp.Select) is not None:
        yield "VALUES has a subquery: write INSERT … SELECT."
    if isinstance(conflict, exp.OnConflict):
        yield from _assignment_problems(conflict.expressions)


def _volatile(tree: exp.Expr) -> Iterator[str]:
    for function in tree.find_all(exp.Anonymous, *_VOLATILE_NODES):
        name = function.name.lower() if isinstance(function, exp.Anonymous) else function.sql(dialect="postgres").lower()
        if isinstance(function, _VOLATILE_NODES) or name in _VOLATILE:
            yield f"{name} is computed by the database: times and ids are parameters."
