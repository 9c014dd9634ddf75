"""What the tests of price lists do again and again."""

from __future__ import annotations

from typing import Any

from stories import Story

LIST = """
  id name description currency kind isActive percent direction rounding { direction step less } version
  versions { totalCount nodes { version percent direction rounding { step less } validFrom validTo actor } }
"""


async def item(story: Story, name: str, *, status: str = "ACTIVE", **prices: str) -> str:
    """The id of a new item with default prices by currency."""
    given = [{"currency": currency, "unitPrice": unit_price} for currency, unit_price in prices.items()]
    made: str = (await story.do("itemCreate", name=name, status=status, prices=given))["item"]["id"]
    return made


def bracket(unit_price: str, begin: str = "0", end: str | None = None) -> dict[str, Any]:
    return {"quantityFrom": begin, "quantityTo": end, "unitPrice": unit_price}


async def rated(story: Story, *given: dict[str, Any], name: str = "Reseller prices", **fields: Any) -> str:
    """The id of a new list of kind RATES in USD."""
    fields = {"name": name, "currency": "USD", "kind": "RATES", "rates": list(given), **fields}
    made: str = (await story.do("priceListCreate", **fields))["priceList"]["id"]
    return made


async def percentage(story: Story, direction: str, percent: str, *, name: str = "Partner prices", **fields: Any) -> str:
    """The id of a new list of kind PERCENTAGE in USD."""
    given = {"kind": "PERCENTAGE", "direction": direction, "percent": percent, "currency": "USD"}
    made: str = (await story.do("priceListCreate", **{"name": name, **given, **fields}))["priceList"]["id"]
    return made


async def shown(story: Story, price_list_id: str) -> dict[str, Any]:
    document = f"query ($id: ID!) {{ priceList(by: {{id: $id}}) {{ {LIST} }} }}"
    found: dict[str, Any] = (await story.ask(document, id=price_list_id))["priceList"]
    return found


async def said(story: Story, price_list_id: str, **arguments: Any) -> list[tuple[str, str, str | None, str]]:
    """Item, bounds and price of each rate, in order."""
    document = """query ($id: ID!, $version: Int, $itemId: ID) { priceList(by: {id: $id}) {
      rates(version: $version, itemId: $itemId, first: 200) { nodes { item { name } quantityFrom quantityTo unitPrice } }
    } }"""
    found = await story.ask(document, id=price_list_id, **arguments)
    return [
        (rate["item"]["name"], rate["quantityFrom"], rate["quantityTo"], rate["unitPrice"])
        for rate in found["priceList"]["rates"]["nodes"]
    ]


async def costs(story: Story, price_list_id: str, *wanted: tuple[str, str], version: int | None = None) -> list[tuple[Any, str]]:
    """What one unit costs, and where the price comes from, of each item and quantity."""
    document = """query ($id: ID!, $items: [ItemQuantityInput!]!, $version: Int) {
      priceList(by: {id: $id}) { prices(items: $items, version: $version) { unitPrice source } }
    }"""
    items = [{"itemId": item_id, "quantity": quantity} for item_id, quantity in wanted]
    found = await story.ask(document, id=price_list_id, items=items, version=version)
    return [(price["unitPrice"], price["source"]) for price in found["priceList"]["prices"]]
