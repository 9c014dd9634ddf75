"""Who asks, as the transports need to know it: before anything else of a request is read, and as long as it stays open.

A token comes as `Authorization: Bearer …` (RFC 6750, 2.1), over a WebSocket in the payload of connection_init. What is wrong with
one is never told: the answer is the same for all, and takes as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import HTTPConnection

from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.errors import Unauthenticated
from holdco.viewer import Viewer

# RFC 6750, 3: with or without a token, so that it tells nothing of it.
CHALLENGE: Final = {"www-authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose token was good. `expires_at` is in seconds since 1970; `key` is by whom requests are counted."""

    viewer: Viewer
    key: Hashable
    expires_at: float = float("inf")


class Authentication(Protocol):
    """Lets in who shows a good token (`holdco.authentication`)."""

    async def identify(self, authorization: str | None, address: str) -> Identity:
        """Of a value of the header Authorization. Raises RequestError: UNAUTHENTICATED, THROTTLED, SERVICE_UNAVAILABLE."""

    def count(self, identity: Identity) -> None:
        """One operation more. Raises RequestError with THROTTLED."""

    def watching(self, identity: Identity, ended: Callable[[], None]) -> AbstractContextManager[None]:
        """Calls `ended`, once, when the token expires or is revoked inside the block."""


def refused() -> RequestError:
    return RequestError(ErrorCode.UNAUTHENTICATED, str(Unauthenticated()), headers=CHALLENGE)


def throttled(seconds: float) -> RequestError:
    """429 (RFC 6585, 4), unlike a server that has too much to do."""
    message = "You ask too often. Nothing was executed; try again after Retry-After."
    return RequestError(ErrorCode.THROTTLED, message, headers={"retry-after": str(max(1, round(seconds)))}, status=429)


def address_of(connection: HTTPConnection) -> str:
    """From where it comes, as the server knows it; a proxy that it trusts has told it the client's own."""
    return connection.client.host if connection.client is not None else ""


async def identify(authentication: Authentication, connection: HTTPConnection) -> Identity:
    """Who sends a request, which counts as one."""
    identity = await authentication.identify(connection.headers.get("authorization"), address_of(connection))
    authentication.count(identity)
    return identity


def authorization_in(payload: Mapping[str, Any], connection: HTTPConnection) -> str | None:
    """Of a WebSocket: {"Authorization": "Bearer …"}, {"token": "…"}, else the header of the handshake."""
    for name, value in payload.items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value
    token = payload.get("token")
    return f"Bearer {token}" if isinstance(token, str) else connection.headers.get("authorization")


async def until_ended(
    authentication: Authentication, identity: Identity, answers: AsyncGenerator[dict[str, Any], None]
) -> AsyncGenerator[dict[str, Any], None]:
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


async def _first(answers: AsyncGenerator[dict[str, Any], None], ended: asyncio.Future[Any]) -> dict[str, Any] | None:
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
