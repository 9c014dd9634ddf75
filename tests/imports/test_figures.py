"""Invoices computed once more: what adds up, and what is told when it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from holdco.imports.figures import Figures, FiguresRefused, GivenInvoice, GivenLine, reconciled


def line(quantity: str, price: str, **fields: Any) -> GivenLine:
    return GivenLine(2, Decimal(quantity), Decimal(price), **fields)


def invoice(*lines: GivenLine, **fields: Any) -> GivenInvoice:
    return GivenInvoice(line=2, currency="GBP", lines=lines, **fields)


def amounts(figures: Figures) -> list[tuple[int, int, int, int]]:
    return [(each.discount, each.amount, each.document_discount, each.tax) for each in figures.computed.lines]


def test_a_plain_invoice_adds_up() -> None:
    figures = reconciled(
        invoice(
            line("6.00", "4.25", item_total=2550),
            line("1", "0.335", item_total=34),
            subtotal=2584,
            total=2634,
            shipping_charge=100,
            adjustment=-50,
        )
    )
    assert amounts(figures) == [(0, 2550, 0, 0), (0, 34, 0, 0)]
    assert (figures.computed.subtotal, figures.computed.total) == (2584, 2634)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"discount": Decimal(10), "item_total": 9000}, (1000, 9000)),
        ({"discount": Decimal(10), "discount_amount": 1000, "item_total": 9000}, (1000, 9000)),
        ({"discount": Decimal(15), "item_total": 8500}, (1500, 8500)),
        ({"discount": Decimal("12.34"), "discount_amount": 1234, "item_total": 8766}, (1234, 8766)),
        ({"discount": Decimal(10), "discount_amount": 999, "item_total": 9001}, (999, 9001)),
        ({"discount": Decimal(120), "item_total": 0, "discount_amount": 10000}, (10000, 0)),
        ({"discount": Decimal(10), "is_discount_percent": True}, (1000, 9000)),
        ({"discount_amount": 250}, (250, 9750)),
        # A note of the document's discount, which is taken off below and not here.
        ({"discount": Decimal(10), "discount_amount": 1000, "item_total": 10000}, (0, 10000)),
    ],
)
def test_a_discount_is_a_percentage_or_an_amount_as_the_total_of_the_line_tells(
    fields: dict[str, Any], expected: tuple[int, int]
) -> None:
    computed = reconciled(invoice(line("1", "100.00", **fields))).computed.lines[0]
    assert (computed.discount, computed.amount) == expected


def test_a_discount_that_nothing_explains_is_refused() -> None:
    with pytest.raises(FiguresRefused, match=r"A discount of 10 can be a percentage or an amount") as refused:
        reconciled(invoice(line("1", "100.00", discount=Decimal(10))))
    assert refused.value.field == "line_discount"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"item_total": 2551}, "item_total", "The file says 25.51 GBP, but quantity, price and discount come to 25.50."),
        ({"subtotal": 2560}, "subtotal", "The file says 25.60 GBP, but the rows of the invoice add up to 25.50."),
        (
            {"total": 2500},
            "total",
            "The file says 25.00 GBP, but rows, discount, taxes, shipping, adjustment and rounding come to 25.50.",
        ),
    ],
)
def test_figures_that_do_not_add_up_are_told_with_both(changes: dict[str, int], field: str, message: str) -> None:
    item_total = changes.pop("item_total", 2550)
    with pytest.raises(FiguresRefused) as refused:
        reconciled(invoice(line("6", "4.25", item_total=item_total), **changes))
    assert (refused.value.field, str(refused.value)) == (field, message)


def test_the_documents_discount_is_a_percentage_before_tax() -> None:
    figures = reconciled(
        invoice(
            line("1", "100.00", tax_percent=Decimal(20)),
            line("1", "50.00"),
            discount_percent=Decimal(10),
            discount_amount=1500,
            subtotal=15000,
            total=15300,
        )
    )
    assert amounts(figures) == [(0, 10000, 1000, 1800), (0, 5000, 500, 0)]
    assert figures.discount_percent == 10


def test_a_percentage_that_does_not_come_to_its_amount_is_refused() -> None:
    with pytest.raises(FiguresRefused, match=r"The file says 14.00 GBP, but a discount of 10 % comes to 15.00\.") as refused:
        reconciled(invoice(line("1", "150.00"), discount_percent=Decimal(10), discount_amount=1400))
    assert refused.value.field == "discount_amount"


@pytest.mark.parametrize(
    ("is_before_tax", "expected", "total"),
    [
        (True, [(0, 10000, 667, 1867), (0, 5000, 333, 0)], 15867),
        (False, [(0, 10000, 706, 2000), (0, 5000, 294, 0)], 16000),
    ],
)
def test_a_discount_that_is_an_amount_is_shared_over_the_rows(
    is_before_tax: bool, expected: list[tuple[int, int, int, int]], total: int
) -> None:
    figures = reconciled(
        invoice(
            line("1", "100.00", tax_percent=Decimal(20)),
            line("1", "50.00"),
            discount_amount=1000,
            is_discount_before_tax=is_before_tax,
            total=total,
        )
    )
    assert amounts(figures) == expected
    assert figures.discount_percent == 0


def test_a_discount_larger_than_the_rows_is_refused() -> None:
    with pytest.raises(FiguresRefused, match=r"A discount of 50.01 is not between nothing and what the rows come to, 50.00\."):
        reconciled(invoice(line("1", "50.00"), discount_amount=5001))


def test_a_percentage_after_tax_takes_from_the_taxes_too() -> None:
    given = invoice(
        line("1", "100.00", tax_percent=Decimal(20), tax=2000),
        discount_percent=Decimal(10),
        is_discount_before_tax=False,
        total=10800,
    )
    assert amounts(reconciled(given)) == [(0, 10000, 1200, 2000)]


def test_taxes_of_the_file_are_kept_when_they_are_within_a_minor_unit() -> None:
    figures = reconciled(
        invoice(
            line("1", "0.33", tax_percent=Decimal(20), tax=7),
            line("1", "0.33", tax_percent=Decimal(20), tax=7),
            line("1", "5.00", tax=13),
            total=566 + 27,
        )
    )
    assert [each.tax for each in figures.computed.lines] == [7, 7, 13]
    assert [each.tax_percent for each in figures.lines] == [20, 20, 0]


def test_a_tax_that_is_not_its_rate_is_refused() -> None:
    with pytest.raises(FiguresRefused, match=r"The file says 1.70 GBP, but a tax of 20 % comes to 2.00\.") as refused:
        reconciled(invoice(line("1", "10.00", tax_percent=Decimal(20), tax=170)))
    assert refused.value.field == "tax_amount"


@pytest.mark.parametrize(("total", "taxes"), [(104, [2, 2, 1]), (105, [2, 2, 2])])
def test_taxes_may_be_rounded_per_rate_or_per_line_as_the_total_tells(total: int, taxes: list[int]) -> None:
    lines = [line("1", "0.33", tax_percent=Decimal(5)) for _ in range(3)]
    assert [each.tax for each in reconciled(invoice(*lines, total=total)).computed.lines] == taxes


def test_a_line_may_be_negative_but_no_invoice() -> None:
    assert reconciled(invoice(line("1", "10.00"), line("-1", "4.00", item_total=-400), total=600)).computed.total == 600
    with pytest.raises(FiguresRefused, match=r"The invoice would come to -4.00 GBP"):
        reconciled(invoice(line("-1", "4.00")))


def test_an_adjustment_may_be_larger_than_the_rows_where_taxes_make_up_for_it() -> None:
    figures = reconciled(invoice(line("1", "10.00", tax_percent=Decimal(20)), adjustment=-1100, total=100))
    assert (figures.computed.tax_total, figures.computed.total) == (200, 100)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (line("1", "0.0000001"), "unit_price must be a number below 1000000000000000000 with at most 6 decimal places."),
        (line("1", "100000000000000000.00"), "beyond what can be recorded"),
        (line("1", "5.00", tax_percent=Decimal(1000)), "tax_percent must be from 0 below 1000"),
        (line("1", "5.00", discount_amount=501), "the discount of 5.01 GBP is more than the line costs, 5.00 GBP."),
    ],
)
def test_what_no_invoice_can_have_is_refused(given: GivenLine, message: str) -> None:
    with pytest.raises(FiguresRefused, match=message):
        reconciled(invoice(given))
