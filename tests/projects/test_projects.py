"""Projects of a customer, and the people who have to do with them without any invitation (domain.md 1.2, SB7, SB18)."""

from __future__ import annotations

from typing import Any

import pytest

from stories import SEES, Story

PROJECT = """
query ($id: ID!) { project(id: $id) {
  name version customer { name } clientUsers { totalCount nodes { name state } } contacts { totalCount nodes { name } }
} }
"""


async def shown(story: Story, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(PROJECT, id=key))["project"]
    return found


async def people(story: Story, key: str) -> tuple[list[str], list[str]]:
    """Names of client users and of contacts."""
    found = await shown(story, key)
    users, contacts = ([node["name"] for node in found[field]["nodes"]] for field in ("clientUsers", "contacts"))
    assert (found["clientUsers"]["totalCount"], found["contacts"]["totalCount"]) == (len(users), len(contacts))
    return users, contacts


@pytest.fixture
async def customer(story: Story) -> str:
    return await story.customer("Aldgate Networks")


async def test_a_project_has_what_was_given(story: Story, customer: str) -> None:
    made = await story.do("projectCreate", customerId=customer, name=" Wireless roll-out ", description=" All offices ")
    project = made["project"]
    assert project == {
        "id": project["id"],
        "name": "Wireless roll-out",
        "description": "All offices",
        "status": "ACTIVE",
        "version": 1,
    }
    assert (await shown(story, project["id"]))["customer"] == {"name": "Aldgate Networks"}


async def test_an_update_changes_what_it_names_and_nothing_else(story: Story, customer: str) -> None:
    key = await story.project(customer, "Wireless roll-out", description="All offices")
    changed = await story.do("projectUpdate", id=key, version=1, status="COMPLETED", description=None)
    assert changed["project"] == {
        "id": key,
        "name": "Wireless roll-out",
        "description": None,
        "status": "COMPLETED",
        "version": 2,
    }
    before = await story.everything()
    await story.do("projectUpdate", id=key, status="COMPLETED", name="Wireless roll-out")
    assert await story.everything() == before
    assert await story.refused("projectUpdate", id=key, version=1, name="x") == [("STALE_VERSION", ["version"])]


async def test_values_that_no_project_can_have_are_all_refused(story: Story, customer: str) -> None:
    key = await story.project(customer, "Wireless roll-out")
    bad = {"name": " ", "description": "x" * 10_001}
    expected = [("INVALID_INPUT", ["name"]), ("INVALID_INPUT", ["description"])]
    assert await story.refused("projectCreate", customerId=customer, **bad) == expected
    assert await story.refused("projectUpdate", id=key, **bad) == expected
    assert await story.refused("projectUpdate", id=key, status=None) == [("INVALID_INPUT", ["status"])]


async def test_unknown_ids_are_not_found(story: Story, customer: str) -> None:
    for wrong in ("cus_" + "0" * 32, "nonsense"):
        assert await story.refused("projectCreate", customerId=wrong, name="x") == [("NOT_FOUND", ["customerId"])]
    for wrong in ("prj_" + "0" * 32, customer):
        assert await story.refused("projectUpdate", id=wrong, name="x") == [("NOT_FOUND", ["id"])]
        assert await story.refused("projectPeopleSet", id=wrong, contactIds=[]) == [("NOT_FOUND", ["id"])]


async def test_people_are_put_to_a_project_without_any_invitation(story: Story, customer: str) -> None:
    key = await story.project(customer, "Wireless roll-out")
    contact = await story.contact(customer, "Tom Ashdown", email="tom@aldgate.example")
    user = (await story.do("contactConvert", id=contact, role="VIEWER"))["clientUser"]["id"]
    other = await story.contact(customer, "Margaret Oduya")
    await story.do("projectPeopleSet", id=key, clientUserIds=[user], contactIds=[contact, other, other])
    assert (await shown(story, key))["clientUsers"]["nodes"] == [{"name": "Tom Ashdown", "state": "NOT_INVITED"}]
    assert await people(story, key) == (["Tom Ashdown"], ["Margaret Oduya", "Tom Ashdown"])
    await story.do("projectPeopleSet", id=key, contactIds=[other])
    assert await people(story, key) == (["Tom Ashdown"], ["Margaret Oduya"])
    await story.do("projectPeopleSet", id=key, clientUserIds=[])
    assert await people(story, key) == ([], ["Margaret Oduya"])


