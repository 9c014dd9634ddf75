"""Items: what is given is kept, prices are per currency and exact, refusals leave no trace, client users see none."""

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
from holdco.items import service
from holdco.items.service import NewPrice
from holdco.viewer import ClientUserRole
from stories import Story
from waiting import until_somebody_waits

ExecuteFailing = Callable[..., Awaitable[list[Any]]]

ITEM = "id name sku description unit status prices { currency unitPrice } version"
LIST = "query ($filter: ItemFilter, $orderBy: [ItemOrder!]) { items(filter: $filter, orderBy: $orderBy) { nodes { name } } }"


async def item(story: Story, **fields: Any) -> dict[str, Any]:
    """A new item, as it is shown."""
    made = await story.do("itemCreate", **{"name": "Router", **fields})
    return await shown(story, made["item"]["id"])


async def shown(story: Story, item_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(f"query ($id: ID!) {{ item(by: {{id: $id}}) {{ {ITEM} }} }}", id=item_id))["item"]
    return found


async def prices(story: Story, item_id: str) -> dict[str, str]:
    return {price["currency"]: price["unitPrice"] for price in (await shown(story, item_id))["prices"]}


async def recorded(story: Story, action: str) -> list[str]:
    """The details of what was done, in order."""
    return [row for table, row in await story.everything() if table == "activity" and f'"{action}"' in row]


async def test_a_new_item_has_what_was_given_and_is_on_record(story: Story) -> None:
    given = [{"currency": "USD", "unitPrice": "9.99"}, {"currency": "JPY", "unitPrice": "0.0035"}, {"currency": "EUR"}]
    made = await item(story, name="  Router ", sku="R-1", description="Routes", unit="piece", prices=given)
    assert made == {
        "id": made["id"],
        "name": "Router",
        "sku": "R-1",
        "description": "Routes",
        "unit": "piece",
        "status": "ACTIVE",
        "prices": [{"currency": "JPY", "unitPrice": "0.003500"}, {"currency": "USD", "unitPrice": "9.990000"}],
        "version": 1,
    }
    by_sku = await story.ask(f'{{ item(by: {{sku: "R-1"}}) {{ {ITEM} }} }}')
    assert by_sku["item"] == made
    node = await story.ask(f"query ($id: ID!) {{ node(id: $id) {{ ... on Item {{ {ITEM} }} }} }}", id=made["id"])
    assert node["node"] == made
    (entry,) = await recorded(story, "item.created")
    assert made["id"] in entry


async def test_an_update_changes_what_it_names_and_nothing_else(story: Story) -> None:
    made = await item(
        story, sku="R-1", unit="piece", prices=[{"currency": "USD", "unitPrice": "9"}, {"currency": "EUR", "unitPrice": "8"}]
    )
    await story.do("itemUpdate", id=made["id"], version=1, name="Switch", sku=None, status="INACTIVE")
    assert await shown(story, made["id"]) == made | {"name": "Switch", "sku": None, "status": "INACTIVE", "version": 2}
    changes = [{"currency": "USD", "unitPrice": None}, {"currency": "GBP", "unitPrice": "7.5"}]
    await story.do("itemUpdate", id=made["id"], version=2, prices=changes)
    assert await prices(story, made["id"]) == {"EUR": "8.000000", "GBP": "7.500000"}
    assert (await shown(story, made["id"]))["version"] == 3
    first, second = sorted(await recorded(story, "item.updated"), key=len, reverse=True)
    assert '"fields": ["name", "sku", "status"]' in first
    assert '"fields": ["prices"]' in second


