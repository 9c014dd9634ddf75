"""Reads bulk jobs and what became of each of their customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from holdco.bulk.models import BulkJob, BulkJobRow, BulkJobStatus
from holdco.filtering import Filters
from holdco.listing import Listing, Order, Relation

_JOBS = BulkJob.__table__.c
_ROWS = BulkJobRow.__table__.c


class JobRow(NamedTuple):
    id: UUID
    status: str
    override_policy: str
    is_dry_run: bool
    total_count: int
    done_count: int
    updated_count: int
    unchanged_count: int
    failed_count: int
    skipped_count: int
    actor: str
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OutcomeRow(NamedTuple):
    """`result` is None until its turn."""

    position: int
    customer_id: UUID
    result: str | None
    code: str | None
    message: str | None
    details: dict[str, Any] | None


LISTING: Listing[JobRow] = Listing(
    row=JobRow,
    columns={name: _JOBS[name] for name in JobRow._fields},
    organization=_JOBS.organization_id,
    filters=Filters({}),
    order_default=(Order("created_at", descending=True),),
)

OUTCOMES: Listing[OutcomeRow] = Listing(
    row=OutcomeRow,
    columns={name: _ROWS[name] for name in OutcomeRow._fields},
    organization=_ROWS.organization_id,
    filters=Filters({"result": _ROWS.result}),
    order_default=(Order("position"),),
    key="position",
)
OF_JOB = Relation(parent=_ROWS.job_id)


def has_ended(job: JobRow) -> bool:
    return job.status in {BulkJobStatus.SUCCEEDED, BulkJobStatus.FAILED}
