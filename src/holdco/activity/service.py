"""Writes the activity record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import insert

from holdco import ids
from holdco.activity.models import Activity
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


async def record(transaction: Transaction, entries: Sequence[Entry]) -> None:
    """In the transaction of the change itself: there is no change without its record, and no record without its change."""
    if not entries:
        return
    await transaction.execute(
        insert(Activity),
        [
            {
                "organization_id": transaction.organization_id,
                "id": ids.new(),
                "occurred_at": transaction.now,
                "actor": transaction.actor,
                "action": entry.action,
                "customer_id": entry.customer_id,
                "subject_id": entry.subject,
                "details": dict(entry.details),
            }
            for entry in entries
        ],
    )
