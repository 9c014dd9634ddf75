"""Jobs in servers: told of over sockets, and finished whatever becomes of the process that worked at them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from access.people import client_user
from asking import asker
from bulk.steps import entries, group, job, many, members, rows, update
from holdco.organizations.service import ensure
from holdco.viewer import ClientUserRole
from operations.serving import SECONDS, Process, serve
from operations.test_stopping import received, socket_of
from races.racing import Holder, holder
from stories import Story
from subscriptions.conftest import Socket, serving
from tokens import bearer, issue, open_to_tests, token_of
from waiting import until_somebody_waits

WATCHES = "subscription ($id: ID!) { bulkJobProgressed(id: $id) { job { id status doneCount } } }"


async def until_done(story: Story, made: str, count: int) -> dict[str, Any]:
    """The job, as soon as so many of its rows are done."""
    async with asyncio.timeout(SECONDS):
        while (found := await job(story, made))["doneCount"] < count:  # noqa: ASYNC110 (another process goes on with it)
            await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def stuck(story: Story, process: Process, keys: list[str]) -> AsyncIterator[tuple[str, Holder]]:
    """A job whose third chunk waits for somebody else."""
    resellers = await group(story, "Resellers")
    async with holder(story) as held:
        await held.row(keys[1200])
        made = await update(story, {"filter": {}}, {"groupsAdd": [resellers], "role": "BRANCH"})
        assert (await until_done(story, made, 1000))["status"] == "RUNNING"
        await until_somebody_waits(story.engine)
        assert process.running.poll() is None
        yield made, held


async def finished(story: Story, made: str, keys: list[str]) -> None:
    """Every row was done, and none twice."""
    found = await until_done(story, made, len(keys))
    assert (found["status"], found["updatedCount"]) == ("SUCCEEDED", len(keys))
    assert sorted(subject for subject, _ in await entries(story, "customer.bulk_updated")) == keys
    assert [subject for subject, _ in await entries(story, "bulk_job.completed")] == [made]
    (resellers,) = {key for row in await rows(story, made) for key in row["details"]["groupsAdded"]}
    assert await members(story, resellers) == keys
    versions = await story.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { version } } }", ids=keys[1000:1200])
    assert {node["version"] for node in versions["nodes"]} == {2}


async def test_a_job_of_a_process_that_is_killed_is_finished_by_the_next(story: Story, database_url: str) -> None:
    keys = await many(story, 2201)
    with serve(database_url, story.organization_id) as process:
        async with stuck(story, process, keys) as (made, held):
            process.stop(signal.SIGKILL)
            await asyncio.to_thread(process.end)
            await held.let_go()
    assert (await job(story, made))["doneCount"] == 1000
    with serve(database_url, story.organization_id):
        await finished(story, made, keys)


async def test_a_job_of_a_process_that_is_stopped_ends_with_its_chunk_and_is_finished_by_the_next(
    story: Story, database_url: str
) -> None:
    keys = await many(story, 2201)
    with serve(database_url, story.organization_id) as process:
        async with stuck(story, process, keys) as (made, held), socket_of(process) as socket:
            process.stop()
            assert await received(socket) == ([], 1001)
            await held.let_go()
            assert await asyncio.to_thread(process.end) == (0, "")
    found = await job(story, made)
    assert (found["status"], found["doneCount"]) == ("RUNNING", 1500)
    with serve(database_url, story.organization_id):
        await finished(story, made, keys)


async def test_two_processes_that_serve_do_each_row_once(story: Story, database_url: str) -> None:
    keys = await many(story, 2201)
    resellers = await group(story, "Resellers")
    with serve(database_url, story.organization_id, workers=2):
        made = await update(story, {"filter": {}}, {"groupsAdd": [resellers], "role": "BRANCH"})
        await finished(story, made, keys)


async def test_a_job_is_told_of_as_it_goes_on_until_it_has_ended(story: Story, database_url: str) -> None:
    keys = await many(story, 1001)
    async with serving(database_url, story.organization_id, story.engine) as server, server.socket() as socket:
        async with holder(story) as held:
            await held.row(keys[0])
            made = await update(story, {"filter": {}}, {"role": "BRANCH"})
            await socket.execute("1", WATCHES, id=made)
            assert await socket.next() == {"bulkJobProgressed": {"job": {"id": made, "status": "QUEUED", "doneCount": 0}}}
            await held.let_go()
        told = []
        while (message := await socket.receive())["type"] == "next":
            told.append(message["payload"]["data"]["bulkJobProgressed"]["job"])
        assert message == {"id": "1", "type": "complete"}
        assert told[-1] == {"id": made, "status": "SUCCEEDED", "doneCount": 1001}
        assert [each["doneCount"] for each in told] == sorted({each["doneCount"] for each in told})
        # Who comes late is told once.
        await socket.execute("2", WATCHES, id=made)
        assert await socket.next("2") == {"bulkJobProgressed": {"job": told[-1]}}
        assert await socket.receive() == {"id": "2", "type": "complete"}
        await server.until_subscribed(0)


async def test_a_job_is_told_neither_to_other_organizations_nor_to_client_users(story: Story, database_url: str) -> None:
    customer = await story.customer("Aldgate Networks")
    made = await update(story, {"ids": [customer]}, {"role": "BRANCH"})
    other = uuid4()
    await ensure(story.engine, other)
    await open_to_tests(story.engine, other)
    found = await asker(story.engine, other)("query ($id: ID!) { bulkJob(id: $id) { id } bulkJobs { totalCount } }", id=made)
    assert found == {"bulkJob": None, "bulkJobs": {"totalCount": 0}}
    seer = await client_user(story, {customer: ClientUserRole.ADMIN})
    issued = await issue(story.engine, story.organization_id, client_user_id=seer.viewer.client_user_id)
    async with serving(database_url, story.organization_id, story.engine) as server:
        for token in (token_of(other), issued.text):
            async with server.connection() as connection:
                socket = Socket(connection, bearer(token))
                await socket.initialise()
                await socket.execute("1", WATCHES, id=made)
                message = await socket.receive()
                assert (message["type"], [error["extensions"]["code"] for error in message["payload"]]) == (
                    "error",
                    ["NOT_FOUND"],
                )
