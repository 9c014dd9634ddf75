"""Price lists: what is given is kept, each change makes a version, refusals leave no trace, client users see none (G12)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from access.people import client_user
from conftest import Execute
from holdco import ids
from holdco.context import Context
from holdco.ids import Kind
from holdco.price_lists import service
from holdco.viewer import ClientUserRole
from price_lists.steps import LIST, bracket, item, percentage, rated, said, shown
from stories import Story
from waiting import until_somebody_waits

ExecuteFailing = Callable[..., Awaitable[list[Any]]]
GIVEN = {"name": "Partner prices", "currency": "USD", "kind": "PERCENTAGE", "direction": "DOWN", "percent": "12.5"}
RATES = {"name": "Reseller prices", "currency": "USD", "kind": "RATES"}


def versions(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Number, percent and whether it is the present one, of each version."""
    return [(each["version"], each["percent"], each["validTo"] is None) for each in found["versions"]["nodes"]]


async def test_a_new_list_has_what_was_given_and_begins_its_history(story: Story) -> None:
    rounding = {"direction": "UP", "step": "1", "less": "0.01"}
    made = await percentage(story, "DOWN", "12.5", description=" For partners ", rounding=rounding)
    found = await shown(story, made)
    (version,) = found["versions"]["nodes"]
    assert found == {
        "id": made,
        "name": "Partner prices",
        "description": "For partners",
        "currency": "USD",
        "kind": "PERCENTAGE",
        "isActive": True,
        "percent": "12.500000",
        "direction": "DOWN",
        "rounding": {"direction": "UP", "step": "1.000000", "less": "0.010000"},
        "version": 1,
        "versions": {
            "totalCount": 1,
            "nodes": [
                {
                    "version": 1,
                    "percent": "12.500000",
                    "direction": "DOWN",
                    "rounding": {"step": "1.000000", "less": "0.010000"},
                    "validFrom": version["validFrom"],
                    "validTo": None,
                    "actor": "tester",
                }
            ],
        },
    }
    by_name = await story.ask(f'{{ priceList(by: {{name: "Partner prices"}}) {{ {LIST} }} }}')
    node = await story.ask(f"query ($id: ID!) {{ node(id: $id) {{ ... on PriceList {{ {LIST} }} }} }}", id=made)
    assert by_name["priceList"] == node["node"] == found


async def test_a_list_of_rates_has_no_percentage(story: Story) -> None:
    made = await rated(story)
    found = await shown(story, made)
    assert (found["kind"], found["percent"], found["direction"], found["rounding"]) == ("RATES", None, None, None)
    assert await said(story, made) == []


