"""`holdco token` as an operator uses it, and the tokens of `holdco dev`."""

from __future__ import annotations

import asyncio
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.test_access_tokens import ask, assert_refused
from authentication.test_viewer import VIEWER
from directly import directly
from holdco.authentication import issuing
from holdco.authentication.tokens import AccessTokens
from operations.serving import HOLDCO, SECONDS, environment, served, settings_of
from stories import Story


async def holdco(database_url: str, organization_id: UUID, *arguments: str) -> tuple[int, str, str]:
    """The status of `holdco token …`, what it prints, and what it says beside."""
    done = await asyncio.to_thread(
        subprocess.run,
        [*HOLDCO, "token", *arguments],
        env=environment(database_url, organization_id, COLUMNS="500"),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return done.returncode, done.stdout, done.stderr


async def test_an_operator_makes_lists_and_revokes_a_token(story: Story, database_url: str) -> None:
    def run(*arguments: str) -> asyncio.Future[tuple[int, str, str]]:
        return asyncio.ensure_future(holdco(database_url, story.organization_id, *arguments))

    status, printed, said = await run("create", "--role", "billing", "--name", "Dana Brooks", "--expires-in", "2h")
    assert status == 0, said
    token = printed.strip()
    found = re.fullmatch(r"Token (tok_[0-9a-f]{32}), shown this once:\n", said)
    assert found
    async with served(settings_of(database_url, story.organization_id)) as server:
        viewer = (await ask(server, f"Bearer {token}", VIEWER)).json()["data"]["viewer"]
        assert (viewer["name"], viewer["role"]) == ("Dana Brooks", "BILLING")
        status, listed, _ = await run("list")
        (line,) = (line for line in listed.splitlines() if line.startswith(found[1]))
        assert re.fullmatch(rf"{found[1]}  good  BILLING  Dana Brooks  ends \S+ \S+Z  (never used|used \S+ \S+Z)", line)
        assert token not in listed
        assert await run("revoke", found[1]) == (0, f"{found[1]} is revoked.\n", "")
        async with asyncio.timeout(20):
            while (answer := await ask(server, f"Bearer {token}")).status_code == 200:
                pass
        assert_refused(answer)
    assert f"{found[1]}  revoked  BILLING" in (await run("list"))[1]


async def test_an_operator_lets_a_client_user_in_who_is_made_if_needed(story: Story, database_url: str) -> None:
    lisbon = await story.customer("Lisbon", number="LIS")
    tokens = []
    for customer, role in (("LIS", "VIEWER"), (lisbon, "PAYER")):
        given = ("--role", role, "--customer", customer, "--email", "ana@lisbon.example", "--name", "Ana")
        status, printed, said = await holdco(database_url, story.organization_id, "create", *given)
        assert status == 0, said
        tokens.append(printed.strip())
    async with served(settings_of(database_url, story.organization_id)) as server:
        for token in tokens:
            viewer = (await ask(server, f"Bearer {token}", VIEWER)).json()["data"]["viewer"]
            assert (viewer["kind"], viewer["name"]) == ("CLIENT_USER", "Ana")
            assert viewer["customers"] == [{"role": "PAYER", "customer": {"number": "LIS"}}]


REFUSED = {
    "a role of nobody": (("create", "--role", "ROOT", "--name", "x"), "ROOT is not one of ADMIN, BILLING, SALES, READ_ONLY."),
    "a role of staff for a client user": (
        ("create", "--role", "BILLING", "--customer", "LIS", "--email", "a@b.example"),
        "BILLING is not one of ADMIN, PAYER, VIEWER.",
    ),
    "nobody's name": (("create", "--role", "ADMIN"), "Say whose token it is."),
    "no address": (("create", "--role", "ADMIN", "--customer", "LIS"), "Say who the client user is."),
    "no customer": (("create", "--role", "ADMIN", "--email", "a@b.example"), "give --customer too."),
    "a customer that there is not": (
        ("create", "--role", "ADMIN", "--customer", "NONE", "--email", "a@b.example"),
        "There is no customer NONE.",
    ),
    "an address that is none": (
        ("create", "--role", "ADMIN", "--customer", "LIS", "--email", "ana"),
        "is not an e-mail address.",
    ),
    "a time that is none": (("create", "--role", "ADMIN", "--name", "x", "--expires-in", "soon"), "is not a time like 30m"),
    "a token for an id": (("revoke", "holdco_at_secret"), "Give the token's id, tok_…, not the token."),
    "an id of nothing": (("revoke", f"tok_{'0' * 32}"), f"There is no access token tok_{'0' * 32}."),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_makes_no_sense_is_refused_in_a_sentence(story: Story, database_url: str, case: str) -> None:
    arguments, sentence = REFUSED[case]
    await story.customer("Lisbon", number="LIS")
    before = await story.everything()
    status, printed, said = await holdco(database_url, story.organization_id, *arguments)
    assert (status != 0, printed) == (True, "")
    assert sentence in said
    assert "holdco_at_secret" not in said
    assert "Traceback" not in said
    assert await story.everything() == before


async def test_the_tokens_of_dev_are_made_once_and_again_when_they_are_not_good_any_more(
    engine: AsyncEngine, story: Story, tmp_path: Path
) -> None:
    await story.customer("Head office", number="ALD-HQ")

    async def made() -> issuing.DevTokens:
        return await issuing.dev_tokens(engine, story.organization_id, tmp_path / "data", customer="ALD-HQ")

    first = await made()
    assert await made() == first
    file = tmp_path / "data" / issuing.DEV_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [issuing.DEV_FILE]
    tokens = AccessTokens(engine)
    staff, user = [(await tokens.identity(each))[0] for each in first]
    assert (staff.viewer.role, user.viewer.role, user.viewer.is_staff) == ("ADMIN", None, False)
    assert staff.expires_at - datetime.now(UTC).timestamp() < timedelta(days=31).total_seconds()
    async with directly(engine, story.organization_id) as connection:
        statement = "update access_tokens set revoked_at = created_at where organization_id = :organization and id = :id"
        await connection.execute(text(statement), {"organization": story.organization_id, "id": user.viewer.token_id})
    second = await made()
    assert set(second).isdisjoint(first)
    assert await made() == second


async def test_without_its_customer_dev_has_a_token_of_staff_alone(
    engine: AsyncEngine, organization_id: UUID, tmp_path: Path
) -> None:
    tokens = await issuing.dev_tokens(engine, organization_id, tmp_path, customer="ALD-HQ")
    assert tokens.client_user == ""
    assert await issuing.dev_tokens(engine, organization_id, tmp_path, customer="ALD-HQ") == tokens
