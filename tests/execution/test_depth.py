"""A document nests a relation as deep as its author likes: that costs no statements, and every level has its own answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import answered, asker
from holdco.organizations import service as organizations
from stories import Ask, Story

LEVELS = 9
DEPTHS = (2, 4, 8)


@dataclass(frozen=True)
class Tree:
    """A customer's number is its path: "R", its children "R1" to "R3", and so on. One child of each has children again.

    Everybody has an invoice, whose number is the owner's with "i" before it, and a contact and a group that are named for it.
    """

    story: Story
    root: str
    children: dict[str, list[str]]

    @property
    def ask(self) -> Ask:
        return self.story.ask

    def answer(self, number: str, levels: int, shown: Callable[[str, list[str]], dict[str, Any]]) -> dict[str, Any]:
        """What a document that nests `children { nodes … }` so often must say of a customer."""
        below = self.children.get(number, [])
        answer = shown(number, below)
        if levels:
            answer["children"]["nodes"] = [self.answer(child, levels - 1, shown) for child in answer["children"]["nodes"]]
        else:
            del answer["children"]
        return answer


@pytest.fixture(scope="module")
async def tree(engine: AsyncEngine) -> Tree:
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    story = Story(asker(engine, organization_id), engine, organization_id)
    root = parent = await _planted(story, "R", under=None)
    children: dict[str, list[str]] = {}
    above = "R"
    for level in range(LEVELS):
        # Three children, but two at every third level. The first of them goes on, and below that the second, in turns.
        children[above] = [f"{above}{number}" for number in range(1, 3 if level % 3 == 2 else 4)]
        made = {number: await _planted(story, number, under=parent) for number in children[above]}
        above = children[above][level % 2]
        parent = made[above]
    return Tree(story, root, children)


async def _planted(story: Story, number: str, *, under: str | None) -> str:
    made = await story.customer(f"Customer {number}", number=number, under=under)
    await story.invoice(made, "10.00", number=f"i{number}")
    await story.do("contactCreate", customerId=made, name=f"Contact {number}")
    group = await story.ask(
        "mutation ($name: String!) { customerGroupCreate(input: {name: $name}) { customerGroup { id } } }", name=f"Group {number}"
    )
    await story.ask(
        "mutation ($id: ID!, $ids: [ID!]!) { customerGroupMembersAdd(input: {id: $id, customerIds: $ids}) "
        "{ userErrors { code } } }",
        id=group["customerGroupCreate"]["customerGroup"]["id"],
        ids=[made],
    )
    return made


def nested(levels: int, selection: str, *, arguments: str = "", beside: str = "") -> str:
    """The root customer with its children so many levels down, the same selected of each."""
    body = selection
    for _ in range(levels):
        body = f"{selection} children{arguments} {{ {beside} nodes {{ {body} }} }}"
    return f"query ($id: ID!) {{ customer(by: {{id: $id}}) {{ {body} }} }}"


EVERYTHING = "number invoices { nodes { number } } contacts { nodes { name } } groups { name }"


def everything(number: str, below: list[str]) -> dict[str, Any]:
    return {
        "number": number,
        "invoices": {"nodes": [{"number": f"i{number}"}]},
        "contacts": {"nodes": [{"name": f"Contact {number}"}]},
        "groups": [{"name": f"Group {number}"}],
        "children": {"nodes": below},
    }


@pytest.mark.parametrize("levels", DEPTHS)
async def test_depth_does_not_cost_statements(tree: Tree, counting: Callable[[], Any], levels: int) -> None:
    with counting() as issued:
        await tree.ask(nested(levels, EVERYTHING), id=tree.root)
    # The root, its descendants, and the invoices, the contacts and the groups of all of them.
    assert len(issued) == 5, "\n\n".join(issued.statements)


@pytest.mark.parametrize("levels", DEPTHS)
async def test_every_level_has_its_own_customers_invoices_contacts_and_groups(tree: Tree, levels: int) -> None:
    found = await tree.ask(nested(levels, EVERYTHING), id=tree.root)
    assert found == {"customer": tree.answer("R", levels, everything)}


async def test_a_document_deeper_than_the_tree_ends_in_empty_lists(tree: Tree, counting: Callable[[], Any]) -> None:
    with counting() as issued:
        found = await tree.ask(nested(LEVELS + 3, EVERYTHING), id=tree.root)
    assert found == {"customer": tree.answer("R", LEVELS + 3, everything)}
    assert len(issued) == 5, "\n\n".join(issued.statements)


PAGE = "pageInfo { hasNextPage hasPreviousPage }"


def first_two(number: str, below: list[str]) -> dict[str, Any]:
    page_info = {"hasNextPage": len(below) > 2, "hasPreviousPage": False}
    return {"number": number, "children": {"pageInfo": page_info, "nodes": below[:2]}}


@pytest.mark.parametrize("levels", DEPTHS)
async def test_each_parent_of_each_level_has_a_page_of_its_own(tree: Tree, counting: Callable[[], Any], levels: int) -> None:
    with counting() as issued:
        found = await tree.ask(nested(levels, "number", arguments="(first: 2)", beside=PAGE), id=tree.root)
    assert found == {"customer": tree.answer("R", levels, first_two)}
    assert len(issued) == 2, "\n\n".join(issued.statements)


async def test_a_cursor_from_deep_below_leads_to_the_rest_of_that_page_and_no_other(tree: Tree) -> None:
    found = await tree.ask(nested(4, "number id", arguments="(first: 2)", beside="pageInfo { endCursor }"), id=tree.root)
    parent = found["customer"]
    for position in (0, 1, 0):
        parent = parent["children"]["nodes"][position]
    assert parent["number"] == "R121"
    rest = "query ($id: ID!, $after: String) { customer(by: {id: $id}) { children(after: $after) { nodes { number } } } }"
    cursor = parent["children"]["pageInfo"]["endCursor"]
    assert await tree.ask(rest, id=parent["id"], after=cursor) == {"customer": {"children": {"nodes": [{"number": "R1213"}]}}}


def counted(number: str, below: list[str]) -> dict[str, Any]:
    return {"number": number, "children": {"totalCount": len(below), "nodes": below[:2]}}


@pytest.mark.parametrize("levels", DEPTHS)
async def test_counts_at_every_level_cost_one_statement_and_none_where_nobody_asks(
    tree: Tree, counting: Callable[[], Any], levels: int
) -> None:
    with counting() as issued:
        await tree.ask(nested(levels, "number", arguments="(first: 2)"), id=tree.root)
    assert len(issued) == 2, "\n\n".join(issued.statements)
    with counting() as issued:
        found = await tree.ask(nested(levels, "number", arguments="(first: 2)", beside="totalCount"), id=tree.root)
    assert found == {"customer": tree.answer("R", levels, counted)}
    assert len(issued) == 3, "\n\n".join(issued.statements)


async def test_counts_of_different_relations_cost_one_statement_each_at_any_depth(
    tree: Tree, counting: Callable[[], Any]
) -> None:
    selection = "number invoices(first: 0) { totalCount } contacts(first: 0) { totalCount }"
    for levels in DEPTHS:
        with counting() as issued:
            found = await tree.ask(nested(levels, selection, beside="totalCount"), id=tree.root)
        assert found["customer"]["children"]["totalCount"] == 3
        assert found["customer"]["children"]["nodes"][2]["contacts"] == {"totalCount": 1}
        # The root, its descendants, invoices and contacts, and a count of each of the three relations.
        assert len(issued) == 7, "\n\n".join(issued.statements)


async def test_levels_that_ask_differently_are_answered_each_as_it_asked(tree: Tree, counting: Callable[[], Any]) -> None:
    document = """query ($id: ID!) { customer(by: {id: $id}) {
      children(first: 1) { nodes { number
        children(orderBy: [{field: NUMBER, direction: DESC}]) { nodes { number
          children(first: 1) { nodes { number } } } } } } } }"""
    with counting() as issued:
        found = await tree.ask(document, id=tree.root)
    lowest = {"R13": [], "R12": [{"number": "R121"}], "R11": []}
    below = [{"number": number, "children": {"nodes": nodes}} for number, nodes in lowest.items()]
    assert found == {"customer": {"children": {"nodes": [{"number": "R1", "children": {"nodes": below}}]}}}
    assert len(issued) == 4, "\n\n".join(issued.statements)


async def test_parents_of_parents_are_found_up_to_the_root_and_null_above_it(tree: Tree) -> None:
    lowest = await tree.ask('{ customer(by: {number: "R121"}) { id } }')
    chain = "number parent { " * 5 + "number" + " }" * 5
    found = await tree.ask(f"query ($id: ID!) {{ customer(by: {{id: $id}}) {{ {chain} }} }}", id=lowest["customer"]["id"])
    expected: Any = None
    for number in ("R", "R1", "R12", "R121"):
        expected = {"number": number, "parent": expected}
    assert found == {"customer": expected}


@pytest.mark.parametrize("levels", DEPTHS)
async def test_a_cursor_at_every_level_holds_at_every_level(tree: Tree, levels: int) -> None:
    first = "query ($id: ID!) { customer(by: {id: $id}) { children(first: 1) { pageInfo { endCursor } } } }"
    after = (await tree.ask(first, id=tree.root))["customer"]["children"]["pageInfo"]["endCursor"]
    body = "number"
    for _ in range(levels):
        body = f"number children(after: $after, first: 2) {{ totalCount {PAGE} nodes {{ {body} }} }}"
    document = f"query ($id: ID!, $after: String) {{ customer(by: {{id: $id}}) {{ {body} }} }}"
    variables = {"id": tree.root, "after": after}
    engine, organization_id = tree.story.engine, tree.story.organization_id
    stock = await answered(engine, organization_id, document, variables, is_planning=False)
    planned = await answered(engine, organization_id, document, variables)
    assert [each["number"] for each in planned.data["customer"]["children"]["nodes"]] == ["R2", "R3"]
    assert (planned.data, planned.errors) == (stock.data, None)
