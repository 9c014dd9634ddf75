"""GraphiQL as a person sees it. Collected only where there is a browser; see conftest.py."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import UUID

import pytest

import demo_company
from clients import chromium
from clients.packages import HERE, ask
from holdco.endpoint.graphiql import read_examples
from operations.serving import served
from tokens import token_of

ARTEFACTS = HERE / "artefacts"
TABS = ["TreeWithBalances", "WhoOwesWhat", "PreviewAPayment", "RecordAndApply", "WhoPaidThisInvoice"]


@pytest.fixture
def picture() -> Path:
    """Where the picture goes; there is none yet."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / "graphiql.png"
    path.unlink(missing_ok=True)
    return path


@pytest.fixture
def _bundle() -> None:
    subprocess.run([HERE.parent.parent / "scripts/graphiql"], check=True)


@pytest.mark.usefixtures("_bundle")
async def test_graphiql_loads_from_holdco_alone_and_runs_an_example_with_the_token_that_it_starts_with(
    database_url: str, organization_id: UUID, picture: Path
) -> None:
    """As `holdco dev` serves it. Leaves a picture in `artefacts/graphiql.png`."""
    await demo_company.load(database_url, organization_id)
    settings = demo_company.settings_of(database_url, organization_id)
    async with served(settings, graphiql_token=token_of(organization_id)) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        shown = await ask(
            "graphiql.mjs",
            url=url,
            executablePath=chromium.path(),
            tab="TreeWithBalances",
            shows='"number": "ALD-HQ"',
            picture=str(picture),
        )
    assert shown["status"] == 200
    assert "default-src 'none'" in shown["policy"]
    assert shown["tabs"] == TABS
    assert len(shown["tabs"]) == len(read_examples())
    origin = url.removesuffix("/graphql")
    assert [request for request in shown["requests"] if not request.startswith((origin, "data:", "blob:"))] == []
    assert shown["complaints"] == []
    assert shown["pictureBytes"] > 10_000
