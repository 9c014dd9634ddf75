"""Price lists and the items that they name, as an export of them says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database
from holdco.imports import price_list_columns, reading
from holdco.imports.price_lists import PriceListReader
from holdco.imports.problems import Problems
from holdco.imports.zoho import Files, Report
from holdco.price_lists import prices
from holdco.price_lists.pricing import bracket_of
from imports.exports import HEAD_OFFICE, NORTHGATE, Cells, Exports, told
from stories import Story

Refused = Callable[..., Awaitable[Report]]

LISTS = """
    select l.name, l.description, l.currency, l.kind, l.inactivated_at is null, v.percent, v.rounding, v.rounding_step,
           v.rounding_less
    from price_lists l join price_list_versions v
      on v.organization_id = l.organization_id and v.price_list_id = l.id and v.version = l.version
    where l.organization_id = :o order by l.name
"""
ITEMS = """
    select i.name, i.sku, i.status, p.currency, p.unit_price
    from items i left join item_prices p on p.organization_id = i.organization_id and p.item_id = i.id
    where i.organization_id = :o order by i.name, p.currency
"""
RATES = """
    select l.name, i.name, r.quantity_from, r.quantity_to, r.unit_price, r.version_from, r.version_to
    from price_list_rates r
    join price_lists l on l.organization_id = r.organization_id and l.id = r.price_list_id
    join items i on i.organization_id = r.organization_id and i.id = r.item_id
    where r.organization_id = :o order by l.name, i.name, r.quantity_from
