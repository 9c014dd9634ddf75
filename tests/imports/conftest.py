"""Imports run on the real database, each into an organization of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import Execute
from holdco.imports.zoho import Files, Report
from imports.exports import Exports
from stories import Story


@pytest.fixture
def exports(engine: AsyncEngine, organization_id: UUID, tmp_path: Path) -> Exports:
    return Exports(engine, organization_id, tmp_path)


@pytest.fixture
def story(execute: Execute, engine: AsyncEngine, organization_id: UUID) -> Story:
    return Story(execute, engine, organization_id)


@pytest.fixture
def refused(exports: Exports, story: Story) -> Callable[..., Awaitable[Report]]:
    """Await it with files, or without for all three: the report of an import that must not have changed a single row."""

    async def run(files: Files | None = None, *, date_format: str = "yyyy-MM-dd") -> Report:
        before = await story.everything()
        report = await exports.load(files or exports.files(), date_format=date_format)
        assert report.error_count > 0
        assert not report.is_imported
        assert await story.everything() == before
        return report

    return run
