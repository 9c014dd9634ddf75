"""Groups as clients see them: the type and the queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Maybe, Parent

from holdco import ids
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, plain_text, related
from holdco.customers import queries as customers
from holdco.customers.graph import Customer
from holdco.customers.inputs import CustomerFilter, CustomerOrder
from holdco.execution.fields import identifier, load, lookup, relation, single
from holdco.groups import loaders, queries
from holdco.groups.queries import GroupRow
from holdco.ids import Kind
from holdco.insights import queries as insights
from holdco.insights.queries import InsightsRow
from holdco.organizations.loaders import today
from holdco.paging import request_of
from holdco.payments.loaders import ConsolidatedReceivablesByGroupId

if TYPE_CHECKING:
    from holdco.insights.graph import Insights
    from holdco.payments.graph import Receivables


@strawberry.type(description="Customers that share terms, wherever they stand in the hierarchy. They share no transactions.")
class CustomerGroup(NodeInterface):
    name: str
    rank: int = strawberry.field(description="Of the groups that a customer is in, the one with the lowest rank goes first.")
    description: str | None
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = GroupRow

    id = identifier(Kind.GROUP)

    @relation("Its members.")
    def customers(
        rows: Parent[list[GroupRow]],
        info: Info,
        filter: CustomerFilter | None = None,  # noqa: A002 (the name that clients write)
        order_by: list[CustomerOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Customer]:
        request = list_request(customers.LISTING, filter, order_by, first, after)
        return related([row.id for row in rows], loaders.CustomersByGroupId, loaders.CustomerCountByGroupId, request)

    @relation(
        "What its members owe and have to their credit, without what is below them: one row per currency, never converted. "
        "Null for client users."
    )
    async def consolidated_receivables(
        rows: Parent[list[GroupRow]], info: Info
    ) -> list[Annotated[Receivables, strawberry.lazy("holdco.payments.graph")]] | None:
        keys = [row.id if info.context.viewer.is_staff else None for row in rows]
        return load(ConsolidatedReceivablesByGroupId, keys, (await today(info.context),))

    @relation(
        "How its members, without what is below them, do in a period: until today, and from the first day of the month with "
        "which it has twelve, where nothing else is said. Null for client users."
    )
    async def insights(
        rows: Parent[list[GroupRow]],
        info: Info,
        from_: Annotated[date | None, strawberry.argument(name="from")] = None,
        to: date | None = None,
    ) -> Annotated[Insights, strawberry.lazy("holdco.insights.graph")] | None:
        if not info.context.viewer.is_staff:
            return [None for _ in rows]  # type: ignore[return-value]
        period = insights.period_of(from_, to, await today(info.context))
        return [InsightsRow(row.id, None, period) for row in rows]  # type: ignore[return-value]


@strawberry.input(one_of=True, description="Exactly one of these.")
class CustomerGroupBy:
    id: Maybe[ID] = None
    name: Maybe[str] = None


@strawberry.type
class GroupQueries:
    @lookup("A group by id or name; null where there is none.")
    def customer_group(info: Info, by: CustomerGroupBy) -> CustomerGroup | None:
        if by.id is not None:
            return load(loaders.GroupById, [ids.decode(Kind.GROUP, by.id.value)])
        return load(loaders.GroupByName, [plain_text(by.name.value) if by.name is not None else ""])

    @strawberry.field(description="In rank order.", metadata=single())
    async def customer_groups(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[CustomerGroup]:
        return await listed(info, queries.LISTING, request_of(queries.LISTING, first=first, after=after))
