"""Shapes that several features show and take: addresses and payment terms."""

from __future__ import annotations

from typing import Any

import strawberry

from holdco.errors import InvalidInput
from holdco.payment_terms import PaymentTerms, PaymentTermsKind, TermsRefused, label

strawberry.enum(PaymentTermsKind)


@strawberry.type
class Address:
    attention: str | None = None
    street: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None


def address_of(stored: dict[str, Any] | None) -> Address | None:
    return Address(**stored) if stored is not None else None


@strawberry.type(name="PaymentTerms", description="By when an invoice is to be paid.")
class PaymentTermsType:
    kind: PaymentTermsKind
    net_days: int = strawberry.field(description="Days after the invoice date; 0 for every kind but NET.")
    label: str


def terms_of(kind: str | None, net_days: int | None) -> PaymentTermsType | None:
    if kind is None or net_days is None:
        return None
    return payment_terms_of(PaymentTerms(PaymentTermsKind(kind), net_days))


def payment_terms_of(terms: PaymentTerms | None) -> PaymentTermsType | None:
    return PaymentTermsType(kind=terms.kind, net_days=terms.net_days, label=label(terms)) if terms is not None else None


@strawberry.input
class AddressInput:
    attention: str | None = None
    street: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None


@strawberry.input
class PaymentTermsInput:
    kind: PaymentTermsKind
    net_days: int = strawberry.field(default=0, description="Days after the invoice date; only with NET.")

    def terms(self) -> PaymentTerms:
        """Raises InvalidInput."""
        try:
            return PaymentTerms(self.kind, self.net_days)
        except TermsRefused as problem:
            raise InvalidInput(str(problem), field=("paymentTerms", "netDays")) from None
