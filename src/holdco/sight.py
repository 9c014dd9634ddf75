"""What a client user sees of each table, in SQL: the one place that decides it (domain.md V1 to V5, H10, H11).

Every statement that reads for a client user reads the visible part of each table instead of the table, wherever the table
stands in it: lists, counts, totals, ancestors, lookups by id. So no query has to remember it, and none can forget it. A table
that this module does not know cannot be read for a client user at all.

A client user sees V: its own customers, and of their descendants those that every link on the path lets it view. Of the tree it
sees the paths that lie within V, so that depths and parents count and name no hidden customer. What is read is what holds
when the statement runs: nothing about rights is kept anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnClause, Uuid, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, dialect
from sqlalchemy.sql import visitors

# Whoever reads for a client user binds both.
ORGANIZATION: Final = "organization_id"
VIEWER: Final = "viewer_id"

_V: Final = """
    select seen.descendant_id
    from client_user_customers held
    join client_users asking on asking.organization_id = held.organization_id and asking.id = held.client_user_id
    join customer_closure seen on seen.organization_id = held.organization_id and seen.ancestor_id = held.customer_id
    where held.organization_id = :organization_id and held.client_user_id = :viewer_id
      and asking.organization_id = :organization_id and asking.state = 'ACTIVE'
      and seen.organization_id = :organization_id and seen.view
"""
_NONE: Final = "false"
_ALL: Final = "true"


def _in_v(column: str) -> str:
    return f"{column} in ({_V})"


@dataclass(frozen=True, slots=True)
class Joined:
    """Another way to show one column: by a join, so that an index finds rows by it. Rows of a join cannot be locked."""

    column: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Which rows of a table are visible, and which of their columns show something else than they hold."""

    rows: str
    columns: Mapping[str, str] = field(default_factory=dict)
    joined: Joined | None = None


_VISIBLE_PROJECTS: Final = f"""
    select work.id from projects work
    where work.organization_id = :organization_id and {_in_v("work.customer_id")} and (
      exists (
        select from client_users asking
        where asking.organization_id = :organization_id and asking.id = :viewer_id and asking.project_scope = 'ALL'
      )
      or exists (
        select from project_client_users put
        where put.organization_id = :organization_id and put.project_id = work.id and put.client_user_id = :viewer_id
      )
    )
"""
_VISIBLE_PEOPLE: Final = f"""
    select put.client_user_id from client_user_customers put
    where put.organization_id = :organization_id and {_in_v("put.customer_id")}
"""
# Whoever sees an invoice may know who paid of it (domain.md V4). Of that customer it is shown by no column but these.
_PAYER_IS_SEEN: Final = _in_v("allocations.payer_id")

_PARENTS: Final = f"""
    select up.ancestor_id, up.descendant_id from customer_closure up
    where up.organization_id = :organization_id and up.depth = 1 and up.view and {_in_v("up.ancestor_id")}
"""

SIGHTS: Final[Mapping[str, Sight]] = {
    "customers": Sight(
        _in_v("customers.id"),
        {
            # A parent over a link that hides this customer from it, or that is hidden itself, is as good as none.
            "parent_id": f"(select parents.ancestor_id from ({_PARENTS}) parents where parents.descendant_id = customers.id)",
            # What staff note about a customer is not meant for its eyes.
            "notes": "null::text",
        },
        Joined("parent_id", "parents.ancestor_id", f"left join ({_PARENTS}) parents on parents.descendant_id = customers.id"),
    ),
    "customer_closure": Sight(f"customer_closure.view and {_in_v('customer_closure.ancestor_id')}"),
    # Who changed links, when and why is staff's; what a parent may do now stands in the closure.
    "parent_links": Sight(_NONE),
    "external_references": Sight(_in_v("external_references.customer_id")),
    "contacts": Sight(_in_v("contacts.customer_id")),
    # A draft is not a customer's yet: it may change, or never be sent.
    "invoices": Sight(f"invoices.status <> 'DRAFT' and {_in_v('invoices.customer_id')}"),
    # Read together with their invoices only, which a test looks after.
    "invoice_lines": Sight(_ALL),
    "payments": Sight(_in_v("payments.customer_id")),
    "credit_notes": Sight(_in_v("credit_notes.customer_id")),
    "allocations": Sight(
        _in_v("allocations.beneficiary_id"),
        {
            "path": f"array(select step.id from unnest(allocations.path) as step(id) where {_in_v('step.id')})",
            "actor": f"case when {_PAYER_IS_SEEN} then allocations.actor end",
            "reason": f"case when {_PAYER_IS_SEEN} then allocations.reason end",
        },
    ),
    # A group is known to its members; the other members are not (domain.md G10).
    "customer_groups": Sight(
        f"""customer_groups.id in (
            select put.group_id from group_members put
            where put.organization_id = :organization_id and {_in_v("put.customer_id")}
        )"""
    ),
    "group_members": Sight(_in_v("group_members.customer_id")),
    "client_users": Sight(f"client_users.id in ({_VISIBLE_PEOPLE})"),
    "client_user_customers": Sight(_in_v("client_user_customers.customer_id")),
    "invitations": Sight(f"invitations.client_user_id in ({_VISIBLE_PEOPLE})"),
    "projects": Sight(f"projects.id in ({_VISIBLE_PROJECTS})"),
    "project_client_users": Sight(
        f"project_client_users.project_id in ({_VISIBLE_PROJECTS}) and project_client_users.client_user_id in ({_VISIBLE_PEOPLE})"
    ),
    "project_contacts": Sight(f"project_contacts.project_id in ({_VISIBLE_PROJECTS})"),
    # Its entries name whatever was changed together, and who changed it.
    "activity": Sight(_NONE),
    "access_tokens": Sight(_NONE),
    "idempotency_records": Sight(_ALL),
    "organizations": Sight(_ALL),
    "number_counters": Sight(_ALL),
}

