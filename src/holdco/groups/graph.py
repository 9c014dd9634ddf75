"""Groups as clients see them: the type and the queries. Mutations are in `mutations.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import ID, Maybe, Parent

from holdco import ids
from holdco.connections import Connection, Info, Listed, NodeInterface, list_request, listed, plain_text, related
from holdco.customers import queries as customers
from holdco.customers.graph import Customer
from holdco.customers.inputs import CustomerFilter, CustomerOrder
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import identifier, load, lookup, relation, single
from holdco.groups import loaders, queries
from holdco.groups.queries import GroupRow
from holdco.ids import Kind
from holdco.insights import queries as insights
from holdco.insights.loaders import DriftByGroupId, DriftCountByGroupId
from holdco.insights.queries import InsightsRow
from holdco.organizations.loaders import today
from holdco.paging import request_of
from holdco.payments.loaders import ConsolidatedReceivablesByGroupId
from holdco.price_lists.loaders import PriceListById
from holdco.shapes import PaymentTermsType, payment_terms_of
from holdco.terms.loaders import CandidatesByCustomerId, TermHistoryByGroupId, TermHistoryCountByGroupId, TermsByGroupId
from holdco.terms.queries import GROUP_TERMS, Shadowed, effective
from holdco.terms.queries import shadowed as shadowed_terms

if TYPE_CHECKING:
    from holdco.insights.graph import Insights, MemberDrift
    from holdco.payments.graph import Receivables
    from holdco.price_lists.graph import PriceList
    from holdco.terms.graph import GroupTerm, TermModes


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

    @relation("What its members are priced by. For staff only: null for client users.")
    async def price_list(
        rows: Parent[list[GroupRow]], info: Info
    ) -> Annotated[PriceList, strawberry.lazy("holdco.price_lists.graph")] | None:
        if not info.context.viewer.is_staff:
            return [None] * len(rows)  # type: ignore[return-value]
        terms = info.context.loader(TermsByGroupId)
        found = await asyncio.gather(*(terms.load(row.id) for row in rows))
        return load(PriceListById, [each.price_list_id for each in found])

    @relation("What its members get off. For staff only: null for client users.")
    def discount_percent(rows: Parent[list[GroupRow]], info: Info) -> Decimal | None:
        return _terms(rows, info, lambda terms, _key: terms.discount_percent)

    @relation("By when its members pay. For staff only: null for client users.")
    def payment_terms(rows: Parent[list[GroupRow]], info: Info) -> PaymentTermsType | None:
        return _terms(rows, info, lambda terms, _key: payment_terms_of(terms.payment_terms))

    @relation("How members use each term. For staff only: null for client users.")
    def modes(rows: Parent[list[GroupRow]], info: Info) -> Annotated[TermModes, strawberry.lazy("holdco.terms.graph")] | None:
        return _terms(rows, info)

    @relation("All that it ever offered, the newest first. For staff only: empty for client users.")
    def term_history(
        rows: Parent[list[GroupRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[GroupTerm, strawberry.lazy("holdco.terms.graph")]]:
        request = request_of(GROUP_TERMS, first=first, after=after)
        return related([row.id for row in rows], TermHistoryByGroupId, TermHistoryCountByGroupId, request)

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
        "For staff only: null for client users."
    )
    async def consolidated_receivables(
        rows: Parent[list[GroupRow]], info: Info
    ) -> list[Annotated[Receivables, strawberry.lazy("holdco.payments.graph")]] | None:
        keys = [row.id if info.context.viewer.is_staff else None for row in rows]
        return load(ConsolidatedReceivablesByGroupId, keys, (await today(info.context),))

    @relation(
        "How its members, without what is below them, do in a period: until today, and from the first day of the month with "
        "which it has twelve, where nothing else is said. For staff only: null for client users."
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

    @relation(
        "Terms that do not apply to a member as the group says, by the members' numbers, for documents in their own currencies. "
        "For staff only: null for client users."
    )
    def drift(
        rows: Parent[list[GroupRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[MemberDrift, strawberry.lazy("holdco.insights.graph")]] | None:
        if not info.context.viewer.is_staff:
            return [None for _ in rows]  # type: ignore[return-value]
        request = request_of(insights.DRIFT, first=first, after=after)
        return load(
            DriftByGroupId,
            [row.id for row in rows],
            (request,),
            shown=lambda page, group_id: Listed(page, DriftCountByGroupId, group_id, ()),
        )


def _terms(rows: list[GroupRow], info: Info, shown: Callable[[Any, Any], Any] | None = None) -> Any:
    if not info.context.viewer.is_staff:
        return [None] * len(rows)
    return load(TermsByGroupId, [row.id for row in rows], shown=shown)


SHADOWED_NAMED_MAX = 200


async def shadowed(info: Info, group_id: UUID, customer_ids: Sequence[UUID]) -> list[Shadowed]:
    """Terms of the group that do not apply to these members, in their order (domain.md G7): by two statements."""
    found = await info.context.loader(CandidatesByCustomerId).load_level(customer_ids)
    rows = await info.context.loader(CustomerById).load_level(customer_ids)
    return [
        term
        for key in customer_ids
        if (row := rows[key]) is not None
        for term in shadowed_terms(key, effective(found[key], row.currency), group_id)
    ]


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
