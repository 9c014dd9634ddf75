"""Customers as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.activity import queries as activity
from holdco.activity.queries import ActivityRow
from holdco.client_users import queries as client_users
from holdco.client_users.loaders import ClientUserCountByCustomerId, ClientUsersByCustomerId
from holdco.connections import (
    Connection,
    Info,
    NodeInterface,
    UserError,
    list_request,
    listed,
    orders_of,
    plain_text,
    related,
    user_errors,
)
from holdco.contacts import queries as contacts
from holdco.contacts.loaders import ContactCountByCustomerId, ContactsByCustomerId
from holdco.customers import deletion, loaders, queries
from holdco.customers.inputs import CustomerBy, CustomerFilter, CustomerOrder
from holdco.customers.models import CustomerKind, CustomerRole, CustomerStatus
from holdco.customers.queries import CustomerRow
from holdco.customers.tree import DescendantConnection, ParentAccess, ParentLink
from holdco.errors import BadUserInput
from holdco.execution.fields import identifier, load, lookup, reads, relation, single
from holdco.filtering import Condition
from holdco.groups.loaders import GroupsByCustomerId
from holdco.ids import Kind
from holdco.insights import queries as insights
from holdco.insights.queries import InsightsRow
from holdco.invoices import queries as invoices
from holdco.invoices.loaders import InvoiceCountByScope, InvoicesByScope
from holdco.organizations.loaders import today
from holdco.paging import request_of
from holdco.payments import queries as payments
from holdco.payments.loaders import (
    ConsolidatedReceivablesByCustomerId,
    CreditNoteCountByCustomerId,
    CreditNotesByCustomerId,
    PaymentCountByScope,
    PaymentsByScope,
    ReceivablesByCustomerId,
)
from holdco.projects import queries as projects
from holdco.projects.loaders import ProjectCountByCustomerId, ProjectsByCustomerId
from holdco.scalars import JSON, CurrencyCode
from holdco.scopes import CustomerScope
from holdco.shapes import Address, address_of
from holdco.terms.loaders import CandidatesByCustomerId, TermsByCustomerId, end_of
from holdco.terms.queries import effective

if TYPE_CHECKING:
    from holdco.client_users.graph import CustomerClientUserConnection
    from holdco.contacts.graph import Contact
    from holdco.groups.graph import CustomerGroup
    from holdco.insights.graph import Insights
    from holdco.invoices.graph import Invoice, InvoiceFilter, InvoiceOrder
    from holdco.payments.graph import CreditNote, Payment, Receivables
    from holdco.projects.graph import Project
    from holdco.terms.graph import CustomerTerms, EffectiveTerms

strawberry.enum(CustomerScope, description="A customer alone, those directly below it, or it and all of its descendants.")


@strawberry.type(description="The same customer in another system.")
class ExternalReference:
    system: str
    external_id: str
    url: str | None


@strawberry.type(description="One change: who did what, when.")
class Activity(NodeInterface):
    occurred_at: datetime
    actor: str
    action: str = strawberry.field(description="Noun first: customer.updated, payment.recorded.")
    subject_id: ID = strawberry.field(description="What was changed; look it up with node(id:).")
    details: JSON

    row_type = ActivityRow

    id = identifier(Kind.ACTIVITY)


@strawberry.type(description="A company or person that owes: a head office, a branch, a department, or nobody's child.")
class Customer(NodeInterface):
    number: str
    name: str
    company_name: str | None
    kind: CustomerKind
    role: CustomerRole | None
    status: CustomerStatus
    currency: CurrencyCode
    email: str | None
    phone: str | None
    website: str | None
    tax_id: str | None
    notes: str | None
    custom_fields: JSON | None
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = CustomerRow

    id = identifier(Kind.CUSTOMER)

    @strawberry.field(metadata=reads("billing_address"))
    def billing_address(row: Parent[CustomerRow]) -> Address | None:
        return address_of(row.billing_address)

    @strawberry.field(metadata=reads("shipping_address"))
    def shipping_address(row: Parent[CustomerRow]) -> Address | None:
        return address_of(row.shipping_address)

    @relation()
    def external_references(rows: Parent[list[CustomerRow]], info: Info) -> list[ExternalReference]:
        return load(loaders.ExternalReferencesByCustomerId, [row.id for row in rows])

    @relation(reads=("parent_id",))
    def parent(rows: Parent[list[CustomerRow]], info: Info) -> Customer | None:
        return load(loaders.CustomerById, [row.parent_id for row in rows])

    @relation("What the parent may do here; null at a root.", reads=("id", "parent_id"))
    def parent_access(rows: Parent[list[CustomerRow]], info: Info) -> ParentAccess | None:
        return load(loaders.ParentAccessByCustomerId, [row.id if row.parent_id is not None else None for row in rows])

    @relation("Root first.")
    def ancestors(rows: Parent[list[CustomerRow]], info: Info) -> list[Customer]:
        return load(loaders.AncestorsByCustomerId, [row.id for row in rows])

    @relation("The top of its tree; itself where it has no parent.")
    def root(rows: Parent[list[CustomerRow]], info: Info) -> Customer:
        itself = {row.id: row for row in rows}
        return load(
            loaders.AncestorsByCustomerId,
            [row.id for row in rows],
            shown=lambda ancestors, key: ancestors[0] if ancestors else itself[key],
        )

    @relation("0 at a root.")
    def depth(rows: Parent[list[CustomerRow]], info: Info) -> int:
        return load(loaders.AncestorsByCustomerId, [row.id for row in rows], shown=lambda ancestors, _key: len(ancestors))

    @relation()
    def children(
        rows: Parent[list[CustomerRow]],
        info: Info,
        filter: CustomerFilter | None = None,  # noqa: A002 (the name that clients write)
        order_by: list[CustomerOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Customer]:
        request = list_request(queries.LISTING, filter, order_by, first, after)
        return related([row.id for row in rows], loaders.ChildrenByCustomerId, loaders.ChildCountByCustomerId, request)

    @relation("The subtree as a flat list, parents before their children, for trees of unknown depth; at most 500 a page.")
    def descendants(
        rows: Parent[list[CustomerRow]],
        info: Info,
        depth_max: int | None = None,
        filter: CustomerFilter | None = None,  # noqa: A002 (the name that clients write)
        first: int | None = None,
        after: str | None = None,
    ) -> DescendantConnection:
        conditions = filter.conditions() if filter is not None else []
        if depth_max is not None:
            conditions.append(Condition("depth", "lte", depth_max))
        size_max = queries.DESCENDANTS_PAGE_SIZE_MAX
        request = request_of(queries.DESCENDANTS, first=first, after=after, conditions=conditions, size_max=size_max)
        return related([row.id for row in rows], loaders.DescendantsByCustomerId, loaders.DescendantCountByCustomerId, request)

    @relation("Every parent it ever had and what that one was allowed to do; the newest first.")
    def hierarchy_history(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ParentLink]:
        request = request_of(queries.PARENT_LINKS, first=first, after=after)
        return related([row.id for row in rows], loaders.ParentLinksByCustomerId, loaders.ParentLinkCountByCustomerId, request)

    @relation("In rank order.")
    def groups(
        rows: Parent[list[CustomerRow]], info: Info
    ) -> list[Annotated[CustomerGroup, strawberry.lazy("holdco.groups.graph")]]:
        return load(GroupsByCustomerId, [row.id for row in rows])

    @relation("What it has of its own, and not from a group or from above. For staff only: null for client users.")
    def own_terms(
        rows: Parent[list[CustomerRow]], info: Info
    ) -> Annotated[CustomerTerms, strawberry.lazy("holdco.terms.graph")] | None:
        if not info.context.viewer.is_staff:
            return [None] * len(rows)  # type: ignore[return-value]
        return load(TermsByCustomerId, [row.id for row in rows])

    @relation(
        "What applies to its documents in a currency, by default its own, and why; with `asOf`, what did at the end of that day. "
        "For staff only: null for client users.",
        reads=("id", "currency"),
    )
    async def effective_terms(
        rows: Parent[list[CustomerRow]], info: Info, currency: CurrencyCode | None = None, as_of: date | None = None
    ) -> Annotated[EffectiveTerms, strawberry.lazy("holdco.terms.graph")] | None:
        if not info.context.viewer.is_staff:
            return [None] * len(rows)  # type: ignore[return-value]
        until = await end_of(info.context, as_of)
        currencies = {row.id: currency or row.currency for row in rows}
        return load(
            CandidatesByCustomerId,
            [row.id for row in rows],
            (until,),
            shown=lambda candidates, key: effective(candidates, currencies[key]),
        )

    @relation("People at this customer, by name.")
    def contacts(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[Contact, strawberry.lazy("holdco.contacts.graph")]]:
        request = request_of(contacts.LISTING, first=first, after=after)
        return related([row.id for row in rows], ContactsByCustomerId, ContactCountByCustomerId, request)

    @relation("People with a login who belong to it, by name; each edge tells the role here.")
    def client_users(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Annotated[CustomerClientUserConnection, strawberry.lazy("holdco.client_users.graph")]:
        request = request_of(client_users.MEMBERS, first=first, after=after)
        return related([row.id for row in rows], ClientUsersByCustomerId, ClientUserCountByCustomerId, request)

    @relation("Work for it, by name.")
    def projects(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[Project, strawberry.lazy("holdco.projects.graph")]]:
        request = request_of(projects.LISTING, first=first, after=after)
        return related([row.id for row in rows], ProjectsByCustomerId, ProjectCountByCustomerId, request)

    @relation("Its own invoices or, with a scope, those of the customers below it as well.")
    async def invoices(
        rows: Parent[list[CustomerRow]],
        info: Info,
        scope: CustomerScope = CustomerScope.SELF,
        filter: Annotated[InvoiceFilter, strawberry.lazy("holdco.invoices.graph")] | None = None,  # noqa: A002 (as above)
        order_by: list[Annotated[InvoiceOrder, strawberry.lazy("holdco.invoices.graph")]] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Annotated[Invoice, strawberry.lazy("holdco.invoices.graph")]]:
        conditions = await filter.conditions(info) if filter is not None else ()
        request = request_of(invoices.LISTING, first=first, after=after, orders=orders_of(order_by), conditions=conditions)
        return related([row.id for row in rows], InvoicesByScope, InvoiceCountByScope, request, scope)

    @relation("Money that came from it or, with a scope, from the customers below it as well.")
    def payments(
        rows: Parent[list[CustomerRow]],
        info: Info,
        scope: CustomerScope = CustomerScope.SELF,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[Annotated[Payment, strawberry.lazy("holdco.payments.graph")]]:
        request = request_of(payments.LISTING, first=first, after=after)
        return related([row.id for row in rows], PaymentsByScope, PaymentCountByScope, request, scope)

    @relation()
    def credit_notes(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Annotated[CreditNote, strawberry.lazy("holdco.payments.graph")]]:
        request = request_of(payments.CREDIT_NOTES, first=first, after=after)
        return related([row.id for row in rows], CreditNotesByCustomerId, CreditNoteCountByCustomerId, request)

    @relation("What this customer alone owes and has to its credit: one row per currency.")
    async def receivables(
        rows: Parent[list[CustomerRow]], info: Info
    ) -> list[Annotated[Receivables, strawberry.lazy("holdco.payments.graph")]]:
        return load(ReceivablesByCustomerId, [row.id for row in rows], (await today(info.context),))

    @relation("The same with all of its descendants: one row per currency, never converted.")
    async def consolidated_receivables(
        rows: Parent[list[CustomerRow]], info: Info
    ) -> list[Annotated[Receivables, strawberry.lazy("holdco.payments.graph")]]:
        return load(ConsolidatedReceivablesByCustomerId, [row.id for row in rows], (await today(info.context),))

    @relation(
        "How it and all of its descendants, or the customers of another scope, do in a period: until today, and from the first "
        "day of the month with which it has twelve, where nothing else is said."
    )
    async def insights(
        rows: Parent[list[CustomerRow]],
        info: Info,
        scope: CustomerScope = CustomerScope.SUBTREE,
        from_: Annotated[date | None, strawberry.argument(name="from")] = None,
        to: date | None = None,
    ) -> Annotated[Insights, strawberry.lazy("holdco.insights.graph")]:
        period = insights.period_of(from_, to, await today(info.context))
        return [InsightsRow(row.id, scope, period) for row in rows]  # type: ignore[return-value]

    @relation("Who did what, when; the newest first.")
    def activity(
        rows: Parent[list[CustomerRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Activity]:
        request = request_of(activity.LISTING, first=first, after=after)
        return related([row.id for row in rows], loaders.ActivityByCustomerId, loaders.ActivityCountByCustomerId, request)


@strawberry.type
class CustomerDeletePreview:
    contact_count: int = strawberry.field(description="Contacts that would be deleted with it.")
    client_user_count: int = strawberry.field(description="Client users that would lose it; they stay.")
    project_count: int = strawberry.field(description="Projects, with which it is not deleted.")
    child_count: int = strawberry.field(description="Children, without a place for whom it is not deleted.")
    user_errors: list[UserError] = strawberry.field(description="Why it cannot be deleted; empty where it can.")
    confirmation_token: str | None = strawberry.field(description="Of exactly this state; null where it cannot be deleted.")


def _only(found: list[CustomerRow], external_id: str) -> CustomerRow | None:
    if len(found) > 1:
        raise BadUserInput(f"{external_id} names several customers in different systems. Ask for one by id.")
    return found[0] if found else None


@strawberry.type
class CustomerQueries:
    @lookup("A customer by id, number or the id of another system; null where there is none.")
    def customer(info: Info, by: CustomerBy) -> Customer | None:
        if by.id is not None:
            return load(loaders.CustomerById, [ids.decode(Kind.CUSTOMER, by.id.value)])
        if by.number is not None:
            return load(loaders.CustomerByNumber, [plain_text(by.number.value)])
        external_id = plain_text(by.external_id.value) if by.external_id is not None else ""
        return load(loaders.CustomersByExternalId, [external_id], shown=_only)

    @strawberry.field(metadata=single())
    async def customers(
        self,
        info: Info,
        filter: CustomerFilter | None = None,  # noqa: A002 (the name that clients write)
        order_by: list[CustomerOrder] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Customer]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, order_by, first, after, last, before))

    @strawberry.field(
        description="What customerDelete would remove, what stands in its way, and the token that confirms it. For staff only."
    )
    async def customer_delete_preview(
        self,
        info: Info,
        id: ID,  # noqa: A002 (the name that clients write)
        reparent_children: Annotated[
            bool, strawberry.argument(description="Whether customerDelete will be told where its children go.")
        ] = False,
    ) -> CustomerDeletePreview | None:
        context = info.context
        if not context.viewer.is_staff:
            # Who may not delete it need not know what stands in the way, which is more than it may see.
            return None
        found = await deletion.preview(context.reader.rows, context.organization_id, ids.decode(Kind.CUSTOMER, id))
        if found is None:
            return None
        refusals = found.refusals(is_reparenting=reparent_children)
        return CustomerDeletePreview(
            contact_count=found.contact_count,
            client_user_count=found.client_user_count,
            project_count=found.project_count,
            child_count=found.child_count,
            user_errors=user_errors(refusals),
            confirmation_token=None if refusals else found.token,
        )
