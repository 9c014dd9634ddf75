"""Probes tell what is wrong and what to do, and never hang; requests say so too, and work again when the database is back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from directly import directly
from holdco import running
from holdco.database import create_engine
from holdco.embedded import EmbeddedPostgres
from holdco.migrations.upgrade import newest
from operations.serving import Server, served, settings_of
from stories import Story
from tokens import open_to_tests

REMEDY = "Start it, or correct DATABASE_URL. Nothing has to be restarted here when it is back."
CURRENCY = "{ organization { currency } }"
CREATES = """
mutation { customerCreate(input: {name: "Aldgate Networks", kind: BUSINESS}) { customer { name } userErrors { code } } }
"""


async def probe(server: Server, path: str) -> tuple[int, dict[str, Any]]:
    answer = await server.http.get(path)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    return answer.status_code, answer.json()


async def test_a_server_with_its_database_is_alive_and_ready(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        assert await probe(server, "/healthz") == (200, {"status": "alive"})
        assert await probe(server, "/readyz") == (200, {"status": "ready"})


async def test_a_busy_pool_is_not_taken_for_a_dead_database(story: Story, database_url: str) -> None:
    async with served(settings_of(database_url, story.organization_id, pool_size=1)) as server:
        async with directly(story.engine, story.organization_id) as blocking:
            await blocking.execute(text("lock table invoices in access exclusive mode"))
            asking = asyncio.create_task(server.ask("{ invoices { nodes { number } } }"))
            async with asyncio.timeout(30):
                while await server.metric("holdco_pool_connections_checked_out") != 1:
                    pass
            assert await probe(server, "/readyz") == (200, {"status": "ready"})
        assert (await asking).json() == {"data": {"invoices": {"nodes": []}}}


async def test_a_database_without_the_newest_migration_is_not_ready(clone: Callable[[], Any]) -> None:
    async with clone() as url, served(settings_of(url, uuid4())) as server:
        engine = create_engine(url, pool_size=1)
        remedy = "Run `holdco migrate` with this version, or start the version that fits the database."
        for statement, found in (
            ("update alembic_version set version_num = '2020_01_01_before'", "2020_01_01_before"),
            ("drop table alembic_version", "none"),
        ):
            async with directly(engine) as connection:
                await connection.execute(text(statement))
            problem = f"The database is at migration {found}, and this version of Holdco needs {newest()}."
            assert await probe(server, "/readyz") == (503, {"status": "not ready", "problem": problem, "remedy": remedy})
        assert await probe(server, "/healthz") == (200, {"status": "alive"})
        await engine.dispose()


async def test_a_database_that_never_answers_is_not_waited_for(organization_id: UUID) -> None:
    connections: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: connections.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with served(settings_of(f"postgresql://holdco@127.0.0.1:{port}/holdco", organization_id)) as server:
        answers = await asyncio.gather(*(probe(server, "/readyz") for _ in range(20)))
        problem = "The database did not answer within 2 seconds."
        assert answers == [(503, {"status": "not ready", "problem": problem, "remedy": REMEDY})] * 20
        # All of them waited for one attempt; the others are of who listens for changes and who looks for jobs.
        assert len(connections) == 3
        assert await probe(server, "/healthz") == (200, {"status": "alive"})
    for connection in connections:
        connection.close()
    silent.close()
    await silent.wait_closed()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdco-outage-") as name:
        # Started by root, Postgres runs as another user, who must be able to enter.
        Path(name).chmod(0o755)
        yield Path(name)


async def test_requests_are_refused_while_the_database_is_away_and_answered_when_it_is_back(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "postgres").start()
    settings = settings_of(postgres.url, uuid4())
    await running.prepare(settings)
    async with running.engine_of(settings) as engine:
        await open_to_tests(engine, settings.organization_id)
    message = "The database cannot be reached at the moment. Try again in a few seconds."
    away = {"message": message, "extensions": {"code": "SERVICE_UNAVAILABLE"}}
    async with served(settings) as server:
        # As many connections as the pool has are open when the database goes.
        assert {(await each).status_code for each in [server.ask(CURRENCY) for _ in range(4)]} == {200}
        assert (await probe(server, "/readyz"))[0] == 200
        postgres.close()
        for _ in range(6):
            refused = await server.ask(CURRENCY)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json() == {"errors": [away]}
        refused = await server.ask(CREATES)
        assert (refused.status_code, refused.json()) == (503, {"errors": [away]})
        problem = {"status": "not ready", "problem": "The database cannot be reached.", "remedy": REMEDY}
        assert await probe(server, "/readyz") == (503, problem)

        postgres.start()
        for _ in range(6):
            assert (await server.ask(CURRENCY)).json() == {"data": {"organization": {"currency": "USD"}}}
        made = {"customerCreate": {"customer": {"name": "Aldgate Networks"}, "userErrors": []}}
        assert (await server.ask(CREATES)).json() == {"data": made}
        assert (await server.ask("{ customers { totalCount } }")).json() == {"data": {"customers": {"totalCount": 1}}}
        assert await probe(server, "/readyz") == (200, {"status": "ready"})
    postgres.close()
