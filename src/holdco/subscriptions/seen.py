"""Events as client users may hear of them: what they do not see is not named, and what names nothing is not told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, select

from holdco.changes.hub import Event, Subscriber
from holdco.changes.notice import Topic
from holdco.context import Context
from holdco.customers.models import Customer
from holdco.invoices.models import Invoice
from holdco.payments.models import Allocation
from holdco.statements import KEYS, ORGANIZATION_ID, is_key


def _existing(table: FromClause) -> Select[Any]:
    return select(table.c.id).where(table.c.organization_id == ORGANIZATION_ID, is_key(table.c.id))


_EXISTING = {
    Topic.CUSTOMER: _existing(Customer.__table__),
    Topic.INVOICE: _existing(Invoice.__table__),
    Topic.ALLOCATION: _existing(Allocation.__table__),
}


class SeenEvents(AsyncIterator[Event]):
    """Asked anew for each event: a right that ended since the last one has ended here too.

    What a client user may not see and what is deleted is not told apart, so of a deletion it hears only by a refetch.
    """

    def __init__(self, subscriber: Subscriber, context: Context) -> None:
        self._subscriber = subscriber
        self._engine = context.engine
        self._viewer = context.viewer

    async def __anext__(self) -> Event:
        async for event in self._subscriber:
            keys = await self._seen(event.ids)
            if keys or event.is_refetch:
                return replace(event, ids=keys)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._subscriber.aclose()

    async def _seen(self, keys: Sequence[UUID]) -> tuple[UUID, ...]:
        if not keys:
            return ()
        context = Context(self._engine, self._viewer)
        async with self._subscriber.hub.looking:
            try:
                context.reader.is_single = True
                rows = await context.reader.rows(_EXISTING[self._subscriber.topic], {KEYS: list(keys)}, is_by_key=True)
            finally:
                await asyncio.shield(context.close())
        found = {row[0] for row in rows}
        return tuple(key for key in keys if key in found)
