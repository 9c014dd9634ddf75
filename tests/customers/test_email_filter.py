"""Customers are found by their e-mail address however it is written, and wherever its letters come from."""

from __future__ import annotations

import pytest

from stories import Story

FOUND = "query ($email: String) { customers(filter: {email: {eq: $email}}) { nodes { id } } }"


@pytest.mark.parametrize("address", ["Accounts@Aldgate.example", "É.Dupont@x.example", "İstanbul@x.example", "ΣΟΦΟΣ@x.example"])
async def test_an_address_is_found_as_it_is_written(story: Story, address: str) -> None:
    key = await story.customer("Aldgate Networks", email=address)
    await story.customer("Lisbon")
    assert await story.ask(FOUND, email=address) == {"customers": {"nodes": [{"id": key}]}}


async def test_upper_and_lower_case_are_alike(story: Story) -> None:
    key = await story.customer("Aldgate Networks", email="Accounts@Aldgate.example")
    for written in ("accounts@aldgate.example", "ACCOUNTS@ALDGATE.EXAMPLE"):
        assert await story.ask(FOUND, email=written) == {"customers": {"nodes": [{"id": key}]}}
    assert await story.ask(FOUND, email="accounts@aldgate.example.com") == {"customers": {"nodes": []}}
