"""What Prometheus reads after operations whose numbers are known."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from holdco.monitoring.operations import NAMES, Names
from operations.serving import served, settings_of
from stories import Story

INVOICES = "query Metered { customers { nodes { invoices { nodes { number } } } } }"


async def test_operations_their_statements_and_their_batches_are_counted(story: Story, database_url: str) -> None:
    for name in ("Aldgate Networks", "Aldgate Lisbon", "Aldgate Lyon"):
        await story.customer(name)
    async with served(settings_of(database_url, story.organization_id)) as server:

        async def numbers() -> list[float]:
            labels = {"operation": "Metered", "type": "query", "outcome": "OK"}
            return [
                await server.metric("holdco_operation_duration_seconds_count", **labels),
                await server.metric("holdco_operation_statements_sum", type="query"),
                await server.metric("holdco_loader_batch_keys_sum", loader="InvoicesByScope"),
                await server.metric("holdco_loader_batch_keys_count", loader="InvoicesByScope"),
            ]

        before = await numbers()
        assert (await server.ask(INVOICES)).status_code == 200
        assert [now - then for now, then in zip(await numbers(), before, strict=True)] == [1, 2, 3, 1]


async def test_levels_that_are_read_by_one_statement_are_one_batch(story: Story, database_url: str) -> None:
    office = await story.customer("Aldgate Networks", number="HQ")
    await story.customer("Aldgate Lisbon", under=office)
    nested = '{ customer(by: {number: "HQ"}) { children { nodes { children { nodes { name } } } } } }'
    async with served(settings_of(database_url, story.organization_id)) as server:
        before = await server.metric("holdco_loader_batch_keys_count", loader="ChildrenByCustomerId")
        assert (await server.ask(nested)).status_code == 200
        assert await server.metric("holdco_loader_batch_keys_count", loader="ChildrenByCustomerId") - before == 1


async def test_an_operation_that_fails_is_counted_by_its_code(database_url: str, organization_id: UUID) -> None:
    document = "query FailsByCode { customers(first: 500) { nodes { name } } }"
    labels = {"operation": "FailsByCode", "type": "query", "outcome": "BAD_USER_INPUT"}
    async with served(settings_of(database_url, organization_id)) as server:
        assert (await server.ask(document)).json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
        assert await server.metric("holdco_operation_duration_seconds_count", **labels) == 1


async def test_the_pool_is_shown(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id, pool_size=7)) as server:
        assert await server.metric("holdco_pool_connections_max") == 7
        assert await server.metric("holdco_pool_connections_checked_out") == 0


def test_clients_cannot_make_more_series_than_there_are_names_to_spare() -> None:
    names = Names(2)
    assert [names.label(name) for name in ("A", None, "B", "C", "A", "D")] == ["A", "anonymous", "B", "other", "A", "other"]


def test_names_of_trusted_documents_always_have_series_of_their_own() -> None:
    names = Names(1)
    assert [names.label(name) for name in ("A", "B")] == ["A", "other"]
    names.trust(["B", "C"])
    assert [names.label(name) for name in ("A", "B", "C", "D")] == ["A", "B", "C", "other"]


async def test_names_are_trusted_as_manifests_are_read(
    database_url: str, organization_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NAMES, "_names_max", 0)
    (tmp_path / "documents.json").write_text('{"id": "query FromAManifest { __typename }"}')
    async with served(settings_of(database_url, organization_id, trusted_documents=tmp_path)) as server:
        await server.http.post("/graphql", json={"documentId": "id"})
        await server.ask("query FromAClient { __typename }")
        for name, count in (("FromAManifest", 1), ("FromAClient", 0)):
            labels = {"operation": name, "type": "query", "outcome": "OK"}
            assert await server.metric("holdco_operation_duration_seconds_count", **labels) == count