"""
ROUTERS = [(Decimal(1), Decimal(10), Decimal(540)), (Decimal(10), Decimal(50), Decimal(500)), (Decimal(50), None, Decimal(450))]


def own_row(exports: Exports, customer_id: str) -> Cells:
    return next(row for row in exports.contacts.rows if row["Customer ID"] == customer_id)


async def test_a_list_is_what_its_rows_say(exports: Exports) -> None:
    report = await exports.imported("price_lists")
    loaded = report.price_lists
    assert (loaded.created, loaded.skipped, loaded.items, loaded.rates) == (3, 0, 3, 5)
    assert report.notes == ["price_lists.csv: 1 price lists for purchases were left out."]
    assert report.columns_unread == {"price_lists.csv": ["Price List ID"]}
    assert await exports.rows(LISTS) == [
        ("Export", None, "USD", "RATES", False, None, None, None, None),
        ("Resellers", "Partners who sell on.\nAsk Ines first.", "GBP", "PERCENTAGE", True, Decimal("-12.5"), "NEAREST",
         Decimal(1), Decimal("0.01")),
        ("Volume", None, "GBP", "RATES", True, None, None, None, None),
    ]  # fmt: skip
    assert await exports.rows(RATES) == [
        ("Export", "Edge router", Decimal(0), None, Decimal(640), 1, None),
        *(("Volume", "Edge router", *bracket, 1, None) for bracket in ROUTERS),
        ("Volume", "Patch cable, 5 m", Decimal(0), None, Decimal("0.995"), 1, None),
    ]


async def test_items_that_are_not_here_are_made_with_their_default_prices(exports: Exports) -> None:
    await exports.imported("price_lists")
    assert await exports.rows(ITEMS) == [
        ("Edge router", "RTR-E", "ACTIVE", "GBP", Decimal(550)),
        ("Edge router", "RTR-E", "ACTIVE", "USD", Decimal(690)),
        ("Patch cable, 5 m", None, "ACTIVE", "GBP", Decimal("1.25")),
        ("Support hour", None, "ACTIVE", "GBP", Decimal(95)),
    ]
    assert await exports.rows("select action, count(*) from activity where organization_id = :o group by 1 order by 1") == [
        ("item.created", 3),
        ("price_list.created", 3),
        ("price_list.updated", 1),
    ]


async def test_items_that_are_here_stay_as_they_are(exports: Exports, story: Story) -> None:
    await story.do("itemCreate", name="Router", sku="RTR-E", prices=[{"currency": "GBP", "unitPrice": "1.00"}])
    await story.do("itemCreate", name="Support hour")
    report = await exports.imported("price_lists")
    assert report.price_lists.items == 1
    assert await exports.rows(ITEMS) == [
        ("Patch cable, 5 m", None, "ACTIVE", "GBP", Decimal("1.25")),
        ("Router", "RTR-E", "ACTIVE", "GBP", Decimal(1)),
        ("Support hour", None, "ACTIVE", None, None),
    ]


@pytest.mark.parametrize(
    ("quantity", "unit_price"),
    [("0.5", 550), ("1", 540), ("9", 540), ("9.999999", 540), ("10", 500), ("49.5", 500), ("50", 450), ("1000000", 450)],
)
async def test_between_two_brackets_there_is_no_gap(
    exports: Exports, engine: AsyncEngine, quantity: str, unit_price: int
) -> None:
    """Below the first there is one, as in the file: the item costs its default price."""
    await exports.imported("price_lists")
    ((price_list_id,),) = await exports.rows("select id from price_lists where organization_id = :o and name = 'Volume'")
    ((item_id,),) = await exports.rows("select id from items where organization_id = :o and sku = 'RTR-E'")
    async with database.begin(engine, organization_id=exports.organization_id, actor="tester") as transaction:
        (quote,) = await prices.unit_prices(
            transaction, currency="GBP", price_list=(price_list_id, 1), wanted=[(item_id, Decimal(quantity))]
        )
    assert quote.unit_price == unit_price


async def test_a_second_time_and_a_dry_run_change_nothing(exports: Exports, story: Story) -> None:
    before = await story.everything()
    report = await exports.load(exports.files("price_lists"), is_dry_run=True)
    assert (report.price_lists.created, report.errors) == (3, [])
    assert await story.everything() == before
    await exports.imported("price_lists")
    first = await story.everything()
    again = await exports.imported("price_lists")
    assert (again.price_lists.created, again.price_lists.skipped, again.price_lists.items) == (0, 3, 0)
    # The list for purchases is read again: it was never here.
    assert await story.everything() == first


async def test_customers_name_their_own_list(exports: Exports) -> None:
    own_row(exports, HEAD_OFFICE).update({"Price List": "Resellers", "Discount Percent": "0"})
    await exports.imported("price_lists", "contacts")
    assert await exports.rows(
        """
        select c.name, t.field, l.name, t.discount_percent, t.version
        from terms t join customers c on c.organization_id = t.organization_id and c.id = t.customer_id
        left join price_lists l on l.organization_id = t.organization_id and l.id = t.price_list_id
        where t.organization_id = :o and t.field <> 'PAYMENT_TERMS' order by t.field
        """
    ) == [
        ("Aldgate Networks", "DISCOUNT_PERCENT", None, Decimal(0), 1),
        ("Aldgate Networks", "PRICE_LIST", "Resellers", None, 1),
    ]


async def test_a_list_that_is_here_already_can_be_named_without_its_file(exports: Exports) -> None:
    await exports.imported("price_lists")
    own_row(exports, HEAD_OFFICE)["Price List"] = "Volume"
    await exports.imported("contacts")
    assert await exports.rows("select count(*) from terms where organization_id = :o and field = 'PRICE_LIST'") == [(1,)]


async def test_a_list_that_there_is_not_and_one_in_another_currency_are_told(exports: Exports, refused: Refused) -> None:
    own_row(exports, HEAD_OFFICE)["Price List"] = "Friends"
    own_row(exports, NORTHGATE).update({"Price List": "Volume", "Discount Percent": "100.1"})
    report = await refused(exports.files("price_lists", "contacts"))
    # What stands in cells is told first; whom it concerns when the cells are sound.
    assert told(report) == [("contacts", 10, "Discount Percent", "PERCENT_OUT_OF_RANGE")]
    own_row(exports, NORTHGATE)["Discount Percent"] = ""
    report = await refused(exports.files("price_lists", "contacts"))
    assert told(report) == [
        ("contacts", 3, "Price List", "NOT_FOUND"),
        ("contacts", 10, "Price List", "CURRENCY_MISMATCH"),
    ]
    assert [error.message for error in report.errors] == [
        "There is no price list “Friends”. Import the price lists before, or together.",
        "The price list “Volume” is in GBP, the customer in USD.",
    ]


@pytest.mark.parametrize("end", ["99999999999999", "99999999999999.999999"])
async def test_a_bracket_that_ends_with_the_largest_quantity_has_no_end(exports: Exports, end: str) -> None:
    exports.price_lists.rows[3]["End Quantity"] = end
    await exports.imported("price_lists")
    assert await exports.rows("select quantity_to from price_list_rates where organization_id = :o and quantity_from = 50") == [
        (None,)
    ]


BAD = [
    ({"PriceList Rate": ""}, "PriceList Rate", "INVALID_INPUT"),
    ({"PriceList Rate": "-1"}, "PriceList Rate", "INVALID_INPUT"),
    ({"PriceList Rate": "1.1234567"}, "PriceList Rate", "INVALID_INPUT"),
    ({"PriceList Rate": "10000000000000000"}, "PriceList Rate", "INVALID_INPUT"),
    ({"Start Quantity": "1,5"}, "Start Quantity", "INVALID_INPUT"),
    ({"Start Quantity": "60", "End Quantity": "100000000000000"}, "End Quantity", "INVALID_INPUT"),
    ({"End Quantity": "0"}, "End Quantity", "INVALID_INPUT"),
    ({"Quantity Below": "5"}, "Quantity Below", "INVALID_INPUT"),
    ({"Start Quantity": "49"}, "Start Quantity", "BRACKETS_OVERLAP"),
    ({"Start Quantity": ""}, "Start Quantity", "BRACKETS_OVERLAP"),
    ({"Pricing Scheme": "tiered"}, "Pricing Scheme", "INVALID_INPUT"),
    ({"Pricing Scheme": "unit"}, "Pricing Scheme", "INVALID_INPUT"),
    ({"Discount": "5"}, "Discount", "INVALID_INPUT"),
    ({"Item Name": "", "SKU": ""}, "Item Name", "INVALID_INPUT"),
    ({"Item Name": "Router"}, "Item Name", "INVALID_INPUT"),
    ({"SKU": "2.52E+18"}, "SKU", "INVALID_INPUT"),
    ({"Item Price": "551"}, "Item Price", "INVALID_INPUT"),
    ({"Item Price": "much"}, "Item Price", "INVALID_INPUT"),
    ({"Currency Code": "EUR"}, "Currency Code", "INVALID_INPUT"),
    ({"Price List Type": "fixed_percentage"}, "Price List Type", "INVALID_INPUT"),
]


@pytest.mark.parametrize(("change", "column", "code"), BAD)
async def test_a_bad_row_is_told_with_its_line(
    exports: Exports, refused: Refused, change: dict[str, str], column: str, code: str
) -> None:
    exports.price_lists.rows[3] |= change
    assert told(await refused(exports.files("price_lists"))) == [("price_lists", 6, column, code)]


BAD_LISTS: list[tuple[dict[str, str], str | None, str]] = [
    ({"Price List Name": ""}, "Price List Name", "INVALID_INPUT"),
    ({"Price List Name": "x" * 201}, "Price List Name", "INVALID_INPUT"),
    ({"Currency Code": "Pounds"}, "Currency Code", "INVALID_INPUT"),
    ({"Status": "asleep"}, "Status", "INVALID_INPUT"),
    ({"Price List Type": "clever"}, "Price List Type", "INVALID_INPUT"),
    ({"Is Increase": ""}, "Is Increase", "INVALID_INPUT"),
    ({"Is Increase": "perhaps"}, "Is Increase", "INVALID_INPUT"),
    ({"Percentage": ""}, "Percentage", "INVALID_INPUT"),
    ({"Percentage": "12,5"}, "Percentage", "INVALID_INPUT"),
    ({"Percentage": "100.01"}, None, "PERCENT_OUT_OF_RANGE"),
    ({"Percentage": "-5"}, None, "PERCENT_OUT_OF_RANGE"),
    ({"Percentage": "1001", "Is Increase": "true"}, None, "PERCENT_OUT_OF_RANGE"),
    ({"Rounding Type": "round_to_moon"}, "Rounding Type", "INVALID_INPUT"),
    ({"Rounding Type": "round_based_on_decimal"}, "Decimal Place", "INVALID_INPUT"),
    ({"Rounding": "UP", "Rounding Step": "0"}, None, "INVALID_INPUT"),
    ({"Rounding": "UP"}, "Rounding Step", "INVALID_INPUT"),
]


@pytest.mark.parametrize(("change", "column", "code"), BAD_LISTS)
async def test_a_bad_list_is_told_with_its_line(
    exports: Exports, refused: Refused, change: dict[str, str], column: str | None, code: str
) -> None:
    exports.price_lists.rows[0] |= change
    assert told(await refused(exports.files("price_lists"))) == [("price_lists", 2, column, code)]


async def test_everything_that_is_wrong_is_told_at_once_and_nothing_of_other_files_is_kept(
    exports: Exports, refused: Refused
) -> None:
    exports.price_lists.rows[1]["PriceList Rate"] = "cheap"
    exports.price_lists.rows[4]["PriceList Rate"] = "cheaper"
    exports.contacts.rows[0]["Status"] = "gone"
    report = await refused(exports.files("price_lists", "contacts"))
    assert told(report) == [
        ("price_lists", 4, "PriceList Rate", "INVALID_INPUT"),
        ("price_lists", 7, "PriceList Rate", "INVALID_INPUT"),
        ("contacts", 2, "Status", "INVALID_INPUT"),
    ]


async def test_a_name_that_several_items_have_does_not_tell_which(exports: Exports, refused: Refused, story: Story) -> None:
    for sku in ("A", "B"):
        await story.do("itemCreate", name="Support hour", sku=sku)
    report = await refused(exports.files("price_lists"))
    assert [error.message for error in report.errors] == ["Several items are called “Support hour”. Name this one by its SKU."]


async def test_the_items_of_one_list_as_zoho_exports_them_want_the_name_of_the_list(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("Item ID,Item Name,SKU,Status,is_combo_product,Item Price,PriceList Rate,Discount\n", encoding="utf-8")
    (error,) = (await refused(Files(price_lists=path))).errors
    assert (error.line, error.message) == (
        1,
        "There is no column “Price List Name” (also read: PriceList Name, Price List, Pricebook Name, Name).",
    )


async def test_headings_and_words_may_be_written_otherwise(exports: Exports, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text(
        "pricebook name;CURRENCY;Markup or Markdown;Percent;Round Off To;decimal places;Item SKU;Custom Rate;Start Qty;End Qty\n"
        "Half;EUR;Markup;7.25;0.49;;;;;\n"
        "Signed;EUR;;-3;Never mind;;;;;\n"
        "Places;EUR;Markup;7;round_based_on_decimal;1;;;;\n"
        "Rates;EUR;;;;;2520018000000073005;0.0035;0;999\n",
        encoding="utf-8",
    )
    report = await exports.load(Files(price_lists=path))
    assert report.errors == []
    assert await exports.rows(LISTS) == [
        ("Half", None, "EUR", "PERCENTAGE", True, Decimal("7.25"), "NEAREST", Decimal("0.5"), Decimal("0.01")),
        ("Places", None, "EUR", "PERCENTAGE", True, Decimal(7), "NEAREST", Decimal("0.1"), Decimal(0)),
        ("Rates", None, "EUR", "RATES", True, None, None, None, None),
        ("Signed", None, "EUR", "PERCENTAGE", True, Decimal(-3), None, None, None),
    ]
    # 19 digits are a text, also where they are all there is of an item's name.
    assert await exports.rows("select name, sku from items where organization_id = :o") == [
        ("2520018000000073005", "2520018000000073005")
    ]
    assert [row[2:5] for row in await exports.rows(RATES)] == [(Decimal(0), Decimal(1000), Decimal("0.0035"))]


@settings(deadline=None)
@given(
    ends=st.lists(st.integers(1, 10**13), min_size=1, max_size=8, unique=True).map(sorted),
    quantity=st.decimals(0, 10**13, places=6),
)
def test_whole_quantities_one_after_another_hold_every_quantity_once(
    tmp_path_factory: pytest.TempPathFactory, ends: list[int], quantity: Decimal
) -> None:
    """From 0 to the first end, from there on to the second …, and the last without an end."""
    starts = [0, *(end + 1 for end in ends)]
    path = tmp_path_factory.mktemp("lists") / "lists.csv"
    rows = [f"Volume,Router,{start},{end},{start}" for start, end in zip(starts, [*ends, ""], strict=True)]
    path.write_text("\n".join(["Price List Name,Item Name,Start Quantity,End Quantity,PriceList Rate", *rows]), encoding="utf-8")
    sheet = reading.open_sheet(path)
    problems = Problems("lists.csv")
    reader = PriceListReader(price_list_columns.columns_of(sheet), problems, currency="USD")
    price_list = reader.read(list(sheet.records()))
    assert price_list is not None
    bracket = bracket_of(price_list.rates["name", "Router"], quantity)
    assert bracket is not None
    assert bracket.quantity_from == max(start for start in starts if start <= quantity)


async def test_roles_inherited_terms_and_the_day_from_which_a_parent_pays_are_kept(exports: Exports) -> None:
    """Our own columns behind Zoho's."""
    row = next(row for row in exports.contacts.rows if row["Parent Customer ID"] == HEAD_OFFICE)
    row |= {"Customer Role": "head office", "Inherit Terms": "true", "Parent Pays Invoices From": "2025-04-01"}
    await exports.imported("contacts")
    name = row["Display Name"]
    assert await exports.rows(
        """
        select c.role, l.inherit_terms, l.pay_invoices_from, x.pay_invoices_from
        from customers c
        join parent_links l on l.organization_id = c.organization_id and l.child_id = c.id
        join customer_closure x on x.organization_id = c.organization_id and x.descendant_id = c.id and x.depth = 1
        where c.organization_id = :o and c.name = :name
        """,
        name=name,
    ) == [("HEAD_OFFICE", True, date(2025, 4, 1), date(2025, 4, 1))]
    # Whoever is below may be paid for from the same day on.
    assert await exports.rows(
        """
        select x.pay_invoices_from from customer_closure x
        join customers c on c.organization_id = x.organization_id and c.id = x.descendant_id
        where x.organization_id = :o and x.depth = 2 and c.name = 'Aldgate London Engineering'
        """
    ) == [(date(2025, 4, 1),)]
