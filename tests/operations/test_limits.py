"""What takes too long is ended, what nobody waits for is ended, and more than fits is sent away; and all is as before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from operations.serving import Server, served, settings_of
from stories import Story, fresh_key
from waiting import count_waiters, until_waiting

SMALL = "{ customers { nodes { number } } }"
READS_INVOICES = {
    "one statement": "query ReadsInvoices { invoices { nodes { number } } }",
    "a level at a time": "query ReadsInvoices { customers { nodes { number invoices { nodes { number } } } } }",
    "one object at a time": """
    query ReadsInvoices { __schema { queryType { name } } customers { nodes { number invoices { nodes { number } } } } }
    """,
}
PAYS = """
mutation Pays($input: PaymentRecordInput!) { paymentRecord(input: $input) { replayed userErrors { code } payment { allocated } } }
"""
reading = pytest.mark.parametrize("document", READS_INVOICES.values(), ids=READS_INVOICES)


async def lock(blocking: Any, table: str = "invoices") -> None:
    await blocking.execute(text(f"lock table {table} in access exclusive mode"))


async def until_nobody_waits(engine: AsyncEngine) -> None:
    """Postgres has ended every statement that waited for a lock."""
    async with asyncio.timeout(30), engine.connect() as connection:
        while await count_waiters(connection):
            await connection.rollback()


async def assert_nothing_is_held(server: Server) -> None:
    for _ in range(5):
        assert (await server.ask(SMALL)).json() == {"data": {"customers": {"nodes": [{"number": "C-1"}]}}}
    async with asyncio.timeout(30):
        while await server.metric("holdco_pool_connections_checked_out"):
            pass
    assert await server.metric("holdco_operations_running") == 0
    assert await server.metric("holdco_operations_waiting") == 0


@pytest.fixture
async def house(story: Story) -> Story:
    await story.invoice(await story.customer("Aldgate Networks", number="C-1"), "100.00")
    return story


@reading
async def test_a_query_that_takes_too_long_is_ended_in_postgres_too(house: Story, database_url: str, document: str) -> None:
    async with served(settings_of(database_url, house.organization_id, execution_timeout=1)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            answer = await server.ask(document)
            assert (answer.status_code, answer.json()) == (
                504,
                {
                    "errors": [
                        {
                            "message": "The operation took longer than 1 seconds and was ended. Ask for less at once.",
                            "extensions": {"code": "EXECUTION_TIMEOUT"},
                        }
                    ]
                },
            )
            await until_nobody_waits(house.engine)
        await assert_nothing_is_held(server)


@reading
async def test_a_statement_that_takes_too_long_says_so_and_is_not_tried_again(
    house: Story, database_url: str, document: str
) -> None:
    statements = 1 if document == READS_INVOICES["one statement"] else 2
    async with served(settings_of(database_url, house.organization_id, statement_timeout=1)) as server:
        before = await server.metric("holdco_operation_statements_sum", type="query")
        async with directly(house.engine) as blocking:
            await lock(blocking)
            answer = await server.ask(document)
        message = "A statement took longer than the database allows. Ask for less at once, or try again later."
        assert answer.json() == {"errors": [{"message": message, "extensions": {"code": "STATEMENT_TIMEOUT"}}]}
        assert answer.status_code == 504
        assert await server.metric("holdco_operation_statements_sum", type="query") - before == statements
        await assert_nothing_is_held(server)


async def test_a_mutation_that_takes_too_long_is_undone_and_its_key_is_free(house: Story, database_url: str) -> None:
    office = await house.customer("Aldgate Lisbon")
    invoice = await house.invoice(office, "100.00")
    before = await house.everything()
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with served(settings_of(database_url, house.organization_id, execution_timeout=1)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            answer = await server.ask(PAYS, input=payment)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]) == (504, {"code": "EXECUTION_TIMEOUT"})
        assert error["message"].endswith("Nothing was changed: its transaction was undone. Its idempotency key is free.")
        assert await house.everything() == before
        again = await server.ask(PAYS, input=payment)
        expected = {"replayed": False, "userErrors": [], "payment": {"allocated": "80.00"}}
        assert again.json() == {"data": {"paymentRecord": expected}}
        assert await house.balances(invoice) == ["20.00"]


async def test_a_mutation_that_takes_too_long_after_a_commit_says_that_something_is_done(house: Story, database_url: str) -> None:
    office = await house.customer("Aldgate Lisbon")
    invoice = await house.invoice(office, "100.00")
    renames = """
    mutation ($customer: ID!, $payment: PaymentRecordInput!) {
      customerUpdate(input: {id: $customer, name: "Aldgate Porto"}) { customer { name } }
      paymentRecord(input: $payment) { payment { allocated } }
    }
    """
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with served(settings_of(database_url, house.organization_id, execution_timeout=1)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            answer = await server.ask(renames, customer=office, payment=payment)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]) == (504, {"code": "EXECUTION_TIMEOUT"})
        assert "Something that it changed is committed." in error["message"]
        found = await server.ask("query ($id: ID!) { customer(by: {id: $id}) { name } }", id=office)
        assert found.json() == {"data": {"customer": {"name": "Aldgate Porto"}}}
        assert await house.balances(invoice) == ["100.00"]


async def test_a_mutation_whose_statement_takes_too_long_has_changed_nothing(house: Story, database_url: str) -> None:
    office = await house.customer("Aldgate Lisbon")
    await house.invoice(office, "100.00")
    before = await house.everything()
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with served(settings_of(database_url, house.organization_id, statement_timeout=1)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            answer = await server.ask(PAYS, input=payment)
        assert answer.status_code == 504
        (error,) = answer.json()["errors"]
        assert (error["path"], error["extensions"]) == (["paymentRecord"], {"code": "STATEMENT_TIMEOUT"})
        assert await house.everything() == before


@reading
async def test_a_client_that_goes_away_cancels_its_query(house: Story, database_url: str, document: str) -> None:
    async with served(settings_of(database_url, house.organization_id)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            asking = asyncio.create_task(server.ask(document))
            await until_waiting(house.engine, 1)
            asking.cancel()
            await asyncio.wait([asking])
            await until_nobody_waits(house.engine)
        await assert_nothing_is_held(server)
        assert await server.metric(
            "holdco_operation_duration_seconds_count", operation="ReadsInvoices", type="query", outcome="ABANDONED"
        )


async def test_a_client_that_goes_away_does_not_undo_its_mutation(house: Story, database_url: str) -> None:
    office = await house.customer("Aldgate Lisbon")
    invoice = await house.invoice(office, "100.00")
    payment = {"customerId": office, "amount": "80", "apply": {}, "idempotencyKey": fresh_key()}
    async with served(settings_of(database_url, house.organization_id)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            asking = asyncio.create_task(server.ask(PAYS, input=payment))
            await until_waiting(house.engine, 1)
            asking.cancel()
            await asyncio.wait([asking])
        again = await server.ask(PAYS, input=payment)
        expected = {"replayed": True, "userErrors": [], "payment": {"allocated": "80.00"}}
        assert again.json() == {"data": {"paymentRecord": expected}}
        assert await house.balances(invoice) == ["20.00"]


async def test_more_operations_than_may_run_and_wait_are_sent_away_at_once(house: Story, database_url: str) -> None:
    limits = {"operations_max": 2, "operations_waiting_max": 1, "operations_wait": 600}
    async with served(settings_of(database_url, house.organization_id, **limits)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            asking = [asyncio.create_task(server.ask(READS_INVOICES["one statement"])) for _ in range(3)]
            while not await server.metric("holdco_operations_waiting"):
                pass
            await until_waiting(house.engine, 2)
            refused = await server.ask(PAYS, input={})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            message = "Too many operations are under way and waiting. Send it again in 1 second or later."
            assert refused.json() == {"errors": [{"message": message, "extensions": {"code": "THROTTLED"}}]}
            assert await server.metric("holdco_operations_running") == 2
        assert [(await each).status_code for each in asking] == [200, 200, 200]
        await assert_nothing_is_held(server)


async def test_an_operation_waits_for_its_turn_for_a_bounded_time(house: Story, database_url: str) -> None:
    limits = {"operations_max": 1, "operations_wait": 1}
    async with served(settings_of(database_url, house.organization_id, **limits)) as server:
        async with directly(house.engine) as blocking:
            await lock(blocking)
            asking = asyncio.create_task(server.ask(READS_INVOICES["one statement"]))
            await until_waiting(house.engine, 1)
            refused = await server.ask(SMALL)
            assert refused.status_code == 503
            message = "Too many operations are under way: this one waited for 1 seconds. Send it again in 1 second or later."
            assert refused.json() == {"errors": [{"message": message, "extensions": {"code": "THROTTLED"}}]}
        assert (await asking).status_code == 200
        await assert_nothing_is_held(server)
