"""Gives new customers the terms of their own that a contacts file states: payment terms, a price list, a discount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text

from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.imports.contacts import NewCustomer
from holdco.imports.problems import Problems
from holdco.imports.values import shown
from holdco.payment_terms import PaymentTerms
from holdco.terms import service as terms
from holdco.terms.precedence import TermField
from holdco.terms.service import NewTerm, Owner

_AT_ONCE: Final = 1000
_COLUMN: Final = "Price List"
_PRICE_LISTS: Final = text(
    """
    select name, id, currency from price_lists
    where organization_id = :organization_id and name = any(cast(:names as text[]))
    """
)


async def price_lists(transaction: Transaction, customers: Collection[NewCustomer], problems: Problems) -> dict[str, UUID]:
    """The price lists that customers name, by their names.

    Adds to the problems, for the customer's row: NOT_FOUND for a list that there is not; CURRENCY_MISMATCH for one in a
    currency other than the customer's, which would never apply (domain.md G9).
    """
    names = {customer.price_list for customer in customers if customer.price_list is not None}
    if not names:
        return {}
    rows = await transaction.rows(_PRICE_LISTS, {"organization_id": transaction.organization_id, "names": list(names)})
    found = {row.name: row for row in rows}
    for customer in customers:
        name = customer.price_list
        if name is None:
            continue
        if name not in found:
            sentence = f"There is no price list {shown(name)}. Import the price lists before, or together."
            problems.add(customer.line, sentence, column=_COLUMN, code=UserErrorCode.NOT_FOUND)
        elif found[name].currency != customer.fields["currency"]:
            sentence = (
                f"The price list {shown(name)} is in {found[name].currency}, the customer in {customer.fields['currency']}."
            )
            problems.add(customer.line, sentence, column=_COLUMN, code=UserErrorCode.CURRENCY_MISMATCH)
    return {row.name: row.id for row in rows}


async def write(transaction: Transaction, new: Mapping[UUID, NewCustomer], price_lists: Mapping[str, UUID]) -> None:
    given: defaultdict[Owner, dict[TermField, NewTerm | None]] = defaultdict(dict)
    for key, customer in new.items():
        price_list = price_lists[customer.price_list] if customer.price_list is not None else None
        stated: dict[TermField, PaymentTerms | UUID | Decimal | None] = {
            TermField.PAYMENT_TERMS: customer.payment_terms,
            TermField.PRICE_LIST: price_list,
            TermField.DISCOUNT_PERCENT: customer.discount_percent,
        }
        for field, value in stated.items():
            if value is not None:
                given[Owner(customer_id=key)][field] = NewTerm(value)
    owners = list(given.items())
    for start in range(0, len(owners), _AT_ONCE):
        await terms.assign(transaction, dict(owners[start : start + _AT_ONCE]))