async def test_an_update_to_what_is_there_already_changes_nothing(story: Story) -> None:
    made = await item(story, sku="R-1", prices=[{"currency": "USD", "unitPrice": "9.00"}])
    before = await story.everything()
    same = [{"currency": "USD", "unitPrice": "9"}, {"currency": "EUR", "unitPrice": None}]
    await story.do("itemUpdate", id=made["id"], name="Router", sku="R-1", status="ACTIVE", prices=same)
    await story.do("itemUpdate", id=made["id"])
    assert await story.everything() == before


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": " "}, [["name"]]),
        ({"name": "x" * 201, "sku": "x" * 201, "unit": "x" * 201}, [["name"], ["sku"], ["unit"]]),
        ({"description": "x" * 10_001}, [["description"]]),
        (
            {
                "name": "",
                "prices": [
                    {"currency": "USD", "unitPrice": "-0.01"},
                    {"currency": "EUR", "unitPrice": "1"},
                    {"currency": "GBP", "unitPrice": "0.0000001"},
                    {"currency": "JPY", "unitPrice": "10000000000000000"},
                    {"currency": "EUR", "unitPrice": None},
                ],
            },
            [
                ["name"],
                ["prices", "0", "unitPrice"],
                ["prices", "2", "unitPrice"],
                ["prices", "3", "unitPrice"],
                ["prices", "4", "currency"],
            ],
        ),
    ],
)
async def test_values_that_no_item_can_have_are_all_refused(
    story: Story, fields: dict[str, Any], expected: list[list[str]]
) -> None:
    refused = [("INVALID_INPUT", field) for field in expected]
    assert await story.refused("itemCreate", **{"name": "Router", **fields}) == refused
    made = await item(story, name="Switch")
    assert await story.refused("itemUpdate", id=made["id"], **fields) == refused


async def test_the_highest_and_the_finest_price_are_kept_as_they_are(story: Story) -> None:
    given = [{"currency": "USD", "unitPrice": "9999999999999999.999999"}, {"currency": "JPY", "unitPrice": "0.000001"}]
    made = await item(story, prices=given)
    assert await prices(story, made["id"]) == {"USD": "9999999999999999.999999", "JPY": "0.000001"}


async def test_a_currency_that_is_none_is_refused_for_an_import_too(context: Context) -> None:
    for currency in ("usd", "XAU", "QQQ"):
        with pytest.raises(Exception, match="is not a currency") as refused:
            async with context.transaction() as transaction:
                await service.create(transaction, values={"name": "Router"}, prices=[NewPrice(currency, None)])
        assert [problem.field for problem in refused.value.refusals] == [("prices", "0", "currency")]  # type: ignore[attr-defined]


async def test_a_sku_is_one_items_and_an_item_needs_none(story: Story) -> None:
    await item(story, sku="R-1")
    other = await item(story, name="Switch", sku="  ")
    assert other["sku"] is None
    await item(story, name="Cable")
    assert await story.refused("itemCreate", name="Copy", sku="R-1") == [("SKU_TAKEN", ["sku"])]
    assert await story.refused("itemUpdate", id=other["id"], sku="R-1", prices=[{"currency": "USD", "unitPrice": "1"}]) == [
        ("SKU_TAKEN", ["sku"])
    ]
    assert (await item(story, name="Lower", sku="r-1"))["sku"] == "r-1"


async def test_an_update_that_cannot_be_is_refused_and_changes_nothing(story: Story) -> None:
    made = await item(story)
    await story.do("itemUpdate", id=made["id"], name="Switch")
    assert await story.refused("itemUpdate", id=made["id"], version=1, name="") == [("STALE_VERSION", ["version"])]
    assert await story.refused("itemUpdate", id=made["id"], name=None, status=None) == [
        ("INVALID_INPUT", ["name"]),
        ("INVALID_INPUT", ["status"]),
    ]
    customer_id = await story.customer("Aldgate Networks")
    for wrong in (ids.encode(Kind.ITEM, ids.new()), customer_id, "Router"):
        assert await story.refused("itemUpdate", id=wrong, name="Late") == [("NOT_FOUND", ["id"])]


