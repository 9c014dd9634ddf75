"""Why somebody was not let in: for the log and the metrics, never for whoever asks."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """The values are labels of a metric."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 (a label)
    EXPIRED = "expired"
    REVOKED = "revoked"
    DEACTIVATED = "deactivated"
    # Of tokens of an OpenID Connect provider.
    ALGORITHM = "algorithm"
    KEY = "key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    STRANGER = "stranger"
    # One that is unknown, wrong, used, ended or expired.
    INVITATION = "invitation"
    # Too many before it, so that this one was not even looked at.
    THROTTLED = "throttled"


class Denied(Exception):
    """`token_id` is that of a token of ours, where one was named: no secret."""

    def __init__(self, reason: Reason, token_id: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.token_id = token_id
