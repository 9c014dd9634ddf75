"""What a client user sees, whatever path leads there (sight.py; domain.md V1 to V5, H10, H11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from access.people import client_user, group
from holdco import database, ids
from holdco.customers import service as customers
from holdco.errors import NotFound, Unauthenticated
from holdco.ids import Kind
from holdco.viewer import ClientUserRole, Viewer
from stories import Story

HIDDEN = {"view": False, "pay": False, "manage": False}
SEES = {"view": True, "pay": False, "manage": False}
PAYS = {"view": True, "pay": True, "manage": False}

NAMES = "nodes { name }"


@dataclass(frozen=True)
class Tree:
    """Over > Head > (Branch > Desk, Shut > Behind), and Stranger beside it; `seer` belongs to Head."""

    story: Story
    seer: Story
    ids: dict[str, str]

    async def asks(self, document: str, **variables: Any) -> Any:
        return await self.seer.ask(document, **variables)


@pytest.fixture(params=[True, False], ids=["by levels", "by objects"])
async def tree(request: pytest.FixtureRequest, story: Story) -> Tree:
    keys: dict[str, str] = {}
    keys["Over"] = await story.customer("Over")
    keys["Head"] = await story.customer("Head", under=keys["Over"], access=PAYS, notes="Pays late")
    keys["Branch"] = await story.customer("Branch", under=keys["Head"], access=PAYS)
    keys["Desk"] = await story.customer("Desk", under=keys["Branch"], access=SEES)
    keys["Shut"] = await story.customer("Shut", under=keys["Head"], access=HIDDEN)
    keys["Behind"] = await story.customer("Behind", under=keys["Shut"], access=PAYS)
    keys["Stranger"] = await story.customer("Stranger")
    for name in list(keys):
        keys[f"invoice of {name}"] = await story.invoice(keys[name], "100")
        keys[f"payment of {name}"] = await story.payment(keys[name], "7")
    seer = await client_user(story, {keys["Head"]: ClientUserRole.ADMIN}, is_planning=request.param)
    return Tree(story, seer, keys)


async def test_a_client_user_sees_its_customer_and_those_below_that_let_it(tree: Tree) -> None:
    found = await tree.asks(f"{{ customers {{ totalCount {NAMES} }} }}")
    assert found == {"customers": {"totalCount": 3, "nodes": [{"name": "Head"}, {"name": "Branch"}, {"name": "Desk"}]}}


async def test_a_hidden_customer_is_not_there_whoever_is_asked_for_it(tree: Tree) -> None:
    for name in ("Over", "Shut", "Behind", "Stranger"):
        key = tree.ids[name]
        found = await tree.asks(
            """query ($id: ID!, $ids: [ID!]!) {
              node(id: $id) { id } nodes(ids: $ids) { id } customer(by: {id: $id}) { name }
              customers(filter: {id: {eq: $id}}) { totalCount nodes { id } }
              under: customers(filter: {parentId: {eq: $id}}) { totalCount nodes { id } }
              invoices(filter: {customerId: {eq: $id}}) { totalCount nodes { id } }
              payments(filter: {customerId: {eq: $id}}) { nodes { id } }
            }""",
            id=key,
            ids=[key, tree.ids[f"invoice of {name}"], tree.ids[f"payment of {name}"]],
        )
        nothing = {"totalCount": 0, "nodes": []}
        assert found == {
            "node": None,
            "nodes": [None, None, None],
            "customer": None,
            "customers": nothing,
            "under": nothing,
            "invoices": nothing,
            "payments": {"nodes": []},
        }


async def test_above_its_own_customer_a_client_user_finds_nothing(tree: Tree) -> None:
    found = await tree.asks(
        """query ($id: ID!) { customer(by: {id: $id}) {
          parent { name } parentAccess { view } ancestors { name } root { name } depth notes
          hierarchyHistory { totalCount } activity { totalCount }
        } roots: customers(filter: {isRoot: true}) { nodes { name } } }""",
        id=tree.ids["Head"],
    )
    assert found == {
        "customer": {
            "parent": None,
            "parentAccess": None,
            "ancestors": [],
            "root": {"name": "Head"},
            "depth": 0,
            "notes": None,
            "hierarchyHistory": {"totalCount": 0},
            "activity": {"totalCount": 0},
        },
        "roots": {"nodes": [{"name": "Head"}]},
    }


async def test_below_it_the_tree_is_as_staff_see_it_without_the_hidden_part(tree: Tree) -> None:
    document = """query ($id: ID!) { customer(by: {id: $id}) {
      children { totalCount nodes { name parent { name } depth
        children { nodes { name ancestors { name } children { nodes { id } } } } } }
      descendants { totalCount edges { depth parentId node { name } } }
      invoices(scope: SUBTREE) { totalCount nodes { balance customer { name } } }
      payments(scope: DIRECT_CHILDREN) { totalCount nodes { amount } }
      receivables { outstanding openInvoiceCount }
      consolidatedReceivables { outstanding unapplied openInvoiceCount }
    } }"""
    found = (await tree.asks(document, id=tree.ids["Head"]))["customer"]
    assert found["children"] == {
        "totalCount": 1,
        "nodes": [
            {
                "name": "Branch",
                "parent": {"name": "Head"},
                "depth": 1,
                "children": {
                    "nodes": [{"name": "Desk", "ancestors": [{"name": "Head"}, {"name": "Branch"}], "children": {"nodes": []}}]
                },
            }
        ],
    }
    assert found["descendants"] == {
        "totalCount": 2,
        "edges": [
            {"depth": 1, "parentId": tree.ids["Head"], "node": {"name": "Branch"}},
            {"depth": 2, "parentId": tree.ids["Branch"], "node": {"name": "Desk"}},
        ],
    }
    assert found["invoices"]["totalCount"] == 3
    assert {invoice["customer"]["name"] for invoice in found["invoices"]["nodes"]} == {"Head", "Branch", "Desk"}
    assert found["payments"] == {"totalCount": 1, "nodes": [{"amount": "7.00"}]}
    assert found["receivables"] == [{"outstanding": "100.00", "openInvoiceCount": 1}]
    assert found["consolidatedReceivables"] == [{"outstanding": "300.00", "unapplied": "21.00", "openInvoiceCount": 3}]
    staff = (await tree.story.ask(document, id=tree.ids["Head"]))["customer"]
    assert staff["consolidatedReceivables"] == [{"outstanding": "500.00", "unapplied": "35.00", "openInvoiceCount": 5}]


async def test_a_child_sees_who_paid_its_invoice_when_and_how_much_and_nothing_else(tree: Tree) -> None:
    payment = await tree.story.payment(tree.ids["Over"], "90")
    lines = [
        {"invoiceId": tree.ids[f"invoice of {name}"], "amount": amount} for name, amount in (("Head", "40"), ("Branch", "30"))
    ]
    await tree.story.do("paymentApply", sourceId=payment, strategy="EXPLICIT", lines=lines)
    found = await tree.asks(
        """query ($id: ID!) { invoice(by: {id: $id}) { balance allocations { totalCount nodes {
          amount isPaidByAncestor payerName payer { name } source { ... on Payment { amount } } actor reason path
          invoice { customer { name } }
        } } } }""",
        id=tree.ids["invoice of Head"],
    )
    assert found["invoice"] == {
        "balance": "60.00",
        "allocations": {
            "totalCount": 1,
            "nodes": [
                {
                    "amount": "40.00",
                    "isPaidByAncestor": True,
                    "payerName": "Over",
                    "payer": None,
                    "source": None,
                    "actor": None,
                    "reason": None,
                    "path": [tree.ids["Head"]],
                    "invoice": {"customer": {"name": "Head"}},
                }
            ],
        },
    }


async def test_a_payer_whose_right_ended_sees_no_more_of_what_it_paid_than_its_own_sums(tree: Tree) -> None:
    payment = await tree.story.payment(tree.ids["Head"], "50")
    lines = [
        {"invoiceId": tree.ids[f"invoice of {name}"], "amount": amount} for name, amount in (("Head", "20"), ("Branch", "10"))
    ]
    await tree.story.do("paymentApply", sourceId=payment, strategy="EXPLICIT", lines=lines)
    await tree.story.do("customerParentAccessSet", id=tree.ids["Branch"], access=HIDDEN)
    found = await tree.asks(
        """query ($id: ID!) { payment(by: {id: $id}) { amount allocated unapplied
          allocations { totalCount nodes { amount invoice { customer { name } } } } } }""",
        id=payment,
    )
    assert found["payment"] == {
        "amount": "50.00",
        "allocated": "30.00",
        "unapplied": "20.00",
        "allocations": {"totalCount": 1, "nodes": [{"amount": "20.00", "invoice": {"customer": {"name": "Head"}}}]},
    }


async def test_drafts_are_not_a_customers_yet(tree: Tree) -> None:
    draft = await tree.story.invoice(tree.ids["Head"], "5", issue=False)
    found = await tree.asks(
        "query ($id: ID!, $own: ID!) { node(id: $id) { id } customer(by: {id: $own}) { invoices { totalCount } } }",
        id=draft,
        own=tree.ids["Head"],
    )
    assert found == {"node": None, "customer": {"invoices": {"totalCount": 1}}}


async def test_members_of_a_group_know_the_group_and_not_one_another(tree: Tree) -> None:
    shared, foreign = await group(tree.story, "Resellers"), await group(tree.story, "Enterprise")
    await tree.story.do("customerGroupMembersAdd", id=shared, customerIds=[tree.ids["Branch"], tree.ids["Stranger"]])
    await tree.story.do("customerGroupMembersAdd", id=foreign, customerIds=[tree.ids["Stranger"]])
    found = await tree.asks(
        """query ($foreign: ID!) { customerGroups { totalCount nodes { name customers { totalCount nodes { name } } } }
          node(id: $foreign) { id } customerGroup(by: {name: "Enterprise"}) { id } }""",
        foreign=foreign,
    )
    assert found == {
        "customerGroups": {
            "totalCount": 1,
            "nodes": [{"name": "Resellers", "customers": {"totalCount": 1, "nodes": [{"name": "Branch"}]}}],
        },
        "node": None,
        "customerGroup": None,
    }


async def test_who_belongs_above_and_below_a_refused_link_sees_both_and_no_path_between(tree: Tree) -> None:
    seer = await client_user(tree.story, {tree.ids["Head"]: ClientUserRole.VIEWER, tree.ids["Behind"]: ClientUserRole.VIEWER})
    found = await seer.ask(
        """query ($id: ID!) { customers { nodes { name } } customer(by: {id: $id}) {
          parent { name } depth root { name } ancestors { name } } }""",
        id=tree.ids["Behind"],
    )
    assert [each["name"] for each in found["customers"]["nodes"]] == ["Head", "Branch", "Desk", "Behind"]
    assert found["customer"] == {"parent": None, "depth": 0, "root": {"name": "Behind"}, "ancestors": []}


async def test_a_row_that_is_locked_shows_no_more_than_one_that_is_read(tree: Tree) -> None:
    (node,) = (await tree.asks("{ clientUsers { nodes { id } } }"))["clientUsers"]["nodes"]
    organization_id = tree.story.organization_id
    viewer = Viewer(organization_id, "tester", None, client_user_id=ids.decode(Kind.CLIENT_USER, node["id"]))
    async with database.begin(tree.story.engine, organization_id=organization_id, actor="tester", viewer=viewer) as transaction:
        head = await customers.locked(transaction, ids.decode(Kind.CUSTOMER, tree.ids["Head"]))
        branch = await customers.locked(transaction, ids.decode(Kind.CUSTOMER, tree.ids["Branch"]))
        with pytest.raises(NotFound):
            await customers.locked(transaction, ids.decode(Kind.CUSTOMER, tree.ids["Shut"]))
    assert (head.name, head.parent_id, head.notes) == ("Head", None, None)
    assert (branch.name, branch.parent_id) == ("Branch", head.id)


async def test_a_user_that_is_deactivated_sees_and_changes_nothing_from_the_next_operation_on(tree: Tree) -> None:
    (node,) = (await tree.asks("{ clientUsers { nodes { id } } }"))["clientUsers"]["nodes"]
    await tree.story.do("clientUserDeactivate", id=node["id"])
    nothing = {"totalCount": 0}
    assert await tree.asks(
        """query ($id: ID!) { node(id: $id) { id } customers { totalCount } invoices { totalCount } clientUsers { totalCount }
          customer(by: {id: $id}) { receivables { outstanding } } }""",
        id=tree.ids["Head"],
    ) == {"node": None, "customers": nothing, "invoices": nothing, "clientUsers": nothing, "customer": None}
    before = await tree.story.everything()
    with pytest.raises(Unauthenticated):
        await tree.seer.attempt("customerUpdate", id=tree.ids["Head"], phone="1")
    assert await tree.story.everything() == before


async def test_a_right_that_ends_shows_nothing_from_the_next_operation_on(tree: Tree) -> None:
    await tree.story.do("customerParentAccessSet", id=tree.ids["Branch"], access=HIDDEN)
    assert await tree.asks(f"{{ customers {{ totalCount {NAMES} }} }}") == {
        "customers": {"totalCount": 1, "nodes": [{"name": "Head"}]}
    }


async def test_a_preview_names_no_hidden_customer_among_those_it_skips(tree: Tree) -> None:
    preview = await tree.seer.preview(tree.ids["payment of Head"])
    assert [line["invoice"]["id"] for line in preview["lines"]] == [tree.ids["invoice of Head"]]
    assert preview["skipped"] == [{"code": "PARENT_PAY_NOT_ALLOWED", "customer": {"id": tree.ids["Desk"]}}]
    named = await tree.seer.preview(
        tree.ids["payment of Head"], strategy="EXPLICIT", lines=[{"invoiceId": tree.ids["invoice of Shut"], "amount": "1"}]
    )
    assert [error["code"] for error in named["userErrors"]] == ["NOT_FOUND"]
