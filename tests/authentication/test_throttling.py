"""Who asks too often, or shows one wrong token after another, waits; others do not."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.test_access_tokens import assert_refused
from holdco.authentication.throttling import Throttle
from holdco.credentials import ACCESS_TOKEN, new
from holdco.viewer import StaffRole
from operations.serving import Server, served, settings_of
from stories import Story
from tokens import bearer, issue

NAME = {"query": "{ organization { name } }"}
CREATE = {"query": 'mutation { customerCreate(input: {name: "Mallory", kind: BUSINESS}) { customer { id } } }'}
TOO_OFTEN = {
    "errors": [
        {
            "message": "You ask too often. Nothing was executed; try again after Retry-After.",
            "extensions": {"code": "THROTTLED"},
        }
    ]
}


async def test_a_token_that_asks_too_often_waits_and_another_does_not(
    engine: AsyncEngine, story: Story, database_url: str
) -> None:
    """A rate of 1 a second, so 10 at once."""
    busy = bearer((await issue(engine, story.organization_id, role=StaffRole.ADMIN)).text)
    before = await story.everything()
    async with served(settings_of(database_url, story.organization_id, requests_per_second=1)) as server:
        answers = [await server.http.post("/graphql", json=NAME, headers=busy) for _ in range(10)]
        assert [answer.status_code for answer in answers] == [200] * 10
        refused = await server.http.post("/graphql", json=CREATE, headers=busy)
        assert (refused.status_code, refused.json(), refused.headers["retry-after"]) == (429, TOO_OFTEN, "1")
        assert (await server.ask("{ organization { name } }")).status_code == 200
    assert await story.everything() == before


async def test_an_address_that_guesses_waits_while_those_who_are_known_go_on(database_url: str, organization_id: UUID) -> None:
    settings = settings_of(database_url, organization_id, failed_tokens_per_minute=4)
    async with served(settings) as server:
        assert (await server.ask("{ organization { name } }")).status_code == 200
        for _ in range(4):
            assert_refused(await guess(server, organization_id))
        # Not even looked at any more, however right it may be.
        refused = await guess(server, organization_id)
        assert (refused.status_code, refused.json()) == (429, TOO_OFTEN)
        assert 1 <= int(refused.headers["retry-after"]) <= 15
        assert (await server.ask("{ organization { name } }")).status_code == 200
        # Who shows nothing has guessed nothing.
        async with httpx.AsyncClient(base_url=server.http.base_url) as http:
            assert_refused(await http.post("/graphql", json=NAME))
        assert await server.metric("holdco_authentication_failures_total", reason="throttled") >= 1


async def guess(server: Server, organization_id: UUID) -> httpx.Response:
    guessed = new(ACCESS_TOKEN, organization_id, organization_id).text
    return await server.http.post("/graphql", json=NAME, headers=bearer(guessed))


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
)
def test_no_more_than_the_burst_and_the_rate_get_through_and_no_fewer(rate: int, burst: int, pauses: list[float]) -> None:
    """Against a bucket that is counted by hand: full at first, filled at the rate, emptied by one for each that gets through."""
    time = 0.0
    throttle = Throttle(rate, burst, clock=lambda: time)
    bucket = float(burst)
    for pause in pauses:
        time += pause
        bucket = min(float(burst), bucket + pause * rate)
        if abs(bucket - 1) < 1e-6:
            # Too close to tell with floats: both would be right.
            return
        wait = throttle.take("somebody")
        assert (wait == 0) == (bucket > 1)
        if wait == 0:
            bucket -= 1
        else:
            assert wait == pytest.approx((1 - bucket) / rate)


def test_who_only_asks_how_long_to_wait_is_not_counted() -> None:
    throttle = Throttle(1, 2, clock=lambda: 0.0)
    assert [throttle.wait("somebody") for _ in range(10)] == [0] * 10
    assert [throttle.take("somebody") for _ in range(3)] == [0, 0, 1]
    assert (throttle.wait("somebody"), throttle.wait("somebody else")) == (1, 0)


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, 10, keys_max=100, clock=lambda: 0.0)
    for key in range(1_000):
        throttle.take(key)
    assert len(throttle._free_at) <= 100  # noqa: SLF001 (nothing else shows what is kept)
