"""A connection that is lost in the moment of a commit leaves everybody in doubt but Postgres; the same key ends the doubt."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operations.cutting import Wire, wired
from operations.serving import Server, served, settings_of
from stories import Story, fresh_key

PAYS = """
mutation Pays($input: PaymentRecordInput!) { paymentRecord(input: $input) { replayed userErrors { code } payment { allocated } } }
"""
IN_DOUBT = (
    "The connection to the database was lost while the change was being committed, so it is not known whether it was made. "
    "Send it again with the same idempotency key, which makes it once, or read what it would have changed."
)


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    with tempfile.TemporaryDirectory(prefix="holdco-wire-") as folder:
        async with wired(database_url, Path(folder)) as made:
            yield made


async def asked(server: Server, payment: dict[str, object]) -> dict[str, object]:
    answer = await server.ask(PAYS, input=payment)
    assert answer.status_code == 200
    data: dict[str, object] = answer.json()["data"]["paymentRecord"]
    return data


@pytest.mark.parametrize(("cut", "is_done"), [("before", False), ("after", True)])
async def test_a_commit_that_nobody_hears_of_is_in_doubt_and_the_same_key_makes_it_exactly_once(
    story: Story, wire: tuple[Wire, str], cut: str, is_done: bool
) -> None:
    cutting, url = wire
    office = await story.customer("Aldgate Lisbon")
    invoice = await story.invoice(office, "100.00")
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    payments = "{ payments { totalCount } }"
    async with served(settings_of(url, story.organization_id)) as server:
        cutting.cut = cut
        answer = await server.ask(PAYS, input=payment)
        assert cutting.cuts == 1
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["message"], error["extensions"]) == (503, IN_DOUBT, {"code": "SERVICE_UNAVAILABLE"})
        assert answer.json()["data"] is None
        for is_replayed in (is_done, True):
            done = {"replayed": is_replayed, "userErrors": [], "payment": {"allocated": "80.00"}}
            assert await asked(server, payment) == done
        assert (await server.ask(payments)).json() == {"data": {"payments": {"totalCount": 1}}}
    assert await story.balances(invoice) == ["20.00"]


async def test_what_was_in_doubt_is_told_by_reading_it(story: Story, wire: tuple[Wire, str]) -> None:
    cutting, url = wire
    rename = 'mutation ($id: ID!) { customerUpdate(input: {id: $id, name: "Aldgate Porto"}) { customer { name } } }'
    async with served(settings_of(url, story.organization_id)) as server:
        for cut, name in (("before", "Aldgate Lisbon"), ("after", "Aldgate Porto")):
            office = await story.customer("Aldgate Lisbon")
            cutting.cut = cut
            answer = await server.ask(rename, id=office)
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["message"]) == (503, IN_DOUBT)
            found = await server.ask("query ($id: ID!) { customer(by: {id: $id}) { name } }", id=office)
            assert found.json() == {"data": {"customer": {"name": name}}}
