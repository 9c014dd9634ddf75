"""Tokens of an OpenID Connect provider: JWTs, checked by the keys that it publishes.

PyJWT does the cryptography: small, typed, the most used of its kind, and it checks signature, times, issuer and audience in one
call that is told what to require. Its own client of key sets blocks and knows no limits, so keys are fetched here: discovery
(OpenID Connect Discovery 1.0, 4), then the key set (RFC 7517), kept for an hour and fetched again for a key that is not in it,
at most twice a minute, however many tokens name keys of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
import jwt
import structlog
from jwt import PyJWK
from sqlalchemy import Text, Uuid, bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import ids
from holdco.authentication.denials import Denied, Reason
from holdco.authentication.reach import sees_many
from holdco.client_users.models import ClientUser, InvitationState
from holdco.endpoint.authentication import Identity
from holdco.errors import BadUserInput, Unavailable
from holdco.ids import Kind
from holdco.organizations.models import Organization
from holdco.reader import Reader
from holdco.statements import ORGANIZATION_ID
from holdco.viewer import StaffRole, Viewer

log = structlog.get_logger(__name__)

# None of those whose key both sides know, and not "none": what a provider publishes must not be good for signing (RFC 8725, 3.1).
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# Seconds.
KEYS_KEPT: Final = 3600.0
FETCH_AGAIN_AFTER: Final = 30.0
FETCH_MAX: Final = 5.0
LEEWAY: Final = 10.0
BYTES_MAX: Final = 1 << 20
TOKEN_CHARACTERS_MAX: Final = 16_384

_USERS: Final = ClientUser.__table__.c
_BY_SUBJECT: Final = select(
    _USERS.id, _USERS.name, _USERS.state, sees_many(_USERS.id, ClientUser.__table__).label("sees_many")
).where(
    _USERS.organization_id == ORGANIZATION_ID,
    _USERS.issuer == bindparam("issuer", type_=Text),
    _USERS.subject == bindparam("subject", type_=Text),
)
_STATE: Final = select(_USERS.state).where(
    _USERS.organization_id == ORGANIZATION_ID, _USERS.id == bindparam("client_user_id", type_=Uuid)
)
_ORGANIZATION: Final = select(Organization.__table__.c.id).where(Organization.__table__.c.id == ORGANIZATION_ID)


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Which tokens are taken, and what their claims mean.

    `role_claim` has a staff role, or a list with one; who has none is the client user that is bound to issuer and subject.
    `organization_claim` has an organization's id; where it is missing, `organization_id` is meant.
    """

    issuer: str
    audience: str
    role_claim: str
    organization_claim: str
    organization_id: UUID


class Newcomer(NamedTuple):
    """Whom a token speaks of, who need not be anybody here yet."""

    organization_id: UUID
    issuer: str
    subject: str
    is_staff: bool


