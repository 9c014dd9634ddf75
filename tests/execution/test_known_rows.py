"""The way back costs nothing: who asks for the invoices of a customer and for the customer of each has it already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import answered, asker
from holdco.organizations import service as organizations
from stories import Story


@dataclass(frozen=True)
class Family:
    """A head office with three branches; each of the four has an invoice, a contact, a payment and a credit note."""

    story: Story
    head: str


@pytest.fixture(scope="module")
async def family(engine: AsyncEngine) -> Family:
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    story = Story(asker(engine, organization_id), engine, organization_id)
    head = await story.customer("Head")
    branches = [await story.customer(f"Branch {number}", under=head) for number in range(3)]
    for owner in (head, *branches):
        await story.invoice(owner, "10.00")
        await story.do("contactCreate", customerId=owner, name="Ruth Okafor")
        await story.payment(owner, "3.00", apply={})
        await story.credit_note(owner, "2.00")
    return Family(story, head)


CUSTOMER = "customer(by: {id: $id})"
NODES = "nodes(ids: [$id])"
LIST = "customers"

# What is asked, from where, and its statements: one for each list, none for the way back.
BACK: dict[str, tuple[str, str, int]] = {
    "customers of invoices": (CUSTOMER, "invoices { nodes { customer { name } } }", 2),
    "parents of children": (CUSTOMER, "children { nodes { parent { name } } }", 2),
    "customers of contacts": (CUSTOMER, "contacts { nodes { customer { name } } }", 2),
    "customers of payments": (CUSTOMER, "payments { nodes { customer { name } } }", 2),
    "customers of credit notes": (CUSTOMER, "creditNotes { nodes { customer { name } } }", 2),
    "more of the customers than of themselves": (CUSTOMER, "id invoices { nodes { customer { name number status } } }", 2),
    "customers of invoices of a node": (NODES, "... on Customer { invoices { nodes { customer { name } } } }", 2),
    "customers of invoices of a list": (LIST, "nodes { invoices { nodes { customer { name } } } }", 2),
    "customers of invoices of edges": (LIST, "edges { node { invoices { edges { node { customer { name } } } } } }", 2),
    "parents of children of a list": (LIST, "nodes { children { nodes { parent { name } } } }", 2),
    "customers of invoices of children": (CUSTOMER, "children { nodes { invoices { nodes { customer { name } } } } }", 3),
    "parents of customers of invoices of children": (
        CUSTOMER,
        "children { nodes { invoices { nodes { customer { parent { name } } } } } }",
        3,
    ),
    "parents of grandchildren and theirs": (
        CUSTOMER,
        "children { nodes { children { nodes { parent { parent { name } } } } } }",
        2,
    ),
    "invoices of allocations of invoices": (CUSTOMER, "invoices { nodes { allocations { nodes { invoice { number } } } } }", 3),
    "several ways back": (
        CUSTOMER,
        (
            "children { nodes { parent { name } } } contacts { nodes { customer { name } } } "
            "invoices { nodes { customer { name } } }"
        ),
        4,
    ),
    "customers of all invoices, which nobody knows": ("invoices", "nodes { customer { name } }", 2),
}


@pytest.mark.parametrize("name", BACK)
async def test_the_way_back_costs_no_statement(family: Family, counting: Callable[[], Any], name: str) -> None:
    root, selection, expected = BACK[name]
    variables = {"id": family.head} if "$id" in root else {}
    document = f"{'query ($id: ID!) ' if variables else ''}{{ {root} {{ {selection} }} }}"
    engine, organization_id = family.story.engine, family.story.organization_id
    stock = await answered(engine, organization_id, document, variables, is_planning=False)
    with counting() as issued:
        found = await answered(engine, organization_id, document, variables)
    assert (found.data, found.errors) == (stock.data, None)
    assert len(issued) == expected, "\n\n".join(issued.statements)
