"""What a subscriber has not taken yet stays small, whatever happens meanwhile."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from holdco.changes.hub import PENDING_MAX, Event, Hub
from holdco.changes.notice import IDS_MAX, PAYLOAD_BYTES_MAX, Changes, Notice, Topic, read
from holdco.scopes import CustomerScope

ORGANIZATION = uuid4()
CUSTOMER = uuid4()


def changed(*keys: UUID) -> Notice:
    return Notice(ORGANIZATION, {Topic.INVOICE: {CUSTOMER: keys}})


async def test_what_was_not_taken_yet_becomes_one_event() -> None:
    hub = Hub()
    subscriber = hub.subscribe(ORGANIZATION, Topic.INVOICE, CUSTOMER, CustomerScope.SELF)
    one, other = uuid4(), uuid4()
    for notice in (changed(one), changed(other), changed(one)):
        hub.deliver(notice, None)
    assert await anext(subscriber) == Event((one, other), is_refetch=False, number=3)


async def test_a_subscriber_that_falls_behind_is_told_to_refetch_once_and_then_goes_on() -> None:
    hub = Hub()
    subscriber = hub.subscribe(ORGANIZATION, Topic.INVOICE, CUSTOMER, CustomerScope.SELF)
    for _ in range(10 * PENDING_MAX):
        hub.deliver(changed(uuid4()), None)
    assert await anext(subscriber) == Event((), is_refetch=True, number=10 * PENDING_MAX)
    later = uuid4()
    hub.deliver(changed(later), None)
    assert await anext(subscriber) == Event((later,), is_refetch=False, number=10 * PENDING_MAX + 1)


async def test_a_subscription_that_is_closed_ends_and_is_forgotten() -> None:
    hub = Hub()
    subscriber = hub.subscribe(ORGANIZATION, Topic.INVOICE, CUSTOMER, CustomerScope.SELF)
    hub.deliver(changed(uuid4()), None)
    hub.close()
    with pytest.raises(StopAsyncIteration):
        await anext(subscriber)
    assert hub.subscriber_count == 0
    with pytest.raises(StopAsyncIteration):
        await anext(hub.subscribe(ORGANIZATION, Topic.INVOICE, CUSTOMER, CustomerScope.SELF))
    assert hub.subscriber_count == 0


async def test_events_are_the_same_only_if_they_end_with_the_same_notice() -> None:
    hub = Hub()
    prompt, late = (hub.subscribe(ORGANIZATION, Topic.INVOICE, CUSTOMER, CustomerScope.SELF) for _ in range(2))
    one = uuid4()
    hub.deliver(changed(one), None)
    first = await anext(prompt)
    hub.deliver(changed(one), None)
    second = await anext(late)
    assert (first.ids, second.ids) == ((one,), (one,))
    assert first != second == await anext(prompt)


def test_a_notice_is_read_as_it_was_written() -> None:
    changes = Changes()
    invoice, allocation = uuid4(), uuid4()
    changes.add(Topic.INVOICE, CUSTOMER, invoice)
    changes.add(Topic.INVOICE, CUSTOMER, invoice)
    changes.add(Topic.ALLOCATION, CUSTOMER, allocation)
    payload = changes.payload(ORGANIZATION)
    assert payload is not None
    assert read(payload) == Notice(
        ORGANIZATION, {Topic.INVOICE: {CUSTOMER: [invoice]}, Topic.ALLOCATION: {CUSTOMER: [allocation]}}
    )


def test_a_transaction_that_changes_nothing_says_nothing() -> None:
    assert Changes().payload(ORGANIZATION) is None


@pytest.mark.parametrize("count", [1, 50, 100, 110, 120, 200, IDS_MAX - 1, IDS_MAX, 10_000])
def test_a_payload_fits_and_names_everything_or_nothing(count: int) -> None:
    changes = Changes()
    for _ in range(count):
        changes.add(Topic.INVOICE, uuid4(), uuid4())
    payload = changes.payload(ORGANIZATION)
    assert payload is not None
    assert len(payload.encode()) <= PAYLOAD_BYTES_MAX
    named = read(payload).topics[Topic.INVOICE]
    assert named is None or len(named) == count
    assert (named is None) == (count > 110)


def test_a_job_is_named_however_many_customers_it_has_changed() -> None:
    changes = Changes()
    for _ in range(2 * IDS_MAX):
        customer = uuid4()
        changes.add(Topic.CUSTOMER, customer, customer)
    job = uuid4()
    changes.add(Topic.JOB, job, job)
    payload = changes.payload(ORGANIZATION)
    assert payload is not None
    notice = read(payload)
    assert notice.topics == {Topic.CUSTOMER: None, Topic.JOB: {job: [job]}}
    assert notice.customer_ids == set()
