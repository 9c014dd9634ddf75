"""`holdco serve` as a process: how it starts, how it stops, and what it does while its database is away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from sqlalchemy import text

from directly import directly
from operations.serving import HOLDCO, SECONDS, environment, free_port, serve, value_of
from stories import Story
from waiting import until_waiting

SLOW = "query WhoOwes { invoices { nodes { number } } }"


def refusal(database_url: str, organization_id: UUID) -> str:
    """What `holdco serve` says instead of serving."""
    ended = subprocess.run(
        [*HOLDCO, "serve"],
        env=environment(database_url, organization_id, HOLDCO_PORT=str(free_port())),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (sentence,) = (line for line in ended.stderr.splitlines() if line.startswith("holdco: "))
    assert "Traceback" not in ended.stderr
    return sentence


def test_without_its_database_serve_says_what_to_do() -> None:
    url = f"postgresql://holdco:hunter2@127.0.0.1:{free_port()}/holdco"
    said = refusal(url, uuid4())
    assert said.startswith("holdco: The database cannot be used: ")
    assert said.endswith(" Start it, or correct DATABASE_URL; then try again.")
    assert "hunter2" not in said


async def test_with_a_database_that_does_not_exist_serve_says_so(server_url: Callable[[str | None], str]) -> None:
    said = await asyncio.to_thread(refusal, server_url("nowhere"), uuid4())
    problem = 'The database cannot be used: database "nowhere" does not exist.'
    assert said == f"holdco: {problem} Start it, or correct DATABASE_URL; then try again."


async def test_with_an_organization_that_does_not_exist_serve_says_so(database_url: str) -> None:
    unknown = uuid4()
    assert await asyncio.to_thread(refusal, database_url, unknown) == (
        f"holdco: The database has no organization {unknown}. Set HOLDCO_ORGANIZATION_ID to one that it has, or run "
        "`holdco migrate` with this id, which makes it."
    )


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_request_under_way_is_answered_after_sigterm_and_new_ones_are_refused(
    story: Story, database_url: str, workers: int
) -> None:
    await story.invoice(await story.customer("Aldgate Networks"), "100.00", number="INV-7")
    with serve(database_url, story.organization_id, workers=workers, HOLDCO_SLOW_MILLISECONDS="3600000") as process:
        async with process.client() as http:
            async with directly(story.engine, story.organization_id) as blocking:
                await blocking.execute(text("lock table invoices in access exclusive mode"))
                asking = asyncio.create_task(http.post("/graphql", json={"query": SLOW}))
                await until_waiting(story.engine, 1)
                process.stop()
                async with asyncio.timeout(SECONDS):
                    while True:
                        try:
                            async with process.client() as another:
                                # Between the last worker and the end of their parent it may wait for nobody.
                                await another.get("/healthz", timeout=5)
                        except httpx.TransportError:
                            break
                assert process.running.poll() is None
            answer = await asking
            assert answer.json() == {"data": {"invoices": {"nodes": [{"number": "INV-7"}]}}}
        status, errors = await asyncio.to_thread(process.end)
        assert (status, errors) == (0, "")


async def test_every_operation_is_logged_when_wanted_and_slow_ones_always_without_values(story: Story, database_url: str) -> None:
    document = "query Find($number: String!) { customers(filter: {number: {eq: $number}}) { nodes { name } } }"
    with serve(database_url, story.organization_id, HOLDCO_LOG_OPERATIONS="on", HOLDCO_SLOW_MILLISECONDS="500") as process:
        async with process.client() as http:
            await http.post("/graphql", json={"query": "query Quick { __typename }"})
            async with directly(story.engine, story.organization_id) as blocking:
                await blocking.execute(text("lock table customers in access exclusive mode"))
                body = {"query": document, "variables": {"number": "secret-number"}}
                asking = asyncio.create_task(http.post("/graphql", json=body))
                await until_waiting(story.engine, 1)
                # Slow is a matter of time.
                await blocking.execute(text("select pg_sleep(0.6)"))
            asked = await asking
            assert asked.json() == {"data": {"customers": {"nodes": []}}}
        process.stop()
        status, errors = await asyncio.to_thread(process.end)
    assert status == 0
    assert "secret-number" not in errors
    logged = [orjson.loads(line) for line in errors.splitlines()]
    assert [(line["event"], line["operation"], line["statements"], line["outcome"]) for line in logged] == [
        ("operation", "Quick", 0, "OK"),
        ("slow operation", "Find", 1, "OK"),
    ]
    assert logged[1]["request_id"] == asked.headers["x-request-id"]


async def test_what_a_subscription_and_each_of_its_events_took_is_logged(story: Story, database_url: str) -> None:
    head = await story.customer("Aldgate Networks")
    document = "subscription Watches ($id: ID!) { customerChanged(customerId: $id, scope: SELF) { customers { name } } }"
    request = {"query": document, "variables": {"id": head}}
    with serve(database_url, story.organization_id, HOLDCO_LOG_OPERATIONS="on") as process:
        async with (
            process.client() as http,
            http.stream("POST", "/graphql", json=request, headers={"accept": "text/event-stream"}) as stream,
        ):
            while value_of((await http.get("/metrics")).text, "holdco_operation_statements_count", type="subscription") == 0:
                pass
            await story.do("customerUpdate", id=head, version=1, name="Aldgate")
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    break
        process.stop()
        status, errors = await asyncio.to_thread(process.end)
    assert status == 0
    logged = [orjson.loads(line) for line in errors.splitlines()]
    assert [(line["event"], line["operation"], line["type"], line["statements"], line["outcome"]) for line in logged] == [
        ("operation", "Watches", "subscription", 1, "OK"),
        ("operation", "Watches", "event", 1, "OK"),
    ]


async def test_the_metrics_of_all_workers_are_one(story: Story, database_url: str) -> None:
    with serve(database_url, story.organization_id, workers=2) as process:
        for _ in range(20):
            # A new connection each time, so that both workers have their share.
            async with process.client() as http:
                await http.post("/graphql", json={"query": "query Shared { organization { currency } }"})
                await http.post("/graphql", json={"query": "{ nonsense }"})
        async with process.client() as http:
            shown = (await http.get("/metrics")).text
    labels = {"operation": "Shared", "type": "query", "outcome": "OK"}
    assert value_of(shown, "holdco_operation_duration_seconds_count", **labels) == 20
    assert value_of(shown, "holdco_operation_statements_sum", type="query") == 20
    assert value_of(shown, "holdco_requests_refused_total", code="GRAPHQL_VALIDATION_FAILED") == 20


async def test_a_worker_that_was_killed_leaves_no_gauges_behind(story: Story, database_url: str, tmp_path: Path) -> None:
    def workers() -> set[int]:
        return {int(file.stem.rpartition("_")[2]) for file in tmp_path.glob("gauge_livesum_*.db")}

    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "HOLDCO_POOL_SIZE": "3"}
    with serve(database_url, story.organization_id, workers=2, **shared) as process:

        async def connections_max() -> float:
            async with process.client() as http:
                return value_of((await http.get("/metrics")).text, "holdco_pool_connections_max")

        async with asyncio.timeout(SECONDS):
            while await connections_max() != 6:
                pass
            killed = min(workers() - {process.running.pid})
            os.kill(killed, signal.SIGKILL)
            while killed in workers() or await connections_max() != 6:
                pass
