"""Races about people: one address, invitations that are accepted, conversions, deactivations (domain.md V6, V7)."""

from __future__ import annotations

from typing import Any

import pytest

from races.racing import codes, holder, queue, race
from stories import Story

ROUNDS = 6


async def state(story: Story, key: str) -> dict[str, Any]:
    found = await story.ask("query ($id: ID!) { clientUser(id: $id) { state invitedUntil } }", id=key)
    user: dict[str, Any] = found["clientUser"]
    return user


@pytest.fixture
async def customer(story: Story) -> str:
    return await story.customer("Aldgate Networks")


async def test_of_two_invitations_of_one_address_at_once_one_is_made(story: Story, customer: str) -> None:
    customers = [{"id": customer, "role": "VIEWER"}]
    for number in range(ROUNDS):
        answers = await race(
            *(
                story.attempt("clientUserInvite", name="Ada", email=email, customers=customers, projectScope="ALL")
                for email in (f"ada{number}@aldgate.example", f"ADA{number}@aldgate.example")
            )
        )
        assert sorted(codes(answer) for answer in answers) == [[], ["EMAIL_TAKEN"]]
    found = await story.ask("{ clientUsers { totalCount } }")
    assert found == {"clientUsers": {"totalCount": ROUNDS}}


async def test_two_who_want_each_other_s_address_are_both_refused(story: Story, customer: str) -> None:
    addresses = ("ada@aldgate.example", "bo@aldgate.example")
    users = [(await story.invited("A", email, customer))[0] for email in addresses]
    for _ in range(ROUNDS):
        answers = await race(
            *(story.attempt("clientUserUpdate", id=key, email=email) for key, email in zip(users, addresses[::-1], strict=True))
        )
        assert [codes(answer) for answer in answers] == [["EMAIL_TAKEN"]] * 2


async def test_an_invitation_that_is_shown_twice_at_once_is_accepted_once(story: Story, customer: str) -> None:
    for number in range(ROUNDS):
        key, secret = await story.invited("Ada", f"ada{number}@aldgate.example", customer)
        answers = await race(*(story.accept(secret) for _ in range(4)))
        assert sorted(codes(answer) for answer in answers) == [[], *[["INVITATION_NOT_VALID"]] * 3]
        assert await state(story, key) == {"state": "ACTIVE", "invitedUntil": None}


async def test_a_contact_that_is_converted_twice_at_once_becomes_one_client_user(story: Story, customer: str) -> None:
    for number in range(ROUNDS):
        contact = await story.contact(customer, "Tom", email=f"tom{number}@aldgate.example")
        answers = await race(*(story.attempt("contactConvert", id=contact, role="VIEWER") for _ in range(3)))
        assert [codes(answer) for answer in answers] == [[]] * 3
        assert {answer["clientUser"]["id"] for answer in answers} == {contact.replace("con_", "usr_")}
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action } } } }"
    actions = [each["action"] for each in (await story.ask(document, id=customer))["customer"]["activity"]["nodes"]]
    assert actions.count("contact.converted") == ROUNDS


async def test_a_contact_that_is_deleted_while_it_is_converted_is_one_or_the_other(story: Story, customer: str) -> None:
    for number in range(ROUNDS):
        contact = await story.contact(customer, "Tom", email=f"tom{number}@aldgate.example")
        converted, deleted = await race(
            story.attempt("contactConvert", id=contact, role="VIEWER"), story.attempt("contactDelete", id=contact, confirm=True)
        )
        assert codes(deleted) == []
        # Whoever was converted first stays a client user.
        assert codes(converted) in ([], ["NOT_FOUND"])
        document = "query ($id: ID!) { clientUser(id: $id) { id } contact(id: $contact) { id } }"
        document = document.replace("($id: ID!)", "($id: ID!, $contact: ID!)")
        found = await story.ask(document, id=contact.replace("con_", "usr_"), contact=contact)
        assert (found["clientUser"] is not None, found["contact"]) == (codes(converted) == [], None)


