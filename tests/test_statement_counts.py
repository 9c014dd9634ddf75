"""One statement per relation and level, however many nodes there are; one snapshot per operation (architecture.md 4, 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.organizations import service as organizations
from holdco.reader import Reader
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Story

PARENTS = 30
FEW = 3


@dataclass(frozen=True)
class Forest:
    """Thirty head offices, each with two branches and everything that can hang on a customer."""

    story: Story
    roots: list[str]


@pytest.fixture(scope="module")
async def forest(engine: AsyncEngine) -> Forest:
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    story = Story(asker(engine, organization_id), engine, organization_id)
    groups = [(await story.ask(GROUP, input={"name": name}))["customerGroupCreate"]["customerGroup"]["id"] for name in "AB"]
    roots = await asyncio.gather(*(_planted(story, number) for number in range(PARENTS)))
    for group in groups:
        await story.ask(MEMBERS, input={"id": group, "customerIds": roots})
    return Forest(story, roots)


async def _planted(story: Story, number: int) -> str:
    root = await story.customer(f"Root {number}", externalReferences=[{"system": "crm", "externalId": str(number)}])
    branch = await story.customer(f"Branch {number}", under=root)
    await story.customer(f"Team {number}", under=branch)
    contact = await story.contact(root, "Ruth Okafor", email=f"ruth{number}@aldgate.example")
    project = await story.project(root, "Roll-out")
    await story.do("projectPeopleSet", id=project, contactIds=[contact])
    await story.do("contactConvert", id=contact, role="PAYER")
    await story.invited("Ivy Hale", f"ivy{number}@aldgate.example", root, projectIds=[project])
    for owner in (root, branch):
        await story.invoice(owner, "10.00")
    payment = await story.do("paymentRecord", customerId=root, amount="25.00", apply={})
    await story.do("allocationReverse", id=payment["allocations"][0]["id"])
    credit = await story.credit_note(root, "5.00")
    await story.do("creditNoteApply", sourceId=credit, amountMax="1.00")
    return root


GROUP = "mutation ($input: CustomerGroupCreateInput!) { customerGroupCreate(input: $input) { customerGroup { id } } }"
MEMBERS = "mutation ($input: CustomerGroupMembersInput!) { customerGroupMembersAdd(input: $input) { userErrors { code } } }"

# What is asked of each root, and how many statements that adds, its levels and union members counted. The roots themselves are
# there already, by their ids: asking for them again, as parent or payer, costs nothing.
OF_CUSTOMERS: dict[str, tuple[str, int]] = {
    "nothing": ("name", 0),
    "external references": ("externalReferences { externalId }", 1),
    "children": ("children { nodes { name } }", 1),
    "children counted": ("children { totalCount nodes { name } }", 2),
    "only the count of children": ("children(first: 0) { totalCount }", 2),
    "children and what tells the page": ("children { edges { cursor } pageInfo { hasNextPage endCursor } }", 1),
    "children twice alike": ("a: children { nodes { name } } b: children { nodes { name } }", 1),
    "children twice differently": ("a: children { nodes { name } } b: children(first: 1) { nodes { name } }", 2),
    "descendants": ("descendants { edges { depth parentId node { name } } }", 1),
    "descendants counted": ("descendants { totalCount }", 2),
    "grandchildren": ("children { nodes { children { nodes { name } } } }", 2),
    "parents of children": ("children { nodes { parent { name } } }", 1),
    "access of parents of children": ("children { nodes { parentAccess { pay } } }", 2),
    "ancestors, root and depth of children": ("children { nodes { depth root { name } ancestors { name } } }", 2),
    "history of children": ("children { nodes { hierarchyHistory { nodes { validFrom } } } }", 2),
    "history with child and parent": (
        "children { nodes { hierarchyHistory { totalCount nodes { child { name } parent { name } } } } }",
        3,
    ),
    "groups": ("groups { name }", 1),
    "contacts": ("contacts { nodes { name } }", 1),
    "contacts counted": ("contacts { totalCount }", 2),
    "customers of contacts": ("contacts { nodes { customer { name } } }", 1),
    "who became a client user": ("contacts { nodes { clientUser { state } } }", 2),
    "client users": ("clientUsers { nodes { name } }", 1),
    "roles of client users, counted": ("clientUsers { totalCount edges { role node { name } } }", 2),
    "customers of client users": ("clientUsers { nodes { customers { totalCount edges { role node { name } } } } }", 3),
    "open invitations": ("clientUsers { nodes { invitedUntil } }", 2),
    "projects": ("projects { nodes { name customer { name } } }", 1),
    "people of projects": ("projects { nodes { clientUsers { nodes { name } } contacts { nodes { name } } } }", 3),
    "projects of people": (
        "contacts { nodes { projects { nodes { name } } } } clientUsers { nodes { projects { totalCount nodes { name } } } }",
        5,
    ),
    "own invoices": ("invoices { nodes { number } }", 1),
    "own invoices counted": ("invoices { totalCount }", 2),
    "children's invoices": ("invoices(scope: DIRECT_CHILDREN) { nodes { number } }", 1),
    "invoices of the subtree": ("invoices(scope: SUBTREE) { nodes { number } }", 1),
    "invoices of the subtree counted": ("invoices(scope: SUBTREE) { totalCount }", 2),
    "filtered invoices": ("invoices(scope: SUBTREE, filter: {isOpen: true}) { nodes { number } }", 1),
    "overdue invoices, by the organization's calendar": ("invoices(filter: {isOverdue: true}) { nodes { isOverdue } }", 2),
    "lines of invoices": ("invoices { nodes { lines { amount } } }", 2),
    "customers of invoices": ("invoices(scope: SUBTREE) { nodes { customer { name } } }", 2),
    "allocations of invoices": ("invoices { nodes { allocations { nodes { amount } } } }", 2),
    "allocations of invoices counted": ("invoices { nodes { allocations(includeReversed: true) { totalCount } } }", 3),
    "sources, payments and credit notes": (
        (
            "invoices(scope: SUBTREE) { nodes { allocations(includeReversed: true) { nodes { source "
            "{ ... on Payment { number } ... on CreditNote { number } } } } } }"
        ),
        4,
    ),
    "who paid": ("invoices(scope: SUBTREE) { nodes { allocations { nodes { payer { name } isPaidByAncestor } } } }", 2),
    "reversals": (
        (
            "invoices(scope: SUBTREE) { nodes { allocations(includeReversed: true) { nodes "
            "{ reverses { amount } reversedBy { amount } } } } }"
        ),
        3,
    ),
    "own payments": ("payments { nodes { number } }", 1),
    "payments of the subtree": ("payments(scope: SUBTREE) { totalCount nodes { number } }", 2),
    "children's payments": ("payments(scope: DIRECT_CHILDREN) { nodes { number } }", 1),
    "payers of payments": ("payments { nodes { customer { name } } }", 1),
    "allocations of payments": ("payments { nodes { allocations(includeReversed: true) { totalCount nodes { amount } } } }", 3),
    "invoices of allocations of payments": (
        "payments { nodes { allocations { nodes { invoice { number customer { name } } } } } }",
        4,
    ),
    "credit notes": ("creditNotes { nodes { number } }", 1),
    "credit notes counted": ("creditNotes { totalCount }", 2),
    "allocations of credit notes": ("creditNotes { nodes { customer { name } allocations { totalCount } } }", 3),
    "receivables, by the organization's calendar": ("receivables { outstanding overdue net }", 2),
    "consolidated receivables": ("consolidatedReceivables { outstanding overdue net }", 2),
    "both receivables": ("receivables { outstanding } consolidatedReceivables { outstanding }", 3),
    "activity": ("activity { nodes { action } }", 1),
    "activity counted": ("activity { totalCount }", 2),
    "three levels with everything at each": (
        (
            "invoices { nodes { number } } contacts { nodes { name } } groups { name } children { nodes { "
            "invoices { nodes { number } } contacts { nodes { name } } groups { name } children { nodes { "
            "invoices { nodes { number } } contacts { nodes { name } } groups { name } } } } }"
        ),
        11,
    ),
}


# Run a level at a time, nested levels of one relation share a statement.
PLANNED: dict[str, int] = {"grandchildren": 1, "three levels with everything at each": 4}


@pytest.mark.parametrize("name", OF_CUSTOMERS)
async def test_a_relation_costs_one_statement_for_three_customers_and_for_thirty(
    forest: Forest, counting: Callable[[], Any], name: str
) -> None:
    selection, added = OF_CUSTOMERS[name]
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Customer {{ {selection} }} }} }}"
    for is_planning, expected in ((False, 1 + added), (True, 1 + PLANNED.get(name, added))):
        ask = asker(forest.story.engine, forest.story.organization_id, is_planning=is_planning)
        for roots in (forest.roots[:FEW], forest.roots):
            with counting() as issued:
                found = await ask(document, ids=roots)
            assert len(found["nodes"]) == len(roots)
            assert len(issued) == expected, "\n\n".join(issued.statements)


ROOTS: dict[str, tuple[str, int]] = {
    "customers": ("customers { nodes { name } pageInfo { endCursor } }", 1),
    "customers counted": ("customers { totalCount nodes { name } }", 2),
    "invoices": ("invoices { nodes { number } }", 1),
    "invoices counted": ("invoices(filter: {isOverdue: false}) { totalCount }", 3),
    "payments": ("payments { nodes { number } }", 1),
    "payments counted": ("payments { totalCount }", 2),
    "groups": ("customerGroups { nodes { name } }", 1),
    "members of groups": ("customerGroups { nodes { customers { totalCount nodes { name } } } }", 3),
    "contacts counted": ("contacts { totalCount nodes { name customer { name } } }", 3),
    "client users counted": ("clientUsers(filter: {state: INVITED}) { totalCount nodes { name } }", 2),
    "projects counted": ("projects { totalCount nodes { name } }", 2),
    "the organization": ("organization { name today } viaNode: organization { currency }", 1),
    "a customer by number": ('customer(by: {number: "CUS-000001"}) { name }', 1),
    "several kinds at once": ("customers { nodes { id } } invoices { nodes { id } } payments { nodes { id } }", 3),
}


@pytest.mark.parametrize(("selection", "expected"), ROOTS.values(), ids=ROOTS)
async def test_a_list_costs_one_statement_and_its_count_another(
    forest: Forest, counting: Callable[[], Any], selection: str, expected: int
) -> None:
    for is_planning in (False, True):
        ask = asker(forest.story.engine, forest.story.organization_id, is_planning=is_planning)
        with counting() as issued:
            await ask(f"{{ {selection} }}")
        assert len(issued) == expected, "\n\n".join(issued.statements)


class InterruptedReader(Reader):
    """Lets something happen in the world behind its first statement."""

    interruption: Callable[[], Awaitable[None]] | None = None

    async def rows(self, statement: Executable, *given: Any, **named: Any) -> Sequence[Any]:
        found = await Reader.rows(self, statement, *given, **named)
        if self.interruption is not None:
            happen, self.interruption = self.interruption, None
            await happen()
        return found


@pytest.mark.parametrize("is_planning", [False, True], ids=["one object at a time", "a level at a time"])
async def test_all_that_one_operation_reads_is_of_one_moment(story: Story, engine: AsyncEngine, *, is_planning: bool) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.invoice(city, "10.00")
    document = """query ($id: ID!) { customer(by: {id: $id}) {
      name version children { totalCount nodes { name } } consolidatedReceivables { outstanding unapplied }
      invoices(scope: SUBTREE) { totalCount nodes { balance } }
    } organization { name } }"""
    before = await story.ask(document, id=top)

    async def happen() -> None:
        await story.do("customerUpdate", id=top, name="Aldgate")
        await story.customer("Porto", under=top)
        await story.invoice(city, "20.00")
        await story.payment(top, "5.00", apply={})
        await story.settings(name="Another name")

    context = Context(engine, Viewer(story.organization_id, "tester", StaffRole.ADMIN))
    reader = InterruptedReader(engine, story.organization_id)
    reader.interruption = happen
    context.reader = reader
    if is_planning:
        (plans,) = Documents(schema).read(document).plans.values()
        data = await plans.data(schema, context, {"id": top})
    else:
        result = await schema.execute(document, variable_values={"id": top}, context_value=context)
        assert result.errors is None
        data = result.data
    await context.close()
    assert data == before
    after = await story.ask(document, id=top)
    assert after["customer"]["name"] == "Aldgate"
    assert after["customer"]["consolidatedReceivables"] == [{"outstanding": "25.00", "unapplied": "0.00"}]
    assert after["customer"]["children"]["totalCount"] == 2


async def test_a_mutations_answer_shows_the_world_behind_it_and_not_that_of_the_one_before(story: Story) -> None:
    key = await story.customer("Lisbon")
    document = """mutation ($id: ID!) {
      first: customerUpdate(input: {id: $id, name: "Lisboa"}) { customer { name version } }
      second: customerUpdate(input: {id: $id, name: "Lisbon"}) { customer { name version } }
    }"""
    assert await story.ask(document, id=key) == {
        "first": {"customer": {"name": "Lisboa", "version": 2}},
        "second": {"customer": {"name": "Lisbon", "version": 3}},
    }


async def test_the_database_itself_refuses_to_write_for_a_reader(context: Context) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError, match="read-only transaction"):
        await context.reader.rows(
            text("delete from customers where organization_id = :organization_id returning id"),
            {"organization_id": context.organization_id},
        )
