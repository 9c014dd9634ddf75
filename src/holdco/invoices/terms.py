"""What an invoice shows of its terms, and of how they have drifted."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import strawberry
from strawberry import Parent

from holdco.connections import Info, NodeInterface
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import load, reads, relation
from holdco.groups.loaders import GroupOfAnyTimeById
from holdco.invoices import drift
from holdco.invoices.models import InvoiceTermSource
from holdco.invoices.queries import InvoiceRow
from holdco.invoices.snapshots import PriceListVersion, Snapshot
from holdco.organizations.loaders import OrganizationById
from holdco.payment_terms import PaymentTerms
from holdco.price_lists.graph import PriceList
from holdco.price_lists.loaders import PriceListById
from holdco.shapes import PaymentTermsType, terms_of
from holdco.terms.precedence import TermField

strawberry.enum(InvoiceTermSource, description="Where a term of an invoice came from when it was made.")

_SOURCE = "Null for client users where it was an ancestor's: they may not know that there is one."
_NODE = "The Customer, CustomerGroup (also a deleted one) or Organization whose it was; null where it may not be seen."
_VERSION = "Which of what its source has said of this it was; null for client users, and where nobody said anything."


async def _nodes(info: Info, sources: list[tuple[str, UUID | None]]) -> Any:
    """An ancestor's terms may be those of its group."""
    organization_id = info.context.organization_id
    is_everybody = [source == InvoiceTermSource.ORGANIZATION for source, _ in sources]
    found: dict[UUID | None, Any] = {}
    if any(is_everybody):
        found = await _found(info, OrganizationById, {organization_id})
    groups = {key for source, key in sources if key is not None and source != InvoiceTermSource.CUSTOMER}
    found |= await _found(info, GroupOfAnyTimeById, groups)
    customers = {key for source, key in sources if key is not None and source != InvoiceTermSource.GROUP} - {
        key for key, row in found.items() if row is not None
    }
    found |= await _found(info, CustomerById, customers)
    return [found.get(organization_id if every else key) for every, (_, key) in zip(is_everybody, sources, strict=True)]


async def _found(info: Info, kind: Any, keys: set[UUID]) -> dict[Any, Any]:
    rows = await asyncio.gather(*(info.context.load(kind, key) for key in keys))
    return dict(zip(keys, rows, strict=True))


def _sources(info: Info, sources: list[str]) -> Any:
    is_staff = info.context.viewer.is_staff
    return [InvoiceTermSource(each) if is_staff or each != InvoiceTermSource.ANCESTOR else None for each in sources]


def _for_staff(info: Info, values: list[Any]) -> Any:
    return values if info.context.viewer.is_staff else [None] * len(values)


@strawberry.type(description="The price list that applied, even where it priced no line.")
class InvoicePriceList:
    row_type = InvoiceRow

    @relation("Null for client users, and where none applied.", reads=("price_list_id",))
    def value(rows: Parent[list[InvoiceRow]], info: Info) -> PriceList | None:
        return load(PriceListById, _for_staff(info, [row.price_list_id for row in rows]))

    @relation(
        "By which version lines were priced; null for client users, and without a price list.", reads=("price_list_version",)
    )
    def version(rows: Parent[list[InvoiceRow]], info: Info) -> int | None:
        return _for_staff(info, [row.price_list_version for row in rows])

    @relation(_SOURCE, reads=("price_list_source",))
    def source(rows: Parent[list[InvoiceRow]], info: Info) -> InvoiceTermSource | None:
        return _sources(info, [row.price_list_source for row in rows])

    @relation(_NODE, reads=("price_list_source", "price_list_source_id"))
    async def source_node(rows: Parent[list[InvoiceRow]], info: Info) -> NodeInterface | None:
        return await _nodes(info, [(row.price_list_source, row.price_list_source_id) for row in rows])

    @relation(_VERSION, reads=("price_list_source_version",))
    def source_version(rows: Parent[list[InvoiceRow]], info: Info) -> int | None:
        return _for_staff(info, [row.price_list_source_version for row in rows])


@strawberry.type(description="The document's discount; 0 where there is none.")
class InvoiceDiscountPercent:
    row_type = InvoiceRow

    @strawberry.field(metadata=reads("discount_percent"))
    def value(row: Parent[InvoiceRow]) -> Decimal:
        return row.discount_percent

    @relation(_SOURCE, reads=("discount_source",))
    def source(rows: Parent[list[InvoiceRow]], info: Info) -> InvoiceTermSource | None:
        return _sources(info, [row.discount_source for row in rows])

    @relation(_NODE, reads=("discount_source", "discount_source_id"))
    async def source_node(rows: Parent[list[InvoiceRow]], info: Info) -> NodeInterface | None:
        return await _nodes(info, [(row.discount_source, row.discount_source_id) for row in rows])

    @relation(_VERSION, reads=("discount_source_version",))
    def source_version(rows: Parent[list[InvoiceRow]], info: Info) -> int | None:
        return _for_staff(info, [row.discount_source_version for row in rows])


