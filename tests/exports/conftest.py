"""Exports run on the real database, from an organization of a test into files, and from the files into another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from conftest import Execute
from holdco.exports.zoho import FILES, Report, export_zoho
from holdco.imports import zoho
from holdco.organizations import service as organizations
from stories import Story

Export = Callable[..., Awaitable[Report]]
Import = Callable[..., Awaitable[zoho.Report]]


@pytest.fixture
def story(execute: Execute, engine: AsyncEngine, organization_id: UUID) -> Story:
    return Story(execute, engine, organization_id)


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Where exports go, by the names of their files."""
    return {name: tmp_path / f"{name}.csv" for name in FILES}


@pytest.fixture
async def other(engine: AsyncEngine) -> UUID:
    """An empty organization."""
    made = uuid4()
    await organizations.ensure(engine, made)
    return made


@pytest.fixture
def export(engine: AsyncEngine, organization_id: UUID, paths: dict[str, Path]) -> Export:
    """Await it with names of files, or without for all of them."""

    async def run(*names: str, date_format: str = "yyyy-MM-dd", of: UUID | None = None, is_overwriting: bool = False) -> Report:
        files = {name: paths[name] for name in names or FILES}
        return await export_zoho(
            engine, of or organization_id, files=files, date_format=date_format, is_overwriting=is_overwriting
        )

    return run


@pytest.fixture
def bring_in(engine: AsyncEngine, paths: dict[str, Path]) -> Import:
    """Await it with an organization: imports the files that were exported, which must succeed."""

    async def run(organization_id: UUID, *, date_format: str = "yyyy-MM-dd") -> zoho.Report:
        files = zoho.Files(**{name: path for name, path in paths.items() if name != "credit_notes" and path.exists()})
        report = await zoho.import_zoho(engine, organization_id, actor="importer", files=files, date_format=date_format)
        assert report.errors == []
        return report

    return run
