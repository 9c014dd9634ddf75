"""How a customer stands in its tree, as clients see it: links and their rights, and subtrees as flat lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import ID, Parent

from holdco.connections import EdgeRow, Info, Listed, NodeInterface, PageInfo, counted, page_info
from holdco.customers import loaders
from holdco.customers.queries import CustomerRow, ParentLinkRow
from holdco.execution.fields import column, identifier, load, relation
from holdco.ids import Kind

if TYPE_CHECKING:
    from holdco.customers.graph import Customer


@strawberry.type(description="What the parent may do at this customer and, over it, below it.")
class ParentAccess:
    view: bool
    pay: bool
    manage: bool
    pay_invoices_from: date | None = strawberry.field(description="Earlier invoices may not be paid by the parent.")
    inherit_terms: bool | None = strawberry.field(
        description="Whether the parent's terms apply here where nothing else does. For staff only: null for client users."
    )


@strawberry.type(description="A customer under a parent, from one instant to another.")
class ParentLink(NodeInterface):
    valid_from: datetime
    valid_to: datetime | None = strawberry.field(description="Null while the link holds.")
    actor: str = strawberry.field(description="Who began it.")
    reason: str | None = strawberry.field(description="Why it began; why it ended stands in activity.")

    row_type = ParentLinkRow

    id = identifier(Kind.PARENT_LINK)

    @relation(reads=("child_id",))
    def child(rows: Parent[list[ParentLinkRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(loaders.CustomerById, [row.child_id for row in rows])

    @relation(reads=("parent_id",))
    def parent(rows: Parent[list[ParentLinkRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(loaders.CustomerById, [row.parent_id for row in rows])

    @strawberry.field
    def access(row: Parent[ParentLinkRow]) -> ParentAccess:
        return row  # type: ignore[return-value]


@strawberry.type
class DescendantEdge:
    cursor: str

    @column("1 for a child.")
    def depth(rows: Parent[list[EdgeRow[Any]]]) -> int:
        return [edge.node.depth for edge in rows]  # type: ignore[return-value]

    @strawberry.field
    def node(edge: Parent[EdgeRow[Any]]) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        customer: Customer = edge.node
        return customer

    @column(reads=("parent_id",), of=CustomerRow)
    def parent_id(rows: Parent[list[EdgeRow[CustomerRow]]]) -> ID | None:
        prefix = Kind.CUSTOMER.prefix
        keys = [edge.node.parent_id for edge in rows]
        return [prefix + key.hex if key is not None else None for key in keys]  # type: ignore[return-value]


@strawberry.type(description="A subtree as a flat list; each edge tells how deep its customer is and under which parent.")
class DescendantConnection:
    @strawberry.field
    def nodes(root: Parent[Listed[CustomerRow]]) -> list[Annotated[Customer, strawberry.lazy("holdco.customers.graph")]]:
        return root.page.rows  # type: ignore[return-value]

    @strawberry.field
    def edges(root: Parent[Listed[CustomerRow]]) -> list[DescendantEdge]:
        return [EdgeRow(root.page, row) for row in root.page.rows]  # type: ignore[misc]

    @strawberry.field
    def page_info(root: Parent[Listed[CustomerRow]]) -> PageInfo:
        return page_info(root.page)

    @relation("How many there are in all, counted only when asked for.", reads=None)
    async def total_count(rows: Parent[list[Listed[CustomerRow]]], info: Info) -> int:
        return await counted(rows, info.context)
