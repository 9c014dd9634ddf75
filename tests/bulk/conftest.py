"""A database of their own for the tests of bulk jobs: servers of other tests would work at what these leave waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.database import create_engine


@pytest.fixture(scope="session")
async def database_url(clone: Callable[[], Any]) -> AsyncIterator[str]:
    async with clone() as url:
        yield url


@pytest.fixture(scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, pool_size=20)
    yield made
    await made.dispose()
