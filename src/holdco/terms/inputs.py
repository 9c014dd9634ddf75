"""What clients write of terms."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco.connections import input_id
from holdco.errors import Refusal
from holdco.ids import Kind
from holdco.shapes import PaymentTermsInput
from holdco.terms.precedence import TermField
from holdco.terms.values import PATHS, Given, Value

_VERSION = "Refused with STALE_VERSION if it is not the present one."


@strawberry.input(description="Overrides. A term that is left out stays as it is; null inherits; a value, even 0, overrides.")
class CustomerTermsSetInput:
    id: ID
    version: int | None = strawberry.field(default=None, description=_VERSION)
    price_list_id: Maybe[ID | None] = strawberry.field(default=None, description="In the customer's currency.")
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None


@strawberry.input(description="A term that is left out stays as it is; null takes it away. There are always payment terms.")
class OrganizationTermsSetInput:
    version: int | None = strawberry.field(default=None, description=_VERSION)
    price_list_id: Maybe[ID | None] = None
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None


def given_terms(given: Any) -> dict[TermField, Given]:
    """The terms of an input that are not left out, by the names that they have in all inputs."""
    terms: dict[TermField, Given] = {}
    if (price_list := given.price_list_id) is not None:
        terms[TermField.PRICE_LIST] = _read(
            price_list.value, lambda text: input_id(Kind.PRICE_LIST, text, *PATHS[TermField.PRICE_LIST])
        )
    if (discount := given.discount_percent) is not None:
        terms[TermField.DISCOUNT_PERCENT] = discount.value
    if (payment := given.payment_terms) is not None:
        terms[TermField.PAYMENT_TERMS] = _read(payment.value, PaymentTermsInput.terms)
    return terms


def _read(value: Any, reader: Callable[[Any], Value]) -> Given:
    try:
        return reader(value) if value is not None else None
    except Refusal as refusal:
        return refusal
