"""What a load balancer and a Prometheus ask: is the process alive, can it serve, and what are its numbers?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdco.monitoring import metrics
from holdco.outages import DATABASE_ERRORS, outage_of

# Load balancers give up after a few seconds, and ask again.
ANSWER_SECONDS = 2.0
# How often a worker that nobody asks writes down its gauges, for the one that is asked.
SAMPLE_SECONDS = 1.0

_REVISION = text("select version_num from alembic_version")


class Probes:
    """The routes `/healthz`, `/readyz` and `/metrics`.

    `engine` is for readiness alone: one connection that is kept, so that a busy pool is not taken for a dead database. `newest`
    is the migration that this version needs. `gauges` gives the process's own numbers of this moment.
    """

    def __init__(self, engine: AsyncEngine, *, newest: str | None, gauges: Callable[[], Mapping[str, float]]) -> None:
        self._engine = engine
        self._newest = newest
        self._gauges = gauges
        self._asking: asyncio.Task[dict[str, str] | None] | None = None
        self.routes = [
            Route("/healthz", self._health),
            Route("/readyz", self._readiness),
            Route("/metrics", self._metrics),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the process serves."""
        metrics.forget_dead_processes()
        sampling = asyncio.create_task(self._sample())
        try:
            yield
        finally:
            sampling.cancel()
            await asyncio.wait([sampling])
            metrics.forget_process()
            await self._engine.dispose()

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            planned = loop.time() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            metrics.show(event_loop_lag_seconds=max(0.0, loop.time() - planned), **self._gauges())

    async def _health(self, _request: Request) -> Response:
        return _json({"status": "alive"}, 200)

    async def _readiness(self, _request: Request) -> Response:
        # Whoever asks meanwhile gets the same answer: a dead database is asked once at a time.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._problem())
        problem = await asyncio.shield(self._asking)
        return _json({"status": "ready"}, 200) if problem is None else _json({"status": "not ready", **problem}, 503)

    async def _problem(self) -> dict[str, str] | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                revision = await self._revision()
        except TimeoutError:
            return _unreachable(f"The database did not answer within {ANSWER_SECONDS:.0f} seconds.")
        except DATABASE_ERRORS as error:
            if outage_of(error) is None:
                raise
            return _unreachable("The database cannot be reached.")
        if revision == self._newest:
            return None
        return {
            "problem": f"The database is at migration {revision or 'none'}, and this version of Holdco needs {self._newest}.",
            "remedy": "Run `holdco migrate` with this version, or start the version that fits the database.",
        }

    async def _revision(self) -> str | None:
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(_REVISION)).scalar_one_or_none()
        except ProgrammingError:
            return None  # there is no such table: nothing was migrated yet

    async def _metrics(self, request: Request) -> Response:
        metrics.show(**self._gauges())
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})


def _unreachable(problem: str) -> dict[str, str]:
    return {"problem": problem, "remedy": "Start it, or correct DATABASE_URL. Nothing has to be restarted here when it is back."}


def _json(body: Mapping[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, {"content-type": "application/json", "cache-control": "no-store"})
