"""Terms as clients see them. Mutations are in `mutations.py`."""

from __future__ import annotations

from decimal import Decimal

import strawberry
from strawberry import Parent

from holdco.payment_terms import PaymentTerms
from holdco.shapes import PaymentTermsType, terms_of
from holdco.terms.queries import Terms


@strawberry.type(description="What a customer has of its own, which goes before all it would inherit; null where it inherits.")
class CustomerTerms:
    @strawberry.field
    def discount_percent(terms: Parent[Terms]) -> Decimal | None:
        return terms.discount_percent

    @strawberry.field
    def payment_terms(terms: Parent[Terms]) -> PaymentTermsType | None:
        return shown(terms.payment_terms)


@strawberry.type(description="What applies to all customers that have nothing else.")
class OrganizationTerms:
    @strawberry.field
    def discount_percent(terms: Parent[Terms]) -> Decimal | None:
        return terms.discount_percent

    @strawberry.field
    def payment_terms(terms: Parent[Terms]) -> PaymentTermsType:
        return shown(terms.payment_terms)  # type: ignore[return-value]


def shown(terms: PaymentTerms | None) -> PaymentTermsType | None:
    return terms_of(terms.kind, terms.net_days) if terms is not None else None
