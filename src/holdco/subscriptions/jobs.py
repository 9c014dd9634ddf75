"""A bulk job as it goes on, to whoever watches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from holdco.bulk.loaders import BulkJobById
from holdco.bulk.queries import JobRow, has_ended
from holdco.changes.hub import Subscriber
from holdco.context import Context


class JobEvents(AsyncIterator[JobRow]):
    """The job as it is now, then each time that somebody has told of it, until it has ended."""

    def __init__(self, subscriber: Subscriber, context: Context, job_id: UUID) -> None:
        self._subscriber = subscriber
        self._engine = context.engine
        self._viewer = context.viewer
        self._job_id = job_id
        self._is_first = True

    async def __anext__(self) -> JobRow:
        if not self._is_first:
            await anext(self._subscriber)
        self._is_first = False
        job = await self._read()
        if job is None:
            raise StopAsyncIteration
        if has_ended(job):
            # What is asked for after this is the end.
            self._subscriber.close()
        return job

    async def aclose(self) -> None:
        await self._subscriber.aclose()

    async def _read(self) -> JobRow | None:
        context = Context(self._engine, self._viewer)
        async with self._subscriber.hub.looking:
            try:
                context.reader.is_single = True
                return await context.load(BulkJobById, self._job_id)
            finally:
                await asyncio.shield(context.close())
