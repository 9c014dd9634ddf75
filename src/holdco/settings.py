"""The environment, read once into a frozen object. Every variable that Holdco knows stands here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from holdco.errors import SettingsError
from holdco.limits import Limits

# One organization is served until access control can tell them apart; its id is fixed so that no statement has to look
# for it across organizations.
DEFAULT_ORGANIZATION_ID = UUID("01900000-0000-7000-8000-000000000001")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    `DATABASE_URL`               a Postgres to use; without it an embedded one runs in the data directory
    `HOLDCO_DATA_DIR`            where the embedded Postgres keeps its files (default: `.holdco` here)
    `HOLDCO_HOST`, `HOLDCO_PORT` where to serve (default: 127.0.0.1:8000; only loopback until access control exists)
    `HOLDCO_ORGANIZATION_ID`     the organization that is served
    `HOLDCO_POOL_SIZE`           database connections of one worker (default: 10)
    `HOLDCO_LIMIT_…`             how much one request may ask for (holdco.limits)
    `HOLDCO_INTROSPECTION`       `on`, or `off`: the schema is not told, and refusals suggest no names (default: on)
    """

    database_url: str | None
    data_directory: Path
    host: str
    port: int
    organization_id: UUID
    pool_size: int
    limits: Limits = field(default_factory=Limits)
    is_introspection_on: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises SettingsError, naming the variable, for a value that makes no sense."""
        return cls(
            database_url=environment.get("DATABASE_URL") or None,
            data_directory=Path(environment.get("HOLDCO_DATA_DIR") or ".holdco").expanduser().absolute(),
            host=environment.get("HOLDCO_HOST") or "127.0.0.1",
            port=_number(environment, "HOLDCO_PORT", 8000, highest=65535),
            organization_id=_uuid(environment, "HOLDCO_ORGANIZATION_ID", DEFAULT_ORGANIZATION_ID),
            pool_size=_number(environment, "HOLDCO_POOL_SIZE", 10, highest=1000),
            limits=Limits.from_environment(environment),
            is_introspection_on=_switch(environment, "HOLDCO_INTROSPECTION"),
        )


def _number(environment: Mapping[str, str], name: str, default: int, *, highest: int) -> int:
    """From 1: a pool of 0 connections would be one without a limit, and a port of 0 one that nobody knows."""
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(highest)) or not 1 <= int(text) <= highest:
        raise SettingsError(f"{name} must be a whole number from 1 to {highest}, not {text[:60]!r}.")
    return int(text)


def _uuid(environment: Mapping[str, str], name: str, default: UUID) -> UUID:
    text = environment.get(name)
    if not text:
        return default
    try:
        return UUID(text)
    except ValueError:
        raise SettingsError(f"{name} must be a UUID, not {text!r}.") from None


def _switch(environment: Mapping[str, str], name: str) -> bool:
    """On unless it is switched off."""
    text = environment.get(name) or "on"
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} must be on or off, not {text[:60]!r}.")
    return text == "on"
