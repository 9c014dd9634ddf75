"""What the tests with JavaScript clients share: their packages, and the address of a server."""

from __future__ import annotations

import pytest

from clients import chromium, packages
from conftest import Client

# Without a browser there is nothing to open the page in; the header of the run says so (tests/conftest.py).
collect_ignore = [] if chromium.path() else ["test_graphiql_in_chromium.py"]


@pytest.fixture(scope="session", autouse=True)
def _packages() -> None:
    try:
        packages.install()
    except packages.NotInstalled as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture
def url(client: Client) -> str:
    """Where the test's server serves its organization."""
    return f"{client.http.base_url}/graphql"
