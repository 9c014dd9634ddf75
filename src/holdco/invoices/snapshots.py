"""What an invoice keeps of the terms that applied when it was made: each value, whose it was and which version (domain.md I8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from holdco.invoices.models import InvoiceTermSource
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.terms.precedence import Candidate, EffectiveTerm, EffectiveTerms, PriceListTerm

Value = TypeVar("Value")


class PriceListVersion(NamedTuple):
    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[Value]):
    """A term as an invoice keeps it. `source_id` is the customer, ancestor or group whose it was, also an ancestor's group.

    DOCUMENT, ORGANIZATION and NONE have no id; DOCUMENT and NONE have no version.
    """

    value: Value
    source: InvoiceTermSource = InvoiceTermSource.DOCUMENT
    source_id: UUID | None = None
    source_version: int | None = None

    def columns(self, name: str) -> dict[str, Any]:
        return {
            f"{name}_source": self.source.value,
            f"{name}_source_id": self.source_id,
            f"{name}_source_version": self.source_version,
        }


@dataclass(frozen=True, slots=True)
class TermsSnapshot:
    price_list: Snapshot[PriceListVersion | None]
    discount_percent: Snapshot[Decimal]
    payment_terms: Snapshot[PaymentTerms]

    def columns(self) -> dict[str, Any]:
        """As the table of invoices has them."""
        price_list, terms = self.price_list.value, self.payment_terms.value
        return {
            "price_list_id": price_list.id if price_list is not None else None,
            "price_list_version": price_list.version if price_list is not None else None,
            **self.price_list.columns("price_list"),
            "discount_percent": self.discount_percent.value,
            **self.discount_percent.columns("discount"),
            "payment_terms_kind": terms.kind.value,
            "payment_terms_net_days": terms.net_days,
            **self.payment_terms.columns("payment_terms"),
        }


def terms_of(effective: EffectiveTerms) -> TermsSnapshot:
    return TermsSnapshot(
        price_list_of(effective.price_list),
        discount_percent_of(effective.discount_percent),
        payment_terms_of(effective.payment_terms),
    )


def price_list_of(effective: EffectiveTerm) -> Snapshot[PriceListVersion | None]:
    value = _value(effective)
    return _taken(PriceListVersion(value.id, value.version) if isinstance(value, PriceListTerm) else None, effective.winner)


def discount_percent_of(effective: EffectiveTerm) -> Snapshot[Decimal]:
    value = _value(effective)
    return _taken(value if isinstance(value, Decimal) else Decimal(0), effective.winner)


def payment_terms_of(effective: EffectiveTerm) -> Snapshot[PaymentTerms]:
    """Due on receipt where nobody says anything."""
    value = _value(effective)
    terms = value if isinstance(value, PaymentTerms) else PaymentTerms(PaymentTermsKind.DUE_ON_RECEIPT)
    return _taken(terms, effective.winner)


def _value(effective: EffectiveTerm) -> object:
    return effective.winner.value if effective.winner is not None else None


def _taken(value: Value, winner: Candidate | None) -> Snapshot[Value]:
    if winner is None:
        return Snapshot(value, InvoiceTermSource.NONE)
    return Snapshot(value, InvoiceTermSource(winner.source.value), winner.group_id or winner.holder_id, winner.version)
