"""Asks the table of rules before anything is written: the one place that says no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from holdco import database, ids
from holdco.access.errors import Forbidden
from holdco.access.rules import RULES, Rule
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.context import Context
from holdco.database import Transaction
from holdco.errors import BadUserInput, NotFound
from holdco.ids import Kind
from holdco.viewer import Viewer

# To which customers something belongs, for those kinds that a client user may name in a mutation.
_OWNERS: Final[Mapping[Kind, str]] = {
    Kind.CUSTOMER: "select id from customers where organization_id = :organization_id and id = :id",
    Kind.CONTACT: "select customer_id from contacts where organization_id = :organization_id and id = :id",
    Kind.CLIENT_USER: """
        select customer_id from client_user_customers where organization_id = :organization_id and client_user_id = :id
    """,
    Kind.PAYMENT: "select customer_id from payments where organization_id = :organization_id and id = :id",
    Kind.CREDIT_NOTE: "select customer_id from credit_notes where organization_id = :organization_id and id = :id",
}

# By way of which of its own customers somebody may act for another: the nearest one. What is its own needs no right.
_WAY: Final = text(
    """
    select closure.ancestor_id, closure.depth
    from client_user_customers own
    join customer_closure closure on closure.organization_id = own.organization_id and closure.ancestor_id = own.customer_id
    where own.organization_id = :organization_id and own.client_user_id = :client_user_id
      and own.role = any(cast(:roles as text[])) and closure.organization_id = :organization_id
      and closure.descendant_id = :customer_id and (closure.depth = 0 or closure.manage)
    order by closure.depth limit 1
    """
)

_FOLLOWS_SOME: Final = text(
    "select id from client_users where organization_id = :organization_id and id = :client_user_id and project_scope = 'LIST'"
)
# Whether somebody follows projects that whoever asks, who follows some only, is not put to.
_FOLLOWS_OTHERS: Final = text(
    """
    select other.id from client_users other
    where other.organization_id = :organization_id and other.id = :other_id and (
      other.project_scope = 'ALL'
      or exists (
        select from project_client_users put
        where put.organization_id = :organization_id and put.client_user_id = other.id and not exists (
          select from project_client_users own
          where own.organization_id = :organization_id and own.client_user_id = :client_user_id
            and own.project_id = put.project_id
        )
      )
    )
    """
)

_IS_ACTIVE: Final = text("select id from client_users where organization_id = :organization_id and id = :id and state = 'ACTIVE'")


@dataclass(slots=True)
class Permission:
    """Of one call of a mutation: who calls it, with what input. `denial` is what is left to record when it was refused."""

    viewer: Viewer
    mutation: str
    given: Mapping[str, Any]
    denial: Entry | None = field(default=None, init=False)
    _noted: set[UUID] = field(default_factory=set, init=False)

    async def check(self, transaction: Transaction) -> None:
        """Asked when a transaction begins, and again when it has waited for a lock: rights may have ended meanwhile.

        Raises, in this order: Forbidden for the role, and for a field that does what the role may not; for a client user NotFound
        for a subject that it does not see; Forbidden for a right that it does not have there, for a field that is not its to
        change, and for letting somebody see projects that it does not see itself.
        """
        rule = RULES[self.mutation]
        if self.viewer.role is not None:
            if self.viewer.role not in rule.staff:
                raise self._denied(f"The role {self.viewer.role} may not call {self.mutation}.")
            for name, other in rule.same_as.items():
                if name in self.given and self.viewer.role not in RULES[other].staff:
                    raise self._denied(f"The role {self.viewer.role} may not change {name}.", name)
            return
        if not rule.client_users:
            raise self._denied(f"Client users may not call {self.mutation}.")
        subjects = list(_named(self.given, rule.subject.split(".")))
        if not subjects:
            raise self._denied(f"Client users call {self.mutation} for a customer.", *rule.subject.split("."))
        for subject in subjects:
            await self._check_subject(transaction, rule, subject)
        for name in self.given.keys() - (rule.fields or self.given.keys()):
            raise self._denied(f"Client users may not change {name}.", name)
        if rule.is_letting_in:
            await self._check_projects(transaction, subjects, rule)

    async def _check_subject(self, transaction: Transaction, rule: Rule, subject: str) -> None:
        path = tuple(rule.subject.split("."))
        try:
            kind, key = ids.parse(subject)
        except BadUserInput as problem:
            raise NotFound(str(problem), field=path) from None
        # Read for the client user, so that what it does not see is not there.
        statement = _OWNERS.get(kind)
        parameters = {"organization_id": transaction.organization_id, "id": key}
        owners = await transaction.rows(text(statement), parameters) if statement is not None else ()
        if not owners:
            raise NotFound(f"There is no {kind.noun} {subject}.", field=path)
        if kind is Kind.CLIENT_USER:
            # All of them, seen or not: who is let in again, or gets mail elsewhere, is let in to every one.
            owners = (await transaction.connection.execute(text(statement or ""), parameters)).all()
            if rule.is_letting_in and (await transaction.connection.execute(_IS_ACTIVE, parameters)).all():
                raise self._denied("It is active: only staff may invite it again, or you could be it.", *path)
        for (customer_id,) in owners:
            await self._check_customer(transaction, rule, customer_id, subject)

    async def _check_customer(self, transaction: Transaction, rule: Rule, customer_id: UUID, subject: str) -> None:
        parameters = {
            "organization_id": transaction.organization_id,
            "client_user_id": self.viewer.client_user_id,
            "roles": sorted(rule.client_users),
            "customer_id": customer_id,
        }
        ways = await transaction.rows(_WAY, parameters)
        if not ways:
            raise self._denied(
                f"You may see {subject} and may not call {self.mutation} for it.",
                *rule.subject.split("."),
                customer_id=customer_id,
            )
        above_id, depth = ways[0]
        if depth > 0 and customer_id not in self._noted:
            self._noted.add(customer_id)
            through = ids.encode(Kind.CUSTOMER, above_id)
            details = {"mutation": self.mutation, "right": "manage", "through": through}
            await activity.record(transaction, [Entry("access.used", customer_id, subject, details)])

    async def _check_projects(self, transaction: Transaction, subjects: Sequence[str], rule: Rule) -> None:
        # As they are, whatever may be seen of them.
        connection = transaction.connection
        asking = {"organization_id": transaction.organization_id, "client_user_id": self.viewer.client_user_id}
        if not (await connection.execute(_FOLLOWS_SOME, asking)).all():
            return
        if self.given.get("projectScope") == "ALL":
            raise self._denied("You follow some projects, and cannot let anybody follow all.", "projectScope")
        for kind, key in map(ids.parse, subjects):
            other = {**asking, "other_id": key}
            if kind is Kind.CLIENT_USER and (await connection.execute(_FOLLOWS_OTHERS, other)).all():
                raise self._denied("This client user follows projects that you do not see.", *rule.subject.split("."))

    def _denied(self, message: str, *path: str, customer_id: UUID | None = None) -> Forbidden:
        organization = ids.encode(Kind.ORGANIZATION, self.viewer.organization_id)
        subject = ids.encode(Kind.CUSTOMER, customer_id) if customer_id is not None else organization
        self.denial = Entry("access.denied", customer_id, subject, {"mutation": self.mutation})
        return Forbidden(message, field=path or None)


async def record_denial(context: Context, denial: Entry) -> None:
    """In a transaction of its own: the one that was refused has left nothing."""
    viewer = context.viewer
    await context.renew()
    async with database.begin(
        context.engine, organization_id=viewer.organization_id, actor=viewer.actor, viewer=viewer
    ) as transaction:
        await activity.record(transaction, [denial])


def _named(given: Any, path: list[str]) -> Iterator[str]:
    """The ids at a path of the input, of each item where there are lists."""
    if isinstance(given, list):
        for item in given:
            yield from _named(item, path)
    elif not path:
        if given is not None:
            yield given
    elif isinstance(given, Mapping):
        yield from _named(given.get(path[0]), path[1:])