# The name of who paid of a visible invoice is read by this alias of `customers` (domain.md V4); nothing else of it is.
PAYERS: Final = "payers"


class NotSighted(Exception):
    """A statement that cannot be made to show only what a client user may see."""


def visible(table: str, columns: AbstractSet[str] | None = None, *, is_locking: bool = False) -> str:
    """The visible part of a table as a subquery in parentheses.

    `columns` are those that the statement may read; None where it is known that none of them shows something else than it holds.
    `is_locking` where the statement locks what it reads.
    """
    sight = SIGHTS.get(table)
    if sight is None:
        raise NotSighted(f"What client users see of {table} has not been decided: add it to SIGHTS.")
    shown, source = "*", table
    if columns is not None and sight.columns:
        written = {name: f"{table}.{name}" for name in columns} | {
            name: sight.columns[name] for name in columns & sight.columns.keys()
        }
        if sight.joined is not None and sight.joined.column in columns and not is_locking:
            written[sight.joined.column] = sight.joined.shown
            source = f"{table} {sight.joined.source}"
        shown = ", ".join(f"{expression} as {name}" for name, expression in written.items())
    key = "id" if table == "organizations" else ORGANIZATION
    return f"(select {shown} from {source} where {table}.{key} = :{ORGANIZATION} and {sight.rows})"


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
        read = {each.name for each in visitors.iterate(statement) if isinstance(each, ColumnClause)}
        is_locking = getattr(statement, "_for_update_arg", None) is not None
        subquery = visible(table.name, read & {column.name for column in table.columns}, is_locking=is_locking)
        for name in (ORGANIZATION, VIEWER):
            # Only where it is used: Postgres knows no type of a parameter that nothing is done with.
            if f":{name}" in subquery:
                subquery = subquery.replace(f":{name}", self.process(bindparam(name, type_=Uuid)))
        return subquery if alias else f"{subquery} AS {table.name}"


class SightedDialect(dialect):
    statement_compiler = SightedCompiler
    supports_statement_cache = True


_SOURCE: Final = re.compile(
    r"\b(from|join)\s+(\w+)(?:\s+(?!(?:where|join|cross|left|inner|on|group|order|limit|union|for)\b)(?:as\s+)?(\w+))?",
    re.IGNORECASE,
)
_OWN: Final = re.compile(r"\b(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:materialized\s+)?\(", re.IGNORECASE)
_FUNCTIONS: Final = frozenset({"unnest", "lateral"})
_READS: Final = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_WRITES: Final = re.compile(r"\b(?:insert\s+into|update\s+\w+(?:\s+\w+)?\s+set|delete\s+from)\b", re.IGNORECASE)


def is_reading(sql: str) -> bool:
    """Whether a statement of ours, written as text, reads and does nothing else."""
    return _READS.match(sql) is not None and _WRITES.search(sql) is None


def sighted(sql: str) -> str:
    """A statement of ours that is written as text, with the visible part of each table that it reads.

    Raises NotSighted where it reads a table otherwise than by FROM or JOIN, or a column that shows something else than it holds.
    """
    # Whatever it calls by a name of its own, and what makes rows without a table.
    own = {*_OWN.findall(sql), *_FUNCTIONS}
    read: dict[str, int] = {}
    masked: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        word, table, alias = match[1], match[2], match[3] or match[2]
        if table in own:
            return match[0]
        subquery = visible(table)
        read[table] = read.get(table, 0) + 1
        masked.update(f"{alias}.{column}" for column in SIGHTS[table].columns)
        return f"{word} {subquery} {alias}"

    rewritten = _SOURCE.sub(replaced, sql)
    for table in SIGHTS:
        if table not in own and len(re.findall(rf"(?<![.\w:]){table}\b(?!\s*[.(])", sql)) != read.get(table, 0):
            raise NotSighted(f"A statement that is written as text reads {table} otherwise than by FROM or JOIN.")
    for column in masked:
        if re.search(rf"\b{re.escape(column)}\b", sql):
            raise NotSighted(f"A statement that is written as text reads {column}, which client users see otherwise: compose it.")
    return rewritten
