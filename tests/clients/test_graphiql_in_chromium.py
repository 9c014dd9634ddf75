"""GraphiQL as a person sees it. Collected only where there is a browser; see conftest.py."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest

import demo_company
from clients import chromium
from clients.hearing import HEARD, heard
from clients.packages import HERE, ask
from holdco.endpoint.graphiql import read_examples
from operations.serving import served
from stories import Story
from subscriptions.conftest import Server
from tokens import token_of

ARTEFACTS = HERE / "artefacts"
TABS = [
    "TreeWithBalances",
    "WhoOwesWhat",
    "PreviewAPayment",
    "RecordAndApply",
    "WhoPaidThisInvoice",
    "CustomerPage",
    "TermsOfAReseller",
]
DEFERRED = """query Deferred {
  customers {
    nodes { number ... @defer { name } }
  }
}"""
SUBSCRIPTION = """subscription CustomerChanged {
  customerChanged(customerId: "%s") {
    customers { name }
    refetch
  }
}"""


def picture(name: str) -> Path:
    """Where a picture goes; there is none yet."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / name
    path.unlink(missing_ok=True)
    return path


@pytest.fixture
def _bundle() -> None:
    subprocess.run([HERE.parent.parent / "scripts/graphiql"], check=True)


async def graphiql(url: str, name: str, shows: str, tab: str | None = None) -> dict[str, Any]:
    """What the page told that was opened here, as soon as its answer showed a text. Leaves a picture of this name."""
    shown: dict[str, Any] = await ask(
        "graphiql.mjs", url=url, executablePath=chromium.path(), tab=tab, shows=shows, picture=str(picture(name))
    )
    assert (shown["status"], shown["complaints"]) == (200, [])
    assert shown["pictureBytes"] > 10_000
    return shown


@pytest.mark.usefixtures("_bundle")
async def test_graphiql_loads_from_holdco_alone_and_runs_an_example_with_the_token_that_it_starts_with(
    database_url: str, organization_id: UUID
) -> None:
    """As `holdco dev` serves it. Leaves a picture in `artefacts/graphiql.png`."""
    await demo_company.load(database_url, organization_id)
    settings = demo_company.settings_of(database_url, organization_id)
    async with served(settings, graphiql_token=token_of(organization_id)) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        shown = await graphiql(url, "graphiql.png", '"number": "ALD-HQ"', "TreeWithBalances")
    assert "default-src 'none'" in shown["policy"]
    assert shown["tabs"] == TABS
    assert len(shown["tabs"]) == len(read_examples())
    origin = url.removesuffix("/graphql")
    assert [request for request in shown["requests"] if not request.startswith((origin, "data:", "blob:"))] == []


@pytest.mark.usefixtures("_bundle")
async def test_graphiql_shows_what_a_subscription_of_a_link_hears(server: Server, story: Story) -> None:
    """Leaves a picture in `artefacts/subscription.png`. The link opens beside the examples."""
    head = await story.customer("Aldgate")
    address = f"http://{server.host}/graphql?{urlencode({'query': SUBSCRIPTION % head})}"
    shown = await heard(server, story, head, graphiql(address, "subscription.png", '"name": "Aldgate Networks"'))
    assert shown["tabs"] == ["CustomerChanged", *TABS]
    assert orjson.loads(shown["answer"]) == {"data": HEARD}


@pytest.mark.usefixtures("_bundle")
async def test_graphiql_shows_what_is_deferred_in_its_place(server: Server, story: Story) -> None:
    """Leaves a picture in `artefacts/deferred.png`."""
    await story.customer("Aldgate", number="ALD")
    address = f"http://{server.host}/graphql?{urlencode({'query': DEFERRED})}"
    shown = await graphiql(address, "deferred.png", '"name": "Aldgate"')
    assert orjson.loads(shown["answer"]) == {"data": {"customers": {"nodes": [{"number": "ALD", "name": "Aldgate"}]}}}
