"""Loaders of bulk jobs, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.bulk import queries
from holdco.bulk.queries import JobRow, OutcomeRow
from holdco.loading import CountsByParent, PagesByParent, RowByKey


class BulkJobById(RowByKey[UUID, JobRow]):
    listing = queries.LISTING


class OutcomesByJobId(PagesByParent[OutcomeRow]):
    """In the order in which they are done."""

    listing = queries.OUTCOMES
    relation = queries.OF_JOB


class OutcomeCountByJobId(CountsByParent):
    listing = queries.OUTCOMES
    relation = queries.OF_JOB
