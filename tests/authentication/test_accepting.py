"""Who has only an invitation gets in with it, once: by a token of its own, or as the subject of an OpenID Connect provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.provider import AUDIENCE, Provider, running
from authentication.test_access_tokens import REFUSED, ask, assert_refused
from directly import directly
from holdco.authentication.accepting import BODY_BYTES_MAX
from holdco.client_users import invitations
from operations.serving import Server, served, settings_of
from stories import Story
from subscriptions.conftest import serving
from tokens import bearer

PATH = "/invitations/accept"
VIEWER = "{ viewer { kind name customers { role customer { number } } } }"
CHANGES = "subscription ($id: ID!) { customerChanged(customerId: $id) { customerIds } }"
NOT_VALID = {
    "errors": [
        {
            "message": "This invitation is not valid. Ask whoever sent it for a new one.",
            "extensions": {"code": "INVITATION_NOT_VALID"},
        }
    ]
}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running() as made:
        yield made


@pytest.fixture
async def server(provider: Provider, database_url: str, organization_id: UUID) -> AsyncIterator[Server]:
    settings = settings_of(
        database_url,
        organization_id,
        oidc_issuer=provider.issuer,
        oidc_audience=AUDIENCE,
        origins=("https://app.example",),
    )
    async with served(settings) as made:
        yield made


async def accept(at: httpx.AsyncClient, invitation: Any, **headers: str) -> httpx.Response:
    """As somebody who shows no other token than these headers have."""
    async with httpx.AsyncClient(base_url=at.base_url) as http:
        return await http.post(PATH, json={"invitation": invitation}, headers=headers)


def assert_not_valid(response: httpx.Response) -> None:
    assert (response.status_code, response.json()) == (403, NOT_VALID)


async def test_an_invitation_is_exchanged_for_a_token_that_ends_with_its_client_user(
    database_url: str, organization_id: UUID, engine: AsyncEngine, story: Story
) -> None:
    aldgate = await story.customer("Aldgate", number="ALD")
    await story.customer("Castell", number="CAS")
    key, secret = await story.invited("Priya Raman", "priya@aldgate.example", aldgate, role="PAYER")
    async with serving(database_url, organization_id, engine) as server:
        accepted = await accept(server.http, secret)
        token = accepted.json().pop("token")
        assert accepted.status_code == 200
        assert accepted.headers["cache-control"] == "no-store"
        user = {"id": key, "name": "Priya Raman", "email": "priya@aldgate.example"}
        assert accepted.json() == {"token": token, "clientUser": user}
        shown = {"kind": "CLIENT_USER", "name": "Priya Raman", "customers": [{"role": "PAYER", "customer": {"number": "ALD"}}]}
        seen = await server.http.post("/graphql", json={"query": VIEWER}, headers=bearer(token))
        assert seen.json() == {"data": {"viewer": shown}}
        seen = await server.http.post("/graphql", json={"query": "{ customers { nodes { number } } }"}, headers=bearer(token))
        assert seen.json() == {"data": {"customers": {"nodes": [{"number": "ALD"}]}}}
        assert_not_valid(await accept(server.http, secret))

        subscription = {"query": CHANGES, "variables": {"id": aldgate}}
        stream = {"accept": "text/event-stream", **bearer(token)}
        async with server.http.stream("POST", "/graphql", json=subscription, headers=stream) as events:
            await server.until_subscribed()
            await story.do("clientUserDeactivate", id=key)
            lines = [line async for line in events.aiter_lines() if line and not line.startswith(":")]
        assert orjson.loads(lines[-3].removeprefix("data: ")) == REFUSED
        assert lines[-2:] == ["event: complete", "data:"]
        assert_refused(await server.http.post("/graphql", json={"query": VIEWER}, headers=bearer(token)))

        # Who comes back gets a new token; the old one stays revoked.
        await story.do("clientUserReactivate", id=key)
        assert_refused(await server.http.post("/graphql", json={"query": VIEWER}, headers=bearer(token)))
        again = (await story.do("clientUserReinvite", id=key))["invitation"]["secret"]
        token = (await accept(server.http, again)).json()["token"]
        seen = await server.http.post("/graphql", json={"query": VIEWER}, headers=bearer(token))
        assert seen.json() == {"data": {"viewer": shown}}


async def test_an_invitation_binds_the_subject_of_a_provider(server: Server, provider: Provider, story: Story) -> None:
    aldgate = await story.customer("Aldgate", number="ALD")
    key, secret = await story.invited("Priya Raman", "priya@aldgate.example", aldgate)
    priya = bearer(provider.token(sub="priya"))
    assert_refused(await ask(server, priya["authorization"], VIEWER))
    accepted = await accept(server.http, secret, **priya)
    user = {"id": key, "name": "Priya Raman", "email": "priya@aldgate.example"}
    assert (accepted.status_code, accepted.json()) == (200, {"clientUser": user})
    shown = {"kind": "CLIENT_USER", "name": "Priya Raman", "customers": [{"role": "VIEWER", "customer": {"number": "ALD"}}]}
    assert (await ask(server, priya["authorization"], VIEWER)).json() == {"data": {"viewer": shown}}

    # Nothing of another invitation is used up by who cannot accept it.
    _, other = await story.invited("Gwen Pryce", "gwen@aldgate.example", aldgate)
    before = await story.everything()
    taken = await accept(server.http, other, **priya)
    assert (taken.status_code, taken.json()["errors"][0]["extensions"]["code"]) == (409, "IDENTITY_TAKEN")
    staff = await accept(server.http, other, **bearer(provider.token(sub="dana", holdco_role="BILLING")))
    assert (staff.status_code, staff.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert_not_valid(await accept(server.http, other, **bearer(provider.token(sub="gwen", holdco_organization=str(uuid4())))))
    for shown_besides in ("Bearer word", "Basic x", f"Bearer {provider.token(sub='gwen', aud='another')}"):
        assert_refused(await accept(server.http, other, authorization=shown_besides))
    assert await story.everything() == before
    assert (await accept(server.http, other, **bearer(provider.token(sub="gwen")))).status_code == 200

    await story.do("clientUserDeactivate", id=key)
    assert_refused(await ask(server, priya["authorization"], VIEWER))


async def test_every_fault_of_an_invitation_has_the_same_answer(
    server: Server, story: Story, engine: AsyncEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    aldgate = await story.customer("Aldgate")
    _, expired = await story.invited("Priya Raman", "priya@aldgate.example", aldgate)
    async with directly(engine, story.organization_id) as connection:
        past = "update invitations set created_at = '2020-01-01', expires_at = '2020-01-02' where organization_id = :id"
        await connection.execute(text(past), {"id": story.organization_id})
    gwen, revoked = await story.invited("Gwen Pryce", "gwen@aldgate.example", aldgate)
    await story.do("clientUserReinvite", id=gwen)
    _, good = await story.invited("Tom Ashdown", "tom@aldgate.example", aldgate)
    right = invitations.read(good)
    wrong = {
        "expired": expired,
        "revoked": revoked,
        "wrong secret": invitations.written(right._replace(secret=bytes(32))),
        "unknown": invitations.written(right._replace(invitation_id=uuid4())),
        "of no organization": invitations.written(right._replace(organization_id=uuid4())),
        "too short": good[:-4],
        "too long": f"{good}AAAA",
        "without its prefix": good.removeprefix("hci_"),
        "empty": "",
        "no letters of ours": "hci_\N{SNOWMAN}",
    }
    before = await story.everything()
    counted = await server.metric("holdco_authentication_failures_total", reason="invitation")
    for invitation in wrong.values():
        assert_not_valid(await accept(server.http, invitation))
    assert await story.everything() == before
    assert await server.metric("holdco_authentication_failures_total", reason="invitation") == counted + len(wrong)
    logged = "".join(capfd.readouterr())
    assert not any(invitation in logged for invitation in wrong.values() if invitation)
    assert (await accept(server.http, good)).status_code == 200
    assert_not_valid(await accept(server.http, good))


async def test_of_two_who_show_an_invitation_at_once_one_gets_a_token(server: Server, story: Story) -> None:
    aldgate = await story.customer("Aldgate")
    _, secret = await story.invited("Priya Raman", "priya@aldgate.example", aldgate)
    answers = await asyncio.gather(*(accept(server.http, secret) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
    assert [answer.json() for answer in answers if answer.status_code == 403] == [NOT_VALID] * 3
    tokens = (await story.ask("{ accessTokens { nodes { name clientUserId } } }"))["accessTokens"]["nodes"]
    assert [token["name"] for token in tokens if token["clientUserId"] is not None] == ["Priya Raman"]


async def test_who_guesses_invitations_waits(database_url: str, organization_id: UUID, story: Story) -> None:
    aldgate = await story.customer("Aldgate")
    _, secret = await story.invited("Priya Raman", "priya@aldgate.example", aldgate)
    before = await story.everything()
    async with served(settings_of(database_url, organization_id, failed_tokens_per_minute=3)) as server:
        for _ in range(3):
            assert_not_valid(await accept(server.http, "hci_guessed"))
        waiting = await accept(server.http, secret)
        assert (waiting.status_code, waiting.json()["errors"][0]["extensions"]["code"]) == (429, "THROTTLED")
        assert 1 <= int(waiting.headers["retry-after"]) <= 20
    assert await story.everything() == before


async def test_only_a_small_object_of_json_is_read(server: Server, story: Story) -> None:
    aldgate = await story.customer("Aldgate")
    _, secret = await story.invited("Priya Raman", "priya@aldgate.example", aldgate)
    content = orjson.dumps({"invitation": secret})
    before = await story.everything()
    json = {"content-type": "application/json"}
    for method, body, headers, status in (
        ("GET", b"", {}, 405),
        ("POST", content, {"content-type": "text/plain"}, 415),
        ("POST", content, {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("POST", content + b" " * BODY_BYTES_MAX, json, 413),
        ("POST", b"[]", json, 400),
        ("POST", b"{", json, 400),
        ("POST", b'{"invitation": 1}', json, 400),
        ("POST", content, {**json, "host": "elsewhere.example"}, 421),
    ):
        assert (await server.http.request(method, PATH, content=body, headers=headers)).status_code == status
    assert await story.everything() == before


async def test_pages_of_the_listed_origins_may_ask(server: Server) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        preflight = await server.http.options(PATH, headers={**asked, "origin": origin})
        assert preflight.headers.get("access-control-allow-origin") == allowed