@pytest.mark.parametrize("is_accepted_first", [True, False])
async def test_who_is_deactivated_is_deactivated_whether_it_accepts_before_or_after(
    story: Story, customer: str, is_accepted_first: bool
) -> None:
    key, secret = await story.invited("Ada", "ada@aldgate.example", customer)
    accept, deactivate = story.accept(secret), story.attempt("clientUserDeactivate", id=key)
    async with holder(story) as held:
        await held.row(key)
        first, second = await queue(story.engine, *((accept, deactivate) if is_accepted_first else (deactivate, accept)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ([] if is_accepted_first else ["INVITATION_NOT_VALID"])
    assert (await state(story, key))["state"] == "DEACTIVATED"
    again = (await story.do("clientUserReactivate", id=key))["clientUser"]["state"]
    assert again == ("ACTIVE" if is_accepted_first else "NOT_INVITED")


@pytest.mark.parametrize("is_accepted_first", [True, False])
async def test_of_an_invitation_and_the_next_one_the_earlier_is_accepted_before_that_or_never(
    story: Story, customer: str, is_accepted_first: bool
) -> None:
    key, secret = await story.invited("Ada", "ada@aldgate.example", customer)
    accept, reinvite = story.accept(secret), story.attempt("clientUserReinvite", id=key)
    async with holder(story) as held:
        await held.row(key)
        first, second = await queue(story.engine, *((accept, reinvite) if is_accepted_first else (reinvite, accept)))
        await held.let_go()
        payloads = await first, await second
    accepted, reinvited = payloads if is_accepted_first else payloads[::-1]
    assert (codes(accepted), codes(reinvited)) == ([] if is_accepted_first else ["INVITATION_NOT_VALID"], [])
    assert (await state(story, key))["state"] == ("ACTIVE" if is_accepted_first else "INVITED")
    assert codes(await story.accept(reinvited["invitation"]["secret"])) == []


async def test_invitations_that_follow_each_other_at_once_leave_one_open(story: Story, customer: str) -> None:
    key, first = await story.invited("Ada", "ada@aldgate.example", customer)
    answers = await race(*(story.attempt("clientUserReinvite", id=key) for _ in range(5)))
    secrets = [first, *(answer["invitation"]["secret"] for answer in answers)]
    accepted = [codes(await story.accept(secret)) for secret in secrets]
    assert sorted(accepted) == [[], *[["INVITATION_NOT_VALID"]] * 5]


async def test_people_and_projects_that_are_set_at_once_do_not_wait_for_one_another_in_a_circle(
    story: Story, customer: str
) -> None:
    projects = [await story.project(customer, f"P{number}") for number in range(3)]
    users = [(await story.invited(f"U{number}", f"u{number}@aldgate.example", customer))[0] for number in range(3)]
    for number in range(ROUNDS):
        few = slice(number % 2, 3)
        answers = await race(
            *(story.attempt("projectPeopleSet", id=key, clientUserIds=users[few][::-1]) for key in projects),
            *(story.attempt("clientUserUpdate", id=key, projectIds=projects[few][::-1]) for key in users),
        )
        assert [codes(answer) for answer in answers] == [[]] * 6


@pytest.mark.parametrize("is_deleted_first", [True, False])
async def test_a_customer_that_is_deleted_meanwhile_gets_no_client_user(
    story: Story, customer: str, is_deleted_first: bool
) -> None:
    preview = "query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }"
    token = (await story.ask(preview, id=customer))["customerDeletePreview"]["confirmationToken"]
    delete = story.attempt("customerDelete", id=customer, confirmationToken=token)
    customers = [{"id": customer, "role": "VIEWER"}]
    invite = story.attempt("clientUserInvite", name="Ada", email="a@b.example", customers=customers, projectScope="ALL")
    async with holder(story) as held:
        await held.row(customer)
        first, second = await queue(story.engine, *((delete, invite) if is_deleted_first else (invite, delete)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == (["NOT_FOUND"] if is_deleted_first else ["CONFIRMATION_STALE"])
