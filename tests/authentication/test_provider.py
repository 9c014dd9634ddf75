"""Tokens of an OpenID Connect provider: a real one over HTTP, whose keys come and go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.people import bind, client_user, deactivate
from authentication.provider import AUDIENCE, Provider, new_key, running
from authentication.test_access_tokens import CREATE, ask, assert_refused
from holdco import ids
from holdco.authentication.denials import Denied, Reason
from holdco.authentication.oidc import OpenIdProvider, ProviderSettings
from holdco.errors import Unavailable
from holdco.ids import Kind
from holdco.viewer import ClientUserRole
from operations.serving import Server, served, settings_of, until
from stories import Story

WHO = "{ viewer { kind name role customers { role customer { number } } } }"
STAFF = {"holdco_role": "BILLING", "name": "Dana Brooks"}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running() as made:
        yield made


@pytest.fixture
async def server(provider: Provider, database_url: str, organization_id: UUID) -> AsyncIterator[Server]:
    settings = settings_of(database_url, organization_id, oidc_issuer=provider.issuer, oidc_audience=AUDIENCE)
    async with served(settings) as made:
        yield made


@pytest.fixture
async def verifier(provider: Provider, engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[OpenIdProvider]:
    """What a server has inside, that fetches again as soon as it is asked to."""
    settings = ProviderSettings(provider.issuer, AUDIENCE, "holdco_role", "holdco_organization", organization_id)
    made = OpenIdProvider(settings, engine, fetch_again_after=0)
    yield made
    await made.stop()


async def test_staff_is_who_its_claims_say(server: Server, provider: Provider) -> None:
    expected = {"kind": "STAFF", "name": "Dana Brooks", "role": "BILLING", "customers": []}
    for claimed in ("BILLING", ["offline", "BILLING"]):
        answer = await ask(server, f"Bearer {provider.token(**{**STAFF, 'holdco_role': claimed})}", WHO)
        assert answer.json() == {"data": {"viewer": expected}}
    # Several tokens, one provider: its keys were fetched once.
    assert provider.fetched == 1


async def test_a_client_user_is_who_is_bound_to_the_subject(
    server: Server, provider: Provider, story: Story, engine: AsyncEngine
) -> None:
    await story.customer("Aldgate", number="ALD")
    user_id, _ = await client_user(
        engine, story.organization_id, "ALD", role=ClientUserRole.PAYER, email="margaret@aldgate.example"
    )
    token = provider.token(sub="margaret")
    assert_refused(await ask(server, f"Bearer {token}", WHO))
    await bind(engine, story.organization_id, user_id, issuer=provider.issuer, subject="margaret")
    shown = (await ask(server, f"Bearer {token}", WHO)).json()["data"]["viewer"]
    assert (shown["kind"], shown["role"]) == ("CLIENT_USER", None)
    assert shown["customers"] == [{"role": "PAYER", "customer": {"number": "ALD"}}]
    assert_refused(await ask(server, f"Bearer {provider.token(sub='margaret2')}", WHO))
    await deactivate(engine, story.organization_id, user_id)
    before = await story.everything()
    assert_refused(await ask(server, f"Bearer {token}", CREATE))
    assert await story.everything() == before


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode() if not isinstance(part, bytes) else part).rstrip(b"=").decode()


def signed_by_the_public_key(provider: Provider) -> str:
    """As if the key that everybody knows were a shared secret."""
    shown = provider.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, claims, _ = provider.token(**STAFF).split(".")
    text = f"{encoded({'alg': 'HS256', 'kid': provider.key.id})}.{claims}"
    return f"{text}.{encoded(hmac.digest(shown, text.encode(), hashlib.sha256))}"


def without_signature(provider: Provider, algorithm: str, signature: str = "") -> str:
    _, claims, _ = provider.token(**STAFF).split(".")
    return f"{encoded({'alg': algorithm, 'kid': provider.key.id})}.{claims}.{signature}"


def altered(provider: Provider) -> str:
    head, _, signature = provider.token(holdco_role="READ_ONLY").split(".")
    _, claims, _ = provider.token(holdco_role="ADMIN").split(".")
    return f"{head}.{claims}.{signature}"


WRONG: dict[str, tuple[Callable[[Provider], str], Reason]] = {
    "alg none": (lambda provider: without_signature(provider, "none"), Reason.ALGORITHM),
    "alg None": (lambda provider: without_signature(provider, "None"), Reason.ALGORITHM),
    "alg none, signed": (lambda p: without_signature(p, "none", p.token(**STAFF).split(".")[2]), Reason.ALGORITHM),
    "no signature": (lambda provider: without_signature(provider, "ES256"), Reason.SIGNATURE),
    "the public key as a secret": (signed_by_the_public_key, Reason.ALGORITHM),
    "a key of somebody else under its name": (lambda p: p.token(key=new_key(p.key.id), **STAFF), Reason.SIGNATURE),
    "a key that is not published": (lambda p: p.token(key=new_key("mine"), **STAFF), Reason.KEY),
    "other claims under its signature": (altered, Reason.SIGNATURE),
    "another algorithm than the key's": (lambda p: p.token(key=new_key(p.key.id, "RS256"), **STAFF), Reason.ALGORITHM),
    "another issuer": (lambda p: p.token(iss="https://evil.example", **STAFF), Reason.ISSUER),
    "another audience": (lambda p: p.token(aud="https://other.example", **STAFF), Reason.AUDIENCE),
    "no audience": (lambda p: p.token(aud=None, **STAFF), Reason.CLAIMS),
    "no issuer": (lambda p: p.token(iss=None, **STAFF), Reason.CLAIMS),
    "no end": (lambda p: p.token(exp=None, **STAFF), Reason.CLAIMS),
    "no subject": (lambda p: p.token(sub=None, **STAFF), Reason.CLAIMS),
    "an empty subject": (lambda p: p.token(sub="", **STAFF), Reason.CLAIMS),
    "expired": (lambda p: p.token(exp=int(time.time()) - 60, **STAFF), Reason.EXPIRED),
    "not yet valid": (lambda p: p.token(nbf=int(time.time()) + 60, **STAFF), Reason.NOT_YET_VALID),
    "issued in the future": (lambda p: p.token(iat=int(time.time()) + 60, **STAFF), Reason.NOT_YET_VALID),
    "two roles": (lambda p: p.token(holdco_role=["ADMIN", "BILLING"]), Reason.CLAIMS),
    "a role that there is not": (lambda p: p.token(holdco_role="ROOT"), Reason.STRANGER),
    "an organization that is none": (lambda p: p.token(holdco_organization="mine", **STAFF), Reason.CLAIMS),
    "an organization that there is not": (lambda p: p.token(holdco_organization=str(uuid4()), **STAFF), Reason.STRANGER),
    "three words": (lambda _: "a.b.c", Reason.MALFORMED),
    "nothing but dots": (lambda _: "..", Reason.MALFORMED),
    "brackets without end": (lambda _: f"{encoded(b'[' * 9_000)}.e30.x", Reason.MALFORMED),
    "more than anybody needs": (lambda p: p.token(padding="x" * 20_000, **STAFF), Reason.MALFORMED),
}


@pytest.mark.parametrize("case", WRONG)
async def test_whatever_is_wrong_with_it_a_token_is_denied(provider: Provider, verifier: OpenIdProvider, case: str) -> None:
    make, reason = WRONG[case]
    with pytest.raises(Denied) as denied:
        await verifier.identity(make(provider))
    assert denied.value.reason is reason
    # And the one beside it is not.
    assert (await verifier.identity(provider.token(**STAFF))).viewer.actor == "Dana Brooks"


async def test_what_is_denied_is_answered_alike_and_nothing_is_changed(server: Server, provider: Provider, story: Story) -> None:
    before = await story.everything()
    for make, _ in WRONG.values():
        assert_refused(await ask(server, f"Bearer {make(provider)}", CREATE))
    assert await story.everything() == before


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
async def test_keys_of_every_usual_kind_are_taken(provider: Provider, verifier: OpenIdProvider, algorithm: str) -> None:
    key = new_key("other", algorithm)
    provider.publish(provider.key, key)
    assert (await verifier.identity(provider.token(key=key, **STAFF))).viewer.actor == "Dana Brooks"


async def test_a_new_key_is_fetched_and_one_that_is_withdrawn_is_good_no_longer(
    provider: Provider, verifier: OpenIdProvider
) -> None:
    old = provider.token(**STAFF)
    await verifier.identity(old)
    second = new_key("second")
    provider.publish(provider.key, second)
    await verifier.identity(provider.token(key=second, **STAFF))
    await verifier.identity(old)
    assert provider.fetched == 2
    provider.publish(second)
    with pytest.raises(Denied):
        # Asked for a key that nobody has, it fetches again, and finds that the first is gone.
        await verifier.identity(provider.token(key=new_key("third"), **STAFF))
    with pytest.raises(Denied) as denied:
        await verifier.identity(old)
    assert denied.value.reason is Reason.KEY


async def test_tokens_that_name_keys_of_their_own_do_not_make_it_fetch_again_and_again(
    server: Server, provider: Provider
) -> None:
    assert (await ask(server, f"Bearer {provider.token(**STAFF)}", WHO)).status_code == 200
    for number in range(20):
        assert_refused(await ask(server, f"Bearer {provider.token(headers={'kid': str(number)}, **STAFF)}", WHO))
    assert provider.fetched == 1


async def test_keys_are_looked_at_again_when_they_are_old_while_nobody_waits(
    provider: Provider, engine: AsyncEngine, organization_id: UUID
) -> None:
    settings = ProviderSettings(provider.issuer, AUDIENCE, "holdco_role", "holdco_organization", organization_id)
    verifier = OpenIdProvider(settings, engine, fetch_again_after=0, keys_kept=0)
    token = provider.token(**STAFF)
    await verifier.identity(token)
    provider.publish(new_key("second"))
    # The first is not there any more, which is learned by looking, and in the meantime the old one is good.
    assert (await verifier.identity(token)).viewer.actor == "Dana Brooks"
    await until(lambda: list(verifier._keys) == ["second"])  # noqa: SLF001 (nothing else shows what is kept)
    with pytest.raises(Denied) as denied:
        await verifier.identity(token)
    assert denied.value.reason is Reason.KEY
    await verifier.stop()


async def test_while_the_provider_is_away_its_known_keys_are_good(provider: Provider, verifier: OpenIdProvider) -> None:
    await verifier.identity(provider.token(**STAFF))
    await provider.stop()
    assert (await verifier.identity(provider.token(**STAFF))).viewer.actor == "Dana Brooks"
    with pytest.raises(Denied):
        await verifier.identity(provider.token(key=new_key("second"), **STAFF))
    await provider.start()
    second = new_key("second")
    provider.publish(second)
    await verifier.identity(provider.token(key=second, **STAFF))


async def test_a_provider_that_was_never_there_is_an_outage_and_not_a_wrong_token(
    provider: Provider, database_url: str, organization_id: UUID
) -> None:
    settings = settings_of(database_url, organization_id, oidc_issuer=provider.issuer, oidc_audience=AUDIENCE)
    token = provider.token(**STAFF)
    await provider.stop()
    async with served(settings) as server:
        away = await ask(server, f"Bearer {token}", WHO)
        assert (away.status_code, away.json()["errors"][0]["extensions"]) == (503, {"code": "SERVICE_UNAVAILABLE"})
        # Tokens of our own need no provider.
        assert (await server.ask("{ organization { name } }")).status_code == 200
    await provider.start()


async def test_a_provider_that_says_that_it_is_another_is_not_believed(provider: Provider, verifier: OpenIdProvider) -> None:
    provider.says = {"issuer": "https://evil.example"}
    with pytest.raises(Unavailable):
        await verifier.identity(provider.token(**STAFF))
    provider.says = {"jwks_uri": "http://keys.example/keys"}
    with pytest.raises(Unavailable):
        await verifier.identity(provider.token(**STAFF))
    assert provider.fetched == 0
    provider.says = {}
    await verifier.identity(provider.token(**STAFF))


async def test_keys_that_nobody_could_trust_are_left_out(provider: Provider, verifier: OpenIdProvider) -> None:
    shared = {"kty": "oct", "k": encoded(b"secret" * 8), "kid": "shared", "alg": "HS256", "use": "sig"}
    private = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(new_key("told").private)) | {"kid": "told", "use": "sig"}
    for_secrecy = new_key("enc").public() | {"use": "enc"}
    provider.published = [shared, private, for_secrecy, {"kty": "?"}, provider.key.public()]
    await verifier.identity(provider.token(**STAFF))
    assert list(verifier._keys) == [provider.key.id]  # noqa: SLF001 (nothing else shows what is kept)
    forged = jwt.encode({"sub": "x"}, b"secret" * 8, algorithm="HS256", headers={"kid": "shared"})
    with pytest.raises(Denied) as denied:
        await verifier.identity(forged)
    assert denied.value.reason is Reason.ALGORITHM


async def test_the_organization_may_be_a_claim(provider: Provider, verifier: OpenIdProvider, organization_id: UUID) -> None:
    for claimed in (str(organization_id), ids.encode(Kind.ORGANIZATION, organization_id), None):
        identity = await verifier.identity(provider.token(holdco_organization=claimed, **STAFF))
        assert identity.viewer.organization_id == organization_id
