"""What the demo company's vendor sells, and what it has agreed with its groups.

Agreed after its invoices were made: they keep the terms that they were made with, drafts tell that theirs have drifted, and the
last draft, for a reseller in Lisbon, has the reseller's prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from holdco.database import Transaction
from holdco.invoices import create as invoices
from holdco.invoices.create import NewInvoice
from holdco.invoices.lines import NewLine
from holdco.items import service as items
from holdco.items.service import NewPrice
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.price_lists import service as price_lists
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import PriceDirection
from holdco.terms import setting
from holdco.terms.precedence import TermField, TermMode

_ITEMS: Final = (
    ("Access point", "AP-12", "185.00", "168.00"),
    ("Edge router", "ER-4", "3250.00", "2960.00"),
    ("Fibre patch lead", "FP-2", "12.50", "11.40"),
)


async def agree(transaction: Transaction, by_number: Mapping[str, UUID], by_group: Mapping[str, UUID]) -> None:
    item_ids = {
        name: await items.create(
            transaction,
            values={"name": name, "sku": sku, "unit": "piece"},
            prices=[NewPrice("USD", Decimal(dollars)), NewPrice("EUR", Decimal(euros))],
        )
        for name, sku, dollars, euros in _ITEMS
    }
    # In euros: it is not for Castell Retail, a reseller as well, which is billed in dollars.
    price_list_id = await price_lists.create(
        transaction,
        kind=PriceListKind.PERCENTAGE,
        values={"name": "Reseller prices", "currency": "EUR", "direction": PriceDirection.DOWN, "percent": Decimal(20)},
    )
    net_45 = PaymentTerms(PaymentTermsKind.NET, 45)
    discount = Decimal("12.5")
    await setting.set_for_group(
        transaction,
        by_group["Resellers"],
        {TermField.PRICE_LIST: price_list_id, TermField.DISCOUNT_PERCENT: discount, TermField.PAYMENT_TERMS: net_45},
        {},
    )
    # Whoever has a framework agreement may take its discount, or keep what was negotiated.
    await setting.set_for_group(
        transaction,
        by_group["Enterprise"],
        {TermField.DISCOUNT_PERCENT: Decimal(10), TermField.PAYMENT_TERMS: net_45},
        {TermField.DISCOUNT_PERCENT: TermMode.OPT_IN},
    )
    direct = {TermField.PAYMENT_TERMS: PaymentTerms(PaymentTermsKind.NET, 14)}
    await setting.set_for_group(transaction, by_group["Direct"], direct, {})
    lines = [
        NewLine(None, None, Decimal(20), None, tax_percent=Decimal(23), item_id=item_ids["Access point"]),
        NewLine(None, None, Decimal(100), None, tax_percent=Decimal(23), item_id=item_ids["Fibre patch lead"]),
    ]
    draft = NewInvoice(by_number["PIN-001"], lines, number="INV-0023", invoice_date=transaction.today - timedelta(days=1))
    await invoices.create(transaction, draft)
