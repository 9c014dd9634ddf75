"""Checks access tokens of our own against the database, and notes when they were used."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import credentials, database
from holdco.access.models import AccessToken
from holdco.authentication.denials import Denied, Reason
from holdco.client_users.models import ClientUser, InvitationState
from holdco.endpoint.authentication import Identity
from holdco.reader import Reader
from holdco.statements import ORGANIZATION_ID
from holdco.viewer import StaffRole, Viewer

# The last use is known to within a minute: it is written no more often.
USE_NOTED_AFTER: Final = timedelta(seconds=60)
ACTOR: Final = "authentication"

_TOKENS: Final = AccessToken.__table__.c
_USERS: Final = ClientUser.__table__.c
_BY_ID: Final = (
    select(
        _TOKENS.name,
        _TOKENS.role,
        _TOKENS.client_user_id,
        _TOKENS.secret_hash,
        _TOKENS.expires_at,
        _TOKENS.revoked_at,
        _TOKENS.last_used_at,
        _USERS.name.label("user_name"),
        _USERS.state,
    )
    .select_from(
        AccessToken.__table__.outerjoin(
            ClientUser.__table__,
            and_(_USERS.organization_id == _TOKENS.organization_id, _USERS.id == _TOKENS.client_user_id),
        )
    )
    .where(_TOKENS.organization_id == ORGANIZATION_ID, _TOKENS.id == bindparam("token_id", type_=Uuid))
)


class AccessTokens:
    """`engine` is that of operations: each check takes one of its connections for one statement."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def identity(self, text: str) -> tuple[Identity, bool]:
        """Who shows this token, and whether its use is to be noted. Denied, in this order: MALFORMED, UNKNOWN or
        WRONG_SECRET, which take equally long; REVOKED, EXPIRED, DEACTIVATED. Outage.
        """
        credential = credentials.parse(credentials.ACCESS_TOKEN, text)
        if credential is None:
            raise Denied(Reason.MALFORMED)
        row = await self._row(credential.organization_id, credential.id)
        is_right = credential.matches(row.secret_hash if row is not None else None)
        if row is None:
            raise Denied(Reason.UNKNOWN, credential.id)
        if not is_right:
            raise Denied(Reason.WRONG_SECRET, credential.id)
        now = datetime.now(UTC)
        if (reason := _problem(row, now)) is not None:
            raise Denied(reason, credential.id)
        viewer = Viewer(
            credential.organization_id,
            row.name if row.client_user_id is None else row.user_name,
            StaffRole(row.role) if row.role is not None else None,
            row.client_user_id,
            credential.id,
        )
        expires_at = row.expires_at.timestamp() if row.expires_at is not None else float("inf")
        is_new_use = row.last_used_at is None or now - row.last_used_at >= USE_NOTED_AFTER
        return Identity(viewer, credential.id.hex, expires_at), is_new_use

    async def is_good(self, organization_id: UUID, token_id: UUID) -> bool:
        """Of a token whose secret was checked before."""
        row = await self._row(organization_id, token_id)
        return row is not None and _problem(row, datetime.now(UTC)) is None

    async def note_use(self, organization_id: UUID, token_ids: Collection[UUID]) -> None:
        async with database.begin(self._engine, organization_id=organization_id, actor=ACTOR) as transaction:
            await transaction.execute(
                update(AccessToken)
                .where(_TOKENS.organization_id == organization_id, _TOKENS.id.in_(token_ids))
                .values(last_used_at=transaction.now)
            )

    async def _row(self, organization_id: UUID, token_id: UUID) -> Any:
        reader = Reader(self._engine, organization_id)
        reader.is_single = True
        try:
            rows = await reader.rows(_BY_ID, {"token_id": token_id})
        finally:
            await reader.close()
        return rows[0] if rows else None


def _problem(row: Any, now: datetime) -> Reason | None:
    if row.revoked_at is not None:
        return Reason.REVOKED
    if row.expires_at is not None and row.expires_at <= now:
        return Reason.EXPIRED
    if row.client_user_id is not None and row.state != InvitationState.ACTIVE:
        return Reason.DEACTIVATED
    return None
