"""The people of a customer, from the first contact to the day when the customer is deleted (domain.md 1.2, SB1 to SB27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stories import Story

PAGE = """
query ($id: ID!) { customer(by: {id: $id}) {
  name number status version phone taxId
  contacts { totalCount nodes { id name phone clientUser { state } projects { nodes { name } } } }
  clientUsers { totalCount edges { role node { id name state projectScope projects { nodes { name } } } } }
  projects { nodes { name contacts { nodes { name phone } } clientUsers { nodes { name state } } } }
  externalReferences { system externalId url }
} }
"""
PREVIEW = """
query ($id: ID!) { customerDeletePreview(id: $id) {
  contactCount clientUserCount projectCount confirmationToken userErrors { code }
} }
"""


async def page(story: Story, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(PAGE, id=key))["customer"]
    return found


@dataclass(frozen=True)
class Company:
    """A client company, work for it, and somebody there who has to be reached and need not see anything."""

    name: str
    project: str
    contact: str
    designation: str


COMPANIES = (
    # The client should not see some of the specifications of its event (SB15).
    Company("Brightwater Events", "Autumn gala", "Nadia Cole", "Host"),
    # The property's owner is asked for documents (SB16).
    Company("Harrow Construction", "Riverside flats", "Peter Lund", "Property owner"),
    # The start-up gets only what is finished (SB17).
    Company("Sprout", "Website", "Iris Bloom", "Founder"),
)


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.name)
async def test_somebody_who_has_to_be_reached_is_at_hand_and_is_let_in_nowhere(story: Story, company: Company) -> None:
    customer = await story.customer(company.name)
    contact = await story.contact(customer, company.contact, designation=company.designation, phone="+44 20 7946 0000")
    project = await story.project(customer, company.project)
    await story.do("projectPeopleSet", id=project, contactIds=[contact])
    shown = await page(story, customer)
    assert shown["contacts"]["nodes"] == [
        {
            "id": contact,
            "name": company.contact,
            "phone": "+44 20 7946 0000",
            "clientUser": None,
            "projects": {"nodes": [{"name": company.project}]},
        }
    ]
    assert shown["clientUsers"] == {"totalCount": 0, "edges": []}
    assert shown["projects"]["nodes"] == [
        {
            "name": company.project,
            "contacts": {"nodes": [{"name": company.contact, "phone": "+44 20 7946 0000"}]},
            "clientUsers": {"nodes": []},
        }
    ]


async def test_people_of_a_customer_from_the_first_contact_to_the_last(story: Story) -> None:
    # Customers and contacts are entered, a field is edited alone (SB4, SB10, SB19, SB22).
    aldgate = await story.customer(
        "Aldgate Networks", number="ALD-HQ", taxId="GB 1", externalReferences=[{"system": "crm", "externalId": "ALD-0001"}]
    )
    await story.do("customerUpdate", id=aldgate, version=1, phone="+44 20 7946 0000")
    margaret = await story.contact(aldgate, "Margaret Oduya", email="margaret@aldgate.example")
    tom = await story.contact(aldgate, "Tom Ashdown")
    ruth = await story.contact(aldgate, "Ruth Hale")
    project = await story.project(aldgate, "Wireless roll-out")
    audit = await story.project(aldgate, "Network audit")

    # A client user is invited to specific projects, another one to all (SB12).
    priya, secret = await story.invited(
        "Priya Raman", "priya@aldgate.example", aldgate, projectScope="LIST", projectIds=[project]
    )
    assert await story.accept(secret) == {"id": priya, "state": "ACTIVE", "userErrors": []}
    gwen, late = await story.invited("Gwen Pryce", "gwen@aldgate.example", aldgate, role="ADMIN")
    await story.do("clientUserDeactivate", id=gwen)
    assert (await story.accept(late))["userErrors"][0]["code"] == "INVITATION_NOT_VALID"

    # A contact is converted and keeps its projects; it is put to another one before anybody invites it (SB18, SB24).
    await story.do("projectPeopleSet", id=project, contactIds=[margaret])
    converted = await story.do("contactConvert", id=margaret, role="PAYER")
    payer = converted["clientUser"]["id"]
    assert payer == margaret.replace("con_", "usr_")
    await story.do("projectPeopleSet", id=audit, clientUserIds=[payer])

    # Another one is invited with the details of a client user (SB23).
    assert await story.refused("contactInvite", id=tom, role="VIEWER") == [("INVALID_INPUT", ["email"])]
    invited = await story.do("contactInvite", id=tom, role="VIEWER", name="Thomas Ashdown", email="tom@aldgate.example")
    assert await story.accept(invited["invitation"]["secret"]) == {
        "id": tom.replace("con_", "usr_"),
        "state": "ACTIVE",
        "userErrors": [],
    }

    # A contact is changed; one is deleted, with a confirmation (SB25, SB26).
    await story.do("contactUpdate", id=tom, phone="2")
    assert await story.refused("contactDelete", id=ruth) == [("INVALID_INPUT", ["confirm"])]
    await story.do("contactDelete", id=ruth, confirm=True)

    # The page shows all of it in one query (SB2, SB5 to SB8, SB21).
    shown = await page(story, aldgate)
    users = shown.pop("clientUsers")
    assert shown == {
        "name": "Aldgate Networks",
        "number": "ALD-HQ",
        "status": "ACTIVE",
        "version": 2,
        "phone": "+44 20 7946 0000",
        "taxId": "GB 1",
        "contacts": {
            "totalCount": 2,
            "nodes": [
                {
                    "id": margaret,
                    "name": "Margaret Oduya",
                    "phone": None,
                    "clientUser": {"state": "NOT_INVITED"},
                    "projects": {"nodes": [{"name": "Wireless roll-out"}]},
                },
                {"id": tom, "name": "Tom Ashdown", "phone": "2", "clientUser": {"state": "ACTIVE"}, "projects": {"nodes": []}},
            ],
        },
        "projects": {
            "nodes": [
                {
                    "name": "Network audit",
                    "contacts": {"nodes": []},
                    "clientUsers": {"nodes": [{"name": "Margaret Oduya", "state": "NOT_INVITED"}]},
                },
                {
                    "name": "Wireless roll-out",
                    "contacts": {"nodes": [{"name": "Margaret Oduya", "phone": None}]},
                    "clientUsers": {
                        "nodes": [
                            {"name": "Margaret Oduya", "state": "NOT_INVITED"},
                            {"name": "Priya Raman", "state": "ACTIVE"},
                        ]
                    },
                },
            ]
        },
        "externalReferences": [{"system": "crm", "externalId": "ALD-0001", "url": None}],
    }
    assert [(edge["role"], edge["node"]["name"], edge["node"]["state"]) for edge in users["edges"]] == [
        ("ADMIN", "Gwen Pryce", "DEACTIVATED"),
        ("PAYER", "Margaret Oduya", "NOT_INVITED"),
        ("VIEWER", "Priya Raman", "ACTIVE"),
        ("VIEWER", "Thomas Ashdown", "ACTIVE"),
    ]

    # What was done for it is kept: with projects it is not deleted (SB11).
    preview = (await story.ask(PREVIEW, id=aldgate))["customerDeletePreview"]
    assert preview == {
        "contactCount": 2,
        "clientUserCount": 4,
        "projectCount": 2,
        "confirmationToken": None,
        "userErrors": [{"code": "HAS_PROJECTS"}],
    }


async def test_contacts_go_with_their_customer_and_client_users_stay(story: Story) -> None:
    leaving, staying = await story.customer("Castell Retail"), await story.customer("Castell Holdings")
    contact = await story.contact(leaving, "Idris Vaughan", email="idris@castell.example")
    user = (await story.do("contactConvert", id=contact, role="VIEWER"))["clientUser"]["id"]
    gwen, _ = await story.invited("Gwen Pryce", "gwen@castell.example", leaving, staying)
    preview = (await story.ask(PREVIEW, id=leaving))["customerDeletePreview"]
    assert (preview["contactCount"], preview["clientUserCount"], preview["userErrors"]) == (1, 2, [])
    assert await story.refused("customerDelete", id=leaving, confirmationToken="") == [
        ("CONFIRMATION_STALE", ["confirmationToken"])
    ]
    deleted = await story.do("customerDelete", id=leaving, confirmationToken=preview["confirmationToken"])
    assert deleted["deletedContactCount"] == 1
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on ClientUser { name customers { nodes { name } } } } }"
    assert (await story.ask(document, ids=[leaving, contact, user, gwen]))["nodes"] == [
        None,
        None,
        {"__typename": "ClientUser", "name": "Idris Vaughan", "customers": {"nodes": []}},
        {"__typename": "ClientUser", "name": "Gwen Pryce", "customers": {"nodes": [{"name": "Castell Holdings"}]}},
    ]
