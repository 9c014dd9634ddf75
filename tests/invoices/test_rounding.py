"""A hundred thousand invoices, priced by price lists and discounted: their columns add up to their totals, to the cent."""

from __future__ import annotations

import os
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import pytest

from catalogue import group, item, percent_off, rates
from holdco.invoices import amounts
from holdco.invoices.amounts import InvoiceAmounts, Line
from holdco.price_lists import pricing
from holdco.price_lists.pricing import Bracket, Offer, Percentage, PriceRounding, Rounding
from stories import Story

INVOICES = 100_000
STORED = int(os.environ.get("HOLDCO_EXAMPLES", "30"))
MILLION = 10**6
PLACES = {"JPY": 0, "USD": 2, "KWD": 3}
STEPS = [Decimal(step) for step in ("0.000001", "0.01", "0.05", "0.5", "1", "10")]


class Case(NamedTuple):
    currency: str
    lines: list[Line]
    discount_percent: Decimal
    is_discount_before_tax: bool
    shipping_charge: int
    adjustment: int


def millionths(value: int) -> Decimal:
    return Decimal(value).scaleb(-6)


def as_integer(value: Decimal) -> int:
    """In millionths."""
    return int(value.scaleb(6))


def percent_of(random: Random, most: int) -> Decimal:
    return millionths(random.choice([0, most * MILLION, 12_500_000, 33_333_333, random.randrange(most * MILLION + 1)]))


