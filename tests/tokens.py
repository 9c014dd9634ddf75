"""Access tokens for tests: every server that they talk to wants one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import credentials, ids
from holdco.credentials import Credential
from holdco.endpoint.authentication import Identity
from holdco.viewer import StaffRole, Viewer

# What is tested elsewhere is not how often one may ask.
UNTHROTTLED: dict[str, Any] = {"requests_per_second": 1_000_000, "failed_tokens_per_minute": 1_000_000}
UNTHROTTLED_ENVIRONMENT = {f"HOLDCO_{name.upper()}": str(value) for name, value in UNTHROTTLED.items()}


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"authorization": f"Bearer {token}"}


_INSERT = text(
    """
    insert into access_tokens
      (organization_id, id, name, role, client_user_id, secret_hash, created_at, created_by, expires_at, last_used_at)
    values (:organization_id, :id, 'tester', :role, :client_user_id, :secret_hash, :now, 'tester', :expires_at, :now)
    """
)


def credential_of(organization_id: UUID) -> Credential:
    """An administrator's, which follows from the organization: whoever knows the one can show the other."""
    secret = base64.urlsafe_b64encode(hashlib.sha256(organization_id.bytes).digest()).decode().rstrip("=")
    return Credential(credentials.ACCESS_TOKEN, organization_id, organization_id, secret)


def token_of(organization_id: UUID) -> str:
    """What lets a test in once its organization was opened to it."""
    return credential_of(organization_id).text


async def open_to_tests(engine: AsyncEngine, organization_id: UUID) -> None:
    """Keeps the token that follows from the organization."""
    await _keep(engine, credential_of(organization_id))


async def issue(
    engine: AsyncEngine,
    organization_id: UUID,
    *,
    role: StaffRole | None = None,
    client_user_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Credential:
    """Another token, of a role or of a client user."""
    credential = credentials.new(credentials.ACCESS_TOKEN, organization_id, ids.new())
    await _keep(engine, credential, role=role, client_user_id=client_user_id, expires_at=expires_at)
    return credential


async def _keep(
    engine: AsyncEngine,
    credential: Credential,
    *,
    role: StaffRole | None = StaffRole.ADMIN,
    client_user_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> None:
    """As one that was just used, so that its first use writes nothing."""
    values = {
        "organization_id": credential.organization_id,
        "id": credential.id,
        "role": role,
        "client_user_id": client_user_id,
        "secret_hash": credential.secret_hash,
        "expires_at": expires_at,
        "now": datetime.now(UTC),
    }
    async with directly(engine, credential.organization_id) as connection:
        await connection.execute(_INSERT, values)


class Anybody:
    """The authentication of an endpoint whose schema is a test's own: everybody is an administrator of nothing."""

    identity = Identity(Viewer(UUID(int=0), "anybody", StaffRole.ADMIN), "anybody")

    def known(self, authorization: bytes) -> Identity:  # noqa: ARG002 (as below)
        return self.identity

    async def identify(self, authorization: bytes | None, address: str) -> Identity:  # noqa: ARG002 (nobody is asked for anything)
        return self.identity

    def count(self, identity: Identity) -> None:
        pass

    @contextmanager
    def watching(self, identity: Identity, ended: Callable[[], None]) -> Iterator[None]:  # noqa: ARG002 (nobody is sent away)
        yield
