"""Writes the activity record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text

from holdco import ids
from holdco.changes.notice import Topic
from holdco.database import Transaction
from holdco.ids import Kind


class Entry(NamedTuple):
    """One thing that happened. `action` is dotted, noun first (domain.md 2.13); `details` names ids as clients know them."""

    action: str
    customer_id: UUID | None
    subject: str
    details: Mapping[str, Any] = {}


def about(kind: Kind, key: UUID, action: str, *, customer_id: UUID | None = None, **details: Any) -> Entry:
    return Entry(action, customer_id, ids.encode(kind, key), details)


# One statement however many entries: a payment over 1,000 invoices has hundreds.
_INSERT = text(
    """
    insert into activity (organization_id, id, occurred_at, actor, action, customer_id, subject_id, details)
    select o.id, entry.id, :occurred_at, :actor, entry.action, entry.customer_id, entry.subject_id, cast(entry.details as jsonb)
    from organizations o
    cross join unnest(cast(:ids as uuid[]), cast(:actions as text[]), cast(:customer_ids as uuid[]),
                      cast(:subject_ids as text[]), cast(:details as text[]))
               as entry(id, action, customer_id, subject_id, details)
    where o.id = :organization_id
    returning id
    """
)


async def record(transaction: Transaction, entries: Sequence[Entry]) -> None:
    """In the transaction of the change itself: there is no change without its record, and no record without its change."""
    if not entries:
        return
    for entry in entries:
        _tell(transaction, entry)
    await transaction.execute(
        _INSERT,
        {
            "organization_id": transaction.organization_id,
            "occurred_at": transaction.now,
            "actor": transaction.actor,
            "ids": [ids.new() for _ in entries],
            "actions": [entry.action for entry in entries],
            "customer_ids": [entry.customer_id for entry in entries],
            "subject_ids": [entry.subject for entry in entries],
            "details": [orjson.dumps({**entry.details, **_asked(transaction)}).decode() for entry in entries],
        },
    )


def _asked(transaction: Transaction) -> Mapping[str, Any]:
    """A client user may have any name, and another one tomorrow."""
    user_id = transaction.client_user_id
    return {"clientUserId": ids.encode(Kind.CLIENT_USER, user_id)} if user_id is not None else {}


def _tell(transaction: Transaction, entry: Entry) -> None:
    """Notes for subscribers what the entry tells of a customer or an invoice. Of money the ledger notes more than entries say.

    That somebody was refused, or by what right somebody acted, changes nothing: whoever is refused must not make others look.
    """
    if entry.customer_id is None or entry.action.startswith("access."):
        return
    kind, key = ids.parse(entry.subject)
    if kind is Kind.INVOICE:
        transaction.changes.add(Topic.INVOICE, entry.customer_id, key)
    elif kind in {Kind.CUSTOMER, Kind.CONTACT, Kind.CLIENT_USER, Kind.PROJECT, Kind.GROUP}:
        transaction.changes.add(Topic.CUSTOMER, entry.customer_id, entry.customer_id)
