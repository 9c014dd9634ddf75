"""Changes many customers at once. Here inputs are read, nothing else; `service.py` decides."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import strawberry

from holdco.bulk import service
from holdco.bulk.graph import BulkJob
from holdco.bulk.inputs import CustomersBulkUpdateInput
from holdco.bulk.loaders import BulkJobById
from holdco.bulk.service import Update
from holdco.connections import Info, UserError, attempt


@strawberry.type
class BulkUpdatePayload:
    job: BulkJob | None = None
    replayed: bool = strawberry.field(
        default=False, description="The key was used before: this is the job of then, as it is now."
    )
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class BulkMutations:
    @strawberry.mutation(
        description=f"Changes many customers in the same way. Up to {service.CHUNK} at once: the job has SUCCEEDED in the"
        f" answer. More, and at most {service.ROWS_MAX}, by a job that goes on by itself; bulkJobProgressed tells how far it is."
    )
    async def customers_bulk_update(
        self,
        info: Info,
        input: CustomersBulkUpdateInput,  # noqa: A002
    ) -> BulkUpdatePayload:
        async def use_case() -> BulkUpdatePayload:
            update = Update(input.selector.selection(), input.patch.patch(), input.override_policy, input.dry_run)
            async with info.context.transaction() as transaction:
                answer = await service.start(transaction, update, key=input.idempotency_key, request=input.request())
            job = await info.context.show(BulkJobById, UUID(answer.value["job"]))
            return BulkUpdatePayload(job=job, replayed=answer.is_replayed)

        return await attempt(BulkUpdatePayload, use_case)
