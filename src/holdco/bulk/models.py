"""Tables of bulk jobs: what is to be done, to whom, and what became of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of


class BulkJobStatus(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class OverridePolicy(StrEnum):
    """What becomes of customers' own terms that would shadow those of a group they are added to (domain.md G13)."""

    KEEP = "KEEP"
    CLEAR = "CLEAR"


class BulkRowResult(StrEnum):
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class BulkJob(Base):
    """`done_count` is how many of its rows have a result; the other counts are of those results."""

    __tablename__ = "bulk_jobs"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_bulk_jobs_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    patch: Mapped[dict[str, Any]] = mapped_column(JSONB)
    override_policy: Mapped[str] = mapped_column(Text)
    is_dry_run: Mapped[bool]
    total_count: Mapped[int] = mapped_column(Integer)
    done_count: Mapped[int] = mapped_column(Integer)
    updated_count: Mapped[int] = mapped_column(Integer)
    unchanged_count: Mapped[int] = mapped_column(Integer)
    failed_count: Mapped[int] = mapped_column(Integer)
    skipped_count: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint(one_of("status", BulkJobStatus), name="status"),
        CheckConstraint(one_of("override_policy", OverridePolicy), name="override_policy"),
        CheckConstraint("done_count between 0 and total_count", name="done_count"),
        CheckConstraint(
            "done_count = updated_count + unchanged_count + failed_count + skipped_count"
            " and least(updated_count, unchanged_count, failed_count, skipped_count) >= 0",
            name="counts",
        ),
        Index("ix_bulk_jobs_created_at", "organization_id", "created_at", "id"),
    )


class BulkJobRow(Base):
    """One customer of a job, chosen when the job was made; `result` is null until its turn.

    `position` is the order of the rows. The customer may be deleted before its turn, so that nothing refers to it.
    """

    __tablename__ = "bulk_job_rows"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    job_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    result: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        belongs_to("bulk_jobs", "job_id", name="fk_bulk_job_rows_jobs"),
        CheckConstraint(one_of("result", BulkRowResult), name="result"),
        Index("uq_bulk_job_rows_customer", "organization_id", "job_id", "customer_id", unique=True),
    )


class WaitingJob(Base):
    """That an organization has a job which has not ended. Servers look here for work, across all organizations.

    It is the one table whose rows are seen where no organization is named: they tell that there is work, and nothing of it.
    """

    __tablename__ = "waiting_jobs"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    job_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)

    __table_args__ = (belongs_to("bulk_jobs", "job_id", name="fk_waiting_jobs_jobs"),)
