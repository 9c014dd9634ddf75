"""From what a request shows to who asks: kept in memory where that is safe, checked where it is not, slowed where it fails."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Final, Protocol
from uuid import UUID

import structlog

from holdco.authentication.denials import Denied, Reason
from holdco.authentication.sessions import Sessions
from holdco.authentication.throttling import Throttle
from holdco.authentication.tokens import AccessTokens
from holdco.changes.revocations import Revocations
from holdco.endpoint.authentication import Identity, refused, throttled
from holdco.endpoint.errors import RequestError
from holdco.endpoint.operations import refusal_of
from holdco.errors import HoldcoError, Outage
from holdco.monitoring import metrics

log = structlog.get_logger(__name__)

# Seconds after which a token is looked at again, though nobody said that it was revoked: a connection may be dead that seems to
# listen.
KEPT_SECONDS: Final = 60.0
KEPT_MAX: Final = 10_000
# Requests that may come at once of what may come in a second.
BURST_SECONDS: Final = 10
# The more often an address fails the longer it waits for an answer, up to so many seconds; a few mistakes are anybody's.
SLOWEST_SECONDS: Final = 1.0
_MISTAKES: Final = 0.25
_IPV6_NETWORK: Final = 64

# Who showed something, and until when that can be relied on.
Known = tuple[Identity | None, float]
_NOBODY: Final[Known] = (None, 0.0)


class Provider(Protocol):
    """An OpenID Connect provider (`oidc`)."""

    async def identity(self, token: str) -> Identity: ...

    async def is_good(self, identity: Identity) -> bool: ...


class Authenticator:
    """Implements `endpoint.authentication.Authentication`. One for a process."""

    def __init__(
        self,
        tokens: AccessTokens,
        revocations: Revocations,
        *,
        provider: Provider | None = None,
        requests_per_second: int = 200,
        failures_per_minute: int = 30,
    ) -> None:
        self._tokens = tokens
        self._provider = provider
        self._revocations = revocations
        self._requests = Throttle(requests_per_second, requests_per_second * BURST_SECONDS)
        self._failures = Throttle(failures_per_minute / 60, failures_per_minute)
        # By the SHA-256 of what was shown: nothing secret stays in memory, and to compare digests tells nothing of it.
        self._known: dict[bytes, Known] = {}
        self._sessions = Sessions(self._is_good)
        # Counts what was revoked: what was looked up before is not kept after.
        self._generation = 0
        self._writing: set[asyncio.Task[None]] = set()
        revocations.watch(self._revoked, self._missed)

    def known(self, authorization: bytes) -> Identity | None:
        identity, until = self._known.get(hashlib.sha256(authorization).digest(), _NOBODY)
        if identity is None or not self._revocations.is_listening:
            return None
        return identity if until > time.monotonic() and identity.expires_at > time.time() else None

    async def identify(self, authorization: bytes | None, address: str) -> Identity:
        if authorization is None:
            self._note(Denied(Reason.MISSING), address)
            raise refused()
        return self.known(authorization) or await self._checked(authorization, address)

    def count(self, identity: Identity) -> None:
        if seconds := self._requests.take(identity.key):
            raise throttled(seconds)

    def watching(self, identity: Identity, ended: Callable[[], None]) -> AbstractContextManager[None]:
        return self._sessions.opened(identity, ended)

    @asynccontextmanager
    async def guarded(self, address: str, *, refusal: Callable[[], RequestError] = refused) -> AsyncIterator[None]:
        """Where something secret is checked. What is Denied inside is noted, counted, slowed, and answered by `refusal`; who
        failed too often is not even looked at. Raises RequestError: THROTTLED, the refusal, SERVICE_UNAVAILABLE.
        """
        network = _network(address)
        # Only what fails is counted: behind a proxy that nobody trusts, all the world has one address.
        if seconds := self._failures.wait(network):
            self._note(Denied(Reason.THROTTLED), network)
            raise throttled(seconds)
        try:
            yield
        except Denied as denied:
            self._note(denied, network)
            self._failures.take(network)
            await asyncio.sleep(SLOWEST_SECONDS * max(0.0, self._failures.fullness(network) - _MISTAKES))
            raise refusal() from None
        except Outage as outage:
            raise refusal_of(outage) from outage

    async def stop(self) -> None:
        """Ends with the process: what is still to be noted is."""
        await self._sessions.stop()
        await asyncio.gather(*self._writing)

    async def _checked(self, authorization: bytes, address: str) -> Identity:
        generation = self._generation
        async with self.guarded(address):
            identity = await self._identity(authorization.decode("latin-1"))
        digest = hashlib.sha256(authorization).digest()
        self._known.pop(digest, None)
        if self._revocations.is_listening and generation == self._generation:
            if len(self._known) >= KEPT_MAX:
                del self._known[next(iter(self._known))]
            self._known[digest] = identity, time.monotonic() + KEPT_SECONDS
        return identity

    async def _identity(self, authorization: str) -> Identity:
        """Denied. Outage."""
        token = token_in(authorization)
        if self._provider is not None and token.count(".") == 2:  # noqa: PLR2004 (RFC 7515, 3.1: three parts)
            return await self._provider.identity(token)
        identity, is_new_use = await self._tokens.identity(token)
        if is_new_use:
            writing = asyncio.create_task(self._note_use(identity.viewer.organization_id, identity.viewer.token_id))
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)
        return identity

    async def _note_use(self, organization_id: UUID, token_id: UUID | None) -> None:
        """Nobody waits for it, and nobody is refused because it failed."""
        assert token_id is not None
        try:
            await self._tokens.note_use(organization_id, [token_id])
        except HoldcoError as problem:
            log.warning("the use of a token was not noted", problem=str(problem))
        except Exception:
            log.exception("noting the use of a token failed")

    async def _is_good(self, identity: Identity) -> bool:
        """Whether somebody who was let in may stay."""
        viewer = identity.viewer
        if viewer.token_id is not None:
            return await self._tokens.is_good(viewer.organization_id, viewer.token_id)
        return self._provider is not None and await self._provider.is_good(identity)

    def _revoked(self, organization_id: UUID, revoked: Collection[UUID]) -> None:
        self._generation += 1
        gone = frozenset(revoked)
        self._known = {
            digest: known
            for digest, known in self._known.items()
            if known[0] is not None and not known[0].is_of(organization_id, gone)
        }
        self._sessions.end(organization_id, gone)

    def _missed(self) -> None:
        self._generation += 1
        self._known.clear()
        if self._revocations.is_listening:
            self._sessions.check()

    def _note(self, denied: Denied, address: str) -> None:
        metrics.AUTHENTICATION_FAILURES.labels(denied.reason.value).inc()
        named = {"token": denied.token_id.hex} if denied.token_id is not None else {}
        log.warning("nobody was let in", reason=denied.reason.value, address=address, **named)


def token_in(authorization: str) -> str:
    """What the header shows. Denied for another scheme."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Denied(Reason.MALFORMED)
    return token.strip(" ")


def _network(address: str) -> str:
    """Whoever has one IPv6 address has 2^64 of them (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False)) if found.version == 6 else address  # noqa: PLR2004
