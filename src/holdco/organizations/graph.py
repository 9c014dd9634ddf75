"""The organization as clients see it: the type and the query. The mutation is in `mutations.py`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Parent

from holdco.connections import Info, NodeInterface
from holdco.execution.fields import identifier, load, lookup, relation
from holdco.ids import Kind
from holdco.organizations.loaders import OrganizationById
from holdco.organizations.models import LinkPolicy
from holdco.organizations.queries import OrganizationRow
from holdco.scalars import CurrencyCode
from holdco.terms.loaders import TermsByOrganizationId

if TYPE_CHECKING:
    from holdco.terms.graph import OrganizationTerms

strawberry.enum(LinkPolicy, description="Whether a customer with open invoices may be put under a parent.")


@strawberry.type(description="The firm that bills, and its settings.")
class Organization(NodeInterface):
    name: str
    timezone: str = strawberry.field(description="Of the IANA list, such as Europe/Lisbon. It decides what day it is.")
    currency: CurrencyCode = strawberry.field(description="Of new customers where nothing else is said.")
    hierarchy_depth_max: int | None = strawberry.field(
        description="Levels that a tree may have below its root; null allows any depth. Trees that are deeper already stay."
    )
    link_policy: LinkPolicy
    locked_until: date | None = strawberry.field(description="Nothing may be dated on this day or before it.")
    today: date = strawberry.field(description="The calendar date in its time zone: an invoice due before it is overdue.")
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = OrganizationRow

    id = identifier(Kind.ORGANIZATION)

    @relation("Of all customers that have none from elsewhere. For staff only: null for client users.")
    def terms(
        rows: Parent[list[OrganizationRow]], info: Info
    ) -> Annotated[OrganizationTerms, strawberry.lazy("holdco.terms.graph")] | None:
        if not info.context.viewer.is_staff:
            return [None] * len(rows)  # type: ignore[return-value]
        return load(TermsByOrganizationId, [row.id for row in rows])


@strawberry.type
class OrganizationQueries:
    @lookup("The organization that this operation runs for.")
    def organization(info: Info) -> Organization:
        return load(OrganizationById, [info.context.organization_id])
