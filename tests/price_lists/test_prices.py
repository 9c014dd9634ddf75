"""What items cost: by default, by a price list, by an old version of it; the same on an invoice and for a frontend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import ids
from holdco.context import Context
from holdco.ids import Kind
from holdco.organizations.service import ensure
from holdco.price_lists.prices import UNKNOWN, Quote, unit_prices
from holdco.price_lists.pricing import PriceSource
from holdco.viewer import StaffRole, Viewer
from price_lists.steps import bracket, costs, item, percentage, rated
from stories import Story

ExecuteFailing = Callable[..., Awaitable[list[Any]]]
LIST, ITEM = PriceSource.PRICE_LIST, PriceSource.ITEM


async def quotes(
    context: Context, currency: str, price_list: tuple[str, int] | None, *wanted: tuple[str, str]
) -> list[tuple[str | None, PriceSource, bool, str | None]]:
    """Price, source, whether it is active and the name, of each item and quantity."""
    found = await _quoted(context, currency, price_list, *wanted)
    return [(None if each.unit_price is None else str(each.unit_price), each.source, each.is_active, each.name) for each in found]


async def _quoted(context: Context, currency: str, price_list: tuple[str, int] | None, *wanted: tuple[str, str]) -> list[Quote]:
    keys = [(_key(Kind.ITEM, item_id), Decimal(quantity)) for item_id, quantity in wanted]
    of = (_key(Kind.PRICE_LIST, price_list[0]), price_list[1]) if price_list is not None else None
    async with context.transaction() as transaction:
        return await unit_prices(transaction, currency=currency, price_list=of, wanted=keys)


def _key(kind: Kind, text: str) -> UUID:
    return ids.decode(kind, text)


async def test_without_a_list_items_cost_their_default_price_in_the_currency(context: Context, story: Story) -> None:
    router, switch = await item(story, "Router", USD="10", EUR="9.5"), await item(story, "Switch", status="INACTIVE", USD="4")
    assert await quotes(context, "EUR", None, (router, "3"), (switch, "1"), (router, "-3")) == [
        ("9.500000", ITEM, True, "Router"),
        (None, ITEM, False, "Switch"),
        ("9.500000", ITEM, True, "Router"),
    ]


async def test_rates_go_by_the_quantity_and_a_gap_costs_the_default(context: Context, story: Story) -> None:
    router, cable, switch = (
        await item(story, "Router", USD="10"),
        await item(story, "Cable"),
        await item(story, "Switch", USD="4"),
    )
    brackets = [bracket("9", "1", "10"), bracket("0.0035", "10", "20")]
    made = await rated(story, *({"itemId": key, "brackets": brackets} for key in (router, cable)))
    wanted = [(router, "0.5"), (router, "9.999999"), (router, "-10"), (router, "20"), (cable, "20"), (cable, "1"), (switch, "1")]
    expected = [
        ("10.000000", ITEM),
        ("9.000000", LIST),
        ("0.003500", LIST),
        ("10.000000", ITEM),
        (None, ITEM),
        ("9.000000", LIST),
        ("4.000000", ITEM),
    ]
    assert [each[:2] for each in await quotes(context, "USD", (made, 1), *wanted)] == expected
    assert await costs(story, made, *wanted) == [(unit_price, source.value) for unit_price, source in expected]


async def test_a_percentage_goes_on_default_prices_and_is_rounded_by_its_rule(context: Context, story: Story) -> None:
    router, cable, gift = (
        await item(story, "Router", USD="10.40", EUR="1"),
        await item(story, "Cable"),
        await item(story, "Gift", USD="0"),
    )
    made = await percentage(story, "DOWN", "5", rounding={"direction": "UP", "step": "1", "less": "0.01"})
    wanted = [(router, "1"), (router, "-2.5"), (cable, "1"), (gift, "1")]
    expected = [("9.990000", LIST), ("9.990000", LIST), (None, ITEM), ("0.000000", LIST)]
    assert [each[:2] for each in await quotes(context, "USD", (made, 1), *wanted)] == expected
    assert await costs(story, made, *wanted) == [(unit_price, source.value) for unit_price, source in expected]


@pytest.mark.parametrize(
    ("direction", "percent", "unit_price"),
    [("DOWN", "100", "0.000000"), ("UP", "0", "0.003500"), ("DOWN", "0", "0.003500"), ("UP", "1000", "0.038500")],
)
async def test_the_ends_of_percentages(story: Story, direction: str, percent: str, unit_price: str) -> None:
    call = await item(story, "Call", USD="0.0035")
    made = await percentage(story, direction, percent)
    assert await costs(story, made, (call, "1")) == [(unit_price, "PRICE_LIST")]


async def test_an_old_version_gives_the_old_price(context: Context, story: Story) -> None:
    router, switch = await item(story, "Router", USD="10"), await item(story, "Switch", USD="4")
    made = await rated(story, {"itemId": router, "brackets": [bracket("9", "0", "10"), bracket("8", "10")]})
    await story.do("priceListUpdate", id=made, rates=[{"itemId": router, "brackets": [bracket("7")]}])
    await story.do("priceListUpdate", id=made, rates=[{"itemId": router, "brackets": []}])
    await story.do("priceListUpdate", id=made, rates=[{"itemId": switch, "brackets": [bracket("3")]}], isActive=False)
    wanted = [(router, "1"), (router, "10"), (switch, "1")]
    history = {
        1: [("9.000000", LIST), ("8.000000", LIST), ("4.000000", ITEM)],
        2: [("7.000000", LIST), ("7.000000", LIST), ("4.000000", ITEM)],
        3: [("10.000000", ITEM), ("10.000000", ITEM), ("4.000000", ITEM)],
        4: [("10.000000", ITEM), ("10.000000", ITEM), ("3.000000", LIST)],
    }
    for version, expected in history.items():
        assert [each[:2] for each in await quotes(context, "USD", (made, version), *wanted)] == expected
        shown = [(unit_price, source.value) for unit_price, source in expected]
        assert await costs(story, made, *wanted, version=version) == shown
    assert await costs(story, made, *wanted) == await costs(story, made, *wanted, version=4)
    assert [await costs(story, made, *wanted, version=number) for number in (-1, 0, 5)] == [[]] * 3


async def test_an_old_percentage_goes_on_the_present_default_price(context: Context, story: Story) -> None:
    router = await item(story, "Router", USD="10")
    made = await percentage(story, "DOWN", "10", rounding={"step": "5"})
    await story.do("priceListUpdate", id=made, direction="UP", percent="20", rounding=None)
    await story.do("itemUpdate", id=router, prices=[{"currency": "USD", "unitPrice": "21"}])
    assert await quotes(context, "USD", (made, 1), (router, "1")) == [("20.000000", LIST, True, "Router")]
    assert await quotes(context, "USD", (made, 2), (router, "1")) == [("25.200000", LIST, True, "Router")]


async def test_an_item_that_there_is_not_is_not_known_and_has_no_price(context: Context, story: Story) -> None:
    router = await item(story, "Router", USD="10")
    made = await percentage(story, "UP", "5")
    unknown = ids.encode(Kind.ITEM, ids.new())
    for price_list in (None, (made, 1)):
        found = await _quoted(context, "USD", price_list, (unknown, "1"), (router, "1"), (unknown, "2"))
        assert (found[0], found[2]) == (UNKNOWN, UNKNOWN)
        assert (found[1].is_known, found[1].is_active, found[1].name) == (True, True, "Router")
    document = """query ($id: ID!, $items: [ItemQuantityInput!]!) {
      priceList(by: {id: $id}) { prices(items: $items) { item { name } quantity unitPrice source } }
    }"""
    shown = await story.ask(document, id=made, items=[{"itemId": unknown, "quantity": "2"}, {"itemId": router}])
    assert shown["priceList"]["prices"] == [
        {"item": None, "quantity": "2", "unitPrice": None, "source": "ITEM"},
        {"item": {"name": "Router"}, "quantity": "1", "unitPrice": "10.500000", "source": "PRICE_LIST"},
    ]


async def test_items_and_lists_of_another_organization_are_not_known(engine: AsyncEngine, context: Context, story: Story) -> None:
    other = Context(engine, Viewer(ids.new(), "Olaf", StaffRole.ADMIN))
    await ensure(engine, other.organization_id)
    router = await item(story, "Router", USD="10")
    made = await percentage(story, "UP", "5")
    for price_list in (None, (made, 1)):
        assert await _quoted(other, "USD", price_list, (router, "1")) == [UNKNOWN]
        assert await _quoted(context, "USD", price_list, (router, "1")) != [UNKNOWN]
    await other.close()


async def test_any_number_of_prices_is_one_statement(context: Context, story: Story, counting: Any) -> None:
    keys = [await item(story, f"Item {number}", USD=str(number)) for number in range(5)]
    made = await rated(story, *({"itemId": key, "brackets": [bracket("1", "0", "2"), bracket("0.5", "2")]} for key in keys))
    for price_list in (None, (made, 1)):
        wanted = [(key, str(quantity)) for key in keys for quantity in range(4)]
        with counting() as issued:
            found = await _quoted(context, "USD", price_list, *wanted)
        # The other is the organization's, which every transaction asks first.
        assert len(issued) == 2
        assert len(found) == 20
    with counting() as issued:
        assert await _quoted(context, "USD", (made, 1)) == []
    assert len(issued) == 1


async def test_prices_on_a_page_of_lists_are_one_statement(story: Story, counting: Any) -> None:
    router, switch = await item(story, "Router", USD="10"), await item(story, "Switch", USD="4", EUR="5")
    await percentage(story, "DOWN", "10", name="A")
    await rated(
        story,
        {
            "itemId": router,
            "brackets": [
                bracket("9"),
            ],
        },
        name="B",
    )
    await percentage(story, "UP", "10", name="C", currency="EUR")
    items = [{"itemId": router}, {"itemId": switch}]
    with counting() as issued:
        found = await story.ask(
            "query ($items: [ItemQuantityInput!]!) { priceLists { nodes { prices(items: $items) { unitPrice } } } }", items=items
        )
    assert len(issued) == 2
    assert [[price["unitPrice"] for price in node["prices"]] for node in found["priceLists"]["nodes"]] == [
        ["9.000000", "3.600000"],
        ["9.000000", "4.000000"],
        [None, "5.500000"],
    ]


async def test_a_frontend_prices_no_more_items_at_once_than_are_served(story: Story, execute_failing: ExecuteFailing) -> None:
    router = await item(story, "Router", USD="10")
    made = await percentage(story, "UP", "5")
    assert await costs(story, made, *[(router, "1")] * 200) == [("10.500000", "PRICE_LIST")] * 200
    assert await costs(story, made) == []
    document = (
        "query ($id: ID!, $items: [ItemQuantityInput!]!) { priceList(by: {id: $id}) { prices(items: $items) { unitPrice } } }"
    )
    for items in ([{"itemId": router}] * 201, [{"itemId": made}]):
        errors = await execute_failing(document, id=made, items=items)
        assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]
