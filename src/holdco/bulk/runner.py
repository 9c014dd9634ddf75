"""Works off bulk jobs in each process that serves, beside what it answers.

The job's row is the queue. pgqueuer, a library for this on asyncpg, keeps tables and triggers of its own that carry no
organization, which the wall between organizations and a cluster both forbid.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.bulk import service
from holdco.errors import Outage, Unavailable
from holdco.outages import DATABASE_ERRORS, outage_of

log = structlog.get_logger(__name__)

# Seconds after which it looks for work though nobody has told of any: what was told may have been missed.
LOOK_AFTER: Final = 5.0
# How often a chunk is tried, and seconds to the second time; twice as many to each that follows.
ATTEMPTS_MAX: Final = 6
RETRY_AFTER: Final = 0.5
# Of the time that a chunk took, it then leaves the database to others.
REST: Final = 0.25


class Runner:
    """`engine` is the runner's own, with one connection. `work` is set by whoever hears that there may be some."""

    def __init__(self, engine: AsyncEngine, work: asyncio.Event, *, retry_after: float = RETRY_AFTER) -> None:
        self._engine = engine
        self._work = work
        self._retry_after = retry_after
        self._is_finishing = False
        self._is_at_work = False
        self._running: asyncio.Task[None] | None = None
        # By job: how often it failed in a row, and when it is tried again.
        self._failed: dict[UUID, tuple[int, float]] = {}

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    def finish(self) -> None:
        """No further chunk begins."""
        self._is_finishing = True
        self._work.set()

    async def stop(self, *, seconds: float) -> None:
        """Waits so long for the chunk under way; what is not committed by then is undone, and done again by whoever goes on."""
        self.finish()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds if self._is_at_work else 0)
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self._engine.dispose()

    async def _run(self) -> None:
        while not self._is_finishing:
            self._work.clear()
            is_busy = False
            try:
                is_busy = await self.round()
            except Outage:
                # Whoever found out has logged it.
                pass
            except Exception:
                # Whatever it is, jobs must not wait for a restart.
                log.exception("looking for bulk jobs failed")
            if not is_busy and not self._is_finishing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), self._pause())

    def _pause(self) -> float:
        now = time.monotonic()
        return min([LOOK_AFTER, *(max(0.0, at - now) for _, at in self._failed.values())])

    async def round(self) -> bool:
        """A chunk of each job that waits. Returns whether anything was done. Raises Outage."""
        try:
            jobs = await service.waiting(self._engine)
        except DATABASE_ERRORS as error:
            if (outage := outage_of(error)) is None:
                raise
            raise outage from error
        self._failed = {job_id: self._failed[job_id] for _, job_id in jobs if job_id in self._failed}
        is_busy = False
        for organization_id, job_id in jobs:
            if self._is_finishing:
                break
            if self._failed.get(job_id, (0, 0.0))[1] <= time.monotonic():
                is_busy |= await self._work_at(organization_id, job_id)
        return is_busy

    async def _work_at(self, organization_id: UUID, job_id: UUID) -> bool:
        begun = time.monotonic()
        self._is_at_work = True
        try:
            is_done = await service.work_at(self._engine, organization_id, job_id)
        except Unavailable:
            # Says nothing about the job.
            raise
        except Exception:
            count = self._failed.get(job_id, (0, 0.0))[0] + 1
            log.exception("a chunk of a bulk job failed", job=str(job_id), attempt=count)
            if count == ATTEMPTS_MAX:
                reason = f"The next rows failed {count} times; the server's log tells why. What is done stays done."
                await service.give_up(self._engine, organization_id, job_id, reason=reason)
            else:
                self._failed[job_id] = (count, time.monotonic() + self._retry_after * 2 ** (count - 1))
            return False
        finally:
            self._is_at_work = False
        self._failed.pop(job_id, None)
        if is_done and not self._is_finishing:
            await asyncio.sleep(REST * (time.monotonic() - begun))
        return is_done