@strawberry.type(description="Due on receipt where nobody said anything.")
class InvoicePaymentTerms:
    row_type = InvoiceRow

    @strawberry.field(metadata=reads("payment_terms_kind", "payment_terms_net_days"))
    def value(row: Parent[InvoiceRow]) -> PaymentTermsType:
        return terms_of(row.payment_terms_kind, row.payment_terms_net_days)  # type: ignore[return-value]  # never null here

    @relation(_SOURCE, reads=("payment_terms_source",))
    def source(rows: Parent[list[InvoiceRow]], info: Info) -> InvoiceTermSource | None:
        return _sources(info, [row.payment_terms_source for row in rows])

    @relation(_NODE, reads=("payment_terms_source", "payment_terms_source_id"))
    async def source_node(rows: Parent[list[InvoiceRow]], info: Info) -> NodeInterface | None:
        return await _nodes(info, [(row.payment_terms_source, row.payment_terms_source_id) for row in rows])

    @relation(_VERSION, reads=("payment_terms_source_version",))
    def source_version(rows: Parent[list[InvoiceRow]], info: Info) -> int | None:
        return _for_staff(info, [row.payment_terms_source_version for row in rows])


@strawberry.type(description="What applied when the invoice was made, or when its terms were last refreshed, and whose it was.")
class InvoiceTerms:
    row_type = InvoiceRow

    @strawberry.field(metadata=reads())
    def price_list(row: Parent[InvoiceRow]) -> InvoicePriceList:
        return row  # type: ignore[return-value]  # a row stands for the type that shows it

    @strawberry.field(metadata=reads())
    def discount_percent(row: Parent[InvoiceRow]) -> InvoiceDiscountPercent:
        return row  # type: ignore[return-value]  # as above

    @strawberry.field(metadata=reads())
    def payment_terms(row: Parent[InvoiceRow]) -> InvoicePaymentTerms:
        return row  # type: ignore[return-value]  # as above


class Drifting(NamedTuple):
    """A term of a draft, as it is kept or as it would be."""

    field: TermField
    snapshot: Snapshot[Any]


@strawberry.type(description="A price list at a version, a discount or payment terms, as field says; the others are null.")
class DriftingTerm:
    @relation()
    def price_list(rows: Parent[list[Drifting]], info: Info) -> PriceList | None:
        values = [row.snapshot.value for row in rows]
        return load(PriceListById, [value.id if isinstance(value, PriceListVersion) else None for value in values])

    @strawberry.field(description="By which version prices are made; null without a price list.")
    def price_list_version(term: Parent[Drifting]) -> int | None:
        value = term.snapshot.value
        return value.version if isinstance(value, PriceListVersion) else None

    @strawberry.field
    def discount_percent(term: Parent[Drifting]) -> Decimal | None:
        value = term.snapshot.value
        return value if isinstance(value, Decimal) else None

    @strawberry.field
    def payment_terms(term: Parent[Drifting]) -> PaymentTermsType | None:
        value = term.snapshot.value
        return terms_of(value.kind, value.net_days) if isinstance(value, PaymentTerms) else None

    @strawberry.field
    def source(term: Parent[Drifting]) -> InvoiceTermSource:
        return term.snapshot.source

    @relation(_NODE)
    async def source_node(rows: Parent[list[Drifting]], info: Info) -> NodeInterface | None:
        return await _nodes(info, [(row.snapshot.source, row.snapshot.source_id) for row in rows])

    @strawberry.field(description="Which of what its source has said of this it is; null where nobody says anything.")
    def source_version(term: Parent[Drifting]) -> int | None:
        return term.snapshot.source_version


@strawberry.type(description="A line of a draft that would cost something else. Unit prices are in the invoice's currency.")
class PriceDrift:
    position: int
    item: str
    before: Decimal
    after: Decimal | None = strawberry.field(description="Null where the item has no price any more.")


@strawberry.type(description="A term of a draft that would be another one today. What the document said itself does not drift.")
class TermDrift:
    field: TermField

    @strawberry.field(description="As the draft has it.")
    def before(row: Parent[drift.TermDrift]) -> DriftingTerm:
        return Drifting(row.field, row.before)  # type: ignore[return-value]  # as above

    @strawberry.field(description="As invoiceTermsRefresh would make it.")
    def after(row: Parent[drift.TermDrift]) -> DriftingTerm:
        return Drifting(row.field, row.after)  # type: ignore[return-value]  # as above

    @strawberry.field(description="Of PRICE_LIST: the lines that would cost something else.")
    def lines(row: Parent[drift.TermDrift]) -> list[PriceDrift]:
        return [price for price in row.prices if price.before != price.after]  # type: ignore[misc]  # as above
