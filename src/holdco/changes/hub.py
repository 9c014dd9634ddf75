"""Hands what has changed to those who subscribed to it in this process.

Nobody has a queue. What a subscriber has not taken yet is one event that grows by what comes after it; when it names too
much, it names nothing any more and tells to fetch everything again. So memory is bounded, and who is slow is told the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from holdco.changes.notice import Notice, Topic
from holdco.changes.revocations import Revocations
from holdco.scopes import CustomerScope

# Ids in an event that was not taken yet; more are not worth looking up one by one.
PENDING_MAX = 500

Place = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Event:
    """What changed since the event before. `is_refetch`: more than is named, so that everything has to be read again.

    `number` tells which notice was its last: what was read for an event holds for another only if both tell the same, and
    neither of them anything later.
    """

    ids: tuple[UUID, ...]
    is_refetch: bool
    number: int


class Subscriber:
    """An asynchronous iterator of events, which ends when it is closed."""

    def __init__(self, hub: Hub, organization_id: UUID, topic: Topic, customer_id: UUID, scope: CustomerScope) -> None:
        self.organization_id = organization_id
        self.topic = topic
        self.customer_id = customer_id
        self.scope = scope
        self.hub = hub
        self._pending: dict[UUID, None] = {}
        self._is_refetch = False
        self._number = 0
        self._is_closed = False
        self._changed = asyncio.Event()

    def reaches(self, depth: int) -> bool:
        """Whether a customer that stands so far below the one that is watched is in the scope."""
        if self.scope is CustomerScope.SUBTREE:
            return True
        return depth == (0 if self.scope is CustomerScope.SELF else 1)

    def offer(self, changed_ids: Mapping[UUID, None]) -> None:
        if not self._is_refetch:
            self._pending.update(changed_ids)
            if len(self._pending) > PENDING_MAX:
                self.refetch()
        self._number = self.hub.number
        self._changed.set()

    def refetch(self) -> None:
        self._pending.clear()
        self._is_refetch = True
        self._number = self.hub.number
        self._changed.set()

    def __aiter__(self) -> Subscriber:
        return self

    async def __anext__(self) -> Event:
        await self._changed.wait()
        if self._is_closed:
            raise StopAsyncIteration
        event = Event(tuple(self._pending), self._is_refetch, self._number)
        self._pending.clear()
        self._is_refetch = False
        self._changed.clear()
        return event

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        self.hub.remove(self)
        self._is_closed = True
        self._changed.set()


class Hub:
    """The subscribers of a process, found by the customer that they watch. `number` counts what they were told.

    `looking` is for who looks at what an event names before it is told: few do so at a time.
    """

    def __init__(self) -> None:
        self.number = 0
        # A commit that thousands subscribed to must not hold all connections of the process.
        self.looking = asyncio.Semaphore(2)
        self._is_closed = False
        self._watching: dict[tuple[UUID, Topic, UUID], dict[Subscriber, None]] = {}
        self.revocations = Revocations()
        # Set when there may be work (`work.py`); whoever looks for it clears it first.
        self.work = asyncio.Event()

    @property
    def subscriber_count(self) -> int:
        return sum(map(len, self._watching.values()))

    def subscribe(self, organization_id: UUID, topic: Topic, customer_id: UUID, scope: CustomerScope) -> Subscriber:
        """From now on; the caller closes it. Where all have ended it ends at once."""
        subscriber = Subscriber(self, organization_id, topic, customer_id, scope)
        if self._is_closed:
            subscriber.close()
            return subscriber
        self._watching.setdefault((organization_id, topic, customer_id), {})[subscriber] = None
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        place = (subscriber.organization_id, subscriber.topic, subscriber.customer_id)
        watching = self._watching.get(place, {})
        watching.pop(subscriber, None)
        if not watching:
            self._watching.pop(place, None)

    def needs_places(self, notice: Notice) -> bool:
        """Whether somebody watches more than a customer alone, so that it matters below whom a changed one stands."""
        return any(
            subscriber.scope is not CustomerScope.SELF
            for topic, by_customer in notice.topics.items()
            if by_customer
            for subscriber in self._of(notice.organization_id, topic)
        )

    def deliver(self, notice: Notice, places: Mapping[UUID, Sequence[Place]] | None) -> None:
        """`places` has each changed customer's ancestors, itself included, with their distance; None where nobody asks.

        A customer without any was deleted. Below whom it stood nobody knows, so all who watch more than one are told.
        """
        self.number += 1
        found: dict[Subscriber, dict[UUID, None]] = {}
        for topic, by_customer in notice.topics.items():
            if by_customer is None:
                self._tell(notice.organization_id, topic)
                continue
            for customer_id, changed in by_customer.items():
                above = places.get(customer_id) if places is not None else None
                if above is None:
                    above = [(customer_id, 0)]
                    if places is not None:
                        self._tell(notice.organization_id, topic, is_wide=True)
                for ancestor_id, depth in above:
                    for subscriber in self._watching.get((notice.organization_id, topic, ancestor_id), ()):
                        if subscriber.reaches(depth):
                            found.setdefault(subscriber, {}).update(dict.fromkeys(changed))
        for subscriber, changed_ids in found.items():
            subscriber.offer(changed_ids)

    def refetch(self) -> None:
        """Everybody: nobody knows what went unheard."""
        self.number += 1
        for watching in self._watching.values():
            for subscriber in watching:
                subscriber.refetch()

    def close(self) -> None:
        """Ends all subscriptions, and those to come."""
        self._is_closed = True
        for watching in list(self._watching.values()):
            for subscriber in list(watching):
                subscriber.close()

    def _tell(self, organization_id: UUID, topic: Topic, *, is_wide: bool = False) -> None:
        for subscriber in self._of(organization_id, topic):
            if not is_wide or subscriber.scope is not CustomerScope.SELF:
                subscriber.refetch()

    def _of(self, organization_id: UUID, topic: Topic) -> Iterator[Subscriber]:
        for (of_organization, of_topic, _), watching in self._watching.items():
            if of_organization == organization_id and of_topic is topic:
                yield from watching
