"""A story for each race, told by many clients at once on connections of their own, and verified when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from holdco.verification.service import verify
from stories import Story


@pytest.fixture
async def story(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Story]:
    ask_without_end = asker(engine, organization_id)

    async def ask(document: str, **variables: Any) -> dict[str, Any]:
        """Fails instead of waiting for ever: who locks in a wrong order may wait for a test that waits for it."""
        async with asyncio.timeout(60):
            return await ask_without_end(document, **variables)

    yield Story(ask, engine, organization_id)
    assert (await verify(engine, organization_id)).problems == []
