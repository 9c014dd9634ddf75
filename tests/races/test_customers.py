"""Races about customers themselves: whoever deactivates, deletes, renames or retypes one, and whoever uses it meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import pytest

from races.racing import codes, holder, queue, race
from stories import PAYS, Story

ROUNDS = 8


@pytest.mark.parametrize("is_invoiced_first", [True, False])
async def test_a_customer_that_is_deactivated_gets_no_later_invoice(story: Story, is_invoiced_first: bool) -> None:
    customer = await story.customer("Branch")
    create = story.attempt("invoiceCreate", customerId=customer, issue=True, lines=[{"unitPrice": "10"}])
    deactivate = story.attempt("customerDeactivate", id=customer)
    async with holder(story) as held:
        await held.row(customer)
        first, second = await queue(story.engine, *((create, deactivate) if is_invoiced_first else (deactivate, create)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ([] if is_invoiced_first else ["CUSTOMER_INACTIVE"])


@pytest.mark.parametrize("is_issued_first", [True, False])
async def test_a_draft_is_issued_before_its_customer_is_deactivated_or_not_at_all(story: Story, is_issued_first: bool) -> None:
    customer = await story.customer("Branch")
    draft = await story.invoice(customer, "10", issue=False)
    issue = story.attempt("invoiceIssue", id=draft)
    deactivate = story.attempt("customerDeactivate", id=customer)
    async with holder(story) as held:
        await held.row(customer)
        first, second = await queue(story.engine, *((issue, deactivate) if is_issued_first else (deactivate, issue)))
        await held.let_go()
        assert codes(await first) == []
        assert codes(await second) == ([] if is_issued_first else ["CUSTOMER_INACTIVE"])


async def test_subtrees_that_are_deactivated_at_once_do_not_wait_for_one_another_in_a_circle(story: Story) -> None:
    for _ in range(ROUNDS):
        # Children are made before their parents, so that no order in which rows lie is that of the tree.
        line = [await story.customer(f"Customer {number}") for number in range(6)]
        for child, parent in itertools.pairwise(line):
            await story.move(child, parent)
        answers = await race(*(story.attempt("customerDeactivate", id=key, cascade=True) for key in line))
        assert [codes(answer) for answer in answers] == [[]] * 6
        assert sum(answer["deactivatedCount"] for answer in answers) == 6


async def test_a_branch_that_is_renumbered_while_it_moves_is_both(story: Story) -> None:
    office, branch, other = [await story.customer(name) for name in ("Head office", "Branch", "Other")]
    reference = {"system": "crm", "externalId": "7"}
    async with holder(story) as held:
        await held.reference("7", other)
        (renumber,) = await queue(
            story.engine, story.attempt("customerUpdate", id=branch, number="B-1", externalReferences=[reference])
        )
        move = asyncio.create_task(story.attempt("customerMove", id=branch, parentId=office, access=PAYS))
        await held.waiting(2)
        await held.let_go()
        assert codes(await renumber) == []
        assert codes(await move) == []


async def test_a_version_is_changed_once(story: Story) -> None:
    branch = await story.customer("Branch")
    office = await story.customer("Head office")
    for version in range(1, ROUNDS):
        answers = await race(
            story.attempt("customerUpdate", id=branch, version=version, name=f"Branch {version}"),
            story.attempt("customerUpdate", id=branch, version=version, notes=f"Version {version}"),
            story.attempt("customerMove", id=branch, version=version, parentId=office, access=PAYS),
        )
        assert sorted(codes(answer) for answer in answers) == [[], ["STALE_VERSION"], ["STALE_VERSION"]]


@pytest.mark.parametrize("role", ["id", "parentId"])
async def test_nobody_becomes_an_individual_while_it_is_linked(story: Story, role: str) -> None:
    retyped, other, third = [await story.customer(name) for name in ("Retyped", "Other", "Third")]
    reference = {"system": "crm", "externalId": "7"}
    ends = {"id": retyped, "parentId": other} if role == "id" else {"id": other, "parentId": retyped}
    async with holder(story) as held:
        await held.reference("7", third)
        (retype,) = await queue(
            story.engine, story.attempt("customerUpdate", id=retyped, kind="INDIVIDUAL", externalReferences=[reference])
        )
        link = asyncio.create_task(story.attempt("customerMove", **ends, access=PAYS))
        await held.waiting(2)
        await held.let_go()
        assert codes(await retype) == []
        assert codes(await link) == ["NOT_A_BUSINESS_CUSTOMER"]


async def test_a_currency_does_not_change_under_a_first_payment(story: Story) -> None:
    branch, other = await story.customer("Branch"), await story.customer("Other")
    reference = {"system": "crm", "externalId": "7"}
    async with holder(story) as held:
        await held.reference("7", other)
        (change,) = await queue(
            story.engine, story.attempt("customerUpdate", id=branch, currency="EUR", externalReferences=[reference])
        )
        pay = asyncio.create_task(story.attempt("paymentRecord", customerId=branch, amount="10"))
        await held.waiting(2)
        await held.let_go()
        assert codes(await change) == []
        assert codes(await pay) == []
    (row,) = (await story.receivables(branch))["receivables"]
    assert (row["currency"], row["unapplied"]) == ("EUR", "10.00")


async def test_references_that_are_given_crosswise_do_not_wait_for_one_another_in_a_circle(story: Story) -> None:
    first, second, third = [await story.customer(name) for name in ("First", "Second", "Third")]

    def references(*external_ids: str) -> list[dict[str, str]]:
        return [{"system": "crm", "externalId": external_id} for external_id in external_ids]

    async with holder(story) as held:
        await held.reference("m", third)
        tasks = await queue(
            story.engine,
            story.attempt("customerUpdate", id=first, externalReferences=references("a", "m", "z")),
            story.attempt("customerUpdate", id=second, externalReferences=references("z", "m", "a")),
        )
        await held.let_go()
        answers = await asyncio.gather(*tasks)
    assert sorted(codes(answer) for answer in answers) == [[], ["EXTERNAL_REFERENCE_TAKEN"]]


DOCUMENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a payment": ("PAYMENT", "paymentRecord", {"amount": "10"}),
    "a credit note": ("CREDIT_NOTE", "creditNoteCreate", {"total": "10"}),
    "an invoice": ("INVOICE", "invoiceCreate", {"lines": [{"unitPrice": "10"}]}),
}


async def token_of(story: Story, customer: str) -> str:
    preview = "query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }"
    token: str = (await story.ask(preview, id=customer))["customerDeletePreview"]["confirmationToken"]
    return token


@pytest.mark.parametrize("what", DOCUMENTS)
async def test_a_customer_is_not_deleted_under_its_first_document(story: Story, what: str) -> None:
    counter, mutation, fields = DOCUMENTS[what]
    customer = await story.customer("Branch")
    token = await token_of(story, customer)
    async with holder(story) as held:
        await held.counter(counter)
        (document,) = await queue(story.engine, story.attempt(mutation, customerId=customer, **fields))
        delete = asyncio.create_task(story.attempt("customerDelete", id=customer, confirmationToken=token))
        await held.waiting(2)
        await held.let_go()
        assert codes(await document) == []
        assert codes(await delete) in (["HAS_TRANSACTIONS"], ["HAS_UNAPPLIED_FUNDS", "HAS_TRANSACTIONS"])


@pytest.mark.parametrize("what", DOCUMENTS)
async def test_a_customer_that_is_being_deleted_gets_no_first_document(story: Story, what: str) -> None:
    _, mutation, fields = DOCUMENTS[what]
    customer = await story.customer("Branch")
    token = await token_of(story, customer)
    async with holder(story) as held:
        await held.row(customer)
        delete, document = await queue(
            story.engine,
            story.attempt("customerDelete", id=customer, confirmationToken=token),
            story.attempt(mutation, customerId=customer, **fields),
        )
        await held.let_go()
        assert codes(await delete) == []
        assert codes(await document) == ["NOT_FOUND"]


async def test_customers_are_made_renamed_moved_and_deactivated_at_once(story: Story) -> None:
    customers = [await story.customer(f"Customer {number}") for number in range(6)]

    async def change() -> list[str]:
        refused = []
        for _ in range(8):
            key = random.choice(customers)
            match random.randrange(6):
                case 0:
                    answer = await story.attempt("customerDeactivate", id=key, cascade=True)
                case 1:
                    answer = await story.attempt("customerUpdate", id=key, number=f"N-{random.randrange(12)}")
                case 2:
                    answer = await story.attempt("customerUpdate", id=key, kind=random.choice(["BUSINESS", "INDIVIDUAL"]))
                case 3:
                    parent = {"id": key, "access": PAYS}
                    answer = await story.attempt("customerCreate", name="New", parent=parent)
                case 4:
                    answer = await story.attempt("invoiceCreate", customerId=key, issue=True, lines=[{"unitPrice": "10"}])
                case _:
                    answer = await story.attempt("customerMove", id=key, parentId=random.choice(customers), access=PAYS)
            refused += codes(answer)
        return refused

    refused = {code for codes_ in await asyncio.gather(*(change() for _ in range(10))) for code in codes_}
    assert refused <= {"HIERARCHY_CYCLE", "NOT_A_BUSINESS_CUSTOMER", "NUMBER_TAKEN", "CUSTOMER_INACTIVE"}
