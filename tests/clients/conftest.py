"""What the tests with JavaScript clients share: their packages, and the address of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from clients import chromium, packages
from conftest import Client
from subscriptions.conftest import Server, serving
from tokens import token_of

# Without a browser there is nothing to open the page in; the header of the run says so (tests/conftest.py).
collect_ignore = [] if chromium.path() else ["test_graphiql_in_chromium.py"]


@pytest.fixture(scope="session", autouse=True)
def _packages() -> None:
    try:
        packages.install()
    except packages.NotInstalled as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture
def url(client: Client, organization_id: UUID, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the test's server serves its organization, to which scripts show a token (`signed_in.mjs`)."""
    monkeypatch.setenv("HOLDCO_TOKEN", token_of(organization_id))
    return f"{client.http.base_url}/graphql"


@pytest.fixture
async def server(
    database_url: str, organization_id: UUID, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    """A server whose subscribers can be counted, for what clients hear; scripts show it a token."""
    monkeypatch.setenv("HOLDCO_TOKEN", token_of(organization_id))
    async with serving(database_url, organization_id, engine, graphiql_token=token_of(organization_id)) as made:
        yield made
