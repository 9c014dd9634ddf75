"""The states of a client user, and the invitations that lead from one to the next (domain.md V7)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from directly import directly
from holdco.client_users import invitations
from holdco.client_users.service import Identity
from stories import Story

USER = """
query ($id: ID!) { clientUser(id: $id) { state invitedUntil version } }
"""
NOT_VALID = [("INVITATION_NOT_VALID", ["invitation"])]


async def state(story: Story, key: str) -> str:
    found: str = (await story.ask(USER, id=key))["clientUser"]["state"]
    return found


async def invited_until(story: Story, key: str) -> datetime | None:
    found = (await story.ask(USER, id=key))["clientUser"]["invitedUntil"]
    return datetime.fromisoformat(found) if found is not None else None


async def turned_away(story: Story, secret: str, identity: Identity | None = None) -> list[tuple[str, list[str]]]:
    """Why an invitation was refused, when nothing came of it."""
    before = await story.everything()
    answer = await story.accept(secret, identity)
    assert await story.everything() == before
    return [(error["code"], error["field"]) for error in answer["userErrors"]]


@pytest.fixture
async def customer(story: Story) -> str:
    return await story.customer("Aldgate Networks")


async def rows(story: Story, statement: str) -> list[Any]:
    async with directly(story.engine, story.organization_id) as connection:
        return list((await connection.execute(text(statement), {"key": story.organization_id})).all())


async def test_an_invitation_is_accepted_once(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    assert await state(story, key) == "INVITED"
    assert await story.accept(secret) == {"id": key, "state": "ACTIVE", "userErrors": []}
    assert (await state(story, key), await invited_until(story, key)) == ("ACTIVE", None)
    assert await turned_away(story, secret) == NOT_VALID


async def test_whoever_accepts_is_on_record_as_itself(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    await story.accept(secret)
    shown = await story.ask(
        "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 2) { nodes { action actor subjectId details } } } }",
        id=customer,
    )
    assert shown["customer"]["activity"]["nodes"] == [
        {"action": "client_user.activated", "actor": "Margaret Oduya", "subjectId": key, "details": {}},
        {"action": "client_user.invited", "actor": "tester", "subjectId": key, "details": {}},
    ]


async def test_the_secret_has_256_bits_and_is_nowhere_in_the_database(story: Story, customer: str) -> None:
    _, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    _, other = await story.invited("Tom Ashdown", "tom@aldgate.example", customer)
    parts = [invitations.read(each) for each in (secret, other)]
    assert [len(part.secret) for part in parts] == [32, 32]
    assert parts[0].secret != parts[1].secret
    kept = str(await story.everything())
    for part in parts:
        assert part.secret.hex() not in kept
        assert base64.b64encode(part.secret).decode() not in kept
        assert part.secret.hex() not in repr(part)
    assert secret not in kept


async def test_unknown_changed_and_mutilated_invitations_are_all_refused_alike(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    shown = invitations.read(secret)
    wrong = [
        invitations.written(shown._replace(secret=bytes(32))),
        invitations.written(shown._replace(invitation_id=shown.organization_id)),
        invitations.written(shown._replace(organization_id=shown.invitation_id)),
        secret[:-4],
        secret + "AAAA",
        secret.removeprefix("hci_"),
        "hci_" + "é" * 86,
        "hci_",
        "",
        "\0",
        "x" * 100_000,
    ]
    for each in wrong:
        assert await turned_away(story, each) == NOT_VALID
    assert await state(story, key) == "INVITED"
    assert (await story.accept(secret))["userErrors"] == []


async def test_an_invitation_of_another_organization_is_unknown_in_this_one(story: Story, customer: str) -> None:
    _, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    foreign = invitations.read(secret)._replace(organization_id=invitations.read(secret).invitation_id)
    assert await turned_away(story, invitations.written(foreign)) == NOT_VALID


async def test_an_invitation_expires_after_seven_days(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    until = await invited_until(story, key)
    assert until is not None
    assert timedelta(days=7, minutes=-5) < until - datetime.now(UTC) <= timedelta(days=7)
    async with directly(story.engine, story.organization_id) as connection:
        statement = text("update invitations set expires_at = :at where organization_id = :key")
        await connection.execute(statement, {"key": story.organization_id, "at": datetime.now(UTC) - timedelta(seconds=1)})
    assert await turned_away(story, secret) == NOT_VALID
    again = await story.do("clientUserReinvite", id=key)
    assert (await story.accept(again["invitation"]["secret"]))["state"] == "ACTIVE"


async def test_the_earlier_invitation_ends_with_the_next(story: Story, customer: str) -> None:
    key, first = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    again = await story.do("clientUserReinvite", id=key)
    assert again["clientUser"] == {"id": key, "state": "INVITED", "version": 1}
    assert again["invitation"]["secret"] != first
    assert await turned_away(story, first) == NOT_VALID
    assert (await story.accept(again["invitation"]["secret"]))["state"] == "ACTIVE"


async def test_one_that_is_active_may_be_invited_again_and_stays_active(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    await story.accept(secret)
    again = await story.do("clientUserReinvite", id=key)
    assert again["clientUser"]["state"] == "ACTIVE"
    assert (await story.accept(again["invitation"]["secret"]))["state"] == "ACTIVE"
    assert await turned_away(story, again["invitation"]["secret"]) == NOT_VALID


async def test_deactivation_ends_the_invitation_and_reactivation_does_not_bring_it_back(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    assert (await story.do("clientUserDeactivate", id=key))["clientUser"]["state"] == "DEACTIVATED"
    assert await turned_away(story, secret) == NOT_VALID
    assert await story.refused("clientUserReinvite", id=key) == [("CLIENT_USER_DEACTIVATED", ["id"])]
    assert (await story.do("clientUserReactivate", id=key))["clientUser"]["state"] == "NOT_INVITED"
    assert await turned_away(story, secret) == NOT_VALID
    again = await story.do("clientUserReinvite", id=key)
    assert again["clientUser"]["state"] == "INVITED"


async def test_who_was_active_is_active_again(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    await story.accept(secret)
    await story.do("clientUserDeactivate", id=key)
    assert (await story.do("clientUserReactivate", id=key))["clientUser"]["state"] == "ACTIVE"


async def test_to_deactivate_or_reactivate_twice_changes_nothing(story: Story, customer: str) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    for mutation in ("clientUserReactivate", "clientUserDeactivate", "clientUserDeactivate"):
        once = await story.do(mutation, id=key)
        before = await story.everything()
        assert await story.do(mutation, id=key) == once
        assert await story.everything() == before


async def test_another_address_ends_the_invitation_that_went_to_the_old_one(story: Story, customer: str) -> None:
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    changed = (await story.do("clientUserUpdate", id=key, email="m.oduya@aldgate.example"))["clientUser"]
    assert (changed["email"], changed["state"]) == ("m.oduya@aldgate.example", "NOT_INVITED")
    assert await turned_away(story, secret) == NOT_VALID
    again = await story.do("clientUserReinvite", id=key)
    await story.accept(again["invitation"]["secret"])
    third = await story.do("clientUserReinvite", id=key)
    changed = (await story.do("clientUserUpdate", id=key, email="margaret@aldgate.example"))["clientUser"]
    assert changed["state"] == "ACTIVE"
    assert await turned_away(story, third["invitation"]["secret"]) == NOT_VALID


async def test_a_provider_s_identity_is_bound_to_one_client_user(story: Story, customer: str) -> None:
    identity = Identity("https://login.aldgate.example", "7731")
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", customer)
    assert await story.accept(secret, identity) == {"id": key, "state": "ACTIVE", "userErrors": []}
    assert await rows(story, "select issuer, subject from client_users where organization_id = :key") == [tuple(identity)]
    other, secret = await story.invited("Tom Ashdown", "tom@aldgate.example", customer)
    assert await turned_away(story, secret, identity) == [("IDENTITY_TAKEN", ["invitation"])]
    assert await state(story, other) == "INVITED"
    assert (await story.accept(secret))["state"] == "ACTIVE"


async def test_there_is_nobody_to_change_where_there_is_no_client_user(story: Story, customer: str) -> None:
    contact = await story.contact(customer, "Priya Raman")
    for wrong in ("usr_" + "0" * 32, contact, contact.replace("con", "usr"), "nonsense"):
        for mutation in ("clientUserReinvite", "clientUserUpdate", "clientUserDeactivate", "clientUserReactivate"):
            assert await story.refused(mutation, id=wrong) == [("NOT_FOUND", ["id"])]