def offer_of(random: Random) -> Offer:
    kind = random.randrange(4)
    if kind == 0:
        return ()
    if kind == 1:
        edge, price = Decimal(random.randrange(1, 50)), random.randrange(10**9)
        return [Bracket(Decimal(0), edge, millionths(price)), Bracket(edge, None, millionths(price * 4 // 5))]
    rounding = Rounding(random.choice(list(PriceRounding)), random.choice(STEPS), Decimal(0)) if kind == 2 else None
    return Percentage(percent_of(random, 100) * random.choice([1, -1]), rounding)


def line_of(random: Random, offer: Offer) -> Line:
    # Now and then a return.
    quantity = millionths(random.choice([MILLION, 3 * MILLION, random.randrange(1, 100 * MILLION)]))
    if random.random() < 0.05:
        quantity = -quantity
    default = millionths(random.choice([1, 5000, random.randrange(10**9)]))
    unit_price = pricing.price(default, offer, quantity).unit_price
    assert unit_price is not None
    discount = random.choice([Decimal(0), percent_of(random, 100)])
    return Line(quantity, unit_price, discount, 0, random.choice([Decimal(0), Decimal(19), Decimal("8.875")]))


def case_of(random: Random) -> Case:
    offer = offer_of(random)
    return Case(
        currency=random.choice(list(PLACES)),
        lines=[line_of(random, offer) for _ in range(random.choice([1, 2, 3, 5]))],
        discount_percent=percent_of(random, 100),
        is_discount_before_tax=random.random() < 0.5,
        # Enough that no return makes the whole negative.
        shipping_charge=10**15,
        adjustment=random.randrange(-500, 500),
    )


def check(case: Case, found: InvoiceAmounts) -> None:
    minor_units: int = 10 ** PLACES[case.currency]
    rate = as_integer(case.discount_percent)
    hundred = 100 * MILLION
    discountable = 0
    for line, figures in zip(case.lines, found.lines, strict=True):
        exact = (
            as_integer(line.quantity) * as_integer(line.unit_price) * minor_units * (hundred - as_integer(line.discount_percent))
        )
        unit = MILLION**2 * hundred
        # Rounded once, halves away from zero.
        assert 2 * abs(figures.amount * unit - exact) <= unit
        base = figures.amount + (0 if case.is_discount_before_tax else figures.tax)
        assert abs(figures.document_discount * hundred - base * rate) < hundred
        taxable = figures.amount - (figures.document_discount if case.is_discount_before_tax else 0)
        assert abs(figures.tax * hundred - taxable * as_integer(line.tax_percent)) < hundred
        discountable += base
    assert 2 * abs(found.discount_total * hundred - discountable * rate) <= hundred
    assert found.subtotal == sum(line.amount for line in found.lines)
    assert found.discount_total == sum(line.document_discount for line in found.lines)
    assert found.tax_total == sum(line.tax for line in found.lines)
    charges = case.shipping_charge + case.adjustment
    assert found.total == found.subtotal - found.discount_total + found.tax_total + charges


@pytest.mark.parametrize("part", range(4))
def test_lines_add_up_to_totals_in_a_hundred_thousand_invoices(part: int) -> None:
    # The same invoices in each run.
    random = Random(part)
    for _ in range(INVOICES // 4):
        case = case_of(random)
        found = amounts.compute(
            case.lines,
            currency=case.currency,
            discount_percent=case.discount_percent,
            is_discount_before_tax=case.is_discount_before_tax,
            shipping_charge=case.shipping_charge,
            adjustment=case.adjustment,
        )
        check(case, found)


PAGE = """query ($after: String) { invoices(after: $after) {
  nodes { currency subtotal discountTotal taxTotal shippingCharge adjustment total discountPercent isDiscountBeforeTax
          lines { quantity unitPrice unitPriceSource discountPercent amount tax } }
  pageInfo { hasNextPage endCursor }
} }"""


async def test_stored_lines_add_up_to_what_the_graph_says_of_their_invoices(story: Story) -> None:
    random = Random(0)
    items = [await item(story, f"Item {price}", JPY=price, USD=price, KWD=price) for price in ("0.0035", "19.99", "333.333333")]
    customers: dict[str, list[str]] = {}
    for currency in PLACES:
        off = await percent_off(story, f"Off in {currency}", "7.5", currency=currency)
        bracket = [("0", "10", "11.111111"), ("10", None, "9.999999")]
        volume = await rates(story, f"Volume in {currency}", (items[0], bracket), currency=currency)
        for price_list, discount in ((off, "12.5"), (volume, "33.333333")):
            customer = await story.customer(f"{currency} {discount}", currency=currency)
            await group(story, f"{currency} {discount}", customer, priceListId=price_list, discountPercent=discount)
            customers.setdefault(currency, []).append(customer)
    for _ in range(STORED):
        lines = [
            {
                "itemId": random.choice(items),
                "quantity": str(millionths(random.randrange(1, 30 * MILLION))),
                "discountPercent": random.choice(["0", "2.5"]),
                "taxPercent": random.choice(["0", "19", "8.875"]),
            }
            for _ in range(random.randrange(1, 8))
        ]
        customer = random.choice(customers[random.choice(list(PLACES))])
        charges = {"shippingCharge": "7", "adjustment": random.choice(["0", "-2"])}
        await story.do("invoiceCreate", customerId=customer, lines=lines, isDiscountBeforeTax=random.random() < 0.5, **charges)
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await story.ask(PAGE, after=after))["invoices"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(found) == STORED
    assert {line["unitPriceSource"] for invoice in found for line in invoice["lines"]} == {"PRICE_LIST", "ITEM"}
    for invoice in found:
        check_stored(invoice)


def check_stored(invoice: dict[str, Any]) -> None:
    cent = Decimal(1).scaleb(-PLACES[invoice["currency"]])
    figures = {name: Decimal(text) for name, text in invoice.items() if name.endswith(("otal", "Charge", "ment"))}
    for line in invoice["lines"]:
        exact = Decimal(line["quantity"]) * Decimal(line["unitPrice"]) * (100 - Decimal(line["discountPercent"])) / 100
        assert abs(Decimal(line["amount"]) - exact) <= cent / 2
    assert figures["subtotal"] == sum(Decimal(line["amount"]) for line in invoice["lines"])
    assert figures["taxTotal"] == sum(Decimal(line["tax"]) for line in invoice["lines"])
    base = figures["subtotal"] + (0 if invoice["isDiscountBeforeTax"] else figures["taxTotal"])
    assert abs(figures["discountTotal"] - base * Decimal(invoice["discountPercent"]) / 100) <= cent / 2
    charges = figures["shippingCharge"] + figures["adjustment"]
    assert figures["total"] == figures["subtotal"] - figures["discountTotal"] + figures["taxTotal"] + charges
