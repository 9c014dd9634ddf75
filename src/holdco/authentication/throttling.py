"""How often somebody may do something: so many at once, and from then on so many a second (GCRA, ITU-T I.371).

One number per key: the moment when all of its room is free again. Memory of one process; where several serve, each allows as
much. That is sound: a limit is there so that one client cannot take a process from the others, and a secret of 256 bits is not
guessed N times sooner. One number shared by all would cost each request a round trip.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

KEYS_MAX: Final = 100_000


class Throttle:
    """`per_second` is the rate that may go on for ever, `burst` how many there may be at once."""

    def __init__(
        self, per_second: float, burst: float, *, keys_max: int = KEYS_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / per_second
        self._tolerance = (burst - 1) / per_second
        self._keys_max = keys_max
        self._clock = clock
        self._free_at: dict[Hashable, float] = {}

    def take(self, key: Hashable) -> float:
        """0, and counted; or how many seconds from now there will be room, and not counted."""
        now = self._clock()
        free_at = self._free_at.get(key, now)
        if free_at < now:
            free_at = now
        elif free_at - now > self._tolerance:
            return free_at - now - self._tolerance
        self._free_at[key] = free_at + self._interval
        if len(self._free_at) > self._keys_max:
            self._forget(now)
        return 0.0

    def wait(self, key: Hashable) -> float:
        """As `take`, but nothing is counted."""
        return max(0.0, self._free_at.get(key, 0.0) - self._clock() - self._tolerance)

    def fullness(self, key: Hashable) -> float:
        """From 0, when nothing was taken, to about 1, when the burst is used up."""
        taken = self._free_at.get(key, 0.0) - self._clock()
        return max(0.0, taken / (self._tolerance + self._interval))

    def _forget(self, now: float) -> None:
        """Those that have all their room again; and when there are too many others, those that were first."""
        self._free_at = {key: free_at for key, free_at in self._free_at.items() if free_at > now}
        for key in list(self._free_at)[: max(0, len(self._free_at) - self._keys_max // 2)]:
            del self._free_at[key]
