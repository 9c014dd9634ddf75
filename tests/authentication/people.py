"""Client users for tests, as the command makes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import credentials, database
from holdco.access import service as access
from holdco.authentication import issuing
from holdco.credentials import Credential
from holdco.viewer import ClientUserRole


async def client_user(
    engine: AsyncEngine, organization_id: UUID, customer: str, *, role: ClientUserRole = ClientUserRole.VIEWER, email: str
) -> tuple[UUID, Credential]:
    """The key of a client user of this customer, and a token of its own."""
    async with database.begin(engine, organization_id=organization_id, actor="tester") as transaction:
        issued = await issuing.for_client_user(transaction, customer=customer, role=role, email=email)
    credential = credentials.parse(credentials.ACCESS_TOKEN, issued.text)
    assert credential is not None
    # As one that was just used, so that its first use writes nothing.
    statement = """
    update access_tokens set last_used_at = created_at where organization_id = :organization_id and id = :id
    returning client_user_id
    """
    async with directly(engine, organization_id) as connection:
        row = await connection.execute(text(statement), {"organization_id": organization_id, "id": issued.id})
        return row.scalar_one(), credential


async def deactivate(engine: AsyncEngine, organization_id: UUID, user_id: UUID) -> None:
    async with database.begin(engine, organization_id=organization_id, actor="tester") as transaction:
        await transaction.execute(
            text("update client_users set state = 'DEACTIVATED' where organization_id = :organization_id and id = :id"),
            {"organization_id": organization_id, "id": user_id},
        )
        transaction.revoked.add(user_id)


async def bind(engine: AsyncEngine, organization_id: UUID, user_id: UUID, *, issuer: str, subject: str) -> None:
    """As accepting an invitation by an OpenID Connect provider does."""
    values: dict[str, Any] = {"organization_id": organization_id, "id": user_id, "issuer": issuer, "subject": subject}
    async with directly(engine, organization_id) as connection:
        await connection.execute(
            text(
                "update client_users set issuer = :issuer, subject = :subject "
                "where organization_id = :organization_id and id = :id"
            ),
            values,
        )


async def revoke(engine: AsyncEngine, credential: Credential) -> None:
    """As another process does it."""
    async with database.begin(engine, organization_id=credential.organization_id, actor="tester") as transaction:
        await access.revoke(transaction, credential.id)
