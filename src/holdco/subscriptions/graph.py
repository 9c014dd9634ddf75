"""Subscriptions as clients see them. An event has ids, which cost nothing, and what they name as it is now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.bulk.graph import BulkJob
from holdco.bulk.loaders import BulkJobById
from holdco.bulk.queries import JobRow
from holdco.changes.hub import Event
from holdco.changes.notice import Topic
from holdco.connections import Info
from holdco.customers.graph import Customer
from holdco.customers.loaders import CustomerById
from holdco.customers.service import not_found
from holdco.errors import BadUserInput, NotFound
from holdco.ids import Kind
from holdco.invoices.graph import Invoice
from holdco.invoices.loaders import InvoiceById
from holdco.loading import Loader
from holdco.payments.graph import Allocation
from holdco.payments.loaders import AllocationById
from holdco.scopes import CustomerScope
from holdco.subscriptions.jobs import JobEvents
from holdco.subscriptions.seen import SeenEvents

REFETCH = "More changed than is named here, or was missed: read again what you show."


def _ids(kind: Kind) -> Any:
    def resolve(event: Parent[Any]) -> list[ID]:
        return [ID(ids.encode(kind, key)) for key in event.ids]

    return resolve


async def _existing(info: Info, loader: type[Loader[Any, Any]], keys: Sequence[Any]) -> list[Any]:
    """What is still there."""
    found = await info.context.loader(loader).load_level(keys)
    return [found[key] for key in keys if found[key] is not None]


@strawberry.type(
    description="Customers that were created, changed, moved or deleted, or whose people, projects or groups changed."
)
class CustomerChanged:
    customer_ids: list[ID] = strawberry.field(resolver=_ids(Kind.CUSTOMER))

    @strawberry.field(description="Those that still exist, as they are now.")
    async def customers(event: Parent[Any], info: Info) -> list[Customer]:
        return await _existing(info, CustomerById, event.ids)

    @strawberry.field(description=REFETCH)
    def refetch(event: Parent[Any]) -> bool:
        return bool(event.is_refetch)


@strawberry.type(description="Invoices that were created, issued, voided, paid, or whose payment was taken back.")
class InvoiceChanged:
    invoice_ids: list[ID] = strawberry.field(resolver=_ids(Kind.INVOICE))

    @strawberry.field(description="Those that still exist, as they are now.")
    async def invoices(event: Parent[Any], info: Info) -> list[Invoice]:
        return await _existing(info, InvoiceById, event.ids)

    @strawberry.field(description=REFETCH)
    def refetch(event: Parent[Any]) -> bool:
        return bool(event.is_refetch)


@strawberry.type(description="Payments and credit that were applied, or taken back: those have `reverses`.")
class PaymentApplied:
    allocation_ids: list[ID] = strawberry.field(resolver=_ids(Kind.ALLOCATION))

    @strawberry.field
    async def allocations(event: Parent[Any], info: Info) -> list[Allocation]:
        return await _existing(info, AllocationById, event.ids)

    @strawberry.field(description=REFETCH)
    def refetch(event: Parent[Any]) -> bool:
        return bool(event.is_refetch)


@strawberry.type(description="How far a bulk job is.")
class BulkJobProgressed:
    @strawberry.field
    def job(job: Parent[JobRow]) -> BulkJob:
        return job  # type: ignore[return-value]


async def _job_events(info: Info, job_id: ID) -> AsyncIterator[JobRow]:
    """As `_events`: BadUserInput for an id of another kind, and where nobody listens; NotFound."""
    context = info.context
    key = ids.decode(Kind.BULK_JOB, job_id)
    if context.hub is None:
        raise BadUserInput("Subscriptions are not served here.")
    subscriber = context.hub.subscribe(context.organization_id, Topic.JOB, key, CustomerScope.SELF)
    is_watching = False
    try:
        is_watching = await context.load(BulkJobById, key) is not None
    finally:
        if not is_watching:
            subscriber.close()
    if not is_watching:
        raise NotFound(f"There is no bulk job {job_id}.", field=("id",))
    return JobEvents(subscriber, context, key)


async def _events(info: Info, topic: Topic, customer_id: ID, scope: CustomerScope) -> AsyncIterator[Event]:
    """Subscribed before the first look, so that nothing falls between: who reads after that misses nothing.

    BadUserInput for an id of another kind, and where nobody listens; NotFound.
    """
    context = info.context
    key = ids.decode(Kind.CUSTOMER, customer_id)
    if context.hub is None:
        raise BadUserInput("Subscriptions are not served here.")
    subscriber = context.hub.subscribe(context.organization_id, topic, key, scope)
    is_watching = False
    try:
        is_watching = await context.load(CustomerById, key) is not None
    finally:
        if not is_watching:
            subscriber.close()
    if not is_watching:
        raise not_found(key)
    return subscriber if context.viewer.is_staff else SeenEvents(subscriber, context)


@strawberry.type
class Subscription:
    """Each event tells what changed since the one before."""

    @strawberry.subscription(description="Changes of customers; not of their money, for which there are the other two.")
    async def customer_changed(
        self, info: Info, customer_id: ID, scope: CustomerScope = CustomerScope.SUBTREE
    ) -> AsyncIterator[CustomerChanged]:
        return await _events(info, Topic.CUSTOMER, customer_id, scope)  # type: ignore[return-value]

    @strawberry.subscription(description="Changes of the invoices of customers.")
    async def invoice_changed(
        self, info: Info, customer_id: ID, scope: CustomerScope = CustomerScope.SUBTREE
    ) -> AsyncIterator[InvoiceChanged]:
        return await _events(info, Topic.INVOICE, customer_id, scope)  # type: ignore[return-value]

    @strawberry.subscription(description="Money applied by customers, or to their invoices.")
    async def payment_applied(
        self, info: Info, customer_id: ID, scope: CustomerScope = CustomerScope.SUBTREE
    ) -> AsyncIterator[PaymentApplied]:
        return await _events(info, Topic.ALLOCATION, customer_id, scope)  # type: ignore[return-value]

    @strawberry.subscription(
        description="A bulk job as it is, and whenever it has gone on; completes when it has ended. For staff only."
    )
    async def bulk_job_progressed(
        self,
        info: Info,
        id: ID,  # noqa: A002 (the name that clients write)
    ) -> AsyncIterator[BulkJobProgressed]:
        return await _job_events(info, id)  # type: ignore[return-value]
