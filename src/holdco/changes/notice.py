"""What a transaction changed, and the short text by which Postgres tells of it.

NOTIFY is part of the transaction: it is sent when that commits, and never when it does not. Its price: Postgres lets those who
notify commit one after the other in a whole server, so there is one notice for a transaction and none where nothing changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

import orjson

CHANNEL = "holdco_changes"
# Postgres takes a payload of fewer than 8,000 bytes.
PAYLOAD_BYTES_MAX = 7_999
# More ids than a payload can hold: what comes after them need not be remembered.
IDS_MAX = 250


class Topic(StrEnum):
    """What can be subscribed to. The values stand in payloads."""

    CUSTOMER = "c"
    INVOICE = "i"
    ALLOCATION = "a"
    # By the job's own id, and always named: its watchers watch one job.
    JOB = "j"


@dataclass(frozen=True, slots=True)
class Notice:
    """What was changed in one transaction: ids by the customer on whose account it was. None: more than can be named."""

    organization_id: UUID
    topics: Mapping[Topic, Mapping[UUID, Sequence[UUID]] | None]

    @property
    def customer_ids(self) -> set[UUID]:
        of_customers = (by_customer for topic, by_customer in self.topics.items() if topic is not Topic.JOB)
        return {key for by_customer in of_customers for key in by_customer or ()}


@dataclass(slots=True)
class Changes:
    """Collects what a transaction changes, each thing once, and in bounded memory."""

    _ids: dict[Topic, dict[UUID, dict[UUID, None]]] = field(default_factory=dict)
    _count: int = 0

    def add(self, topic: Topic, customer_id: UUID, changed_id: UUID) -> None:
        """A change of something that belongs to the customer, or to one of several customers."""
        by_customer = self._ids.setdefault(topic, {})
        if self._count < IDS_MAX or topic is Topic.JOB:
            by_customer.setdefault(customer_id, {})[changed_id] = None
            self._count += 1

    def add_everything(self) -> None:
        """More than anybody could name, as an import brings it."""
        self._ids = {topic: {} for topic in Topic}
        self._count = IDS_MAX

    def payload(self, organization_id: UUID) -> str | None:
        """None when nothing changed. Too many ids are left out: then it only says that there are changes of these topics."""
        if not self._ids:
            return None
        named = {
            topic.value: {customer.hex: [each.hex for each in changed] for customer, changed in by_customer.items()}
            for topic, by_customer in self._ids.items()
        }
        written = orjson.dumps({"o": organization_id.hex, **named})
        if self._count >= IDS_MAX or len(written) > PAYLOAD_BYTES_MAX:
            jobs = {topic: by_job for topic, by_job in named.items() if topic == Topic.JOB.value}
            written = orjson.dumps({"o": organization_id.hex, **dict.fromkeys(named), **jobs})
        return written.decode()


def read(payload: str) -> Notice:
    """ValueError or KeyError for what `Changes` has not written."""
    content = orjson.loads(payload)
    organization_id = UUID(content.pop("o"))
    topics: dict[Topic, Mapping[UUID, Sequence[UUID]] | None] = {}
    for name, by_customer in content.items():
        topics[Topic(name)] = (
            None
            if by_customer is None
            else {UUID(customer): [UUID(each) for each in changed] for customer, changed in by_customer.items()}
        )
    return Notice(organization_id, topics)
