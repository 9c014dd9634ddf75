"""Client users: whom they belong to, what they are there, which projects they follow, and how they are found (domain.md V2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stories import SEES, Story

USER = """
query ($id: ID!) { clientUser(id: $id) {
  name email state projectScope version
  customers { totalCount edges { role node { name role } } }
  projects { totalCount nodes { name } }
} }
"""
OF_CUSTOMER = """
query ($id: ID!) { customer(by: {id: $id}) { clientUsers { totalCount edges { role node { name } } nodes { name } } } }
"""


async def shown(story: Story, key: str) -> dict[str, Any]:
    """A client user, with the roles at its customers and the names of its projects."""
    user: dict[str, Any] = (await story.ask(USER, id=key))["clientUser"]
    customers, projects = user["customers"], user["projects"]
    user["customers"] = {edge["node"]["name"]: edge["role"] for edge in customers["edges"]}
    user["projects"] = [node["name"] for node in projects["nodes"]]
    assert (customers["totalCount"], projects["totalCount"]) == (len(user["customers"]), len(user["projects"]))
    return user


@pytest.fixture
async def tree(story: Story) -> dict[str, str]:
    top = await story.customer("Aldgate Networks", number="ALD-HQ", role="HEAD_OFFICE")
    return {
        "top": top,
        "london": await story.customer("Aldgate London", number="ALD-LON", under=top, access=SEES),
        "leeds": await story.customer("Aldgate Leeds", number="ALD-LEE", under=top, access=SEES),
        "castell": await story.customer("Castell Holdings", number="CAS-HQ"),
    }


async def test_a_client_user_has_a_role_at_each_of_its_customers(story: Story, tree: dict[str, str]) -> None:
    customers = [{"id": tree["top"], "role": "VIEWER"}, {"id": tree["castell"], "role": "ADMIN"}]
    made = await story.do(
        "clientUserInvite", name=" Margaret Oduya ", email=" Margaret@aldgate.example", customers=customers, projectScope="ALL"
    )
    key = made["clientUser"]["id"]
    assert await shown(story, key) == {
        "name": "Margaret Oduya",
        "email": "Margaret@aldgate.example",
        "state": "INVITED",
        "projectScope": "ALL",
        "version": 1,
        "customers": {"Aldgate Networks": "VIEWER", "Castell Holdings": "ADMIN"},
        "projects": [],
    }
    await story.invited("Gwen Pryce", "gwen@castell.example", tree["castell"], role="PAYER")
    assert (await story.ask(OF_CUSTOMER, id=tree["castell"]))["customer"]["clientUsers"] == {
        "totalCount": 2,
        "edges": [{"role": "PAYER", "node": {"name": "Gwen Pryce"}}, {"role": "ADMIN", "node": {"name": "Margaret Oduya"}}],
        "nodes": [{"name": "Gwen Pryce"}, {"name": "Margaret Oduya"}],
    }


async def test_a_client_user_may_exist_before_it_belongs_to_a_customer(story: Story, tree: dict[str, str]) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example")
    assert (await shown(story, key))["customers"] == {}
    await story.do("clientUserUpdate", id=key, customers=[{"id": tree["top"], "role": "PAYER"}])
    assert (await shown(story, key))["customers"] == {"Aldgate Networks": "PAYER"}
    await story.do("clientUserUpdate", id=key, customers=[])
    assert (await shown(story, key))["customers"] == {}


async def test_no_two_have_one_address_in_whatever_case_it_is_written(story: Story, tree: dict[str, str]) -> None:
    await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["top"])
    other, _ = await story.invited("Tom Ashdown", "tom@aldgate.example", tree["top"])
    taken = [("EMAIL_TAKEN", ["email"])]
    fields = {"name": "M", "email": "MARGARET@Aldgate.example", "customers": [], "projectScope": "ALL"}
    assert await story.refused("clientUserInvite", **fields) == taken
    assert await story.refused("clientUserUpdate", id=other, email="Margaret@aldgate.example") == taken
    contact = await story.contact(tree["top"], "Margaret Oduya", email="margaret@aldgate.example")
    assert await story.refused("contactConvert", id=contact, role="VIEWER") == taken
    assert await story.refused("contactInvite", id=contact, role="VIEWER") == taken
    unchanged = await story.do("clientUserUpdate", id=other, email="TOM@aldgate.example")
    assert unchanged["clientUser"]["email"] == "TOM@aldgate.example"


async def test_values_that_no_client_user_can_have_are_all_refused(story: Story, tree: dict[str, str]) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["top"])
    expected = [("INVALID_INPUT", ["name"]), ("INVALID_INPUT", ["email"])]
    for name, email in ((" ", ""), ("x" * 201, "margaret"), ("\0", "m oduya@aldgate.example")):
        assert await story.refused("clientUserUpdate", id=key, name=name, email=email) == expected
        fields = {"name": name, "email": email, "customers": [], "projectScope": "ALL"}
        assert await story.refused("clientUserInvite", **fields) == expected
    nothing = {"name": None, "email": None, "projectScope": None}
    refused = await story.refused("clientUserUpdate", id=key, **nothing)
    assert refused == [("INVALID_INPUT", [field]) for field in ("name", "email", "projectScope")]


async def test_unknown_foreign_and_repeated_customers_are_refused_each_by_its_place(story: Story, tree: dict[str, str]) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["top"])
    unknown = {"id": "cus_" + "0" * 32, "role": "ADMIN"}
    fields = {"name": "Tom Ashdown", "email": "tom@aldgate.example", "projectScope": "ALL"}
    for customers, expected in (
        ([{"id": tree["top"], "role": "ADMIN"}, unknown], [("NOT_FOUND", ["customers", "1", "id"])]),
        ([{"id": "nonsense", "role": "ADMIN"}, unknown], [("NOT_FOUND", ["customers", "0", "id"])]),
        ([{"id": tree["top"], "role": role} for role in ("ADMIN", "PAYER")], [("INVALID_INPUT", ["customers", "1", "id"])]),
        ([unknown] * 1001, [("INVALID_INPUT", ["customers"])]),
    ):
        assert await story.refused("clientUserInvite", customers=customers, **fields) == expected
        assert await story.refused("clientUserUpdate", id=key, customers=customers) == expected


async def test_an_update_to_what_is_there_already_changes_nothing(story: Story, tree: dict[str, str]) -> None:
    project = await story.project(tree["london"], "Wireless roll-out")
    key, secret = await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["top"], projectIds=[project])
    before = await story.everything()
    await story.do(
        "clientUserUpdate",
        id=key,
        version=1,
        name="Margaret Oduya ",
        email="margaret@aldgate.example",
        customers=[{"id": tree["top"], "role": "VIEWER"}],
        projectScope="ALL",
        projectIds=[project],
    )
    assert await story.everything() == before
    assert (await story.accept(secret))["userErrors"] == []


async def test_an_update_of_a_version_that_is_gone_changes_nothing(story: Story, tree: dict[str, str]) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["top"])
    await story.do("clientUserUpdate", id=key, name="Margaret Hale", version=1)
    assert await story.refused("clientUserUpdate", id=key, name="M", version=1) == [("STALE_VERSION", ["version"])]


async def test_what_happens_to_a_client_user_shows_on_the_pages_of_its_customers(story: Story, tree: dict[str, str]) -> None:
    key, _ = await story.invited("Margaret Oduya", "margaret@aldgate.example", tree["london"])
    await story.do("clientUserUpdate", id=key, name="Margaret Hale", customers=[{"id": tree["leeds"], "role": "ADMIN"}])
    await story.do("clientUserReinvite", id=key)
    await story.do("clientUserDeactivate", id=key)
    await story.do("clientUserReactivate", id=key)
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action subjectId details } } } }"
    pages = {}
    for name in ("london", "leeds"):
        entries = (await story.ask(document, id=tree[name]))["customer"]["activity"]["nodes"]
        pages[name] = [(entry["action"], entry["details"]) for entry in reversed(entries) if entry["subjectId"] == key]
    updated = ("client_user.updated", {"fields": ["customers", "name"]})
    assert pages == {
        "london": [("client_user.invited", {}), updated],
        "leeds": [
            updated,
            ("client_user.reinvited", {}),
            ("client_user.deactivated", {}),
            ("client_user.reactivated", {}),
        ],
    }


async def test_a_client_user_is_put_to_projects_of_its_customers_and_of_those_below_them(
    story: Story, tree: dict[str, str]
) -> None:
    above = await story.project(tree["top"], "Framework agreement")
    below = await story.project(tree["london"], "Wireless roll-out")
    beside = await story.project(tree["castell"], "Network audit")
    head, _ = await story.invited("Margaret", "m@aldgate.example", tree["top"], projectScope="LIST", projectIds=[above, below])
    assert (await shown(story, head))["projects"] == ["Framework agreement", "Wireless roll-out"]
    fields = {"name": "Priya", "email": "p@aldgate.example", "projectScope": "LIST"}
    customers = [{"id": tree["london"], "role": "VIEWER"}]
    unknown = "prj_" + "0" * 32
    assert await story.refused("clientUserInvite", customers=customers, projectIds=[below, above, unknown, beside], **fields) == [
        ("NOT_AT_CUSTOMER", ["projectIds", "1"]),
        ("NOT_FOUND", ["projectIds", "2"]),
        ("NOT_AT_CUSTOMER", ["projectIds", "3"]),
    ]
    assert await story.refused("clientUserUpdate", id=head, projectIds=[beside]) == [("NOT_AT_CUSTOMER", ["projectIds", "0"])]
    await story.do("clientUserUpdate", id=head, projectIds=[below])
    assert (await shown(story, head))["projects"] == ["Wireless roll-out"]
    await story.do("clientUserUpdate", id=head, projectIds=[], projectScope="ALL")
    assert (await shown(story, head))["projects"] == []


async def test_who_leaves_a_customer_leaves_the_projects_that_it_reached_over_that_one_alone(
    story: Story, tree: dict[str, str]
) -> None:
    projects = {name: await story.project(key, name) for name, key in tree.items()}
    key, _ = await story.invited(
        "Margaret", "m@aldgate.example", tree["top"], tree["leeds"], tree["castell"], projectIds=list(projects.values())
    )
    assert (await shown(story, key))["projects"] == ["castell", "leeds", "london", "top"]
    await story.do("clientUserUpdate", id=key, customers=[{"id": tree["leeds"], "role": "VIEWER"}])
    user = await shown(story, key)
    assert (user["customers"], user["projects"]) == ({"Aldgate Leeds": "VIEWER"}, ["leeds"])


async def test_client_users_are_found_by_what_they_are(story: Story, tree: dict[str, str]) -> None:
    margaret, secret = await story.invited("Margaret", "Margaret@aldgate.example", tree["top"], tree["london"])
    gwen, _ = await story.invited("Gwen", "gwen@castell.example", tree["castell"])
    nobody, _ = await story.invited("Nobody", "nobody@nowhere.example")
    await story.accept(secret)
    document = "query ($filter: ClientUserFilter) { clientUsers(filter: $filter) { totalCount nodes { id } } }"
    for given, expected in (
        ({}, [gwen, margaret, nobody]),
        ({"email": {"eq": "MARGARET@aldgate.example"}}, [margaret]),
        ({"state": "ACTIVE"}, [margaret]),
        ({"customerId": {"eq": tree["london"]}}, [margaret]),
        ({"customerId": {"in": [tree["london"], tree["top"], tree["castell"]]}}, [gwen, margaret]),
        ({"customerId": {"eq": None}}, [nobody]),
        ({"name": {"contains": "G"}, "state": "INVITED"}, [gwen]),
        ({"id": {"in": [nobody]}}, [nobody]),
    ):
        found = (await story.ask(document, filter=given))["clientUsers"]
        assert ([node["id"] for node in found["nodes"]], found["totalCount"]) == (expected, len(expected)), given
    ordered = await story.ask("{ clientUsers(orderBy: [{field: CREATED_AT, direction: DESC}], first: 2) { nodes { id } } }")
    assert [node["id"] for node in ordered["clientUsers"]["nodes"]] == [nobody, gwen]


async def test_everybody_is_found_by_an_id_alone(story: Story, tree: dict[str, str]) -> None:
    user, _ = await story.invited("Margaret", "m@aldgate.example", tree["top"])
    project = await story.project(tree["top"], "Framework agreement")
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on ClientUser { email } ... on Project { name } } }"
    assert (await story.ask(document, ids=[project, user, "usr_" + "0" * 32]))["nodes"] == [
        {"id": project, "name": "Framework agreement"},
        {"id": user, "email": "m@aldgate.example"},
        None,
    ]


async def test_people_and_projects_of_many_customers_take_a_statement_for_each_relation(
    counting: Callable[[], Any], story: Story, tree: dict[str, str]
) -> None:
    for number, key in enumerate(tree.values()):
        project = await story.project(key, f"Project {number}")
        user, _ = await story.invited(f"User {number}", f"{number}@aldgate.example", key, projectIds=[project])
        contact = await story.contact(key, f"Contact {number}", email=f"c{number}@aldgate.example")
        await story.do("projectPeopleSet", id=project, contactIds=[contact], clientUserIds=[user])
        await story.do("contactConvert", id=contact, role="VIEWER")
    document = """
    { customers { nodes {
      contacts { nodes { name clientUser { state } projects { nodes { name } } } }
      clientUsers { edges { role node { invitedUntil customers { edges { role } } projects { nodes { name } } } } }
      projects { nodes { customer { name } contacts { nodes { name } } clientUsers { totalCount nodes { name } } } }
    } } }
    """
    with counting() as issued:
        found = await story.ask(document)
    assert [len(node["clientUsers"]["edges"]) for node in found["customers"]["nodes"]] == [2] * 4
    assert [node["projects"]["nodes"][0]["clientUsers"]["totalCount"] for node in found["customers"]["nodes"]] == [2] * 4
    # The customers; their contacts, client users and projects; and one for each relation of these: of contacts one, of client
    # users three, of projects three. Whose project it is, and who became a client user, is known by then.
    assert len(issued) == 1 + 3 + 1 + 3 + 3
