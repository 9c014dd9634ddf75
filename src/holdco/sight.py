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
from enum import StrEnum
from typing import Final

# Whoever reads for a client user binds both.
ORGANIZATION: Final = "organization_id"
VIEWER: Final = "viewer_id"

_NONE: Final = "false"
_ALL: Final = "true"


class Audience(StrEnum):
    """For whom a statement is written. Of client users, those who see few customers are served by another plan.

    What is written for both shows the same. That somebody sees few may be an old guess: only time is lost by a wrong one.
    """

    STAFF = "STAFF"
    FEW = "FEW"
    MANY = "MANY"


# Read once for a statement, however many rows ask for it.
_OWN: Final = """array(
    select held.customer_id
    from client_user_customers held
    join client_users asking on asking.organization_id = held.organization_id and asking.id = held.client_user_id
    where held.organization_id = :organization_id and held.client_user_id = :viewer_id
      and asking.organization_id = :organization_id and asking.state = 'ACTIVE'
)"""
_V: Final = f"""array(
    select seen.descendant_id from customer_closure seen
    where seen.organization_id = :organization_id and seen.ancestor_id = any({_OWN}) and seen.view
)"""


def seen(customer: str) -> str:
    """Whether V has this customer, looked up for a row. OFFSET keeps Postgres from looking up all of V instead."""
    return f"""exists (
        select from customer_closure seen
        where seen.organization_id = :organization_id and seen.descendant_id = {customer}
          and seen.ancestor_id = any({_OWN}) and seen.view
        offset 0
    )"""


# Stands for the condition that a customer is among those seen: each audience has its own way to find out.
_AMONG: Final = re.compile(r"<<([\w.]+)>>")


def _among(condition: str, audience: Audience) -> str:
    """Few are found by an array, with which every index on customers can begin; for many, each row is looked up."""
    return _AMONG.sub(lambda match: f"{match[1]} = any({_V})" if audience is Audience.FEW else seen(match[1]), condition)


