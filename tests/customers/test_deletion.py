"""Customers are deleted in two steps, and only those that never had a transaction (domain.md D1, D2, D3, D5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stories import PAYS, SEES, Story

PREVIEW = """
query ($id: ID!) {
  customerDeletePreview(id: $id) {
    contactCount clientUserCount projectCount confirmationToken userErrors { code field message }
  }
}
"""
PREVIEW_REPARENTING = """
query ($id: ID!) {
  customerDeletePreview(id: $id, reparentChildren: true) { childCount confirmationToken userErrors { code } }
}
"""
CHILDREN = """
query ($id: ID!) { customer(by: {id: $id}) { children(orderBy: [{field: NAME}]) {
  nodes { name parentAccess { view pay manage } }
} } }
"""
PLACE = "Say where they go with reparentChildrenTo, or move them first."
CONTACT = "mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { contact { id } userErrors { code } } }"


async def preview(story: Story, customer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(PREVIEW, id=customer_id))["customerDeletePreview"]
    return found


async def token(story: Story, customer_id: str) -> str:
    found: str = (await preview(story, customer_id))["confirmationToken"]
    return found


async def test_a_confirmed_deletion_takes_the_contacts_along(story: Story) -> None:
    key = await story.customer("Lisbon", externalReferences=[{"system": "crm", "externalId": "A-1"}])
    contact = (await story.ask(CONTACT, input={"customerId": key, "name": "Maria Duarte"}))["contactCreate"]["contact"]["id"]
    shown = await preview(story, key)
    assert (shown["contactCount"], shown["userErrors"]) == (1, [])
    deleted = await story.do("customerDelete", id=key, confirmationToken=shown["confirmationToken"])
    assert deleted == {"deletedCustomerId": key, "deletedContactCount": 1, "reparentedChildCount": 0, "userErrors": []}
    found = await story.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[key, contact])
    assert found == {"nodes": [None, None]}
    again = await story.customer("Lisbon", externalReferences=[{"system": "crm", "externalId": "A-1"}])
    assert again != key


async def test_a_former_child_is_deleted_with_its_history_and_its_parent_stays(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.move(city, None)
    await story.do("customerDelete", id=city, confirmationToken=await token(story, city))
    found = await story.ask("query ($id: ID!) { customer(by: {id: $id}) { descendants { totalCount } } }", id=top)
    assert found["customer"]["descendants"]["totalCount"] == 0


async def test_a_child_is_deleted_out_of_its_tree(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.do("customerDelete", id=city, confirmationToken=await token(story, city))
    found = await story.ask("query ($id: ID!) { customer(by: {id: $id}) { children { totalCount } } }", id=top)
    assert found["customer"]["children"]["totalCount"] == 0


async def test_the_token_confirms_only_the_state_that_was_shown(story: Story) -> None:
    key = await story.customer("Lisbon")
    shown = await token(story, key)
    await story.do("customerUpdate", id=key, phone="1")
    other = await story.customer("Porto")
    expected = [("CONFIRMATION_STALE", ["confirmationToken"])]
    for stale in (shown, await token(story, other), "", "x" * 5000, "\0", "\ud800"):
        assert await story.refused("customerDelete", id=key, confirmationToken=stale) == expected
    shown = await token(story, key)
    await story.ask(CONTACT, input={"customerId": key, "name": "Maria Duarte"})
    assert await story.refused("customerDelete", id=key, confirmationToken=shown) == expected


async def test_a_customer_with_children_is_not_deleted(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    shown = await token(story, top)
    await story.customer("Lisbon", under=top)
    await story.customer("Porto", under=top)
    expected = [("HAS_CHILDREN", ["id"], f"Aldgate Networks has 2 children. {PLACE}")]
    assert await story.refusals("customerDelete", id=top, confirmationToken=shown) == expected
    found = await preview(story, top)
    assert (found["confirmationToken"], [error["code"] for error in found["userErrors"]]) == (None, ["HAS_CHILDREN"])


async def test_a_customer_with_transactions_is_not_deleted(story: Story) -> None:
    key = await story.customer("Lisbon")
    draft = await story.invoice(key, "10.00", issue=False)
    expected = [("HAS_TRANSACTIONS", ["id"], "Lisbon has 1 invoices, payments or credit notes. Deactivate it instead.")]
    assert await story.refusals("customerDelete", id=key, confirmationToken="") == expected
    await story.do("invoiceIssue", id=draft)
    await story.payment(key, "10.00", apply={})
    assert await story.refused("customerDelete", id=key, confirmationToken="") == [("HAS_TRANSACTIONS", ["id"])]


async def test_a_customer_with_unapplied_money_is_not_deleted(story: Story) -> None:
    paying, credited = await story.customer("Lisbon"), await story.customer("Porto")
    await story.payment(paying, "10.00")
    await story.credit_note(credited, "10.00")
    for key in (paying, credited):
        assert await story.refused("customerDelete", id=key, confirmationToken="") == [
            ("HAS_UNAPPLIED_FUNDS", ["id"]),
            ("HAS_TRANSACTIONS", ["id"]),
        ]


async def test_money_that_is_used_up_is_no_unapplied_money(story: Story) -> None:
    key = await story.customer("Lisbon")
    await story.invoice(key, "15.00")
    await story.payment(key, "10.00", apply={})
    await story.do("creditNoteApply", sourceId=await story.credit_note(key, "5.00"))
    assert await story.refusals("customerDelete", id=key, confirmationToken="") == [
        ("HAS_TRANSACTIONS", ["id"], "Lisbon has 3 invoices, payments or credit notes. Deactivate it instead.")
    ]


async def test_all_that_stands_in_the_way_is_told_at_once(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    await story.do("customerCreate", name="Lisbon", parent={"id": top, "access": PAYS})
    await story.payment(top, "10.00")
    await story.invoice(top, "1.00")
    found = await preview(story, top)
    assert [(error["code"], error["message"]) for error in found["userErrors"]] == [
        ("HAS_CHILDREN", f"Aldgate Networks has 1 children. {PLACE}"),
        ("HAS_UNAPPLIED_FUNDS", "Aldgate Networks has money that is not applied, in 1 payments or credit notes."),
        ("HAS_TRANSACTIONS", "Aldgate Networks has 2 invoices, payments or credit notes. Deactivate it instead."),
    ]


async def test_there_is_nothing_to_delete_where_there_is_no_customer(story: Story) -> None:
    unknown = "cus_" + "0" * 32
    assert await story.ask(PREVIEW, id=unknown) == {"customerDeletePreview": None}
    for wrong in (unknown, "inv_" + "0" * 32, "nonsense"):
        assert await story.refused("customerDelete", id=wrong, confirmationToken="") == [("NOT_FOUND", ["id"])]


async def test_client_users_lose_the_customer_and_stay_whether_they_have_another_one_or_not(story: Story) -> None:
    key, other = await story.customer("Lisbon"), await story.customer("Porto")
    both, secret = await story.invited("Maria Duarte", "maria@aldgate.example", key, other, role="ADMIN")
    only, _ = await story.invited("Rui Costa", "rui@aldgate.example", key)
    await story.accept(secret)
    shown = await preview(story, key)
    assert (shown["clientUserCount"], shown["userErrors"]) == (2, [])
    await story.do("customerDelete", id=key, confirmationToken=shown["confirmationToken"])
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ClientUser { state customers { nodes { name } } } } }"
    assert (await story.ask(document, ids=[both, only]))["nodes"] == [
        {"state": "ACTIVE", "customers": {"nodes": [{"name": "Porto"}]}},
        {"state": "INVITED", "customers": {"nodes": []}},
    ]
    await story.do("clientUserUpdate", id=only, customers=[{"id": other, "role": "VIEWER"}])


async def test_a_customer_with_projects_is_not_deleted(story: Story) -> None:
    key = await story.customer("Lisbon")
    shown = await token(story, key)
    await story.project(key, "Roll-out", status="COMPLETED")
    expected = [("HAS_PROJECTS", ["id"], "Lisbon has 1 projects. Deactivate it instead.")]
    assert await story.refusals("customerDelete", id=key, confirmationToken=shown) == expected
    found = await preview(story, key)
    assert (found["projectCount"], found["confirmationToken"]) == (1, None)


async def test_the_token_speaks_of_people_too(story: Story) -> None:
    key = await story.customer("Lisbon")
    shown = await token(story, key)
    await story.invited("Maria Duarte", "maria@aldgate.example", key)
    assert await story.refused("customerDelete", id=key, confirmationToken=shown) == [
        ("CONFIRMATION_STALE", ["confirmationToken"])
    ]


@dataclass(frozen=True)
class Lineage:
    """A head office, a region below it that pays for two cities, and the confirmation that the region is deleted."""

    top: str
    region: str
    cities: list[str]
    token: str


@pytest.fixture
async def lineage(story: Story) -> Lineage:
    top = await story.customer("Aldgate Networks")
    region = await story.customer("Iberia", under=top, access=SEES)
    cities = [await story.customer(name, under=region) for name in ("Lisbon", "Porto")]
    shown = (await story.ask(PREVIEW_REPARENTING, id=region))["customerDeletePreview"]
    assert (shown["childCount"], shown["userErrors"]) == (2, [])
    return Lineage(top, region, cities, shown["confirmationToken"])


async def test_children_go_to_the_grandparent_with_rights_that_are_stated(story: Story, lineage: Lineage) -> None:
    deleted = await story.do(
        "customerDelete", id=lineage.region, confirmationToken=lineage.token, reparentChildrenTo={"grandparent": PAYS}
    )
    assert (deleted["deletedCustomerId"], deleted["reparentedChildCount"]) == (lineage.region, 2)
    found = await story.ask(CHILDREN, id=lineage.top)
    assert found["customer"]["children"]["nodes"] == [{"name": name, "parentAccess": PAYS} for name in ("Lisbon", "Porto")]


async def test_children_become_roots(story: Story, lineage: Lineage) -> None:
    await story.do("customerDelete", id=lineage.region, confirmationToken=lineage.token, reparentChildrenTo={"root": True})
    found = await story.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { depth parent { id } } } }", ids=lineage.cities
    )
    assert found["nodes"] == [{"depth": 0, "parent": None}] * 2


async def test_children_go_to_any_other_customer(story: Story, lineage: Lineage) -> None:
    other = await story.customer("Castell Holdings")
    place = {"customer": {"id": other, "access": SEES}}
    await story.do("customerDelete", id=lineage.region, confirmationToken=lineage.token, reparentChildrenTo=place)
    found = await story.ask(CHILDREN, id=other)
    assert found["customer"]["children"]["nodes"] == [{"name": name, "parentAccess": SEES} for name in ("Lisbon", "Porto")]


async def test_children_do_not_go_where_no_children_can_be(story: Story, lineage: Lineage) -> None:
    person = await story.customer("Maria Duarte", kind="INDIVIDUAL")
    to = ("reparentChildrenTo",)
    for place, expected in (
        ({"root": False}, ("INVALID_INPUT", [*to, "root"])),
        ({"customer": {"id": "cus_" + "0" * 32, "access": SEES}}, ("NOT_FOUND", [*to, "customer", "id"])),
        ({"customer": {"id": "nonsense", "access": SEES}}, ("NOT_FOUND", [*to, "customer", "id"])),
        ({"customer": {"id": lineage.region, "access": SEES}}, ("INVALID_INPUT", [*to, "customer", "id"])),
        ({"customer": {"id": lineage.cities[0], "access": SEES}}, ("HIERARCHY_CYCLE", [*to, "customer", "id"])),
        ({"customer": {"id": person, "access": SEES}}, ("NOT_A_BUSINESS_CUSTOMER", [*to, "customer", "id"])),
        (
            {"customer": {"id": lineage.top, "access": {**PAYS, "view": False}}},
            ("RIGHTS_INCONSISTENT", [*to, "customer", "access", "view"]),
        ),
        ({"grandparent": {**PAYS, "view": False}}, ("RIGHTS_INCONSISTENT", [*to, "grandparent", "view"])),
    ):
        refused = await story.refused(
            "customerDelete", id=lineage.region, confirmationToken=lineage.token, reparentChildrenTo=place
        )
        assert refused == [expected], place
    shown = (await story.ask(PREVIEW_REPARENTING, id=lineage.top))["customerDeletePreview"]
    assert await story.refused(
        "customerDelete", id=lineage.top, confirmationToken=shown["confirmationToken"], reparentChildrenTo={"grandparent": SEES}
    ) == [("INVALID_INPUT", [*to, "grandparent"])]


async def test_a_place_for_children_is_no_leave_to_delete_what_has_transactions(story: Story, lineage: Lineage) -> None:
    await story.invoice(lineage.region, "10.00")
    refused = await story.refused(
        "customerDelete", id=lineage.region, confirmationToken=lineage.token, reparentChildrenTo={"root": True}
    )
    assert refused == [("HAS_TRANSACTIONS", ["id"])]
