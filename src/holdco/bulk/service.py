"""Bulk updates: made by a request, worked off a chunk at a time, each chunk in a transaction of its own (domain.md G13).

Whoever works at a job holds its row. A process that is killed loses its connection and with it the row; what it had not committed
has not happened, and the next one goes on behind the last row that has a result. Nothing depends on clocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from sqlalchemy import Integer, Uuid, bindparam, cast, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database, ids
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.bulk import patching
from holdco.bulk.errors import NotDone
from holdco.bulk.models import BulkJob, BulkJobRow, BulkJobStatus, BulkRowResult, OverridePolicy, WaitingJob
from holdco.bulk.patching import Outcome, Patch
from holdco.changes import work
from holdco.changes.notice import Topic
from holdco.database import Transaction
from holdco.errors import InvalidInput
from holdco.groups import selection
from holdco.groups.selection import Selection
from holdco.idempotency import service as idempotency
from holdco.idempotency.service import Answer
from holdco.ids import Kind
from holdco.organizations.models import Organization
from holdco.outages import cause_of
from holdco.statements import ORGANIZATION_ID

log = structlog.get_logger(__name__)

# Rows of one transaction: all of a request with so few, or the next of a job. Others wait for them no longer than that takes.
CHUNK: Final = 500
ROWS_MAX: Final = 1_000_000

# Who changes something before it is known for whom.
_NOBODY: Final = "Holdco"


@dataclass(frozen=True, slots=True)
class Update:
    """What is asked for: whom, how, and whether it is only to be told what would happen."""

    selection: Selection
    patch: Patch
    override_policy: OverridePolicy
    is_dry_run: bool


async def start(transaction: Transaction, update: Update, *, key: str, request: Mapping[str, Any]) -> Answer:
    """Makes a job, and does it where it is small. The answer has its id; the customers are those of this moment.

    Raises, in this order: InvalidInput for the key; IdempotencyKeyReused; Refused with everything that is wrong with the patch;
    Refused with NotFound for what the selection names; InvalidInput for too many customers.
    """

    async def use_case() -> Mapping[str, Any]:
        patch = await patching.check(transaction, update.patch)
        await selection.check(transaction, update.selection)
        job_id = ids.new()
        await transaction.execute(_insert(transaction, job_id, patch, update))
        total = await _freeze(transaction, job_id, update.selection)
        if total > ROWS_MAX:
            raise InvalidInput(f"These are more than {ROWS_MAX} customers. Select fewer.", field=("selector",))
        await transaction.execute(_TOTAL, {**_identity(transaction, job_id), "total": total})
        if total <= CHUNK:
            await _work(transaction, await _locked(transaction, job_id))
        else:
            await transaction.execute(insert(WaitingJob).values(organization_id=transaction.organization_id, job_id=job_id))
            await transaction.execute(_WAKE, {"channel": work.CHANNEL})
        return {"job": job_id.hex}

    return await idempotency.once(transaction, mutation="customersBulkUpdate", key=key, request=request, use_case=use_case)


async def waiting(engine: AsyncEngine) -> list[tuple[UUID, UUID]]:
    """Organization and id of every job that has not ended, the oldest first. Only who names no organization sees all of them."""
    async with engine.begin() as connection:
        return [(row[0], row[1]) for row in await connection.execute(_WAITING)]


async def work_at(engine: AsyncEngine, organization_id: UUID, job_id: UUID) -> bool:
    """Does the next rows of a job and commits them. False when somebody else works at it, or it has ended."""
    async with database.begin(engine, organization_id=organization_id, actor=_NOBODY) as transaction:
        job = await _locked(transaction, job_id)
        if job is None:
            return False
        transaction.actor = job.actor
        await _work(transaction, job)
    return True


async def give_up(engine: AsyncEngine, organization_id: UUID, job_id: UUID, *, reason: str) -> None:
    """Ends a job that cannot go on. What was done stays done."""
    async with database.begin(engine, organization_id=organization_id, actor=_NOBODY) as transaction:
        job = await _locked(transaction, job_id)
        if job is not None:
            transaction.actor = job.actor
            await _progress(transaction, job, [], BulkJobStatus.FAILED, error=reason)


def _insert(transaction: Transaction, job_id: UUID, patch: Patch, update: Update) -> Any:
    return insert(BulkJob).values(
        organization_id=transaction.organization_id,
        id=job_id,
        status=BulkJobStatus.QUEUED.value,
        patch=patch.as_json(),
        override_policy=update.override_policy.value,
        is_dry_run=update.is_dry_run,
        **dict.fromkeys(_COUNTS, 0),
        actor=transaction.actor,
        created_at=transaction.now,
    )


_COUNTS = ("total_count", "done_count", "updated_count", "unchanged_count", "failed_count", "skipped_count")


async def _freeze(transaction: Transaction, job_id: UUID, chosen: Selection) -> int:
    """Writes down whom the job is about, and how many that are; one too many where it would be too many."""
    found, values = selection.select_ids(chosen)
    few = found.subquery("found")
    limited = select(few.c.id).order_by(few.c.id).limit(bindparam("most", type_=Integer)).subquery("chosen")
    organization = Organization.__table__.c
    rows = (
        select(
            organization.id,
            bindparam("job_id", type_=Uuid),
            cast(func.row_number().over(order_by=limited.c.id), Integer),
            limited.c.id,
        )
        .select_from(Organization.__table__.join(limited, organization.id == ORGANIZATION_ID))
        .where(organization.id == ORGANIZATION_ID)
    )
    frozen = (
        postgresql.insert(BulkJobRow)
        .from_select(["organization_id", "job_id", "position", "customer_id"], rows)
        .on_conflict_do_nothing()
    )
    result = await transaction.execute(frozen, {**_identity(transaction, job_id), "most": ROWS_MAX + 1, **values})
    return result.rowcount


def _identity(transaction: Transaction, job_id: UUID) -> dict[str, Any]:
    return {"organization_id": transaction.organization_id, "job_id": job_id}


_TOTAL = text("update bulk_jobs set total_count = :total where organization_id = :organization_id and id = :job_id")
# A statement of its own: on a cluster it would otherwise run on a worker, where nobody listens (distributed.md 2.3).
_WAKE = text("select pg_notify(:channel, '')")
_WAITING = text("select organization_id, job_id from waiting_jobs order by job_id")
_LOCKED = text(
    """
    select j.id, j.status, j.patch, j.override_policy, j.is_dry_run, j.total_count, j.done_count, j.actor, j.started_at
    from bulk_jobs j
    where j.organization_id = :organization_id and j.id = :job_id and j.status in ('QUEUED', 'RUNNING')
    for no key update skip locked
    """
)
# By their positions, which have no gaps: behind the last that is done, however many those are.
_NEXT = text(
    """
    select r.position, r.customer_id from bulk_job_rows r
    where r.organization_id = :organization_id and r.job_id = :job_id and r.position > :after and r.position <= :until
    order by r.position
    """
)
_RESULTS = text(
    """
    update bulk_job_rows r
    set result = n.result, code = n.code, message = n.message, details = cast(n.details as jsonb)
    from unnest(cast(:positions as integer[]), cast(:results as text[]), cast(:codes as text[]), cast(:messages as text[]),
                cast(:details as text[])) as n(position, result, code, message, details)
    where r.organization_id = :organization_id and r.job_id = :job_id and r.position = n.position
    """
)
_PROGRESS = text(
    """
    update bulk_jobs
    set status = :status, error = :error, started_at = :started_at, finished_at = :finished_at,
        done_count = done_count + :done, updated_count = updated_count + :updated, unchanged_count = unchanged_count + :unchanged,
        failed_count = failed_count + :failed, skipped_count = skipped_count + :skipped
    where organization_id = :organization_id and id = :job_id
    returning updated_count, unchanged_count, failed_count, skipped_count
    """
)
_ENDED = text("delete from waiting_jobs where organization_id = :organization_id and job_id = :job_id")


async def _locked(transaction: Transaction, job_id: UUID) -> Any:
    """A job that has not ended, which nobody else works at until commit; None where there is none."""
    rows = await transaction.rows(_LOCKED, _identity(transaction, job_id))
    return rows[0] if rows else None


async def _work(transaction: Transaction, job: Any) -> None:
    until = job.done_count + CHUNK
    rows = await transaction.rows(_NEXT, {**_identity(transaction, job.id), "after": job.done_count, "until": until})
    outcomes = await _done(transaction, job, [row.customer_id for row in rows]) if rows else {}
    ordered = [outcomes[row.customer_id] for row in rows]
    if rows:
        await transaction.execute(
            _RESULTS,
            {
                **_identity(transaction, job.id),
                "positions": [row.position for row in rows],
                "results": [each.result.value for each in ordered],
                "codes": [each.code for each in ordered],
                "messages": [each.message for each in ordered],
                "details": [orjson.dumps(each.details).decode() if each.details else None for each in ordered],
            },
        )
    is_over = until >= job.total_count
    await _progress(transaction, job, ordered, BulkJobStatus.SUCCEEDED if is_over else BulkJobStatus.RUNNING)


async def _done(transaction: Transaction, job: Any, customer_ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """What became of these customers: together, or where the database refuses that because of one of them, in halves.

    Of a dry run nothing else is left.
    """
    told = deepcopy(transaction.changes)
    savepoint = await transaction.connection.begin_nested()
    try:
        outcomes = await patching.apply(
            transaction, job.id, patching.patch_of(job.patch), OverridePolicy(job.override_policy), customer_ids
        )
    except DBAPIError as error:
        await savepoint.rollback()
        transaction.changes = told
        if not _is_of_a_row(error):
            raise
        if len(customer_ids) == 1:
            cause = type(cause_of(error)).__name__
            log.warning("a row of a bulk job was refused", job=str(job.id), customer=str(customer_ids[0]), cause=cause)
            return {customer_ids[0]: patching.failed(NotDone())}
        half = len(customer_ids) // 2
        return {
            **await _done(transaction, job, customer_ids[:half]),
            **await _done(transaction, job, customer_ids[half:]),
        }
    if job.is_dry_run:
        await savepoint.rollback()
        transaction.changes = told
    else:
        await savepoint.commit()
    return outcomes


def _is_of_a_row(error: DBAPIError) -> bool:
    """Whether a value did not fit or a constraint did not hold (SQLSTATE classes 22 and 23), which trying again does not mend."""
    return str(getattr(cause_of(error), "sqlstate", None))[:2] in {"22", "23"}


async def _progress(
    transaction: Transaction, job: Any, outcomes: Sequence[Outcome], status: BulkJobStatus, *, error: str | None = None
) -> None:
    results = [each.result for each in outcomes]
    has_ended = status is not BulkJobStatus.RUNNING
    rows = await transaction.rows(
        _PROGRESS,
        {
            **_identity(transaction, job.id),
            "status": status.value,
            "error": error,
            "started_at": job.started_at or transaction.now,
            "finished_at": transaction.now if has_ended else None,
            "done": len(results),
            **{result.lower(): results.count(result) for result in BulkRowResult},
        },
    )
    transaction.changes.add(Topic.JOB, job.id, job.id)
    if not has_ended:
        return
    await transaction.execute(_ENDED, _identity(transaction, job.id))
    counts = dict(zip(("updated", "unchanged", "failed", "skipped"), rows[0], strict=True))
    action = "bulk_job.completed" if status is BulkJobStatus.SUCCEEDED else "bulk_job.failed"
    details = {**counts, "dryRun": True} if job.is_dry_run else counts
    await activity.record(transaction, [Entry(action, None, ids.encode(Kind.BULK_JOB, job.id), details)])
