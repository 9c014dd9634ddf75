"""Relay's compiler takes the schema, and its runtime reads one page after the other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from clients.packages import HERE, MODULES, change, run
from conftest import Client
from stories import Story

SCHEMA = HERE.parent.parent / "schema.graphql"
COMPILER = MODULES / "relay-compiler" / "cli.js"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of the folder `relay`, for artifacts to be written beside its documents."""
    folder = tmp_path / "application"
    shutil.copytree(HERE / "relay", folder)
    shutil.copy(SCHEMA, folder)
    (tmp_path / "node_modules").symlink_to(MODULES)
    return folder


async def compile_documents(application: Path) -> None:
    await run(COMPILER, "relay.config.json", folder=application)


def artifacts(application: Path) -> list[str]:
    """The names of what relay-compiler made of the application's documents."""
    return sorted(path.name for path in application.glob("src/__generated__/*"))


async def test_relay_reads_a_page_by_its_own_query_and_the_next_ones_by_node(
    url: str, client: Client, story: Story, application: Path
) -> None:
    told = Story(client, story.engine, story.organization_id)
    lisbon = await told.customer("Lisbon")
    for number in range(5):
        await told.invoice(lisbon, f"{number + 1}0.00")
    await compile_documents(application)
    names = ["CustomerQuery", "InvoiceListPaginationQuery", "InvoiceList_customer"]
    assert artifacts(application) == [f"{name}.graphql.js" for name in names]
    pages: list[dict[str, Any]] = orjson.loads(
        await run(application / "pages.cjs", orjson.dumps({"url": url, "id": lisbon, "count": 2}).decode())
    )
    numbers = [f"INV-00000{number}" for number in range(1, 6)]
    assert pages == [
        {"name": "Lisbon", "numbers": numbers[:2], "hasNextPage": True},
        {"name": "Lisbon", "numbers": numbers[:4], "hasNextPage": True},
        {"name": "Lisbon", "numbers": numbers, "hasNextPage": False},
    ]


async def test_relay_compiler_refuses_a_document_that_does_not_fit_the_schema(application: Path) -> None:
    change(application / "src" / "documents.js", "balance", "saldo")
    with pytest.raises(AssertionError, match="The type `Invoice` has no field `saldo`"):
        await compile_documents(application)
    assert artifacts(application) == []