class OpenIdProvider:
    """`engine` is that of operations. `fetch_again_after` and `keys_kept` are in seconds."""

    def __init__(
        self,
        settings: ProviderSettings,
        engine: AsyncEngine,
        *,
        fetch_again_after: float = FETCH_AGAIN_AFTER,
        keys_kept: float = KEYS_KEPT,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._fetch_again_after = fetch_again_after
        self._keys_kept = keys_kept
        self._http = httpx.AsyncClient(timeout=FETCH_MAX, follow_redirects=False)
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def identity(self, token: str) -> Identity:
        """Who shows this token. Denied; Outage, also when the provider's keys were never to be had."""
        claims = await self.verified(token)
        organization_id = self._organization_of(claims)
        expires_at = float(claims["exp"])
        subject = claims["sub"]
        # One subject may be somebody in several organizations.
        key = f"{organization_id.hex} {self._settings.issuer} {subject}"
        if (role := self._role_of(claims)) is not None:
            if not await self._rows(organization_id, _ORGANIZATION, {}):
                raise Denied(Reason.STRANGER)
            return Identity(Viewer(organization_id, _name_in(claims), role), key, expires_at)
        rows = await self._rows(organization_id, _BY_SUBJECT, {"issuer": self._settings.issuer, "subject": subject})
        if not rows:
            raise Denied(Reason.STRANGER)
        if rows[0].state != InvitationState.ACTIVE:
            raise Denied(Reason.DEACTIVATED)
        return Identity(Viewer(organization_id, rows[0].name, None, rows[0].id, sees_many=rows[0].sees_many), key, expires_at)

    async def is_good(self, identity: Identity) -> bool:
        """Of a client user, whether it is still active; tokens of staff end when they expire."""
        user_id = identity.viewer.client_user_id
        if user_id is None:
            return True
        rows = await self._rows(identity.viewer.organization_id, _STATE, {"client_user_id": user_id})
        return bool(rows) and rows[0].state == InvitationState.ACTIVE

    async def newcomer(self, token: str) -> Newcomer:
        """Denied. Outage."""
        claims = await self.verified(token)
        is_staff = self._role_of(claims) is not None
        return Newcomer(self._organization_of(claims), self._settings.issuer, claims["sub"], is_staff)

    async def verified(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that this provider has signed for us, for now, whoever it speaks of. Denied. Outage."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Denied(Reason.MALFORMED)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError):
            raise Denied(Reason.MALFORMED) from None
        if header.get("alg") not in ALGORITHMS:
            raise Denied(Reason.ALGORITHM)
        key = await self._key(header.get("kid"))
        if key is None:
            raise Denied(Reason.KEY)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name] if key.algorithm_name in ALGORITHMS else [],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Denied(_reason_of(error)) from None
        except (RecursionError, OverflowError):
            raise Denied(Reason.CLAIMS) from None
        if not isinstance(claims["sub"], str) or not claims["sub"] or "\0" in claims["sub"]:
            raise Denied(Reason.CLAIMS)
        return claims

    async def stop(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self._http.aclose()

    def _organization_of(self, claims: Mapping[str, Any]) -> UUID:
        claimed = claims.get(self._settings.organization_claim)
        if claimed is None:
            return self._settings.organization_id
        try:
            return ids.decode(Kind.ORGANIZATION, claimed) if str(claimed).startswith("org_") else UUID(claimed)
        except (BadUserInput, ValueError, TypeError, AttributeError):
            raise Denied(Reason.CLAIMS) from None

    def _role_of(self, claims: Mapping[str, Any]) -> StaffRole | None:
        """Denied for several roles at once: which of them is meant nobody knows."""
        claimed = claims.get(self._settings.role_claim)
        given = claimed if isinstance(claimed, list) else [claimed]
        roles = {each for each in given if isinstance(each, str) and each in set(StaffRole)}
        if len(roles) > 1:
            raise Denied(Reason.CLAIMS)
        return StaffRole(roles.pop()) if roles else None

    async def _rows(self, organization_id: UUID, statement: Any, parameters: dict[str, Any]) -> Any:
        reader = Reader(self._engine, organization_id)
        reader.is_single = True
        try:
            return await reader.rows(statement, parameters)
        finally:
            await reader.close()

    async def _key(self, key_id: str | None) -> PyJWK | None:
        """The provider's key of this id; the only one where a token names none. Raises Unavailable where none is known at all."""
        if self._find(key_id) is None:
            async with self._fetching:
                # Whoever waited for the lock finds what was fetched meanwhile.
                if self._find(key_id) is None and self._may_fetch():
                    await self._fetch()
        elif time.monotonic() - self._fetched_at > self._keys_kept and self._may_fetch():
            # Nobody waits for what is only to be looked at again.
            self._tried_at = time.monotonic()
            self._refreshing = asyncio.create_task(self._fetch())
        if not self._keys:
            raise Unavailable("The provider of identities cannot be reached at the moment. Try again in a few seconds.")
        return self._find(key_id)

    def _find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _may_fetch(self) -> bool:
        return time.monotonic() - self._tried_at >= self._fetch_again_after

    async def _fetch(self) -> None:
        """What was known stays known while the provider is away."""
        self._tried_at = time.monotonic()
        try:
            async with asyncio.timeout(FETCH_MAX):
                discovered = await self._get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                published = await self._get(_keys_url(discovered, self._settings.issuer))
            keys = {each.key_id: each for each in map(_key_of, published["keys"]) if each is not None}
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, KeyError, TypeError) as problem:
            log.warning("the keys of the provider of identities were not fetched", problem=f"{type(problem).__name__}: {problem}")
            return
        if not keys:
            log.warning("the provider of identities publishes no key that is taken here")
            return
        self._keys = keys
        self._fetched_at = time.monotonic()

    async def _get(self, url: str) -> dict[str, Any]:
        """Raises ValueError for what is no object of JSON, or too long."""
        async with self._http.stream("GET", url, headers={"accept": "application/json"}) as response:
            response.raise_for_status()
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > BYTES_MAX:
                    raise ValueError("its answer is too long")
        read = httpx.Response(200, content=bytes(content)).json()
        if not isinstance(read, dict):
            raise ValueError("its answer is no object")  # noqa: TRY004 (it is the provider's, not a caller's)
        return read


def _keys_url(discovered: dict[str, Any], issuer: str) -> str:
    """Where the keys are. ValueError where another issuer answers (Discovery 1.0, 4.3), and for an address whose answer anybody
    on the way could change; on this machine there is nobody on the way.
    """
    if discovered.get("issuer") != issuer:
        raise ValueError("it says that it is another issuer")
    url = httpx.URL(discovered["jwks_uri"])
    if url.scheme != "https" and not (url.scheme == "http" and url.host in {"127.0.0.1", "::1", "localhost"}):
        raise ValueError(f"{url} does not begin with https://")
    return str(url)


def _key_of(published: Any) -> PyJWK | None:
    """None for a key that is not for signatures, whose algorithm is not taken, or that is no secret any more."""
    try:
        if "d" in published:
            return None
        key = PyJWK(published)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_taken = key.algorithm_name in ALGORITHMS and key.public_key_use in {None, "sig"}
    return key if is_taken else None


def _name_in(claims: Mapping[str, Any]) -> str:
    """As changes are recorded."""
    for claim in ("name", "email", "sub"):
        if isinstance(name := claims.get(claim), str) and name.strip() and "\0" not in name:
            return name.strip()[:200]
    raise Denied(Reason.CLAIMS)


def _reason_of(error: jwt.PyJWTError) -> Reason:
    for kind, reason in (
        (jwt.ExpiredSignatureError, Reason.EXPIRED),
        (jwt.ImmatureSignatureError, Reason.NOT_YET_VALID),
        (jwt.InvalidIssuerError, Reason.ISSUER),
        (jwt.InvalidAudienceError, Reason.AUDIENCE),
        (jwt.InvalidAlgorithmError, Reason.ALGORITHM),
        (jwt.InvalidSignatureError, Reason.SIGNATURE),
        (jwt.InvalidTokenError, Reason.CLAIMS),
    ):
        if isinstance(error, kind):
            return reason
    return Reason.MALFORMED
