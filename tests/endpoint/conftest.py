"""A server whose resolvers misbehave, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from endpoint.misbehaving_server import LEDGER, Ledger, make_endpoint, serve


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    yield from serve(Starlette(routes=[Route("/graphql", make_endpoint())]))


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def ledger() -> Ledger:
    # The last context of the test before may still be about to close.
    LEDGER.until_closed()
    LEDGER.clear()
    return LEDGER
