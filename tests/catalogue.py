"""Items, price lists and terms of groups, for stories about what things cost."""

from __future__ import annotations

from typing import Any

from stories import Story


async def item(story: Story, name: str, **prices: str) -> str:
    """The id of a new item with a default price for each currency: USD="10.00"."""
    listed = [{"currency": currency, "unitPrice": price} for currency, price in prices.items()]
    made: str = (await story.do("itemCreate", name=name, prices=listed))["item"]["id"]
    return made


async def percent_off(story: Story, name: str, percent: str, *, currency: str = "USD") -> str:
    """The id of a new price list that takes a percentage off default prices."""
    fields = {"currency": currency, "kind": "PERCENTAGE", "direction": "DOWN", "percent": percent}
    made: str = (await story.do("priceListCreate", name=name, **fields))["priceList"]["id"]
    return made


async def rates(story: Story, name: str, *brackets: tuple[str, list[tuple[str, str | None, str]]], currency: str = "USD") -> str:
    """The id of a new price list with brackets (from, to below, unit price) for items."""
    listed = rates_of(*brackets)
    made: str = (await story.do("priceListCreate", name=name, currency=currency, kind="RATES", rates=listed))["priceList"]["id"]
    return made


def rates_of(*brackets: tuple[str, list[tuple[str, str | None, str]]]) -> list[dict[str, Any]]:
    return [
        {
            "itemId": item_id,
            "brackets": [{"quantityFrom": lower, "quantityTo": upper, "unitPrice": price} for lower, upper, price in of_item],
        }
        for item_id, of_item in brackets
    ]


async def group(story: Story, name: str, *members: str, **terms: Any) -> str:
    """The id of a new group; its terms apply to its members as `group_terms` says."""
    made: str = (await story.do("customerGroupCreate", name=name))["customerGroup"]["id"]
    if terms:
        await group_terms(story, made, **terms)
    await story.do("customerGroupMembersAdd", id=made, customerIds=list(members))
    return made


async def group_terms(story: Story, group_id: str, *, mode: str = "AUTOMATIC", **terms: Any) -> None:
    """Sets priceListId, discountPercent or paymentTerms, all in one mode."""
    modes = {"priceListId": "priceList", "discountPercent": "discountPercent", "paymentTerms": "paymentTerms"}
    await story.do("customerGroupTermsSet", id=group_id, **terms, modes={modes[name]: mode for name in terms})


def net(days: int) -> dict[str, Any]:
    return {"kind": "NET", "netDays": days}