async def test_each_change_makes_a_version_and_keeps_the_ones_before(story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5", rounding={"step": "1", "less": "0.01"})
    for change in (
        {"percent": "10"},
        {"direction": "UP"},
        {"rounding": None},
        {"name": "Better prices", "percent": "0"},
        {"isActive": False},
        {"isActive": True, "percent": "1000", "rounding": {"direction": "DOWN", "step": "0.5"}},
    ):
        await story.do("priceListUpdate", id=made, **change)
    found = await shown(story, made)
    assert (found["name"], found["isActive"], found["version"], found["versions"]["totalCount"]) == ("Better prices", True, 7, 7)
    assert (found["percent"], found["direction"]) == ("1000.000000", "UP")
    assert found["rounding"] == {"direction": "DOWN", "step": "0.500000", "less": "0.000000"}
    assert versions(found) == [
        (7, "1000.000000", True),
        (6, "0.000000", False),
        (5, "0.000000", False),
        (4, "10.000000", False),
        (3, "10.000000", False),
        (2, "10.000000", False),
        (1, "12.500000", False),
    ]
    assert [each["direction"] for each in found["versions"]["nodes"]] == [*["UP"] * 5, "DOWN", "DOWN"]
    history = found["versions"]["nodes"]
    assert [each["validTo"] for each in history[1:]] == [each["validFrom"] for each in history[:-1]]


async def test_an_inactive_list_says_so_and_can_be_active_again(story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5")
    await story.do("priceListUpdate", id=made, isActive=False)
    before = await story.everything()
    await story.do("priceListUpdate", id=made, isActive=False)
    assert await story.everything() == before
    assert (await shown(story, made))["isActive"] is False
    await story.do("priceListUpdate", id=made, isActive=True)
    assert (await shown(story, made))["isActive"] is True


async def test_an_update_to_what_is_there_already_makes_no_version(story: Story) -> None:
    rounding = {"direction": "UP", "step": "1.00", "less": "0.01"}
    made = await percentage(story, "DOWN", "12.5", rounding=rounding)
    key = await item(story, "Router", USD="10")
    rates = await rated(story, {"itemId": key, "brackets": [bracket("9.0", "0", "10"), bracket("8", "10")]})
    before = await story.everything()
    await story.do("priceListUpdate", id=made, name="Partner prices", direction="DOWN", percent="12.50", rounding=rounding)
    same = [{"itemId": key, "brackets": [bracket("8.00", "10.0"), bracket("9", "0", "10")]}]
    await story.do("priceListUpdate", id=rates, isActive=True, rates=same, percent=None)
    await story.do("priceListUpdate", id=rates)
    assert await story.everything() == before


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": " "}, [("INVALID_INPUT", ["name"])]),
        ({"description": "x" * 10_001}, [("INVALID_INPUT", ["description"])]),
        ({"percent": "100.000001"}, [("PERCENT_OUT_OF_RANGE", ["percent"])]),
        ({"percent": "-1"}, [("PERCENT_OUT_OF_RANGE", ["percent"])]),
        ({"percent": "0.0000001"}, [("PERCENT_OUT_OF_RANGE", ["percent"])]),
        ({"direction": "UP", "percent": "1000.5"}, [("PERCENT_OUT_OF_RANGE", ["percent"])]),
        ({"direction": None, "percent": None}, [("INVALID_INPUT", ["direction"]), ("INVALID_INPUT", ["percent"])]),
        ({"rounding": {"step": "0"}}, [("INVALID_INPUT", ["rounding", "step"])]),
        ({"rounding": {"step": "-1"}}, [("INVALID_INPUT", ["rounding", "step"])]),
        ({"rounding": {"step": "0.0000001"}}, [("INVALID_INPUT", ["rounding", "step"])]),
        ({"rounding": {"step": "1", "less": "1"}}, [("INVALID_INPUT", ["rounding", "less"])]),
        ({"rounding": {"step": "1", "less": "-0.01"}}, [("INVALID_INPUT", ["rounding", "less"])]),
        (
            {"name": "", "percent": "101", "rounding": {"step": "1", "less": "2"}, "rates": []},
            [("INVALID_INPUT", ["name"]), ("INVALID_INPUT", ["rounding", "less"]), ("PERCENT_OUT_OF_RANGE", ["percent"])],
        ),
    ],
)
async def test_values_that_no_list_can_have_are_all_refused(
    story: Story, fields: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    assert await story.refused("priceListCreate", **{**GIVEN, **fields}) == expected
    made = await percentage(story, "DOWN", "12.5", name="Other prices")
    assert await story.refused("priceListUpdate", id=made, **fields) == expected


async def test_the_highest_percentages_are_kept(story: Story) -> None:
    made = await percentage(story, "DOWN", "100")
    assert (await shown(story, made))["percent"] == "100.000000"
    # Down by a hundred, and no further: only the two together go.
    assert await story.refused("priceListUpdate", id=made, percent="1000") == [("PERCENT_OUT_OF_RANGE", ["percent"])]
    await story.do("priceListUpdate", id=made, percent="1000", direction="UP")
    assert await story.refused("priceListUpdate", id=made, direction="DOWN") == [("PERCENT_OUT_OF_RANGE", ["percent"])]


async def test_a_list_has_only_what_its_kind_has(story: Story) -> None:
    key = await item(story, "Router")
    rates = [{"itemId": key, "brackets": [bracket("9")]}]
    assert await story.refused("priceListCreate", **GIVEN, rates=rates) == [("INVALID_INPUT", ["rates"])]
    assert await story.refused("priceListCreate", **RATES, direction="UP", percent="5", rounding={"step": "1"}) == [
        ("INVALID_INPUT", [name]) for name in ("direction", "percent", "rounding")
    ]
    made = await rated(story)
    assert await story.refused("priceListUpdate", id=made, percent="5", name=None) == [
        ("INVALID_INPUT", ["name"]),
        ("INVALID_INPUT", ["percent"]),
    ]
    other = await percentage(story, "UP", "5")
    assert await story.refused("priceListUpdate", id=other, rates=rates, isActive=None) == [
        ("INVALID_INPUT", ["isActive"]),
        ("INVALID_INPUT", ["rates"]),
    ]


async def test_a_name_is_one_lists_also_where_that_is_inactive(story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5")
    await story.do("priceListUpdate", id=made, isActive=False)
    other = await rated(story)
    assert await story.refused("priceListCreate", **GIVEN) == [("NAME_TAKEN", ["name"])]
    assert await story.refused("priceListUpdate", id=other, name="Partner prices") == [("NAME_TAKEN", ["name"])]


async def test_an_update_that_cannot_be_is_refused_and_changes_nothing(story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5")
    await story.do("priceListUpdate", id=made, percent="10")
    assert await story.refused("priceListUpdate", id=made, version=1, percent="101") == [("STALE_VERSION", ["version"])]
    key = await item(story, "Router")
    for wrong in (ids.encode(Kind.PRICE_LIST, ids.new()), key, "Partner prices"):
        assert await story.refused("priceListUpdate", id=wrong, percent="5") == [("NOT_FOUND", ["id"])]


async def test_two_updates_at_once_are_both_kept_in_versions_without_gaps(context: Context, story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5")
    async with context.transaction() as transaction:
        await service.change(transaction, ids.decode(Kind.PRICE_LIST, made), values={"description": "First"})
        waiting = [
            asyncio.create_task(story.attempt("priceListUpdate", id=made, percent=str(percent))) for percent in range(1, 6)
        ]
        stale = asyncio.create_task(story.attempt("priceListUpdate", id=made, percent="50", version=1))
        await until_somebody_waits(context.engine)
    assert [payload["userErrors"] for payload in await asyncio.gather(*waiting)] == [[]] * 5
    assert [error["code"] for error in (await stale)["userErrors"]] == ["STALE_VERSION"]
    found = await shown(story, made)
    history = found["versions"]["nodes"]
    assert [each["version"] for each in history] == [7, 6, 5, 4, 3, 2, 1]
    assert sorted(each["percent"] for each in history[:5]) == [f"{percent}.000000" for percent in range(1, 6)]
    assert (found["description"], found["percent"]) == ("First", history[0]["percent"])
    assert [each["validTo"] for each in history[1:]] == [each["validFrom"] for each in history[:-1]]
    assert all(each["validFrom"] <= each["validTo"] for each in history[1:])


async def test_lists_are_found_by_name_currency_and_whether_they_are_active(story: Story) -> None:
    made = await percentage(story, "DOWN", "5", name="Partners")
    await percentage(story, "UP", "5", name="Walk-in", currency="EUR")
    await rated(story, name="Volume")
    await story.do("priceListUpdate", id=made, isActive=False)

    async def names(**given: Any) -> list[str]:
        document = "query ($filter: PriceListFilter) { priceLists(filter: $filter) { totalCount nodes { name } } }"
        found = (await story.ask(document, filter=given))["priceLists"]
        assert found["totalCount"] == len(found["nodes"])
        return [node["name"] for node in found["nodes"]]

    assert await names() == ["Partners", "Volume", "Walk-in"]
    assert await names(isActive=True) == ["Volume", "Walk-in"]
    assert await names(isActive=False) == ["Partners"]
    assert await names(currency="EUR") == ["Walk-in"]
    assert await names(name={"contains": "VOL"}, currency="USD", isActive=True) == ["Volume"]


async def test_what_lists_say_is_one_statement_for_a_page_of_them(story: Story, counting: Any) -> None:
    for number in range(4):
        await percentage(story, "UP", str(number), name=f"List {number}")
    with counting() as issued:
        found = await story.ask(
            "{ priceLists { nodes { percent direction rounding { step } versions(first: 1) { nodes { version } } } } }"
        )
    assert len(issued) == 3
    assert [node["percent"] for node in found["priceLists"]["nodes"]] == [f"{number}.000000" for number in range(4)]


async def test_history_is_read_page_by_page(story: Story) -> None:
    made = await percentage(story, "UP", "1")
    for percent in ("2", "3"):
        await story.do("priceListUpdate", id=made, percent=percent)
    document = """query ($id: ID!, $after: String) { priceList(by: {id: $id}) {
      versions(first: 2, after: $after) { nodes { version } pageInfo { hasNextPage endCursor } }
    } }"""
    first = (await story.ask(document, id=made))["priceList"]["versions"]
    assert ([node["version"] for node in first["nodes"]], first["pageInfo"]["hasNextPage"]) == ([3, 2], True)
    rest = (await story.ask(document, id=made, after=first["pageInfo"]["endCursor"]))["priceList"]["versions"]
    assert ([node["version"] for node in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == ([1], False)


async def test_client_users_see_no_price_list(story: Story) -> None:
    made = await percentage(story, "DOWN", "12.5")
    caller = await client_user(story, {await story.customer("Aldgate Networks"): ClientUserRole.ADMIN})
    document = """query ($id: ID!) {
      priceLists { totalCount nodes { id } } priceList(by: {name: "Partner prices"}) { id } node(id: $id) { id }
    }"""
    found = await caller.ask(document, id=made)
    assert found == {"priceLists": {"totalCount": 0, "nodes": []}, "priceList": None, "node": None}


async def test_what_no_list_is_found_by_is_null_or_bad_user_input(execute: Execute, execute_failing: ExecuteFailing) -> None:
    unknown = ids.encode(Kind.PRICE_LIST, ids.new())
    document = f'{{ priceList(by: {{id: "{unknown}"}}) {{ id }} other: priceList(by: {{name: "P"}}) {{ id }} }}'
    assert await execute(document) == {"priceList": None, "other": None}
    errors = await execute_failing('{ priceList(by: {id: "Partner prices"}) { id } }')
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]
