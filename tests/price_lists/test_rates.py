"""Rates per item: brackets neither overlap nor lose anything, and a change writes only what differs (domain.md G12)."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from conftest import Client
from directly import directly
from holdco import ids
from holdco.context import Context
from holdco.ids import Kind
from holdco.price_lists import service
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import Bracket
from holdco.price_lists.rates import BRACKETS_MAX, RATES_PER_REQUEST_MAX, ItemRates
from price_lists.steps import bracket, item, rated, said
from stories import Story

ExecuteFailing = Callable[..., Awaitable[list[Any]]]
VOLUME = [bracket("8", "10", "100"), bracket("0.0035", "100"), bracket("9", "0", "10")]


def of(item_id: str, *brackets: dict[str, Any]) -> dict[str, Any]:
    return {"itemId": item_id, "brackets": list(brackets)}


async def written(story: Story) -> list[tuple[Any, ...]]:
    """The rows of all rates: from which version to which, from which quantity to which."""
    async with directly(story.engine, story.organization_id) as connection:
        rows = await connection.execute(
            text(
                "select version_from, version_to, quantity_from, quantity_to, unit_price from price_list_rates"
                " where organization_id = :key order by item_id, version_from, quantity_from"
            ),
            {"key": story.organization_id},
        )
        return [(row[0], row[1], *(None if value is None else float(value) for value in row[2:])) for row in rows]


async def test_brackets_are_kept_in_order_whatever_order_they_come_in(story: Story) -> None:
    router, switch = await item(story, "Router"), await item(story, "Switch")
    made = await rated(story, of(switch, bracket("5.5")), of(router, *VOLUME))
    assert await said(story, made) == [
        ("Router", "0.000000", "10.000000", "9.000000"),
        ("Router", "10.000000", "100.000000", "8.000000"),
        ("Router", "100.000000", None, "0.003500"),
        ("Switch", "0.000000", None, "5.500000"),
    ]
    assert await said(story, made, itemId=switch) == [("Switch", "0.000000", None, "5.500000")]


async def test_an_update_replaces_the_brackets_of_the_items_that_it_names(story: Story) -> None:
    router, switch, cable = [await item(story, name) for name in ("Router", "Switch", "Cable")]
    made = await rated(story, of(router, *VOLUME), of(switch, bracket("5")))
    change = [of(router, bracket("9", "0", "10"), bracket("7", "10")), of(switch), of(cable, bracket("1", "0.5", "0.75"))]
    await story.do("priceListUpdate", id=made, rates=change)
    assert await said(story, made) == [
        ("Router", "0.000000", "10.000000", "9.000000"),
        ("Router", "10.000000", None, "7.000000"),
        ("Cable", "0.500000", "0.750000", "1.000000"),
    ]
    await story.do("priceListUpdate", id=made, rates=[of(cable)])
    assert [rate[0] for rate in await said(story, made)] == ["Router", "Router"]


async def test_only_rows_that_differ_are_written(story: Story) -> None:
    router = await item(story, "Router")
    made = await rated(story, of(router, *VOLUME))
    await story.do("priceListUpdate", id=made, rates=[of(router, *VOLUME[:2], bracket("9.5", "0", "10"))])
    await story.do("priceListUpdate", id=made, rates=[of(router, *VOLUME)])
    await story.do("priceListUpdate", id=made, description="Not a rate")
    assert await written(story) == [
        (1, 2, 0, 10, 9),
        (1, None, 10, 100, 8),
        (1, None, 100, None, 0.0035),
        (2, 3, 0, 10, 9.5),
        (3, None, 0, 10, 9),
    ]


async def test_each_version_keeps_its_rates(story: Story) -> None:
    router = await item(story, "Router")
    made = await rated(story, of(router, bracket("9", "0", "10")))
    await story.do("priceListUpdate", id=made, rates=[of(router, bracket("8", "0", "20"))])
    await story.do("priceListUpdate", id=made, rates=[of(router)])
    assert await said(story, made, version=1) == [("Router", "0.000000", "10.000000", "9.000000")]
    assert await said(story, made, version=2) == [("Router", "0.000000", "20.000000", "8.000000")]
    assert await said(story, made, version=3) == await said(story, made) == []
    await story.do("priceListUpdate", id=made, rates=[of(router, bracket("7"))])
    # There is no such version, and so nothing that it says.
    assert [await said(story, made, version=number) for number in (0, -1, 5, 2**31 - 1)] == [[]] * 4


@pytest.mark.parametrize(
    ("brackets", "expected"),
    [
        ([bracket("9", "0", "10"), bracket("8", "9.999999")], [("BRACKETS_OVERLAP", ["brackets"])]),
        ([bracket("9"), bracket("8", "100", "200")], [("BRACKETS_OVERLAP", ["brackets"])]),
        ([bracket("9", "5", "6"), bracket("9", "5", "6")], [("BRACKETS_OVERLAP", ["brackets"])]),
        ([bracket("9", "10", "10")], [("INVALID_INPUT", ["brackets", "0", "quantityTo"])]),
        ([bracket("9", "10", "9")], [("INVALID_INPUT", ["brackets", "0", "quantityTo"])]),
        ([bracket("9", "-1", "9")], [("INVALID_INPUT", ["brackets", "0", "quantityFrom"])]),
        ([bracket("9", "0.0000001")], [("INVALID_INPUT", ["brackets", "0", "quantityFrom"])]),
        ([bracket("9", "0", "100000000000000")], [("INVALID_INPUT", ["brackets", "0", "quantityTo"])]),
        (
            [bracket("-1", "1", "1"), bracket("10000000000000000"), bracket("0.0000001", "2", "3")],
            [
                ("INVALID_INPUT", ["brackets", "0", "quantityTo"]),
                ("INVALID_INPUT", ["brackets", "0", "unitPrice"]),
                ("INVALID_INPUT", ["brackets", "1", "unitPrice"]),
                ("INVALID_INPUT", ["brackets", "2", "unitPrice"]),
            ],
        ),
        (
            [bracket("1", str(number), str(number + 1)) for number in range(BRACKETS_MAX + 1)],
            [("INVALID_INPUT", ["brackets"])],
        ),
    ],
)
async def test_brackets_that_cannot_be_are_all_refused(
    story: Story, brackets: list[dict[str, Any]], expected: list[tuple[str, list[str]]]
) -> None:
    router, switch = await item(story, "Router"), await item(story, "Switch")
    rates = [of(switch, bracket("5")), of(router, *brackets)]
    refused = [(code, ["rates", "1", *field]) for code, field in expected]
    given = {"name": "Reseller prices", "currency": "USD", "kind": "RATES"}
    assert await story.refused("priceListCreate", **given, rates=rates) == refused
    made = await rated(story, of(router, *VOLUME))
    assert await story.refused("priceListUpdate", id=made, rates=rates) == refused


async def test_an_overlap_names_the_item_and_both_brackets(story: Story) -> None:
    router, switch = await item(story, "Router"), await item(story, "Switch")
    made = await rated(story)
    rates = [of(router, bracket("8", "5"), bracket("9", "0.5", "10")), of(switch, bracket("1", "1", "3"), bracket("1", "2", "4"))]
    each = "hold the same quantities. Each begins where the one before ends, or later."
    assert [message for _, _, message in await story.refusals("priceListUpdate", id=made, rates=rates)] == [
        f"Router: the brackets from 0.5 to below 10 and from 5 on {each}",
        f"Switch: the brackets from 1 to below 3 and from 2 to below 4 {each}",
    ]


async def test_items_that_are_unknown_or_named_twice_are_all_refused(story: Story) -> None:
    router = await item(story, "Router")
    made = await rated(story)
    unknown = ids.encode(Kind.ITEM, ids.new())
    rates = [of(router), of(unknown, bracket("5")), of(router, bracket("5"), bracket("6"))]
    assert await story.refused("priceListUpdate", id=made, rates=rates) == [
        ("NOT_FOUND", ["rates", "1", "itemId"]),
        ("INVALID_INPUT", ["rates", "2", "itemId"]),
        ("BRACKETS_OVERLAP", ["rates", "2", "brackets"]),
    ]
    assert await story.refused("priceListUpdate", id=made, rates=[of(made), of("Router")]) == [
        ("NOT_FOUND", ["rates", "0", "itemId"]),
        ("NOT_FOUND", ["rates", "1", "itemId"]),
    ]


async def test_rates_are_read_page_by_page(story: Story) -> None:
    router, switch = await item(story, "Router"), await item(story, "Switch")
    made = await rated(story, of(router, *VOLUME), of(switch, *VOLUME))
    document = """query ($id: ID!, $after: String) { priceList(by: {id: $id}) {
      rates(first: 4, after: $after) { totalCount nodes { item { name } quantityFrom } pageInfo { hasNextPage endCursor } }
    } }"""
    first = (await story.ask(document, id=made))["priceList"]["rates"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (6, True)
    rest = (await story.ask(document, id=made, after=first["pageInfo"]["endCursor"]))["priceList"]["rates"]
    found = [(rate["item"]["name"], rate["quantityFrom"]) for rate in [*first["nodes"], *rest["nodes"]]]
    assert found == [(name, begin) for name in ("Router", "Switch") for begin in ("0.000000", "10.000000", "100.000000")]
    assert rest["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("cursor", ['["item_id,quantity_from","{id}","1e9"]', '["item_id,quantity_from","{id}",1]'])
async def test_a_cursor_that_was_made_up_is_bad_user_input(story: Story, execute_failing: ExecuteFailing, cursor: str) -> None:
    made = await rated(story)
    after = base64.urlsafe_b64encode(cursor.replace("{id}", str(ids.new())).encode()).rstrip(b"=").decode()
    document = "query ($id: ID!, $after: String) { priceList(by: {id: $id}) { rates(after: $after) { nodes { unitPrice } } } }"
    errors = await execute_failing(document, id=made, after=after)
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]


async def test_rates_of_a_page_of_lists_are_one_statement_and_their_items_another(story: Story, counting: Any) -> None:
    router = await item(story, "Router")
    for number in range(3):
        await rated(story, of(router, bracket(str(number))), name=f"List {number}")
    with counting() as issued:
        found = await story.ask("{ priceLists { nodes { rates(first: 5) { nodes { unitPrice item { name } } } } } }")
    assert len(issued) == 3
    assert [node["rates"]["nodes"] for node in found["priceLists"]["nodes"]] == [
        [{"unitPrice": f"{number}.000000", "item": {"name": "Router"}}] for number in range(3)
    ]


async def test_as_many_rates_as_a_request_takes_are_a_handful_of_statements(
    context: Context, story: Story, counting: Any
) -> None:
    item_ids = await _many_items(story, RATES_PER_REQUEST_MAX // 2)
    below = Bracket(Decimal(0), Decimal(10), Decimal(9))
    given = [ItemRates(key, [below, Bracket(Decimal(10), None, Decimal(8))]) for key in item_ids]
    with counting() as issued:
        async with context.transaction() as transaction:
            made = await service.create(
                transaction, kind=PriceListKind.RATES, values={"name": "All", "currency": "USD"}, given=given
            )
    # The organization, the items' names, the list, its version, its rates, the record.
    assert len(issued) == 6
    changed = [each._replace(brackets=[below, Bracket(Decimal(10), Decimal(20), Decimal(7))]) for each in given]
    with counting() as issued:
        async with context.transaction() as transaction:
            await service.change(transaction, made, values={}, given=changed)
    # The organization, the list, its version, names, present rates; list, both versions, rates that end and begin, the record.
    assert len(issued) == 11
    assert len(await written(story)) == RATES_PER_REQUEST_MAX + len(item_ids)
    shown = await said(story, ids.encode(Kind.PRICE_LIST, made), itemId=ids.encode(Kind.ITEM, item_ids[-1]))
    assert [rate[1:] for rate in shown] == [
        ("0.000000", "10.000000", "9.000000"),
        ("10.000000", "20.000000", "7.000000"),
    ]


async def _many_items(story: Story, count: int) -> list[UUID]:
    keys = [ids.new() for _ in range(count)]
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text(
                "insert into items (organization_id, id, name, status, created_at, updated_at, version)"
                " select :key, each.id, 'Item ' || each.position, 'ACTIVE', now(), now(), 1"
                " from unnest(cast(:keys as uuid[])) with ordinality as each(id, position)"
            ),
            {"key": story.organization_id, "keys": keys},
        )
    return keys


async def test_over_http_too_a_request_takes_that_many_and_no_more(story: Story, client: Client) -> None:
    keys = [ids.encode(Kind.ITEM, key) for key in await _many_items(story, RATES_PER_REQUEST_MAX)]
    made = await rated(story)
    document = """mutation ($input: PriceListUpdateInput!) {
      priceListUpdate(input: $input) { priceList { rates { totalCount } } userErrors { code field } }
    }"""
    rates = [of(key, {"unitPrice": "1.5"}) for key in keys]
    answer = await client(document, input={"id": made, "rates": rates})
    assert answer["priceListUpdate"] == {"priceList": {"rates": {"totalCount": RATES_PER_REQUEST_MAX}}, "userErrors": []}
    before = await story.everything()
    more = of(keys[0], *VOLUME)
    refused = await client(
        document, input={"id": made, "rates": [more, *rates[:100], *(of(key, *VOLUME) for key in keys[1:3400])]}
    )
    assert refused["priceListUpdate"] == {"priceList": None, "userErrors": [{"code": "INVALID_INPUT", "field": ["rates"]}]}
    assert await story.everything() == before
