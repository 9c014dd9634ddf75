"""Ends what takes too long, and queries that nobody waits for any more.

Most operations have ended before anybody could lose patience. So nothing but a timer is made for an operation, and only one
that is still under way when it rings gets a task that watches over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

Result = TypeVar("Result")

# An operation is not watched before. What a client that goes away earlier leaves behind ends by itself.
PATIENCE = 0.05


class Overdue(Exception):
    """The time is up."""


class Abandoned(Exception):
    """The client has gone away."""


class _Watch:
    """Cancels a task for a reason."""

    def __init__(self, task: asyncio.Task[Any], seconds: float, receive: Receive | None) -> None:
        self._task = task
        self._receive = receive
        self._seconds = seconds
        self._watching: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(min(PATIENCE, seconds), self._begin)
        self.reason: type[Exception] | None = None

    def _begin(self) -> None:
        self._watching = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout(max(0.0, self._seconds - PATIENCE)):
                await self._departure()
        except TimeoutError:
            self.reason = Overdue
        else:
            self.reason = Abandoned
        self._task.cancel()

    async def _departure(self) -> None:
        """Returns when the client has gone away; never, where that is nothing to us."""
        if self._receive is None:
            await asyncio.get_running_loop().create_future()
            return
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def end(self) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self.reason is not None:
            self._task.uncancel()


async def supervised(executing: Coroutine[Any, Any, Result], *, seconds: float, receive: Receive | None) -> Result:
    """The result of what is executed in this task. Raises Overdue, or Abandoned when `receive` tells that the client has left."""
    task = asyncio.current_task()
    assert task is not None
    watch = _Watch(task, seconds, receive)
    try:
        return await executing
    except asyncio.CancelledError:
        # Who is cancelled by others as well, as a server does that stops, obeys them.
        if watch.reason is None or task.cancelling() > 1:
            raise
        raise watch.reason from None
    finally:
        watch.end()
