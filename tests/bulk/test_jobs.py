"""Bulk updates of many customers: a job, done a chunk at a time, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from access.people import client_user, staff
from bulk.steps import entries, group, job, key_of, many, members, outcomes, rows, update, work_off
from directly import directly
from holdco.bulk import service
from holdco.bulk.runner import ATTEMPTS_MAX, Runner
from holdco.database import create_engine
from holdco.viewer import ClientUserRole, StaffRole
from races.racing import holder
from stories import Story, fresh_key
from waiting import until_somebody_waits

COUNTS = ("updatedCount", "unchangedCount", "failedCount", "skippedCount")


async def test_five_hundred_are_done_at_once_and_one_more_is_a_job(story: Story) -> None:
    keys = await many(story, 501)
    made = await update(story, {"ids": keys[:500]}, {"role": "BRANCH"})
    found = await job(story, made)
    assert (found["status"], found["doneCount"], found["updatedCount"]) == ("SUCCEEDED", 500, 500)
    made = await update(story, {"filter": {}}, {"role": "OTHER"})
    found = await job(story, made)
    assert (found["status"], found["totalCount"], found["doneCount"], found["startedAt"]) == ("QUEUED", 501, 0, None)
    assert [row["result"] for row in await rows(story, made)] == [None] * 501
    assert await work_off(story, made) == 2
    found = await job(story, made)
    assert (found["status"], found["doneCount"], [found[count] for count in COUNTS]) == ("SUCCEEDED", 501, [501, 0, 0, 0])
    assert (await entries(story, "bulk_job.completed"))[-1] == (
        made,
        {"updated": 501, "unchanged": 0, "failed": 0, "skipped": 0},
    )


async def test_progress_is_told_from_chunk_to_chunk(story: Story) -> None:
    await many(story, 1001)
    made = await update(story, {"filter": {}}, {"role": "BRANCH"})
    told = []
    while await service.work_at(story.engine, story.organization_id, key_of(made)):
        found = await job(story, made)
        told.append((found["status"], found["doneCount"], found["finishedAt"] is not None))
    assert told == [("RUNNING", 500, False), ("RUNNING", 1000, False), ("SUCCEEDED", 1001, True)]


async def test_customers_are_those_of_the_moment_in_which_the_job_was_made(story: Story) -> None:
    keys = await many(story, 501)
    resellers, other = await group(story, "Resellers"), await group(story, "Other")
    await work_off(story, await update(story, {"filter": {}}, {"groupsAdd": [resellers]}))
    made = await update(story, {"groupId": resellers}, {"groupsAdd": [other]})
    late = await story.customer("Late")
    await story.do("customerGroupMembersAdd", id=resellers, customerIds=[late])
    await story.do("customerGroupMembersRemove", id=resellers, customerIds=keys[:1])
    await work_off(story, made)
    assert await members(story, other) == keys


async def test_a_customer_that_is_deleted_before_its_turn_fails_alone(story: Story) -> None:
    keys = await many(story, 501)
    made = await update(story, {"filter": {}}, {"role": "BRANCH"})
    preview = await story.ask("query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }", id=keys[7])
    await story.do("customerDelete", id=keys[7], confirmationToken=preview["customerDeletePreview"]["confirmationToken"])
    await work_off(story, made)
    (failed,) = await rows(story, made, "FAILED")
    assert (failed["customerId"], failed["customer"], failed["code"]) == (keys[7], None, "NOT_FOUND")
    assert [(await job(story, made))[count] for count in COUNTS] == [500, 0, 1, 0]


async def test_a_group_that_ends_before_the_job_does_fails_the_rest(story: Story) -> None:
    await many(story, 501)
    resellers = await group(story, "Resellers")
    made = await update(story, {"filter": {}}, {"groupsAdd": [resellers]})
    await service.work_at(story.engine, story.organization_id, key_of(made))
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text("update customer_groups set deleted_at = now() where organization_id = :key"), {"key": story.organization_id}
        )
    await work_off(story, made)
    assert [(await job(story, made))[count] for count in COUNTS] == [500, 0, 1, 0]
    assert [row["code"] for row in await rows(story, made, "FAILED")] == ["NOT_FOUND"]


async def test_the_same_key_makes_one_job_and_answers_how_far_that_is(story: Story) -> None:
    await many(story, 501)
    given: dict[str, Any] = {
        "selector": {"filter": {}},
        "patch": {"terms": {"discountPercent": "12.50"}},
        "idempotencyKey": fresh_key(),
    }
    first = await story.do("customersBulkUpdate", **given)
    made = first["job"]["id"]
    await work_off(story, made)
    given["patch"]["terms"]["discountPercent"] = "12.5"
    again = await story.do("customersBulkUpdate", **given)
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert (again["job"]["id"], again["job"]["status"], again["job"]["updatedCount"]) == (made, "SUCCEEDED", 501)
    for name, value in (
        ("selector", {"filter": {"name": {"contains": "B"}}}),
        ("patch", {"terms": {"discountPercent": None}}),
        ("patch", {"terms": {}}),
        ("overridePolicy", "CLEAR"),
        ("dryRun", True),
    ):
        assert await story.refused("customersBulkUpdate", **{**given, name: value}) == [
            ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
        ]


async def test_a_dry_run_tells_what_the_run_then_does_and_changes_nothing(story: Story) -> None:
    keys = await many(story, 601)
    resellers = await group(story, "Resellers", discount="12.5")
    await story.do("customerDeactivate", id=keys[0])
    await update(story, {"ids": keys[1:3]}, {"groupsAdd": [resellers], "role": "BRANCH"})
    patch = {"groupsAdd": [resellers], "role": "BRANCH", "terms": {"discountPercent": "0"}}
    told = []
    for selector in ({"ids": keys[:9]}, {"filter": {}}):
        before = await _without_jobs(story)
        dry = await update(story, selector, patch, dryRun=True)
        await work_off(story, dry)
        assert await _without_jobs(story) == before
        assert (await job(story, dry))["isDryRun"] is True
        told.append(await outcomes(story, dry))
    assert (await entries(story, "bulk_job.completed"))[-1][1]["dryRun"] is True
    made = await update(story, {"filter": {}}, patch)
    await work_off(story, made)
    done = await outcomes(story, made)
    assert told == [{key: done[key] for key in keys[:9]}, done]
    assert {result for result, _, _ in done.values()} == {"UPDATED", "SKIPPED"}


_OF_JOBS = {"bulk_jobs", "bulk_job_rows", "waiting_jobs", "idempotency_records"}


async def _without_jobs(story: Story) -> list[tuple[str, str]]:
    """Everything that is not a job, or tells of one."""
    return [row for row in await story.everything() if row[0] not in _OF_JOBS and '"bulk_job.' not in row[1]]


async def test_two_processes_do_each_row_once(story: Story) -> None:
    keys = await many(story, 2001)
    resellers = await group(story, "Resellers")
    made = await update(story, {"filter": {}}, {"groupsAdd": [resellers]})
    chunks = await asyncio.gather(_work_beside_others(story, made), _work_beside_others(story, made))
    assert sum(chunks) == 5
    assert sorted(subject for subject, _ in await entries(story, "customer.bulk_updated")) == keys
    assert [(await job(story, made))[count] for count in COUNTS] == [2001, 0, 0, 0]
    assert len(await entries(story, "bulk_job.completed")) == 1


async def _work_beside_others(story: Story, made: str) -> int:
    """In how many chunks: as a server does, which finds the job held by another one now and then."""
    chunks = 0
    while (await job(story, made))["status"] != "SUCCEEDED":
        chunks += await service.work_at(story.engine, story.organization_id, key_of(made))
    return chunks


async def test_nobody_else_works_at_a_job_while_somebody_does(story: Story) -> None:
    keys = await many(story, 501)
    made = await update(story, {"filter": {}}, {"role": "BRANCH"})
    async with holder(story) as held:
        await held.row(keys[0])
        working = asyncio.create_task(service.work_at(story.engine, story.organization_id, key_of(made)))
        await until_somebody_waits(story.engine)
        assert await service.work_at(story.engine, story.organization_id, key_of(made)) is False
        await held.let_go()
        assert await working is True
    assert (await job(story, made))["doneCount"] == 500
    await work_off(story, made)


async def test_a_job_whose_rows_cannot_be_done_ends_failed_and_what_was_done_stays(story: Story) -> None:
    await many(story, 1001)
    made = await update(story, {"filter": {}}, {"role": "BRANCH"})
    await service.work_at(story.engine, story.organization_id, key_of(made))
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text("update bulk_jobs set patch = '{}' where organization_id = :key"), {"key": story.organization_id}
        )
    runner = Runner(story.engine, asyncio.Event(), retry_after=0)
    assert [await runner.round() for _ in range(ATTEMPTS_MAX)] == [False] * ATTEMPTS_MAX
    found = await job(story, made)
    assert (found["status"], found["doneCount"], found["updatedCount"]) == ("FAILED", 500, 500)
    assert found["error"] == f"The next rows failed {ATTEMPTS_MAX} times; the server's log tells why. What is done stays done."
    assert await entries(story, "bulk_job.failed") == [(made, {"updated": 500, "unchanged": 0, "failed": 0, "skipped": 0})]
    assert (story.organization_id, key_of(made)) not in await service.waiting(story.engine)


async def test_a_database_that_is_away_is_not_asked_again_and_again_for_a_job_that_has_failed(story: Story) -> None:
    await many(story, 501)
    made = await update(story, {"filter": {}}, {"role": "BRANCH"})
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text("update bulk_jobs set patch = '{}' where organization_id = :key"), {"key": story.organization_id}
        )
    runner = Runner(story.engine, asyncio.Event(), retry_after=0)
    assert await runner.round() is False
    asked = asyncio.Semaphore(0)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.release()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as away:
        port = away.sockets[0].getsockname()[1]
        runner._engine = create_engine(f"postgresql://nobody@127.0.0.1:{port}/nothing", pool_size=1)  # noqa: SLF001
        runner.start()
        await asked.acquire()
        # A driver may try with and without encryption; more often than that it would be a flood.
        more = [asked.acquire() for _ in range(5)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*more), 0.5)
        await runner.stop(seconds=0)
    await service.give_up(story.engine, story.organization_id, key_of(made), reason="Seen enough.")


async def test_jobs_are_read_by_staff_of_their_organization_alone(story: Story) -> None:
    customer = await story.customer("Aldgate Networks")
    first = await update(story, {"ids": [customer]}, {"role": "BRANCH"})
    second = await update(story, {"subtreeOf": customer}, {"role": "OTHER"})
    document = """query ($id: ID!) { bulkJob(id: $id) { id } node(id: $id) { id }
        bulkJobs { totalCount nodes { id rows { totalCount nodes { customer { id } } } } } }"""
    shown = {"totalCount": 1, "nodes": [{"customer": {"id": customer}}]}
    for reader in (story, staff(story, StaffRole.READ_ONLY)):
        assert await reader.ask(document, id=first) == {
            "bulkJob": {"id": first},
            "node": {"id": first},
            "bulkJobs": {"totalCount": 2, "nodes": [{"id": second, "rows": shown}, {"id": first, "rows": shown}]},
        }
    nothing = {"bulkJob": None, "node": None, "bulkJobs": {"totalCount": 0, "nodes": []}}
    caller = await client_user(story, {customer: ClientUserRole.ADMIN})
    assert await caller.ask(document, id=first) == nothing
    patch = {"selector": {"ids": [customer]}, "patch": {"role": "BRANCH"}}
    payload = await caller.attempt("customersBulkUpdate", **patch)
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]
    assert payload["job"] is None


async def test_a_chunk_is_as_many_statements_however_many_customers_it_has(story: Story, counting: Callable[[], Any]) -> None:
    keys = await many(story, 505)
    resellers = await group(story, "Resellers", discount="12.5")
    patch = {"groupsAdd": [resellers], "role": "BRANCH", "terms": {"discountPercent": "5"}}
    counts = []
    for chosen in (keys[:5], keys[5:]):
        with counting() as issued:
            made = await update(story, {"ids": chosen}, patch)
        counts.append(len(issued))
    assert counts == [27, 27]
    with counting() as issued:
        await rows(story, made, "UPDATED")
    # Three pages: the job, its rows, how many those are, and their customers.
    assert len(issued) == 3 * 4
