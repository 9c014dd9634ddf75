"""Groups as clients see them: the type and the queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime

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
from holdco.paging import request_of


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
