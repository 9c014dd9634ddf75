"""The tree over the graph: links, moves, rights, history (domain.md 2.2)."""

from __future__ import annotations

from typing import Any

from stories import PAYS, SEES, Story

PLACE = """
query ($id: ID!) { customer(by: {id: $id}) {
  depth parent { id } root { id } ancestors { id } parentAccess { view pay manage payInvoicesFrom }
} }
"""
BELOW = """
query ($id: ID!, $depthMax: Int, $first: Int, $after: String) { customer(by: {id: $id}) {
  descendants(depthMax: $depthMax, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id } edges { depth parentId node { id } }
  }
} }
"""
HISTORY = """
query ($id: ID!) { customer(by: {id: $id}) { hierarchyHistory {
  totalCount nodes { validFrom validTo actor reason parent { id } child { id } access { view pay manage payInvoicesFrom } }
} } }
"""
ALL = {"view": True, "pay": True, "manage": True}


async def place(story: Story, customer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(PLACE, id=customer_id))["customer"]
    return found


async def below(story: Story, customer_id: str, **arguments: Any) -> list[tuple[int, str, str]]:
    """Depth, parent and id of everything below a customer."""
    found = (await story.ask(BELOW, id=customer_id, **arguments))["customer"]["descendants"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    return [(edge["depth"], edge["parentId"], edge["node"]["id"]) for edge in found["edges"]]


async def history(story: Story, customer_id: str) -> list[dict[str, Any]]:
    found = (await story.ask(HISTORY, id=customer_id))["customer"]["hierarchyHistory"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def test_a_new_customer_is_the_root_of_its_own_tree(story: Story) -> None:
    key = await story.customer("Aldgate Networks")
    assert await place(story, key) == {
        "depth": 0,
        "parent": None,
        "root": {"id": key},
        "ancestors": [],
        "parentAccess": None,
    }
    assert await below(story, key) == []
    assert await history(story, key) == []


async def test_a_chain_of_customers_knows_its_ancestors_from_the_root_down(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top, access=SEES)
    team = await story.customer("Lisbon Wireless", under=city, access=ALL)
    desk = await story.customer("Help desk", under=team)
    assert await place(story, desk) == {
        "depth": 3,
        "parent": {"id": team},
        "root": {"id": top},
        "ancestors": [{"id": top}, {"id": city}, {"id": team}],
        "parentAccess": {**PAYS, "payInvoicesFrom": None},
    }
    assert (await place(story, team))["parentAccess"] == {**ALL, "payInvoicesFrom": None}
    assert (await place(story, city))["parentAccess"] == {**SEES, "payInvoicesFrom": None}


async def test_descendants_come_level_by_level_each_with_its_parent(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    first = await story.customer("Lisbon", under=top)
    second = await story.customer("Porto", under=top)
    third = await story.customer("Lisbon Wireless", under=first)
    fourth = await story.customer("Porto Wireless", under=second)
    whole = [(1, top, first), (1, top, second), (2, first, third), (2, second, fourth)]
    assert await below(story, top) == whole
    assert await below(story, top, depthMax=1) == whole[:2]
    assert await below(story, top, depthMax=0) == []
    assert await below(story, first) == [(1, first, third)]
    page = (await story.ask(BELOW, id=top, first=3))["customer"]["descendants"]
    assert page["totalCount"] == 4
    assert page["pageInfo"]["hasNextPage"]
    assert await below(story, top, after=page["pageInfo"]["endCursor"]) == whole[3:]


async def test_a_move_takes_the_whole_subtree_along(story: Story) -> None:
    old, new = await story.customer("Aldgate Networks"), await story.customer("Bishopsgate Holding")
    city = await story.customer("Lisbon", under=old)
    team = await story.customer("Lisbon Wireless", under=city)
    desk = await story.customer("Help desk", under=team)
    region = await story.customer("Iberia", under=new)
    assert await story.move(city, region, access=SEES) == {
        "customer": {"id": city, "version": 3},
        "formerParent": {"id": old},
        "openInvoiceCount": 0,
        "formerAncestorAllocationCount": 0,
        "userErrors": [],
    }
    assert await below(story, old) == []
    assert await below(story, new) == [(1, new, region), (2, region, city), (3, city, team), (4, team, desk)]
    assert (await place(story, desk))["ancestors"] == [{"id": new}, {"id": region}, {"id": city}, {"id": team}]
    assert (await place(story, desk))["parentAccess"] == {**PAYS, "payInvoicesFrom": None}


async def test_an_unlinked_customer_keeps_what_is_below_it(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Lisbon Wireless", under=city)
    assert (await story.move(city, None))["formerParent"] == {"id": top}
    assert (await place(story, city))["depth"] == 0
    assert await below(story, city) == [(1, city, team)]
    assert await below(story, top) == []


async def test_unlinking_a_root_changes_nothing(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    before = await story.everything()
    assert (await story.move(top, None))["formerParent"] is None
    assert await story.everything() == before


async def test_the_history_of_links_is_dated_without_gap_or_overlap_and_the_newest_comes_first(story: Story) -> None:
    first, second = await story.customer("Aldgate Networks"), await story.customer("Bishopsgate Holding")
    city = await story.customer("Lisbon", under=first, access=SEES)
    await story.do("customerParentAccessSet", id=city, access=PAYS, reason="They asked us to")
    await story.do("customerMove", id=city, parentId=second, access=SEES, reason="Sold")
    await story.do("customerMove", id=city, parentId=None, reason="On its own now")
    links = await history(story, city)
    assert [(link["parent"]["id"], link["access"]["pay"]) for link in links] == [(second, False), (first, True), (first, False)]
    assert all(link["child"] == {"id": city} for link in links)
    assert [link["reason"] for link in links] == ["Sold", "They asked us to", None]
    activity = "query ($id: ID!) { customer(by: {id: $id}) { activity(first: 3) { nodes { action details } } } }"
    recorded = (await story.ask(activity, id=city))["customer"]["activity"]["nodes"]
    assert [(entry["action"], entry["details"]["reason"]) for entry in recorded] == [
        ("customer.parent_unlinked", "On its own now"),
        ("customer.reparented", "Sold"),
        ("customer.permissions_changed", "They asked us to"),
    ]
    assert {link["actor"] for link in links} == {"tester"}
    newest, middle, oldest = links
    assert oldest["validFrom"] < oldest["validTo"] == middle["validFrom"]
    assert middle["validFrom"] < middle["validTo"] == newest["validFrom"]
    assert newest["validFrom"] < newest["validTo"]


async def test_a_customer_cannot_be_put_under_itself(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    assert await story.refusals("customerMove", id=top, parentId=top, access=PAYS) == [
        (
            "HIERARCHY_CYCLE",
            ["parentId"],
            "This would make Aldgate Networks its own ancestor: Aldgate Networks → Aldgate Networks.",
        )
    ]


async def test_a_customer_cannot_be_put_under_its_own_descendant_and_the_message_names_the_path(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    desk = await story.customer("Help desk", under=team)
    assert await story.refusals("customerMove", id=city, parentId=desk, access=PAYS) == [
        ("HIERARCHY_CYCLE", ["parentId"], "This would make Lisbon its own ancestor: Lisbon → Wireless → Help desk → Lisbon.")
    ]
    assert await story.refusals("customerMove", id=top, parentId=city, access=PAYS) == [
        (
            "HIERARCHY_CYCLE",
            ["parentId"],
            "This would make Aldgate Networks its own ancestor: Aldgate Networks → Lisbon → Aldgate Networks.",
        )
    ]


async def test_a_tree_does_not_grow_deeper_than_the_organization_allows(story: Story) -> None:
    await story.settings(hierarchyDepthMax=2)
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    parent = {"id": team, "access": PAYS}
    assert await story.refused("customerCreate", name="Help desk", parent=parent) == [("HIERARCHY_TOO_DEEP", ["parent", "id"])]
    other = await story.customer("Porto")
    await story.customer("Porto Wireless", under=other)
    assert await story.refusals("customerMove", id=other, parentId=city, access=PAYS) == [
        ("HIERARCHY_TOO_DEEP", ["parentId"], "The tree would reach 3 levels below its root; this organization allows 2.")
    ]
    await story.move(other, top)
    assert len(await below(story, top)) == 4


async def test_a_lower_limit_leaves_deeper_trees_as_they_are_and_lets_them_shrink(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    desk = await story.customer("Help desk", under=team)
    await story.settings(hierarchyDepthMax=1)
    assert (await place(story, desk))["depth"] == 3
    await story.do("customerParentAccessSet", id=desk, access=SEES)
    await story.move(desk, top)
    assert (await place(story, desk))["depth"] == 1
    assert await story.refused("customerMove", id=desk, parentId=city, access=PAYS) == [("HIERARCHY_TOO_DEEP", ["parentId"])]


async def test_a_customer_with_open_invoices_is_linked_unless_the_organization_wants_clear_accounts(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    await story.invoice(city, "10.00")
    await story.invoice(city, "20.00")
    await story.invoice(city, "30.00", issue=False)
    await story.settings(linkPolicy="REQUIRE_CLEAR")
    assert await story.refusals("customerMove", id=city, parentId=top, access=PAYS) == [
        (
            "CHILD_HAS_OPEN_INVOICES",
            ["parentId"],
            "Lisbon has 2 open invoices; this organization links only customers without any.",
        )
    ]
    await story.settings(linkPolicy="ALLOW")
    assert (await story.move(city, top))["openInvoiceCount"] == 2


async def test_a_strict_organization_links_customers_whose_invoices_are_paid(story: Story) -> None:
    await story.settings(linkPolicy="REQUIRE_CLEAR")
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    await story.invoice(city, "10.00")
    await story.payment(city, "10.00", apply={})
    assert (await story.move(city, top))["openInvoiceCount"] == 0


async def test_a_parent_that_may_pay_or_manage_must_be_allowed_to_view(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    for pay, manage in ((True, False), (False, True), (True, True)):
        blind = {"view": False, "pay": pay, "manage": manage}
        expected = "RIGHTS_INCONSISTENT"
        assert await story.refused("customerMove", id=city, parentId=top, access=blind) == [(expected, ["access", "view"])]
        assert await story.refused("customerCreate", name="Porto", parent={"id": top, "access": blind}) == [
            (expected, ["parent", "access", "view"])
        ]
    await story.move(city, top, access={"view": False, "pay": False, "manage": False})
    assert await story.refused("customerParentAccessSet", id=city, access={"view": False, "pay": True, "manage": False}) == [
        ("RIGHTS_INCONSISTENT", ["access", "view"])
    ]


async def test_a_parent_needs_its_rights_to_be_said(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    assert await story.refused("customerMove", id=city, parentId=top) == [("INVALID_INPUT", ["access"])]


async def test_access_is_set_only_where_there_is_a_parent(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    assert await story.refused("customerParentAccessSet", id=top, access=PAYS) == [("NOT_A_CHILD", ["id"])]


async def test_links_change_now_and_at_no_other_time(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    for moment in ("2026-01-01T00:00:00Z", "2099-01-01T00:00:00+02:00"):
        assert await story.refused("customerMove", id=city, parentId=top, access=PAYS, validFrom=moment) == [
            ("LINK_DATE_NOT_SUPPORTED", ["validFrom"])
        ]


async def test_only_businesses_are_parents_or_children(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    person = await story.customer("Maria Duarte", kind="INDIVIDUAL")
    code = "NOT_A_BUSINESS_CUSTOMER"
    assert await story.refused("customerMove", id=person, parentId=top, access=PAYS) == [(code, ["id"])]
    assert await story.refused("customerMove", id=city, parentId=person, access=PAYS) == [(code, ["parentId"])]
    assert await story.refused("customerCreate", name="Porto", parent={"id": person, "access": PAYS}) == [
        (code, ["parent", "id"])
    ]
    assert await story.refused("customerCreate", name="João Duarte", kind="INDIVIDUAL", parent={"id": top, "access": PAYS}) == [
        (code, ["kind"])
    ]


async def test_a_linked_business_does_not_become_an_individual(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    for linked in (top, city):
        assert await story.refused("customerUpdate", id=linked, kind="INDIVIDUAL") == [("NOT_A_BUSINESS_CUSTOMER", ["kind"])]
    await story.move(city, None)
    changed = await story.do("customerUpdate", id=city, kind="INDIVIDUAL")
    assert changed["customer"]["kind"] == "INDIVIDUAL"


async def test_a_stale_version_moves_nothing_and_sets_no_rights(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.do("customerUpdate", id=city, phone="1")
    expected = [("STALE_VERSION", ["version"])]
    assert await story.refused("customerMove", id=city, parentId=None, version=2) == expected
    assert await story.refused("customerParentAccessSet", id=city, access=SEES, version=2) == expected
    assert await story.refused("customerDeactivate", id=city, version=2) == expected
    await story.do("customerParentAccessSet", id=city, access=SEES, version=3)


async def test_moves_of_and_under_customers_that_are_not_there_are_refused(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    unknown, invoice = "cus_" + "0" * 32, "inv_" + "0" * 32
    for wrong in (unknown, invoice, "", "cus_", top[:-1], top.upper()):
        assert await story.refused("customerMove", id=wrong, parentId=top, access=PAYS) == [("NOT_FOUND", ["id"])]
        assert await story.refused("customerMove", id=top, parentId=wrong, access=PAYS) == [("NOT_FOUND", ["parentId"])]
        assert await story.refused("customerMove", id=wrong, parentId=None) == [("NOT_FOUND", ["id"])]
        assert await story.refused("customerParentAccessSet", id=wrong, access=PAYS) == [("NOT_FOUND", ["id"])]
        assert await story.refused("customerDeactivate", id=wrong) == [("NOT_FOUND", ["id"])]
        assert await story.refused("customerCreate", name="Porto", parent={"id": wrong, "access": PAYS}) == [
            ("NOT_FOUND", ["parent", "id"])
        ]


async def test_deactivating_a_parent_leaves_its_children_in_business_unless_asked(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    alone = await story.do("customerDeactivate", id=top)
    assert (alone["customer"]["status"], alone["deactivatedCount"]) == ("INACTIVE", 1)
    await story.invoice(team, "10.00")
    together = await story.do("customerDeactivate", id=top, cascade=True)
    assert together["deactivatedCount"] == 2
    assert await story.refused("invoiceCreate", customerId=team, lines=[{"unitPrice": "1.00"}], issue=True) == [
        ("CUSTOMER_INACTIVE", ["customerId"])
    ]
    back = await story.do("customerUpdate", id=team, status="ACTIVE")
    assert back["customer"]["status"] == "ACTIVE"
    await story.invoice(team, "10.00")
