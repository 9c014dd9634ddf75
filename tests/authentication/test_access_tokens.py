"""Who shows a good token is let in, and nobody else: all are refused alike, and nothing was read or changed for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.people import client_user, deactivate, revoke
from directly import directly
from holdco import credentials, database, ids
from holdco.access import service as access
from holdco.context import Context
from holdco.credentials import Credential
from holdco.errors import Unauthenticated
from holdco.ids import Kind
from holdco.organizations import service as organizations
from holdco.viewer import ClientUserRole, StaffRole, Viewer
from operations.serving import Server, served, settings_of
from stories import Story
from tokens import credential_of, issue, open_to_tests, token_of

NAME = "{ organization { name } }"
CREATE = 'mutation { customerCreate(input: {name: "Mallory", kind: BUSINESS}) { customer { id } userErrors { code } } }'
REFUSED = {"errors": [{"message": "Show a valid token: Authorization: Bearer …", "extensions": {"code": "UNAUTHENTICATED"}}]}
REVOKE = "mutation ($id: ID!) { accessTokenRevoke(input: {id: $id}) { accessToken { revokedAt } userErrors { code } } }"


async def ask(server: Server, shown: str | None, document: str = NAME, **headers: str) -> httpx.Response:
    # Bytes, because a header may have any.
    given = {**headers, **({} if shown is None else {"authorization": shown})}
    sent = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    async with httpx.AsyncClient(base_url=server.http.base_url) as http:
        return await http.post("/graphql", json={"query": document}, headers=sent)


def assert_refused(response: httpx.Response) -> None:
    assert (response.status_code, response.headers["www-authenticate"], response.json()) == (401, "Bearer", REFUSED)


def wrong(organization_id: UUID) -> dict[str, tuple[str | None, str]]:
    """What is shown, and why it is refused, as the metrics call it."""
    right = credential_of(organization_id)
    other = Credential(right.kind, organization_id, uuid4(), right.secret)
    elsewhere = Credential(right.kind, uuid4(), right.id, right.secret)
    guessed = credentials.new(right.kind, organization_id, right.id)
    return {
        "nothing": (None, "missing"),
        "no scheme": (right.text, "malformed"),
        "another scheme": (f"Basic {right.text}", "malformed"),
        "no token": ("Bearer", "malformed"),
        "a word": ("Bearer secret", "malformed"),
        "a kind that there is not": (f"Bearer {right.text.replace('holdco_at', 'holdco_xx')}", "malformed"),
        "half of it": (f"Bearer {right.text[:-1]}", "malformed"),
        "more of it": (f"Bearer {right.text}A", "malformed"),
        "two of them": (f"Bearer {right.text} {right.text}", "malformed"),
        "bytes": ("Bearer \xff\xfe", "malformed"),
        "the secret alone": (f"Bearer {right.secret}", "malformed"),
        "a JWT": ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "malformed"),
        "another token's id": (f"Bearer {other.text}", "unknown"),
        "another organization": (f"Bearer {elsewhere.text}", "unknown"),
        "another secret": (f"Bearer {guessed.text}", "wrong_secret"),
    }


@pytest.mark.parametrize("case", wrong(UUID(int=0)))
async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(story: Story, database_url: str, case: str) -> None:
    shown, reason = wrong(story.organization_id)[case]
    before = await story.everything()
    async with served(settings_of(database_url, story.organization_id)) as server:
        failures = {"name": "holdco_authentication_failures_total", "reason": reason}
        counted = await server.metric(**failures)
        assert_refused(await ask(server, shown))
        assert_refused(await ask(server, shown, CREATE))
        assert await server.metric(**failures) == counted + 2
    assert await story.everything() == before


async def test_the_refusal_has_the_media_type_that_was_asked_for(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        for accept in ("application/graphql-response+json", "application/json", "text/event-stream"):
            response = await ask(server, "Bearer x", accept=accept)
            assert_refused(response)
            expected = accept if "json" in accept else "application/json"
            assert response.headers["content-type"] == f"{expected}; charset=utf-8"
        multipart = await ask(server, "Bearer x", accept="multipart/mixed;deferSpec=20220824, application/json")
        assert_refused(multipart)
        async with httpx.AsyncClient(base_url=server.http.base_url) as http:
            assert_refused(await http.get("/graphql", params={"query": NAME}))
            # What a browser asks before it sends anything, and what a person looks at, need no token.
            assert (await http.options("/graphql")).status_code == 204
            assert (await http.get("/graphql", headers={"accept": "text/html"})).headers["content-type"].startswith("text/html")
            for path in ("/healthz", "/readyz", "/metrics"):
                assert (await http.get(path)).status_code == 200


async def test_an_expired_token_is_refused_from_that_moment_on(
    engine: AsyncEngine, database_url: str, organization_id: UUID
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    ending = await issue(engine, organization_id, role=StaffRole.ADMIN, expires_at=soon)
    async with served(settings_of(database_url, organization_id)) as server:
        # Kept in memory from here on, and looked at with the clock each time.
        assert (await ask(server, f"Bearer {ending.text}")).status_code == 200
        async with asyncio.timeout(20):
            while (answer := await ask(server, f"Bearer {ending.text}")).status_code == 200:
                assert datetime.now(UTC) < soon + timedelta(seconds=5)
        assert_refused(answer)
        assert datetime.now(UTC) >= soon


async def test_a_token_that_another_process_revokes_is_refused_in_a_moment_and_never_writes(
    engine: AsyncEngine, story: Story, database_url: str
) -> None:
    given = await issue(engine, story.organization_id, role=StaffRole.ADMIN)
    async with served(settings_of(database_url, story.organization_id)) as server:
        assert (await ask(server, f"Bearer {given.text}")).status_code == 200
        await revoke(engine, given)
        before = await story.everything()
        # Whether the word has come round yet or not.
        assert_refused(await ask(server, f"Bearer {given.text}", CREATE))
        assert await story.everything() == before
        async with asyncio.timeout(20):
            while (answer := await ask(server, f"Bearer {given.text}")).status_code == 200:
                pass
        assert_refused(answer)


async def test_a_token_that_is_revoked_here_is_refused_at_once(
    engine: AsyncEngine, database_url: str, organization_id: UUID
) -> None:
    given = await issue(engine, organization_id, role=StaffRole.READ_ONLY)
    async with served(settings_of(database_url, organization_id)) as server:
        assert (await ask(server, f"Bearer {given.text}")).status_code == 200
        revoked = await server.ask(REVOKE, id=ids.encode(Kind.ACCESS_TOKEN, given.id))
        assert revoked.json()["data"]["accessTokenRevoke"]["userErrors"] == []
        assert_refused(await ask(server, f"Bearer {given.text}"))
        again = await server.ask(REVOKE, id=ids.encode(Kind.ACCESS_TOKEN, given.id))
        assert again.json() == revoked.json()


async def test_while_nobody_listens_nothing_is_served_from_memory(
    engine: AsyncEngine, database_url: str, organization_id: UUID
) -> None:
    given = await issue(engine, organization_id, role=StaffRole.ADMIN)
    async with served(settings_of(database_url, organization_id)) as server:
        assert (await ask(server, f"Bearer {given.text}")).status_code == 200
        # Its row is changed behind everybody's back: nobody is told, as if the word had been lost.
        async with directly(engine, organization_id) as connection:
            await connection.execute(text("update access_tokens set revoked_at = created_at where id = :id"), {"id": given.id})
        assert (await ask(server, f"Bearer {given.text}")).status_code == 200
        async with directly(engine) as connection:
            ended = await connection.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and query ilike 'listen%'"
                )
            )
            assert len(ended.all()) >= 1
        async with asyncio.timeout(20):
            while (answer := await ask(server, f"Bearer {given.text}")).status_code == 200:
                pass
        assert_refused(answer)


async def test_a_deactivated_client_user_is_refused(engine: AsyncEngine, story: Story, database_url: str) -> None:
    await story.customer("Aldgate", number="ALD")
    user_id, token = await client_user(
        engine, story.organization_id, "ALD", role=ClientUserRole.ADMIN, email="margaret@aldgate.example"
    )
    async with served(settings_of(database_url, story.organization_id)) as server:
        assert (await ask(server, f"Bearer {token.text}")).status_code == 200
        await deactivate(engine, story.organization_id, user_id)
        before = await story.everything()
        assert_refused(await ask(server, f"Bearer {token.text}", CREATE))
        async with asyncio.timeout(20):
            while (answer := await ask(server, f"Bearer {token.text}")).status_code == 200:
                pass
        assert_refused(answer)
        assert await story.everything() == before


async def test_nothing_is_written_for_who_may_not_ask_any_more_whatever_memory_says(story: Story, engine: AsyncEngine) -> None:
    """As if a process had never heard of it, in the transaction itself."""
    given = await issue(engine, story.organization_id, role=StaffRole.ADMIN)
    expired = await issue(
        engine, story.organization_id, role=StaffRole.ADMIN, expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    await revoke(engine, given)
    before = await story.everything()
    for token_id in (given.id, expired.id, uuid4()):
        context = Context(engine, Viewer(story.organization_id, "Mallory", StaffRole.ADMIN, token_id=token_id))
        with pytest.raises(Unauthenticated):
            async with context.transaction():
                pytest.fail("it began")
        await context.close()
    assert await story.everything() == before


async def test_one_server_serves_every_organization_that_a_token_names(
    engine: AsyncEngine, database_url: str, organization_id: UUID
) -> None:
    other = uuid4()
    await organizations.ensure(engine, other)
    await open_to_tests(engine, other)
    document = "{ organization { id } }"
    async with served(settings_of(database_url, organization_id)) as server:
        for asked in (organization_id, other):
            answer = await ask(server, f"Bearer {token_of(asked)}", document)
            assert answer.json() == {"data": {"organization": {"id": ids.encode(Kind.ORGANIZATION, asked)}}}


async def test_the_last_use_is_noted_once_a_minute(engine: AsyncEngine, database_url: str, organization_id: UUID) -> None:
    given = await issue(engine, organization_id, role=StaffRole.ADMIN)
    used = text("select last_used_at from access_tokens where organization_id = :organization_id and id = :id")
    values: dict[str, Any] = {"organization_id": organization_id, "id": given.id}
    forget = text("update access_tokens set last_used_at = null where organization_id = :organization_id and id = :id")

    async def last_use() -> datetime | None:
        async with directly(engine, organization_id) as connection:
            found: datetime | None = (await connection.execute(used, values)).scalar_one()
            return found

    async with directly(engine, organization_id) as connection:
        await connection.execute(forget, values)
    begun = datetime.now(UTC)
    async with served(settings_of(database_url, organization_id)) as server:
        assert (await ask(server, f"Bearer {given.text}")).status_code == 200
        async with asyncio.timeout(20):
            while (noted := await last_use()) is None:
                pass
        assert begun <= noted <= datetime.now(UTC)
        for _ in range(5):
            assert (await ask(server, f"Bearer {given.text}")).status_code == 200
    assert await last_use() == noted


async def test_only_the_hash_of_a_secret_is_kept(engine: AsyncEngine, story: Story) -> None:
    async with database.begin(engine, organization_id=story.organization_id, actor="tester") as transaction:
        issued = await access.create(transaction, name="Robot", role=StaffRole.BILLING)
    credential = credentials.parse(credentials.ACCESS_TOKEN, issued.text)
    assert credential is not None
    assert len(credential.secret) == 43
    rows = await story.everything()
    assert not any(credential.secret in row for _, row in rows)
    assert [row for table, row in rows if table == "access_tokens" and credential.secret_hash.hex() in row]


async def test_no_secret_is_in_any_log(story: Story, database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a run in which tokens are made, used, mistaken and revoked, and everything is logged."""
    guessed = credentials.new(credentials.ACCESS_TOKEN, story.organization_id, credential_of(story.organization_id).id)
    secrets = [guessed.secret, credential_of(story.organization_id).secret, "hunter2hunter2"]
    settings = settings_of(database_url, story.organization_id, is_logging_operations=True, slow_milliseconds=1)
    create = 'mutation { accessTokenCreate(input: {name: "Robot", role: BILLING}) { token accessToken { id } } }'
    async with served(settings) as server:
        made = (await server.ask(create)).json()["data"]["accessTokenCreate"]
        secrets.append(made["token"][-43:])
        assert (await ask(server, f"Bearer {made['token']}")).status_code == 200
        for shown in (guessed.text, f"{made['token']}x", "hunter2hunter2", "hunter2hunter2.hunter2hunter2.hunter2hunter2"):
            assert_refused(await ask(server, f"Bearer {shown}"))
        await server.ask(REVOKE, id=made["accessToken"]["id"])
        assert_refused(await ask(server, f"Bearer {made['token']}"))
        assert (await server.http.get("/metrics")).text.count("holdco_at_") == 0
    logged = "".join(capfd.readouterr())
    assert logged.count("nobody was let in") == 5
    assert [secret for secret in secrets if secret in logged] == []


async def test_activity_tells_who_made_and_revoked_a_token(client: Any, story: Story, engine: AsyncEngine) -> None:
    create = 'mutation { accessTokenCreate(input: {name: "Robot", role: SALES}) { accessToken { id } } }'
    made = (await client(create))["accessTokenCreate"]["accessToken"]["id"]
    await client(REVOKE, id=made)
    statement = "select actor, action, details from activity where organization_id = :id and subject_id = :subject order by id"
    async with directly(engine, story.organization_id) as connection:
        rows = await connection.execute(text(statement), {"id": story.organization_id, "subject": made})
    assert [tuple(row) for row in rows] == [
        ("tester", "access_token.created", {"name": "Robot", "role": "SALES"}),
        ("tester", "access_token.revoked", {"name": "Robot"}),
    ]