async def test_of_two_updates_at_once_the_one_with_an_old_version_is_refused(context: Context, story: Story) -> None:
    made = await item(story, prices=[{"currency": "USD", "unitPrice": "9"}])
    async with context.transaction() as transaction:
        await service.change(
            transaction, ids.decode(Kind.ITEM, made["id"]), values={"name": "Switch"}, prices=[NewPrice("EUR", None)]
        )
        waiting = [
            asyncio.create_task(story.attempt("itemUpdate", id=made["id"], version=1, name="Late")),
            asyncio.create_task(story.attempt("itemUpdate", id=made["id"], unit="piece")),
        ]
        await until_somebody_waits(context.engine)
    stale, kept = await asyncio.gather(*waiting)
    assert [error["code"] for error in stale["userErrors"]] == ["STALE_VERSION"]
    assert kept["userErrors"] == []
    assert await shown(story, made["id"]) == made | {"name": "Switch", "unit": "piece", "version": 3}


async def test_items_are_found_by_name_sku_and_status_in_the_order_asked_for(story: Story) -> None:
    made = [
        await item(story, name=name, sku=sku)
        for name, sku in (("Switch", "NET-2"), ("Router", "NET-1"), ("Router plus", "NET-10"), ("Installation", None))
    ]
    await story.do("itemUpdate", id=made[0]["id"], status="INACTIVE")

    async def names(*orders: str, **given: Any) -> list[str]:
        order_by = [{"field": field, "direction": "DESC"} for field in orders]
        return [node["name"] for node in (await story.ask(LIST, filter=given, orderBy=order_by))["items"]["nodes"]]

    assert await names() == ["Installation", "Router", "Router plus", "Switch"]
    assert await names("NAME") == ["Switch", "Router plus", "Router", "Installation"]
    assert await names("CREATED_AT") == ["Installation", "Router plus", "Router", "Switch"]
    assert await names(name={"contains": "ROUTER"}) == ["Router", "Router plus"]
    assert await names(sku={"startsWith": "NET-1"}) == ["Router", "Router plus"]
    assert await names(sku={"eq": None}) == ["Installation"]
    assert await names(status="INACTIVE") == ["Switch"]
    assert await names(id={"in": [made[1]["id"], made[3]["id"]]}, status="ACTIVE") == ["Installation", "Router"]


async def test_a_page_of_items_and_their_prices_is_two_statements(story: Story, counting: Any) -> None:
    for number in range(5):
        await item(story, name=f"Item {number}", prices=[{"currency": "USD", "unitPrice": str(number)}])
    with counting() as issued:
        found = await story.ask("{ items(first: 3) { nodes { name prices { unitPrice } } pageInfo { hasNextPage } } }")
    assert len(issued) == 2
    assert [node["prices"][0]["unitPrice"] for node in found["items"]["nodes"]] == ["0.000000", "1.000000", "2.000000"]
    assert found["items"]["pageInfo"]["hasNextPage"] is True


async def test_client_users_see_no_item(story: Story) -> None:
    made = await item(story, sku="R-1", prices=[{"currency": "USD", "unitPrice": "9"}])
    caller = await client_user(story, {await story.customer("Aldgate Networks"): ClientUserRole.ADMIN})
    found = await caller.ask(
        'query ($id: ID!) { items { totalCount nodes { id } } item(by: {sku: "R-1"}) { id } node(id: $id) { id } }', id=made["id"]
    )
    assert found == {"items": {"totalCount": 0, "nodes": []}, "item": None, "node": None}


async def test_what_no_item_is_found_by_is_null_or_bad_user_input(execute: Execute, execute_failing: ExecuteFailing) -> None:
    unknown = ids.encode(Kind.ITEM, ids.new())
    assert await execute(f'{{ item(by: {{id: "{unknown}"}}) {{ id }} other: item(by: {{sku: "R"}}) {{ id }} }}') == {
        "item": None,
        "other": None,
    }
    errors = await execute_failing('{ item(by: {id: "Router"}) { id } }')
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]
