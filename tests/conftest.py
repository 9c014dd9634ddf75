"""A real Postgres for all tests, and an organization of its own for each.

Organizations share nothing, so tests that commit, race and fail do not disturb one another and nothing has to be undone.
Tests of whole databases (migrations, imports that count everything) take a clone of the migrated template.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from clients import chromium
from holdco.app import create_app
from holdco.context import Context
from holdco.database import create_engine
from holdco.embedded import EmbeddedPostgres
from holdco.errors import Unavailable
from holdco.execution import execute as execution
from holdco.logs import configure_logs
from holdco.migrations.upgrade import upgrade
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.settings import Settings
from holdco.viewer import StaffRole, Viewer
from statements import ISSUED
from stories import Story
from tokens import UNTHROTTLED, bearer, open_to_tests, token_of

Data = dict[str, Any]
Execute = Callable[..., Awaitable[Data]]

# What parallel workers found, as it reaches the process that they report to.
PROBLEMS: list[str] = []


class FailedPlans:
    """A log that does not let it pass when a plan fails and graphql-core's executor does not: the answer is right, but slow."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def warning(self, event: str, *, exc_info: BaseException) -> None:
        self._log.warning(event, exc_info=exc_info)
        # A connection that was lost is another matter: the second attempt has a new one.
        if not isinstance(exc_info, Unavailable):
            PROBLEMS.append(f"{event}: {exc_info!r}")


def pytest_configure(config: pytest.Config) -> None:
    """Listens to what is issued, and makes one folder for the run, so that parallel workers share one Postgres."""
    configure_logs()
    ISSUED.listen()
    execution.log = FailedPlans(execution.log)  # type: ignore[assignment]
    if not hasattr(config, "workerinput") and not os.environ.get("DATABASE_URL"):
        root = Path(tempfile.mkdtemp(prefix="holdco-tests-"))
        # Started by root, Postgres runs as another user, who must be able to enter.
        root.chmod(0o755)
        os.environ["HOLDCO_TEST_ROOT"] = str(root)


def pytest_report_header() -> str:
    return chromium.report()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (root := os.environ.pop("HOLDCO_TEST_ROOT", None)):
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url() -> Iterator[Callable[[str | None], str]]:
    """The URL of a database of the test server, by name; None is the one that every server has."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield lambda name: given if name is None else str(httpx.URL(given).copy_with(path=f"/{name}"))
        return
    with EmbeddedPostgres(Path(os.environ["HOLDCO_TEST_ROOT"]) / "postgres") as embedded:
        yield lambda name: embedded.url if name is None else embedded.url_of(name)


@asynccontextmanager
async def administration(url: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Statements that no transaction can hold."""
    engine = create_engine(url, pool_size=1, role=None)

    async def run(statement: str) -> None:
        async with engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text(statement))

    try:
        yield run
    finally:
        await engine.dispose()


async def drop(run: Callable[[str], Awaitable[None]], name: str) -> None:
    """Drops a database, whoever is connected to it.

    An autovacuum worker belongs to the superuser: nobody else may end it, but it leaves by itself.
    """
    deadline = time.monotonic() + 60
    while True:
        try:
            return await run(f"drop database {name} with (force)")
        except DBAPIError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
async def template(server_url: Callable[[str | None], str]) -> AsyncIterator[str]:
    """The name of a database that the migrations built. Nobody connects to it, so that it can be cloned."""
    name = f"holdco_template_{uuid4().hex[:12]}"
    async with administration(server_url(None)) as run:
        await run(f"create database {name}")
        engine = create_engine(server_url(name), pool_size=1, role=None)
        await upgrade(engine)
        await engine.dispose()
        yield name
        await drop(run, name)


@pytest.fixture(scope="session")
def clone(server_url: Callable[[str | None], str], template: str) -> Callable[[], Any]:
    """Databases of one's own, migrated and empty. Use it as

    async with clone() as url: …
    """

    @asynccontextmanager
    async def cloned() -> AsyncIterator[str]:
        name = f"holdco_{uuid4().hex[:12]}"
        async with administration(server_url(None)) as run:
            await run(f"create database {name} template {template}")
            try:
                yield server_url(name)
            finally:
                await drop(run, name)

    return cloned


