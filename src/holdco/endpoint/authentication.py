"""Who asks, as the transports need to know it: before anything else of a request is read, and as long as it stays open.

A token comes as `Authorization: Bearer …` (RFC 6750, 2.1), over a WebSocket in the payload of connection_init. What is wrong with
one is never told: the answer is the same for all, and takes as long.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from starlette.requests import HTTPConnection

from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.endpoint.response import Answer
from holdco.errors import Unauthenticated
from holdco.viewer import Viewer

# RFC 6750, 3: with or without a token, so that it tells nothing of it.
CHALLENGE: Final = {"www-authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose token was good. `expires_at` is in seconds since 1970; by `key` requests are counted."""

    viewer: Viewer
    key: str
    expires_at: float = float("inf")

    def is_of(self, organization_id: UUID, revoked: Collection[UUID]) -> bool:
        """Whether it is one of these tokens, or one of these client users."""
        viewer = self.viewer
        return viewer.organization_id == organization_id and (viewer.token_id in revoked or viewer.client_user_id in revoked)


class Authentication(Protocol):
    """Lets in who shows a good token (`holdco.authentication`)."""

    def known(self, authorization: bytes) -> Identity | None:
        """Who showed this before, where that can still be relied on. `authorization` is a value of the header of this name."""

    async def identify(self, authorization: bytes | None, address: str) -> Identity:
        """Raises RequestError: UNAUTHENTICATED, THROTTLED, SERVICE_UNAVAILABLE."""

    def count(self, identity: Identity) -> None:
        """One operation more. Raises RequestError with THROTTLED."""

    def watching(self, identity: Identity, ended: Callable[[], None]) -> AbstractContextManager[None]:
        """Calls `ended`, once, when the token expires or is revoked inside the block."""


def refused() -> RequestError:
    return RequestError(ErrorCode.UNAUTHENTICATED, str(Unauthenticated()), headers=CHALLENGE)


def throttled(seconds: float) -> RequestError:
    """429 (RFC 6585, 4), unlike a server that has too much to do."""
    message = "You ask too often. Nothing was executed; try again after Retry-After."
    return RequestError(ErrorCode.THROTTLED, message, headers={"retry-after": str(math.ceil(seconds))}, status=429)


def address_of(connection: HTTPConnection) -> str:
    """From where it comes, as the server knows it; a proxy that it trusts has told it the client's own."""
    return connection.client.host if connection.client is not None else ""


async def identify(authentication: Authentication, connection: HTTPConnection) -> Identity:
    """Who sends a request, which counts as one; from now on its `user`, as Starlette calls it.

    The bytes of the header are looked for once, and whoever is known need not be waited for: small queries feel microseconds.
    """
    authorization = _authorization(connection)
    identity = authentication.known(authorization) if authorization is not None else None
    if identity is None:
        identity = await authentication.identify(authorization, address_of(connection))
    authentication.count(identity)
    connection.scope["user"] = identity
    return identity


def _authorization(connection: HTTPConnection) -> bytes | None:
    for name, value in connection.scope["headers"]:
        if name == b"authorization":
            found: bytes = value
            return found
    return None


def authorization_in(payload: Mapping[str, Any], connection: HTTPConnection) -> bytes | None:
    """Of a WebSocket: {"Authorization": "Bearer …"}, {"token": "…"}, else the header of the handshake."""
    for name, value in payload.items():
        if name.lower() == "authorization" and isinstance(value, str):
            return _bytes(value)
    token = payload.get("token")
    return _bytes(f"Bearer {token}") if isinstance(token, str) else _authorization(connection)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


async def until_ended(
    authentication: Authentication, identity: Identity, answers: AsyncGenerator[Answer, None]
) -> AsyncGenerator[Answer, None]:
    """What is answered as long as the token is good. Then RequestError with UNAUTHENTICATED, whatever is still to come."""
    ending = asyncio.Event()
    ended = asyncio.ensure_future(ending.wait())
    try:
        with authentication.watching(identity, ending.set):
            async with aclosing(answers):
                while (answer := await _first(answers, ended)) is not None:
                    yield answer
    finally:
        ended.cancel()


async def _first(answers: AsyncGenerator[Answer, None], ended: asyncio.Future[Any]) -> Answer | None:
    """The next answer; None after the last."""
    upcoming = asyncio.ensure_future(anext(answers, None))
    try:
        await asyncio.wait({upcoming, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not upcoming.done():
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
    if ended.done():
        raise refused()
    return upcoming.result()
