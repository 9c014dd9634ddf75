"""Who may not ask any more, told at once to every process: tokens that were revoked, client users that were deactivated.

On a channel of its own: what may be asked by whom does not wait until events are handed out, and is never left out because there
is too much of it. Who did not listen for a while forgets what it knew and asks the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from uuid import UUID

CHANNEL = "holdco_revocations"
# 33 bytes each; Postgres takes a payload of fewer than 8,000 bytes.
IDS_MAX = 200

Told = Callable[[UUID, Collection[UUID]], None]


def payloads(organization_id: UUID, revoked: Collection[UUID]) -> Iterator[str]:
    """As many texts as it takes to name all of them."""
    listed = [each.hex for each in revoked]
    for start in range(0, len(listed), IDS_MAX):
        yield " ".join([organization_id.hex, *listed[start : start + IDS_MAX]])


def read(payload: str) -> tuple[UUID, list[UUID]]:
    """The organization, and the keys of tokens and client users. ValueError for what `payloads` has not written."""
    organization_id, *revoked = (UUID(each) for each in payload.split(" "))
    return organization_id, revoked


class Revocations:
    """Passes on, in this process, what was revoked.

    `is_listening` tells whether all that is revoked anywhere is heard here. When that begins or ends, everybody who watches is
    told that something may have been missed.
    """

    def __init__(self) -> None:
        self.is_listening = False
        self._watching: list[tuple[Told, Callable[[], None]]] = []

    def watch(self, told: Told, missed: Callable[[], None]) -> None:
        self._watching.append((told, missed))

    def tell(self, organization_id: UUID, revoked: Collection[UUID]) -> None:
        for told, _ in self._watching:
            told(organization_id, revoked)

    def listen(self, *, is_listening: bool) -> None:
        self.is_listening = is_listening
        for _, missed in self._watching:
            missed()
