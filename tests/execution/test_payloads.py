"""What a mutation answers is read a level at a time as well, and the mutation happens once whatever becomes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from asking import answered
from stories import Story

LEVELS = "children { nodes { name invoices { nodes { number } } children { nodes { name invoices { nodes { number } } } } } }"


async def test_a_payload_costs_one_statement_for_each_relation_whatever_the_depth(
    story: Story, counting: Callable[[], Any]
) -> None:
    top = await story.customer("Aldgate Networks")
    for name in ("Lisbon", "Porto"):
        city = await story.customer(name, under=top)
        team = await story.customer(f"{name} Sales", under=city)
        await story.invoice(team, "10.00")
    updated = "mutation ($id: ID!, $name: String!) {{ customerUpdate(input: {{id: $id, name: $name}}) {{ customer {{ {} }} }} }}"
    with counting() as plain:
        await story.ask(updated.format("name"), id=top, name="Aldgate")
    with counting() as nested:
        data = await story.ask(updated.format(f"name {LEVELS}"), id=top, name="Networks")
    offices = data["customerUpdate"]["customer"]["children"]["nodes"]
    assert [office["name"] for office in offices] == ["Lisbon", "Porto"]
    assert [len(office["children"]["nodes"][0]["invoices"]["nodes"]) for office in offices] == [1, 1]
    # The children of both levels, and the invoices of both.
    assert len(nested) - len(plain) == 2, "\n\n".join(nested.statements)


async def test_a_payload_that_cannot_be_shown_leaves_the_mutation_done_once(story: Story, engine: AsyncEngine) -> None:
    key = await story.customer("Lisbon")
    document = """mutation ($id: ID!) { customerUpdate(input: {id: $id, name: "Lisboa"}) {
      customer { name children(first: 500) { totalCount } } userErrors { code } } }"""
    result = await answered(engine, story.organization_id, document, {"id": key})
    assert [(error.message, error.path) for error in result.errors or ()] == [
        ("first must be from 0 to 200, not 500.", ["customerUpdate", "customer", "children"])
    ]
    found = await story.ask("query ($id: ID!) { customer(by: {id: $id}) { name version activity { totalCount } } }", id=key)
    assert found == {"customer": {"name": "Lisboa", "version": 2, "activity": {"totalCount": 2}}}


async def test_two_mutations_of_one_document_each_show_the_world_behind_them(story: Story) -> None:
    key = await story.customer("Lisbon")
    document = """mutation ($id: ID!) {
      first: customerUpdate(input: {id: $id, name: "Lisboa"}) { customer { name version activity { totalCount } } }
      second: customerUpdate(input: {id: $id, notes: "Moved."}) { customer { notes name activity { totalCount } } }
      refused: customerUpdate(input: {id: $id, name: ""}) { customer { name } userErrors { code } }
    }"""
    assert await story.ask(document, id=key) == {
        "first": {"customer": {"name": "Lisboa", "version": 2, "activity": {"totalCount": 2}}},
        "second": {"customer": {"notes": "Moved.", "name": "Lisboa", "activity": {"totalCount": 3}}},
        "refused": {"customer": None, "userErrors": [{"code": "INVALID_INPUT"}]},
    }
