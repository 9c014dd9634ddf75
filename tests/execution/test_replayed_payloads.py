"""What a mutation of money answers is the same a level at a time and by graphql-core: told by repeating it with its key."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asking import answered
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.response import encode
from holdco.execution.execute import execute
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Story, fresh_key

ALLOCATION = """id amount currency appliedOn createdAt actor strategy reason isPaidByAncestor path
  payer { number name } invoice { number balance customer { name } } reverses { id } reversedBy { id amount }
  source { __typename ... on Payment { number unapplied } ... on CreditNote { number status remaining } }"""
REFUSALS = "skipped { code customer { name } } note"
SOURCE = f"source {{ ... on Payment {{ id status allocations(includeReversed: true) {{ nodes {{ {ALLOCATION} }} }} }} }}"
PAYLOADS = {
    "paymentRecord": f"payment {{ number unappliedReason createdAt amount }} allocations {{ {ALLOCATION} }} {REFUSALS} "
    "allocationErrors { code message field } possibleDuplicates { number customer { name } }",
    "paymentApply": f"{SOURCE} allocations {{ {ALLOCATION} }} {REFUSALS}",
    "allocationReverse": f"{SOURCE} allocations {{ {ALLOCATION} }} {REFUSALS}",
    "creditNoteApply": f"source {{ ... on CreditNote {{ number creditDate }} }} allocations {{ {ALLOCATION} }} {REFUSALS}",
    "paymentReverse": f"payment {{ number reversedAt reversedOn reversalReason }} allocations {{ {ALLOCATION} }}",
    "invoiceVoid": f"invoice {{ number voidedAt voidReason lines {{ amount }} }} reversals {{ {ALLOCATION} }}",
}


async def inputs(story: Story) -> dict[str, dict[str, Any]]:
    top = await story.customer("Aldgate Networks")
    lisbon = await story.customer("Lisbon", under=top)
    await story.invoice(await story.customer("Porto", under=top, access={"view": True, "pay": False, "manage": False}), "5.00")
    first, *_ = [await story.invoice(lisbon, f"{number}0.00") for number in range(1, 5)]
    recorded = await story.do("paymentRecord", customerId=top, amount="15.00", reference="R", apply={"scope": "SUBTREE"})
    again = await story.do("paymentRecord", customerId=top, amount="9.00", apply={"scope": "SUBTREE"})
    return {
        "paymentRecord": {"customerId": top, "amount": "15.00", "reference": "R", "apply": {"scope": "SUBTREE"}},
        "paymentApply": {"sourceId": await story.payment(top, "12.00"), "scope": "SUBTREE"},
        "allocationReverse": {"id": again["allocations"][0]["id"], "reason": "By mistake."},
        "creditNoteApply": {"sourceId": await story.credit_note(top, "3.00", reason="Goodwill."), "scope": "SUBTREE"},
        "paymentReverse": {"id": recorded["payment"]["id"], "reason": "Bounced."},
        "invoiceVoid": {"id": first, "reason": "Sent twice.", "releaseAllocations": True},
    }


@pytest.mark.parametrize("mutation", PAYLOADS)
async def test_a_payload_says_the_same_a_level_at_a_time(story: Story, mutation: str) -> None:
    given = {**(await inputs(story))[mutation], "idempotencyKey": fresh_key()}
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    fields = f"{PAYLOADS[mutation]} replayed userErrors {{ code message field }}"
    text = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
    done = (await story.ask(text, input=given))[mutation]
    assert done["userErrors"] == []
    rows = done["reversals" if mutation == "invoiceVoid" else "allocations"]
    assert rows
    stock = await answered(story.engine, story.organization_id, text, {"input": given}, is_planning=False)
    read = Documents(schema).read(text)
    (plans,) = read.plans.values()
    context = Context(story.engine, Viewer(story.organization_id, "tester", StaffRole.ADMIN))
    try:
        planned = await execute(schema, read.node, plans, context=context, variables={"input": given})
    finally:
        await context.close()
    assert (planned.errors, stock.errors) == (None, None)
    assert orjson.loads(encode(planned.data)) == stock.data == {mutation: {**done, "replayed": True}}
    # The payload has a plan, which has not failed: what fails is read again from a new snapshot, with all columns.
    assert None not in plans._plans.values()  # noqa: SLF001 (nobody else may ask)
    assert context.reader.columns
