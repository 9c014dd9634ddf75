"""Invitations: a secret that is shown once, kept as a hash, and exchanged once (domain.md V7).

Whoever changes invitations holds the row of their client user, so that of two things that happen to one at once the second
sees what the first has made of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import exists, insert, select, update

from holdco import ids
from holdco.client_users.errors import InvitationNotValid
from holdco.client_users.models import Invitation
from holdco.database import Transaction

LIFETIME: Final = timedelta(days=7)

_PREFIX: Final = "hci_"
_SECRET_BYTES: Final = 32
_KEY_BYTES: Final = 16
_LENGTH: Final = 2 * _KEY_BYTES + _SECRET_BYTES
_INVITATIONS = Invitation.__table__.c


class Presented(NamedTuple):
    """What a person shows who wants to accept: it names its organization, because that person belongs to none yet."""

    organization_id: UUID
    invitation_id: UUID
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret: it must not get into a log."""
        return f"Presented({self.organization_id}, {self.invitation_id})"


class Opened(NamedTuple):
    """A new invitation; `secret` is what its client user has to show, and nobody can tell it again."""

    secret: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Opened({self.expires_at})"


def written(presented: Presented) -> str:
    packed = presented.organization_id.bytes + presented.invitation_id.bytes + presented.secret
    return _PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read(text: str) -> Presented:
    """Raises InvitationNotValid for what no invitation looks like."""
    digits = text.removeprefix(_PREFIX)
    try:
        packed = base64.b64decode(digits + "=" * (-len(digits) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvitationNotValid from None
    if digits == text or len(packed) != _LENGTH:
        raise InvitationNotValid
    keys = UUID(bytes=packed[:_KEY_BYTES]), UUID(bytes=packed[_KEY_BYTES : 2 * _KEY_BYTES])
    return Presented(*keys, packed[2 * _KEY_BYTES :])


def _hash(secret: bytes) -> bytes:
    """256 random bits cannot be guessed from their hash, however fast that is made: no salt, no stretching."""
    return hashlib.sha256(secret).digest()


async def reopen(transaction: Transaction, client_user_id: UUID) -> Opened:
    """A new invitation; the earlier one ends."""
    await end(transaction, client_user_id)
    presented = Presented(transaction.organization_id, ids.new(), secrets.token_bytes(_SECRET_BYTES))
    opened = Opened(written(presented), transaction.now + LIFETIME)
    await transaction.execute(
        insert(Invitation).values(
            organization_id=transaction.organization_id,
            id=presented.invitation_id,
            client_user_id=client_user_id,
            secret_hash=_hash(presented.secret),
            created_at=transaction.now,
            created_by=transaction.actor,
            expires_at=opened.expires_at,
        )
    )
    return opened


async def end(transaction: Transaction, client_user_id: UUID) -> None:
    """Whatever invitation is open can no longer be accepted."""
    await transaction.execute(
        update(Invitation)
        .where(
            Invitation.organization_id == transaction.organization_id,
            Invitation.client_user_id == client_user_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=transaction.now)
    )


async def client_user_of(transaction: Transaction, presented: Presented) -> UUID:
    """Whose invitation it is, if it is one. Raises InvitationNotValid; whether it is still valid `use` tells.

    An unknown one and a wrong secret take equally long, and neither locks anything.
    """
    if presented.organization_id != transaction.organization_id:
        raise InvitationNotValid
    rows = await transaction.rows(
        select(_INVITATIONS.client_user_id, _INVITATIONS.secret_hash).where(
            _INVITATIONS.organization_id == transaction.organization_id, _INVITATIONS.id == presented.invitation_id
        )
    )
    kept_hash = rows[0].secret_hash if rows else bytes(_SECRET_BYTES)
    is_shown = hmac.compare_digest(kept_hash, _hash(presented.secret))
    if not rows or not is_shown:
        raise InvitationNotValid
    client_user_id: UUID = rows[0].client_user_id
    return client_user_id


async def use(transaction: Transaction, presented: Presented) -> None:
    """Accepts it, once. Expects that `client_user_of` has found it, and its client user to be held. Raises InvitationNotValid."""
    this = (_INVITATIONS.organization_id == transaction.organization_id, _INVITATIONS.id == presented.invitation_id)
    rows = await transaction.rows(
        select(_INVITATIONS.expires_at).where(*this, _INVITATIONS.accepted_at.is_(None), _INVITATIONS.revoked_at.is_(None))
    )
    if not rows or rows[0].expires_at <= transaction.now:
        raise InvitationNotValid
    await transaction.execute(update(Invitation).where(*this).values(accepted_at=transaction.now))


async def was_accepted(transaction: Transaction, client_user_id: UUID) -> bool:
    """Whether this client user has ever accepted one."""
    rows = await transaction.rows(
        select(
            exists().where(
                _INVITATIONS.organization_id == transaction.organization_id,
                _INVITATIONS.client_user_id == client_user_id,
                _INVITATIONS.accepted_at.is_not(None),
            )
        )
    )
    return bool(rows[0][0])
