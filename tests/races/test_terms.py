"""Races about terms of invoices: a draft is refreshed while it is issued, a list changes while it prices (domain.md G6)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from catalogue import group, item, percent_off, rates, rates_of
from races.racing import codes, holder, queue, race
from stories import Story

INVOICE = """query ($id: ID!) { invoice(by: {id: $id}) {
  status version total terms { priceList { version } } lines { unitPrice }
} }"""


@dataclass
class Drifted:
    story: Story
    draft: str

    async def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.story.ask(INVOICE, id=self.draft))["invoice"]
        return found


@pytest.fixture
async def drifted(story: Story) -> Drifted:
    """A draft of 90.00 that would be one of 80.00 today."""
    switch = await item(story, "Switch", USD="100.00")
    price_list = await percent_off(story, "Reseller prices", "10")
    customer = await story.customer("Lisbon")
    await group(story, "Resellers", customer, priceListId=price_list)
    draft = (await story.do("invoiceCreate", customerId=customer, lines=[{"itemId": switch}]))["invoice"]["id"]
    await story.do("priceListUpdate", id=price_list, direction="DOWN", percent="20")
    return Drifted(story, draft)


async def test_what_is_refreshed_first_is_issued_with_the_new_prices(drifted: Drifted) -> None:
    story = drifted.story
    async with holder(story) as held:
        await held.row(drifted.draft)
        refresh, issue, stale = await queue(
            story.engine,
            story.attempt("invoiceTermsRefresh", id=drifted.draft),
            story.attempt("invoiceIssue", id=drifted.draft),
            story.attempt("invoiceIssue", id=drifted.draft, version=1),
        )
        await held.let_go()
    assert (codes(await refresh), codes(await issue), codes(await stale)) == ([], [], ["STALE_VERSION"])
    found = await drifted.shown()
    assert (found["status"], found["version"], found["total"]) == ("ISSUED", 3, "80.00")
    assert found["terms"]["priceList"]["version"] == 2


async def test_what_is_issued_first_is_not_refreshed_any_more(drifted: Drifted) -> None:
    story = drifted.story
    async with holder(story) as held:
        await held.row(drifted.draft)
        issue, refresh = await queue(
            story.engine,
            story.attempt("invoiceIssue", id=drifted.draft),
            story.attempt("invoiceTermsRefresh", id=drifted.draft),
        )
        await held.let_go()
    assert (codes(await issue), codes(await refresh)) == ([], ["INVOICE_NOT_DRAFT"])
    found = await drifted.shown()
    assert (found["status"], found["version"], found["total"]) == ("ISSUED", 2, "90.00")


async def test_two_refreshes_at_once_change_a_draft_once(drifted: Drifted) -> None:
    story = drifted.story
    both = [story.attempt("invoiceTermsRefresh", id=drifted.draft) for _ in range(2)]
    answers = await race(*both)
    assert sorted(len(answer["termsDrift"]) for answer in answers) == [0, 1]
    assert (await drifted.shown())["version"] == 2


async def test_an_invoice_names_the_version_that_priced_it_when_the_list_changes_meanwhile(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    volume = await rates(story, "Volume", (switch, [("0", None, "1.00")]))
    customer = await story.customer("Lisbon")
    await group(story, "Resellers", customer, priceListId=volume)
    # It has its prices, and waits for its number.
    async with holder(story) as held:
        await held.counter("INVOICE")
        (creating,) = await queue(story.engine, story.attempt("invoiceCreate", customerId=customer, lines=[{"itemId": switch}]))
        await story.do("priceListUpdate", id=volume, rates=rates_of((switch, [("0", None, "2.00")])))
        await held.let_go()
    made = await creating
    assert codes(made) == []
    found = await Drifted(story, made["invoice"]["id"]).shown()
    assert (found["terms"]["priceList"]["version"], found["lines"]) == (1, [{"unitPrice": "1.000000"}])


async def test_prices_are_those_of_the_version_on_the_invoice_in_every_round(story: Story) -> None:
    switch = await item(story, "Switch", USD="100.00")
    volume = await rates(story, "Volume", (switch, [("0", None, "1.00")]))
    customer = await story.customer("Lisbon")
    await group(story, "Resellers", customer, priceListId=volume)
    made: list[str] = []
    for version in range(2, 8):
        changed = rates_of((switch, [("0", None, f"{version}.00")]))
        invoice, update = await race(
            story.attempt("invoiceCreate", customerId=customer, lines=[{"itemId": switch}]),
            story.attempt("priceListUpdate", id=volume, rates=changed),
        )
        assert (codes(invoice), codes(update)) == ([], [])
        made.append(invoice["invoice"]["id"])
    for found in await asyncio.gather(*(Drifted(story, key).shown() for key in made)):
        assert found["lines"] == [{"unitPrice": f"{found['terms']['priceList']['version']}.000000"}]