@dataclass(frozen=True, slots=True)
class Joined:
    """Another way to show one column: by a join, so that an index finds rows by it. Rows of a join cannot be locked."""

    column: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Which rows of a table are visible, and which of their columns show something else than they hold.

    `below` is the condition on rows that were reached from a customer that is known to be seen: its own, or those of the tree
    below it. None where that tells nothing about them.
    """

    rows: str
    columns: Mapping[str, str] = field(default_factory=dict)
    joined: Joined | None = None
    below: str | None = None


_VISIBLE_PROJECTS: Final = """
    select work.id from projects work
    where work.organization_id = :organization_id and <<work.customer_id>> and (
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
_VISIBLE_PEOPLE: Final = """
    select put.client_user_id from client_user_customers put
    where put.organization_id = :organization_id and <<put.customer_id>>
"""
_PARENTS: Final = """
    select up.ancestor_id, up.descendant_id from customer_closure up
    where up.organization_id = :organization_id and up.depth = 1 and up.view and <<up.ancestor_id>>
"""
_LETS_PARENT_SEE: Final = """exists (
    select from customer_closure up
    where up.organization_id = :organization_id and up.ancestor_id = customers.parent_id and up.descendant_id = customers.id
      and up.view
    offset 0
)"""
_PAYER_IS_SEEN: Final = seen("allocations.payer_id")

SIGHTS: Final[Mapping[str, Sight]] = {
    "customers": Sight(
        "<<customers.id>>",
        {
            # A parent over a link that hides this customer from it, or that is hidden itself, is as good as none.
            "parent_id": f"""(
                select up.ancestor_id from customer_closure up
                where up.organization_id = :organization_id and up.descendant_id = customers.id and up.depth = 1
                  and up.view and {seen("up.ancestor_id")}
            )""",
            # What staff note about a customer is not meant for its eyes.
            "notes": "null::text",
        },
        Joined("parent_id", "parents.ancestor_id", f"left join ({_PARENTS}) parents on parents.descendant_id = customers.id"),
        below=_LETS_PARENT_SEE,
    ),
    "customer_closure": Sight("customer_closure.view and <<customer_closure.ancestor_id>>", below="customer_closure.view"),
    # Who changed links, when and why is staff's; what a parent may do now stands in the closure.
    "parent_links": Sight(_NONE),
    "external_references": Sight("<<external_references.customer_id>>", below=_ALL),
    "contacts": Sight("<<contacts.customer_id>>", below=_ALL),
    # A draft is not a customer's yet: it may change, or never be sent.
    "invoices": Sight("invoices.status <> 'DRAFT' and <<invoices.customer_id>>", below="invoices.status <> 'DRAFT'"),
    # Read together with their invoices only, which a test looks after.
    "invoice_lines": Sight(_ALL),
    "payments": Sight("<<payments.customer_id>>", below=_ALL),
    "credit_notes": Sight("<<credit_notes.customer_id>>", below=_ALL),
    # Whoever sees an invoice may know what was paid of it, and by whom (domain.md V4): of the payer no more than its name.
    "allocations": Sight(
        "<<allocations.beneficiary_id>>",
        {
            "path": f"array(select step.id from unnest(allocations.path) as step(id) where {seen('step.id')})",
            "actor": f"case when {_PAYER_IS_SEEN} then allocations.actor end",
            "reason": f"case when {_PAYER_IS_SEEN} then allocations.reason end",
        },
    ),
    # A group is known to its members; the other members are not (domain.md G10).
    "customer_groups": Sight(
        """customer_groups.id in (
            select put.group_id from group_members put
            where put.organization_id = :organization_id and <<put.customer_id>>
        )""",
        below=_ALL,
    ),
    "group_members": Sight("<<group_members.customer_id>>", below=_ALL),
    "client_users": Sight(f"client_users.id in ({_VISIBLE_PEOPLE})"),
    "client_user_customers": Sight("<<client_user_customers.customer_id>>", below=_ALL),
    "invitations": Sight(f"invitations.client_user_id in ({_VISIBLE_PEOPLE})"),
    "projects": Sight(f"projects.id in ({_VISIBLE_PROJECTS})"),
    "project_client_users": Sight(
        f"project_client_users.project_id in ({_VISIBLE_PROJECTS}) and project_client_users.client_user_id in ({_VISIBLE_PEOPLE})"
    ),
    "project_contacts": Sight(
        f"""project_contacts.project_id in ({_VISIBLE_PROJECTS}) and exists (
            select from contacts person
            where person.organization_id = :organization_id and person.id = project_contacts.contact_id and <<person.customer_id>>
        )"""
    ),
    # Its entries name whatever was changed together, and who changed it.
    "activity": Sight(_NONE),
    # What is agreed with whom, and what others would pay, is staff's; an invoice tells a customer what it pays itself.
    "items": Sight(_NONE),
    "item_prices": Sight(_NONE),
    "price_lists": Sight(_NONE),
    "price_list_versions": Sight(_NONE),
    "price_list_rates": Sight(_NONE),
    "terms": Sight(_NONE),
    "term_acceptances": Sight(_NONE),
    "former_group_members": Sight(_NONE),
    "former_group_ranks": Sight(_NONE),
    "bulk_jobs": Sight(_NONE),
    "bulk_job_rows": Sight(_NONE),
    "waiting_jobs": Sight(_NONE),
    "access_tokens": Sight(_NONE),
    "idempotency_records": Sight(_ALL),
    "organizations": Sight(_ALL),
    "number_counters": Sight(_ALL),
}

# The name of who paid of a visible invoice is read by this alias of `customers` (domain.md V4); nothing else of it is.
PAYERS: Final = "payers"


class NotSighted(Exception):
    """A statement that cannot be made to show only what a client user may see."""


def visible(
    table: str, audience: Audience, columns: AbstractSet[str] | None = None, *, is_below: bool = False, is_locking: bool = False
) -> str:
    """The visible part of a table as a subquery in parentheses.

    `columns` are those that the statement may read; None where it is known that none of them shows something else than it holds.
    `is_below` where its rows are reached from a customer that is known to be seen; `is_locking` where they are locked.
    """
    sight = SIGHTS.get(table)
    if sight is None:
        raise NotSighted(f"What client users see of {table} has not been decided: add it to SIGHTS.")
    condition = sight.below if is_below else sight.rows
    if condition is None:
        raise NotSighted(f"That a customer is seen tells nothing about rows of {table}.")
    shown, source = "*", table
    if columns is not None and sight.columns:
        written = {name: sight.columns.get(name, f"{table}.{name}") for name in columns}
        if is_below and sight.joined is not None and sight.joined.column in columns:
            # It is the parent that they were reached from, or one between.
            written[sight.joined.column] = f"{table}.{sight.joined.column}"
        elif sight.joined is not None and sight.joined.column in columns and not is_locking:
            written[sight.joined.column] = sight.joined.shown
            source = f"{table} {sight.joined.source}"
        shown = ", ".join(f"{expression} as {name}" for name, expression in written.items())
    key = "id" if table == "organizations" else ORGANIZATION
    return _among(f"(select {shown} from {source} where {table}.{key} = :{ORGANIZATION} and {condition})", audience)
