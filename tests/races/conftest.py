"""A story for each race, told by many clients at once on connections of their own, and verified when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from holdco.verification.service import verify
from stories import Story


@pytest.fixture
async def story(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Story]:
    yield Story(asker(engine, organization_id), engine, organization_id)
    assert (await verify(engine, organization_id)).problems == []
