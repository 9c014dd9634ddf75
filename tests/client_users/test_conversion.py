"""Contacts that become client users keep their id, their history and their projects (domain.md V6, 1.2 SB23, SB24)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import Story

CONTACT = """
query ($id: ID!) { contact(id: $id) {
  id name email clientUser { id name state projectScope customers { edges { role node { id } } } projects { nodes { name } } }
  projects { nodes { name } }
} }
"""


@pytest.fixture
async def customer(story: Story) -> str:
    return await story.customer("Aldgate Networks")


@pytest.fixture
async def contact(story: Story, customer: str) -> str:
    return await story.contact(customer, "Tom Ashdown", email="tom@aldgate.example", phone="1")


async def shown(story: Story, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(CONTACT, id=key))["contact"]
    return found


async def test_a_contact_keeps_id_history_and_projects(story: Story, customer: str, contact: str) -> None:
    project = await story.project(customer, "Wireless roll-out")
    other = await story.project(customer, "Network audit")
    await story.do("projectPeopleSet", id=project, contactIds=[contact])
    converted = await story.do("contactConvert", id=contact, role="PAYER", projectIds=[other])
    key = contact.replace("con_", "usr_")
    assert converted["clientUser"] == {
        "id": key,
        "name": "Tom Ashdown",
        "email": "tom@aldgate.example",
        "state": "NOT_INVITED",
        "projectScope": "LIST",
    }
    found = await shown(story, contact)
    assert found == {
        "id": contact,
        "name": "Tom Ashdown",
        "email": "tom@aldgate.example",
        "clientUser": {
            "id": key,
            "name": "Tom Ashdown",
            "state": "NOT_INVITED",
            "projectScope": "LIST",
            "customers": {"edges": [{"role": "PAYER", "node": {"id": customer}}]},
            "projects": {"nodes": [{"name": "Network audit"}, {"name": "Wireless roll-out"}]},
        },
        "projects": {"nodes": [{"name": "Wireless roll-out"}]},
    }
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action subjectId } } } }"
    entries = (await story.ask(document, id=customer))["customer"]["activity"]["nodes"]
    assert [entry["action"] for entry in reversed(entries) if entry["subjectId"] == contact] == [
        "contact.created",
        "contact.converted",
    ]


async def test_a_contact_that_is_a_contact_only_has_no_client_user(story: Story, contact: str) -> None:
    assert (await shown(story, contact))["clientUser"] is None


async def test_to_convert_again_changes_nothing_whatever_became_of_the_client_user(story: Story, contact: str) -> None:
    converted = await story.do("contactConvert", id=contact, role="PAYER", projectScope="ALL")
    key = converted["clientUser"]["id"]
    for mutation in (None, "clientUserReinvite", "clientUserDeactivate"):
        if mutation is not None:
            await story.do(mutation, id=key)
        before = await story.everything()
        again = await story.do("contactConvert", id=contact, role="ADMIN", projectScope="LIST", email="other@aldgate.example")
        assert (again["clientUser"]["id"], again["clientUser"]["projectScope"]) == (key, "ALL")
        assert await story.everything() == before


async def test_a_contact_without_an_address_needs_one_to_become_a_client_user(story: Story, customer: str) -> None:
    contact = await story.contact(customer, "Priya Raman")
    for mutation in ("contactConvert", "contactInvite"):
        assert await story.refused(mutation, id=contact, role="VIEWER") == [("INVALID_INPUT", ["email"])]
    converted = await story.do("contactConvert", id=contact, role="VIEWER", email="priya@aldgate.example")
    assert converted["clientUser"]["email"] == "priya@aldgate.example"
    assert (await shown(story, contact))["email"] is None


async def test_a_conversion_is_taken_back_by_deactivation(story: Story, contact: str) -> None:
    converted = await story.do("contactConvert", id=contact, role="VIEWER")
    key = converted["clientUser"]["id"]
    again = await story.do("clientUserReinvite", id=key)
    await story.do("clientUserDeactivate", id=key)
    assert (await story.accept(again["invitation"]["secret"]))["userErrors"][0]["code"] == "INVITATION_NOT_VALID"
    assert (await shown(story, contact))["clientUser"]["state"] == "DEACTIVATED"


async def test_a_contact_is_invited_with_the_details_of_the_client_user(story: Story, customer: str, contact: str) -> None:
    made = await story.do("contactInvite", id=contact, role="VIEWER", name="Thomas Ashdown", email="t@aldgate.example")
    user = made["clientUser"]
    assert (user["id"], user["name"], user["email"], user["state"]) == (
        contact.replace("con_", "usr_"),
        "Thomas Ashdown",
        "t@aldgate.example",
        "INVITED",
    )
    assert (await shown(story, contact))["name"] == "Tom Ashdown"
    assert (await story.accept(made["invitation"]["secret"]))["state"] == "ACTIVE"
    assert await story.refused("contactInvite", id=contact, role="VIEWER") == [("ALREADY_CLIENT_USER", ["id"])]
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 3) { nodes { action } } } }"
    entries = (await story.ask(document, id=customer))["customer"]["activity"]["nodes"]
    assert [entry["action"] for entry in reversed(entries)] == [
        "contact.converted",
        "client_user.invited",
        "client_user.activated",
    ]


async def test_the_client_user_stays_when_its_contact_is_deleted(story: Story, contact: str) -> None:
    key = (await story.do("contactConvert", id=contact, role="VIEWER"))["clientUser"]["id"]
    await story.do("contactDelete", id=contact, confirm=True)
    found = await story.ask("query ($id: ID!) { clientUser(id: $id) { name } }", id=key)
    assert found == {"clientUser": {"name": "Tom Ashdown"}}


async def test_nobody_becomes_a_client_user_who_is_no_contact(story: Story, customer: str) -> None:
    for wrong in ("con_" + "0" * 32, customer, "nonsense"):
        for mutation in ("contactConvert", "contactInvite"):
            assert await story.refused(mutation, id=wrong, role="VIEWER") == [("NOT_FOUND", ["id"])]
