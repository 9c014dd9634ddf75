"""Loads the demo company into the organization of a test."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from holdco.seeding import demo
from holdco.settings import Settings


def settings_of(database_url: str, organization_id: UUID) -> Settings:
    return Settings(
        database_url=database_url,
        data_directory=Path("unused"),
        host="127.0.0.1",
        port=0,
        organization_id=organization_id,
        pool_size=1,
    )


async def load(database_url: str, organization_id: UUID) -> bool:
    return await demo.load_once(settings_of(database_url, organization_id))
