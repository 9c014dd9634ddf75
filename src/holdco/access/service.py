"""Creates and revokes access tokens. Every use case takes the transaction first and commits nothing itself."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import insert, select, update

from holdco import credentials, ids
from holdco.access import queries
from holdco.access.models import AccessToken
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound
from holdco.ids import Kind
from holdco.validation import required_text
from holdco.viewer import StaffRole


class Issued(NamedTuple):
    """A new token. `text` is what its holder shows; it is told now and never again."""

    id: UUID
    text: str


async def create(
    transaction: Transaction,
    *,
    name: str,
    role: StaffRole | None = None,
    client_user_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """A token of staff or of a service, with a role, or of a client user, who must be there.

    Raises, in this order: InvalidInput for the name, for a holder that is neither or both, for an end that has passed; NotFound
    for the client user.
    """
    cleaned = required_text(name, "name")
    if (role is None) == (client_user_id is None):
        raise InvalidInput("A token has a role, or else a client user.", field=("role",))
    if expires_at is not None and expires_at <= transaction.now:
        raise InvalidInput("expiresAt has passed already.", field=("expiresAt",))
    if client_user_id is not None and not await transaction.rows(queries.CLIENT_USER, _bound(transaction, client_user_id)):
        raise NotFound(f"There is no client user {ids.encode(Kind.CLIENT_USER, client_user_id)}.", field=("clientUserId",))
    credential = credentials.new(credentials.ACCESS_TOKEN, transaction.organization_id, ids.new())
    await transaction.execute(
        insert(AccessToken).values(
            organization_id=transaction.organization_id,
            id=credential.id,
            name=cleaned,
            role=role,
            client_user_id=client_user_id,
            secret_hash=credential.secret_hash,
            created_at=transaction.now,
            created_by=transaction.actor,
            expires_at=expires_at,
        )
    )
    holder = {"role": role} if client_user_id is None else {"clientUserId": ids.encode(Kind.CLIENT_USER, client_user_id)}
    subject = ids.encode(Kind.ACCESS_TOKEN, credential.id)
    await activity.record(transaction, [Entry("access_token.created", None, subject, {"name": cleaned, **holder})])
    return Issued(credential.id, credential.text)


async def revoke(transaction: Transaction, token_id: UUID) -> None:
    """From the commit on nobody is let in with it, anywhere. One that is revoked already stays as it is. Raises NotFound."""
    tokens = AccessToken.__table__.c
    is_meant = (tokens.organization_id == transaction.organization_id, tokens.id == token_id)
    rows = await transaction.rows(select(tokens.name, tokens.revoked_at).where(*is_meant).with_for_update(key_share=True))
    if not rows:
        raise NotFound(f"There is no access token {ids.encode(Kind.ACCESS_TOKEN, token_id)}.", field=("id",))
    (name, revoked_at) = rows[0]
    if revoked_at is not None:
        return
    await transaction.execute(update(AccessToken).where(*is_meant).values(revoked_at=transaction.now))
    transaction.revoked.add(token_id)
    await activity.record(transaction, [activity.about(Kind.ACCESS_TOKEN, token_id, "access_token.revoked", name=name)])


async def revoke_of(transaction: Transaction, client_user_id: UUID) -> None:
    """All tokens of a client user, who from the commit on is let in by nothing that was kept or is open."""
    tokens = AccessToken.__table__.c
    await transaction.execute(
        update(AccessToken)
        .where(
            tokens.organization_id == transaction.organization_id,
            tokens.client_user_id == client_user_id,
            tokens.revoked_at.is_(None),
        )
        .values(revoked_at=transaction.now)
    )
    transaction.revoked.add(client_user_id)


def _bound(transaction: Transaction, client_user_id: UUID) -> dict[str, UUID]:
    return {"organization_id": transaction.organization_id, "client_user_id": client_user_id}
