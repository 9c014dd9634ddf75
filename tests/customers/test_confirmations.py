"""What takes customers out of their place is said outright, and meant for that customer (domain.md D1, D5, A10, H7)."""

from __future__ import annotations

from typing import Any

from stories import PAYS, Story

PREVIEW = "query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken userErrors { code message } } }"


async def preview(story: Story, customer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(PREVIEW, id=customer_id))["customerDeletePreview"]
    return found


async def test_a_move_that_names_no_parent_unlinks_nobody(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    assert await story.refused("customerMove", id=city) == [("INVALID_INPUT", ["parentId"])]
    assert await story.refused("customerMove", id=city, access=PAYS) == [("INVALID_INPUT", ["parentId"])]
    moved = await story.do("customerMove", id=city, parentId=None)
    assert moved["formerParent"] == {"id": top}


async def test_a_token_confirms_the_deletion_of_no_other_customer_however_alike(story: Story) -> None:
    shown, twin = await story.customer("Lisbon"), await story.customer("Lisbon")
    token = (await preview(story, shown))["confirmationToken"]
    assert await story.refused("customerDelete", id=twin, confirmationToken=token) == [
        ("CONFIRMATION_STALE", ["confirmationToken"])
    ]
    await story.do("customerDelete", id=shown, confirmationToken=token)


async def test_a_customer_over_which_money_went_down_is_not_deleted_although_it_left(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    middle = await story.customer("Iberia", under=top)
    city = await story.customer("Lisbon", under=middle)
    await story.invoice(city, "100.00")
    applied = await story.do("paymentApply", sourceId=await story.payment(top, "60.00"))
    await story.move(city, top)
    message = "Iberia stood between payer and owner of the invoice in 1 allocations. Deactivate it instead."
    assert await preview(story, middle) == {
        "confirmationToken": None,
        "userErrors": [{"code": "HAS_TRANSACTIONS", "message": message}],
    }
    assert await story.refusals("customerDelete", id=middle, confirmationToken="") == [("HAS_TRANSACTIONS", ["id"], message)]
    # Taken back or not, it happened.
    await story.do("allocationReverse", id=applied["allocations"][0]["id"])
    assert await story.refused("customerDelete", id=middle, confirmationToken="") == [("HAS_TRANSACTIONS", ["id"])]


async def test_a_former_parent_over_which_no_money_went_is_deleted(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    middle = await story.customer("Iberia", under=top)
    city = await story.customer("Lisbon", under=middle)
    await story.move(city, top)
    await story.invoice(city, "100.00")
    await story.do("paymentApply", sourceId=await story.payment(top, "60.00"))
    await story.do("customerDelete", id=middle, confirmationToken=(await preview(story, middle))["confirmationToken"])
