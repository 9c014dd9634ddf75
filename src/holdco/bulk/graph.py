"""Bulk jobs as clients see them: the types and the queries. The mutation is in `mutations.py`. They are staff's."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.bulk import loaders, queries
from holdco.bulk.inputs import BulkJobRowFilter
from holdco.bulk.models import BulkJobStatus, BulkRowResult, OverridePolicy
from holdco.bulk.queries import JobRow, OutcomeRow
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, related
from holdco.customers.graph import Customer
from holdco.customers.loaders import CustomerById
from holdco.errors import UserErrorCode
from holdco.execution.fields import column, identifier, load, lookup, relation, single
from holdco.ids import Kind
from holdco.paging import request_of
from holdco.scalars import JSON


@strawberry.type(description="What became of one customer of a bulk job.")
class BulkJobRow:
    result: BulkRowResult | None = strawberry.field(description="Null until its turn.")
    code: UserErrorCode | None = strawberry.field(description="Why it FAILED or was SKIPPED.")
    message: str | None
    details: JSON | None = strawberry.field(
        description="What changed: groupsAdded, groupsRemoved, termsSet, termsCleared, fields; and what of the groups that were"
        " added does not apply (shadowed: field, groupId, and shadowedBy or skippedReason)."
    )

    @column(reads=("customer_id",))
    def customer_id(rows: Parent[list[OutcomeRow]]) -> ID:
        return [ids.encode(Kind.CUSTOMER, row.customer_id) for row in rows]  # type: ignore[return-value]

    @relation("Null when it was deleted.", reads=("customer_id",))
    def customer(rows: Parent[list[OutcomeRow]], info: Info) -> Customer | None:
        return load(CustomerById, [row.customer_id for row in rows])


@strawberry.type(description="The same change of many customers. For staff only.")
class BulkJob(NodeInterface):
    status: BulkJobStatus
    override_policy: OverridePolicy
    is_dry_run: bool = strawberry.field(description="Nothing was changed: its rows tell what would have been.")
    total_count: int
    done_count: int = strawberry.field(description="Rows that have a result.")
    updated_count: int
    unchanged_count: int
    failed_count: int
    skipped_count: int
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None = strawberry.field(description="Why it FAILED.")

    row_type = JobRow

    id = identifier(Kind.BULK_JOB)

    @relation("One for each customer, in the order in which they are done.")
    def rows(
        rows: Parent[list[JobRow]],
        info: Info,
        filter: BulkJobRowFilter | None = None,  # noqa: A002 (the name that clients write)
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[BulkJobRow]:
        request = list_request(queries.OUTCOMES, filter, None, first, after)
        return related([row.id for row in rows], loaders.OutcomesByJobId, loaders.OutcomeCountByJobId, request)


@strawberry.type
class BulkQueries:
    @lookup("A bulk job by id; null where there is none, and for client users.")
    def bulk_job(info: Info, id: ID) -> BulkJob | None:  # noqa: A002 (the name that clients write)
        return load(loaders.BulkJobById, [ids.decode(Kind.BULK_JOB, id)])

    @strawberry.field(description="The newest first. Empty for client users.", metadata=single())
    async def bulk_jobs(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[BulkJob]:
        return await listed(info, queries.LISTING, request_of(queries.LISTING, first=first, after=after))
