"""Items, price lists and terms of groups, for stories about what things cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from holdco import database, ids
from holdco.ids import Kind
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.terms.precedence import TermField, TermMode
from holdco.terms.service import NewTerm, Owner, assign
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
    """The id of a new group whose terms apply to its members at once."""
    made: str = (await story.do("customerGroupCreate", name=name))["customerGroup"]["id"]
    await group_terms(story, made, **terms)
    await story.do("customerGroupMembersAdd", id=made, customerIds=list(members))
    return made


async def group_terms(
    story: Story,
    group_id: str,
    *,
    price_list: str | None = None,
    discount_percent: str | None = None,
    net_days: int | None = None,
    mode: TermMode = TermMode.AUTOMATIC,
) -> None:
    given: dict[TermField, NewTerm | None] = {}
    if price_list is not None:
        given[TermField.PRICE_LIST] = NewTerm(ids.decode(Kind.PRICE_LIST, price_list), mode)
    if discount_percent is not None:
        given[TermField.DISCOUNT_PERCENT] = NewTerm(Decimal(discount_percent), mode)
    if net_days is not None:
        given[TermField.PAYMENT_TERMS] = NewTerm(PaymentTerms(PaymentTermsKind.NET, net_days), mode)
    owner = Owner(group_id=ids.decode(Kind.GROUP, group_id))
    async with database.begin(story.engine, organization_id=story.organization_id, actor="tester") as transaction:
        await assign(transaction, {owner: given})