@pytest.fixture(scope="session")
async def database_url(clone: Callable[[], Any]) -> AsyncIterator[str]:
    """The database that tests share, each with an organization of its own."""
    async with clone() as url:
        yield url


@pytest.fixture(scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, pool_size=20)
    yield made
    await made.dispose()


@pytest.fixture
async def organization_id(engine: AsyncEngine) -> UUID:
    """A new organization: UTC, USD, net 30, hierarchies of any depth. `token_of` has an administrator's token."""
    made = uuid4()
    await organizations.ensure(engine, made)
    await open_to_tests(engine, made)
    return made


@pytest.fixture
async def context(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Context]:
    made = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
    yield made
    await made.close()


@pytest.fixture
def execute(engine: AsyncEngine, organization_id: UUID) -> Execute:
    """Gives the data of an operation that must not have errors. Use it as

    data = await execute(document, name=value)
    """

    async def run(document: str, **variables: Any) -> Data:
        context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
        try:
            result = await schema.execute(document, variable_values=variables, context_value=context)
        finally:
            await context.close()
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    return run


@pytest.fixture
def execute_failing(engine: AsyncEngine, organization_id: UUID) -> Callable[..., Awaitable[list[Any]]]:
    """Gives the errors of an operation that must have some; used as `execute`."""

    async def run(document: str, **variables: Any) -> list[Any]:
        context = Context(engine, Viewer(organization_id, "tester", StaffRole.ADMIN))
        try:
            result = await schema.execute(document, variable_values=variables, context_value=context)
        finally:
            await context.close()
        assert result.errors, result.data
        return list(result.errors)

    return run


@pytest.fixture
def story(engine: AsyncEngine, organization_id: UUID) -> Story:
    """Customers, invoices and money of the test's organization; see stories.py."""
    return Story(asker(engine, organization_id), engine, organization_id)


@dataclass
class Counted:
    """The statements of a block, BEGIN and COMMIT left out."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)


@pytest.fixture
def counting(engine: AsyncEngine) -> Callable[[], Any]:
    """Counts the statements of a block. Use it as

    with counting() as issued: …
    assert len(issued) == 3
    """

    @contextmanager
    def block() -> Iterator[Counted]:
        counted = Counted()

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            counted.statements.append(statement)

        # Transactions send their statements by SQLAlchemy, readers by asyncpg itself.
        event.listen(engine.sync_engine, "before_cursor_execute", note)
        ISSUED.listeners.append(counted.statements.append)
        try:
            yield counted
        finally:
            event.remove(engine.sync_engine, "before_cursor_execute", note)
            ISSUED.listeners.remove(counted.statements.append)

    return block


@dataclass
class Client:
    """GraphQL over real HTTP, as a frontend speaks it."""

    http: httpx.AsyncClient

    async def __call__(self, document: str, **variables: Any) -> Data:
        """The data of an operation that must not have errors."""
        response = await self.http.post("/graphql", json={"query": document, "variables": variables})
        answer: Data = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer["errors"]
        data: Data = answer["data"]
        return data


@pytest.fixture
async def client(database_url: str, organization_id: UUID) -> AsyncIterator[Client]:
    """A client of a server of its own, on a free port, for the test's organization."""
    settings = Settings(
        database_url=database_url,
        data_directory=Path("unused"),
        host="127.0.0.1",
        port=0,
        organization_id=organization_id,
        pool_size=10,
        **UNTHROTTLED,
    )
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, lifespan="on", log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=60, headers=bearer(token_of(organization_id))
    ) as http:
        yield Client(http)
    server.should_exit = True
    await serving


def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 (pytest passes arguments by name)
    """A worker of pytest-xdist has ended. What it issued counts as if it had run here."""
    PROBLEMS.extend(getattr(node, "workeroutput", {}).get("statements", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What this run has issued must be fit for a cluster (distributed.md 2.2); see statements.py."""
    PROBLEMS.extend(ISSUED.problems())
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["statements"] = PROBLEMS
    elif PROBLEMS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        for problem in sorted(set(PROBLEMS)):
            if terminal is not None:
                terminal.write_line(problem, red=True)
