"""Journeys speak to a server, as a frontend does."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from stories import Ask, Story


@pytest.fixture
def story(client: Ask, engine: AsyncEngine, organization_id: UUID) -> Story:
    return Story(client, engine, organization_id)
