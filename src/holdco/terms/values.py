"""What a term may be: one place, so that customers, groups and the organization refuse alike (domain.md G2, G9, G12)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.database import Transaction
from holdco.errors import NotFound, Refusal
from holdco.ids import Kind
from holdco.payment_terms import PaymentTerms
from holdco.terms.errors import CurrencyMismatch, PercentOutOfRange, PriceListInactive
from holdco.terms.precedence import TermField
from holdco.validation import is_exact

Value = UUID | Decimal | PaymentTerms

# What somebody wants a field to be. None says nothing any more; what could not be read is what refuses it.
Given = Value | Refusal | None

# Where clients write each field.
PATHS: Final[Mapping[TermField, tuple[str, ...]]] = {
    TermField.PRICE_LIST: ("priceListId",),
    TermField.DISCOUNT_PERCENT: ("discountPercent",),
    TermField.PAYMENT_TERMS: ("paymentTerms",),
}
_PERCENT_MAX: Final = Decimal(100)


class Checked(NamedTuple):
    """`values` can be kept if there are no `problems`. `currency` is that of the price list among them."""

    values: Mapping[TermField, Value | None]
    currency: str | None
    problems: list[Refusal]

    def mismatch(self, customer: str, currency: str) -> CurrencyMismatch | None:
        """Why a customer that pays in `currency` cannot have the price list itself."""
        if self.currency is None or self.currency == currency:
            return None
        return CurrencyMismatch(customer, expected=currency, found=self.currency, field=PATHS[TermField.PRICE_LIST])


# Until commit nobody makes it inactive.
_PRICE_LIST = text(
    """
    select name, currency, inactivated_at is null
    from price_lists where organization_id = :organization_id and id = :price_list_id
    for share
    """
)


async def checked(transaction: Transaction, given: Mapping[TermField, Given]) -> Checked:
    """Looks at all values that are given, at most by one statement.

    Its problems: what refused to be read; PercentOutOfRange; NotFound for an unknown price list, PriceListInactive.
    """
    values: dict[TermField, Value | None] = {}
    problems: list[Refusal] = []
    currency: str | None = None
    for field, value in given.items():
        if isinstance(value, Refusal):
            problems.append(value)
            continue
        values[field] = value
        if isinstance(value, UUID):
            rows = await transaction.rows(_PRICE_LIST, {"organization_id": transaction.organization_id, "price_list_id": value})
            if not rows:
                message = f"There is no price list {ids.encode(Kind.PRICE_LIST, value)}."
                problems.append(NotFound(message, field=PATHS[field]))
                continue
            name, currency, is_active = rows[0]
            if not is_active:
                problems.append(PriceListInactive(name, field=PATHS[field]))
        elif isinstance(value, Decimal) and not (value == _PERCENT_MAX or is_exact(value, limit=_PERCENT_MAX)):
            problems.append(PercentOutOfRange(value, field=PATHS[field]))
    return Checked(values, currency, problems)
