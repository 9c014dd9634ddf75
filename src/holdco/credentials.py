"""What somebody shows to prove who it is: a text that says whose it is, and carries a secret.

    holdco_at_ 32 + 32 hexadecimal digits _ 43 characters
               organization and row         256 random bits in base64url (RFC 4648, 5)

It names its organization, so that nobody has to look for it across organizations, and its kind, so that those who search
repositories for secrets that were left there find it. Only the SHA-256 of the secret is kept: it has as many bits as the secret,
so there is nothing to guess that a slower hash would guard.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

ACCESS_TOKEN: Final = "holdco_at"  # noqa: S105 (a prefix)

_FORM: Final = re.compile(r"([a-z_]+)_([0-9a-f]{32})([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
# The hash of no secret that was ever made: who shows the id of nothing waits as long as who shows a wrong secret.
_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Credential:
    """`kind` is the prefix, `id` the key of the row that keeps the hash."""

    kind: str
    organization_id: UUID
    id: UUID
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"{self.kind}_{self.organization_id.hex}{self.id.hex}_{self.secret}"

    @property
    def secret_hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, secret_hash: bytes | None) -> bool:
        """Whether it carries the secret of this hash; None, for a row that there is not, takes as long as any other."""
        is_same = hmac.compare_digest(self.secret_hash, secret_hash or _NOBODY)
        return is_same and secret_hash is not None


def new(kind: str, organization_id: UUID, key: UUID) -> Credential:
    return Credential(kind, organization_id, key, secrets.token_urlsafe(32))


def parse(kind: str, text: str) -> Credential | None:
    """None for what is not written as credentials of this kind are."""
    found = _FORM.fullmatch(text)
    if found is None or found[1] != kind:
        return None
    return Credential(kind, UUID(found[2]), UUID(found[3]), found[4])
