"""What stays open on the strength of a token: sockets and streams, ended the moment that it is not good any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from holdco.endpoint.authentication import Identity
from holdco.errors import Outage

log = structlog.get_logger(__name__)

# Timers are set for no longer, and then set again: clocks are corrected meanwhile.
_TIMER_SECONDS: Final = 3600.0


@dataclass(eq=False, slots=True)
class Session:
    identity: Identity
    ended: Callable[[], None]
    timer: asyncio.TimerHandle | None = None


class Sessions:
    """`is_good` looks at an identity again, in the database."""

    def __init__(self, is_good: Callable[[Identity], Awaitable[bool]]) -> None:
        self._is_good = is_good
        self._open: set[Session] = set()
        self._checking: set[asyncio.Task[None]] = set()

    @contextmanager
    def opened(self, identity: Identity, ended: Callable[[], None]) -> Iterator[None]:
        """`ended` is called at most once, inside the block."""
        session = Session(identity, ended)
        self._open.add(session)
        self._wait(session)
        # Between the look that let it in and this moment it may have been revoked; from now on that is heard.
        self._begin(identity)
        try:
            yield
        finally:
            self._close(session)

    def end(self, organization_id: UUID, revoked: frozenset[UUID]) -> None:
        """Those of tokens and client users that may not ask any more."""
        for session in list(self._open):
            if session.identity.is_of(organization_id, revoked):
                self._end(session)

    def check(self) -> None:
        """Something may have been revoked that was not heard: looks at everybody who is there."""
        self._begin(*{session.identity.key: session.identity for session in self._open}.values())

    async def stop(self) -> None:
        for checking in self._checking:
            checking.cancel()
        await asyncio.gather(*self._checking, return_exceptions=True)

    def _begin(self, *identities: Identity) -> None:
        checking = asyncio.create_task(self._check(identities))
        self._checking.add(checking)
        checking.add_done_callback(self._checking.discard)

    async def _check(self, identities: Sequence[Identity]) -> None:
        for identity in identities:
            try:
                is_good = await self._is_good(identity)
            except Outage:
                # When the database is back, so is who listens, and looks again.
                return
            except Exception:
                log.exception("looking at a token again failed")
                is_good = False
            if not is_good:
                for session in [each for each in self._open if each.identity.key == identity.key]:
                    self._end(session)

    def _wait(self, session: Session) -> None:
        left = session.identity.expires_at - time.time()
        if left <= 0:
            self._end(session)
        elif left != float("inf"):
            loop = asyncio.get_running_loop()
            session.timer = loop.call_later(min(left, _TIMER_SECONDS), self._wait, session)

    def _end(self, session: Session) -> None:
        self._close(session)
        session.ended()

    def _close(self, session: Session) -> None:
        self._open.discard(session)
        if session.timer is not None:
            session.timer.cancel()
