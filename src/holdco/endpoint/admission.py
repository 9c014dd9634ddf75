"""How many operations a process runs at once, and what becomes of the others.

Without a bound a burst would be a crowd of half-done operations that all hold memory and answer too late. So a few wait, not
for long, and the rest are told at once to come again. The answer is 503 with Retry-After (RFC 9110, 15.6.4: overload) and not
429 (RFC 6585, 4), which would say that this client has sent too much; it may be the first request of its life.
"""

from __future__ import annotations

import asyncio
from collections import deque

from holdco.endpoint.errors import ErrorCode, RequestError

RETRY_AFTER_SECONDS = 1


class Admission:
    """`running` operations are at most `running_max`; up to `waiting_max` more wait for up to `wait_seconds` in order."""

    def __init__(self, *, running_max: int = 100, waiting_max: int = 200, wait_seconds: float = 5) -> None:
        self._running_max = running_max
        self._waiting_max = waiting_max
        self._wait_seconds = wait_seconds
        self._queue: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def enter(self) -> None:
        """Raises RequestError with THROTTLED. Who has entered must `leave`."""
        if self.running < self._running_max:
            self.running += 1
            return
        if len(self._queue) >= self._waiting_max:
            raise _throttled("Too many operations are under way and waiting.")
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await place
        except TimeoutError:
            self._give_up(place)
            raise _throttled(f"Too many operations are under way: this one waited for {self._wait_seconds:g} seconds.") from None
        except asyncio.CancelledError:
            self._give_up(place)
            raise

    def leave(self) -> None:
        """The place of an operation that has ended is the next one's."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.running -= 1

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if place in self._queue:
            self._queue.remove(place)
        elif not place.cancelled():
            # It was given in the very moment in which the waiting ended.
            self.leave()


def _throttled(message: str) -> RequestError:
    return RequestError(
        ErrorCode.THROTTLED,
        f"{message} Send it again in {RETRY_AFTER_SECONDS} second or later.",
        headers={"retry-after": str(RETRY_AFTER_SECONDS)},
    )
