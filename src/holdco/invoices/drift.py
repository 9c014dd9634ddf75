"""How the terms of drafts have drifted: what they keep of their terms, and what applies today (domain.md G6).

A term has drifted when it says something else today, whoever says it. What a document said itself does not drift; nor does a
price list that prices none of its lines.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Executable

from holdco.invoices import queries
from holdco.invoices.models import InvoiceTermSource, UnitPriceSource
from holdco.invoices.queries import InvoiceRow
from holdco.invoices.snapshots import PriceListVersion, Snapshot, TermsSnapshot, terms_of
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.price_lists.prices import Wanted, quotes
from holdco.terms import queries as terms
from holdco.terms.precedence import TermField

# Of a transaction, or of a snapshot.
Read = Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[Any]]]


class Draft(NamedTuple):
    """A draft invoice, as far as its terms go."""

    id: UUID
    customer_id: UUID
    currency: str
    terms: TermsSnapshot


# What `draft_of` needs of a row.
COLUMNS = (
    "id",
    "customer_id",
    "currency",
    "price_list_id",
    "price_list_version",
    "price_list_source",
    "price_list_source_id",
    "price_list_source_version",
    "discount_percent",
    "discount_source",
    "discount_source_id",
    "discount_source_version",
    "payment_terms_kind",
    "payment_terms_net_days",
    "payment_terms_source",
    "payment_terms_source_id",
    "payment_terms_source_version",
)


def draft_of(row: InvoiceRow) -> Draft:
    kept = _price_list_of(row)
    terms = PaymentTerms(PaymentTermsKind(row.payment_terms_kind), row.payment_terms_net_days)
    return Draft(
        row.id,
        row.customer_id,
        row.currency,
        TermsSnapshot(
            Snapshot(kept, InvoiceTermSource(row.price_list_source), row.price_list_source_id, row.price_list_source_version),
            Snapshot(
                row.discount_percent, InvoiceTermSource(row.discount_source), row.discount_source_id, row.discount_source_version
            ),
            Snapshot(
                terms,
                InvoiceTermSource(row.payment_terms_source),
                row.payment_terms_source_id,
                row.payment_terms_source_version,
            ),
        ),
    )


def _price_list_of(row: InvoiceRow) -> PriceListVersion | None:
    if row.price_list_id is None or row.price_list_version is None:
        return None
    return PriceListVersion(row.price_list_id, row.price_list_version)


class PriceDrift(NamedTuple):
    """A line that would be priced otherwise, in major units; `after` is None where its item has no price any more.

    `source` is where the price would come from, which may be all that changes.
    """

    position: int
    item: str
    before: Decimal
    after: Decimal | None
    source: UnitPriceSource


@dataclass(frozen=True, slots=True)
class TermDrift:
    """What the invoice has, and what it would get. Prices are what a price list is for."""

    field: TermField
    before: Snapshot[Any]
    after: Snapshot[Any]
    prices: Sequence[PriceDrift] = ()


async def drifts(read: Read, organization_id: UUID, drafts: Sequence[Draft]) -> dict[UUID, list[TermDrift]]:
    """Of each draft, in the order of the fields. Four statements at most, however many drafts and lines there are."""
    customer_ids = list(dict.fromkeys(draft.customer_id for draft in drafts))
    found = terms.candidates_of(await read(terms.CANDIDATES, terms.parameters(organization_id, customer_ids)))
    current = {draft.id: terms_of(terms.effective(found.get(draft.customer_id, {}), draft.currency)) for draft in drafts}
    prices = await _prices(read, organization_id, drafts, current)
    return {draft.id: _drifted(draft, current[draft.id], prices.get(draft.id)) for draft in drafts}


def _drifted(draft: Draft, current: TermsSnapshot, prices: Sequence[PriceDrift] | None) -> list[TermDrift]:
    """`prices` is None where no line is priced by terms."""
    found: list[TermDrift] = []
    before, after = draft.terms.price_list, current.price_list
    if prices is not None and (prices or before.value != after.value):
        found.append(TermDrift(TermField.PRICE_LIST, before, after, prices))
    for field, kept, now in (
        (TermField.DISCOUNT_PERCENT, draft.terms.discount_percent, current.discount_percent),
        (TermField.PAYMENT_TERMS, draft.terms.payment_terms, current.payment_terms),
    ):
        if kept.source is not InvoiceTermSource.DOCUMENT and kept.value != now.value:
            found.append(TermDrift(field, kept, now))
    return found


async def _prices(
    read: Read, organization_id: UUID, drafts: Sequence[Draft], current: Mapping[UUID, TermsSnapshot]
) -> dict[UUID, list[PriceDrift]]:
    """The lines that would cost something else, of every draft that has lines which terms priced."""
    by_id = {draft.id: draft for draft in drafts if draft.terms.price_list.source is not InvoiceTermSource.DOCUMENT}
    if not by_id:
        return {}
    lines = await read(queries.PRICED_LINES, {"organization_id": organization_id, "invoice_ids": list(by_id)})
    wanted = [
        Wanted(line.item_id, line.quantity, by_id[line.invoice_id].currency, current[line.invoice_id].price_list.value)
        for line in lines
    ]
    found: dict[UUID, list[PriceDrift]] = {line.invoice_id: [] for line in lines}
    for line, quote in zip(lines, await quotes(read, organization_id, wanted), strict=True):
        source = UnitPriceSource(quote.source.value)
        if (line.unit_price, line.unit_price_source) != (quote.unit_price, source):
            found[line.invoice_id].append(PriceDrift(line.position, line.item, line.unit_price, quote.unit_price, source))
    return found