async def test_to_put_the_same_people_to_it_again_changes_nothing(story: Story, customer: str) -> None:
    key = await story.project(customer, "Wireless roll-out")
    user, _ = await story.invited("Margaret", "m@aldgate.example", customer)
    contact = await story.contact(customer, "Tom")
    given: dict[str, Any] = {"id": key, "clientUserIds": [user], "contactIds": [contact]}
    assert (await story.do("projectPeopleSet", **given))["project"]["version"] == 2
    before = await story.everything()
    assert (await story.do("projectPeopleSet", **given, version=2))["project"]["version"] == 2
    assert (await story.do("projectPeopleSet", id=key))["project"]["version"] == 2
    assert await story.everything() == before
    assert await story.refused("projectPeopleSet", **given, version=1) == [("STALE_VERSION", ["version"])]


async def test_people_belong_to_the_project_s_customer_or_to_one_above_it(story: Story, customer: str) -> None:
    branch = await story.customer("Aldgate London", under=customer, access=SEES)
    team = await story.customer("London Sales", under=branch, access=SEES)
    key = await story.project(branch, "Wireless roll-out")
    users = [(await story.invited(f"U{n}", f"u{n}@aldgate.example", each))[0] for n, each in enumerate((customer, branch, team))]
    contacts = [await story.contact(each, f"C{n}") for n, each in enumerate((customer, branch, team))]
    unknown = ["usr_" + "0" * 32, "con_" + "0" * 32]
    assert await story.refused(
        "projectPeopleSet", id=key, clientUserIds=[*users, unknown[0]], contactIds=[*contacts, unknown[1]]
    ) == [
        ("NOT_AT_CUSTOMER", ["clientUserIds", "2"]),
        ("NOT_FOUND", ["clientUserIds", "3"]),
        ("NOT_AT_CUSTOMER", ["contactIds", "2"]),
        ("NOT_FOUND", ["contactIds", "3"]),
    ]
    assert await story.refused("projectPeopleSet", id=key, contactIds=[users[0], "x"]) == [
        ("NOT_FOUND", ["contactIds", "0"]),
        ("NOT_FOUND", ["contactIds", "1"]),
    ]
    assert await story.refused("projectPeopleSet", id=key, contactIds=unknown * 501) == [("INVALID_INPUT", ["contactIds"])]
    await story.do("projectPeopleSet", id=key, clientUserIds=users[:2], contactIds=contacts[:2])
    assert await people(story, key) == (["U0", "U1"], ["C0", "C1"])


async def test_projects_are_found_by_what_they_are(story: Story, customer: str) -> None:
    other = await story.customer("Castell Holdings")
    rollout = await story.project(customer, "Wireless roll-out")
    survey = await story.project(customer, "Survey", status="COMPLETED")
    audit = await story.project(other, "Network audit")
    document = "query ($filter: ProjectFilter) { projects(filter: $filter) { totalCount nodes { id } } }"
    for given, expected in (
        ({}, [audit, survey, rollout]),
        ({"customerId": {"eq": customer}}, [survey, rollout]),
        ({"status": "COMPLETED"}, [survey]),
        ({"name": {"contains": "WIRELESS"}}, [rollout]),
    ):
        found = (await story.ask(document, filter=given))["projects"]
        assert ([node["id"] for node in found["nodes"]], found["totalCount"]) == (expected, len(expected)), given
    page = "query ($id: ID!) { customer(by: {id: $id}) { projects(first: 1) { totalCount nodes { id } } } }"
    assert (await story.ask(page, id=customer))["customer"]["projects"] == {"totalCount": 2, "nodes": [{"id": survey}]}


async def test_what_happens_to_a_project_shows_on_the_page_of_its_customer(story: Story, customer: str) -> None:
    key = await story.project(customer, "Wireless roll-out")
    contact = await story.contact(customer, "Tom")
    await story.do("projectUpdate", id=key, status="ON_HOLD")
    await story.do("projectPeopleSet", id=key, contactIds=[contact])
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action subjectId details } } } }"
    entries = (await story.ask(document, id=customer))["customer"]["activity"]["nodes"]
    assert [(entry["action"], entry["details"]) for entry in reversed(entries) if entry["subjectId"] == key] == [
        ("project.created", {"name": "Wireless roll-out"}),
        ("project.updated", {"fields": ["status"]}),
        ("project.people_set", {"fields": ["contacts"]}),
    ]
