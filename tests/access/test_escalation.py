"""Nobody gets further by letting somebody in, by another's name or by another's key (domain.md V2, V3, K4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from access.people import client_user, seen_by, staff
from holdco.client_users.models import ProjectScope
from holdco.viewer import ClientUserRole, StaffRole, Viewer
from stories import PAYS, Story, explicit

MANAGES: Final = {"view": True, "pay": True, "manage": True}
HIDDEN: Final = {"view": False, "pay": False, "manage": False}
SAME_KEY: Final = "of the payer"


async def test_who_follows_some_projects_lets_nobody_in_to_all(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN}, project_scope=ProjectScope.LIST)
    given = {"name": "Ivy Hale", "email": "ivy@aldgate.example", "customers": [{"id": own_id, "role": "VIEWER"}]}
    contact = await story.contact(own_id, "Ada Park", email="ada@aldgate.example")
    further = [("FORBIDDEN", ["projectScope"])]
    assert await _denied(caller, "clientUserInvite", **given, projectScope="ALL") == further
    assert await _denied(caller, "contactConvert", id=contact, role="VIEWER", projectScope="ALL") == further
    assert await _denied(caller, "contactInvite", id=contact, role="VIEWER", projectScope="ALL") == further
    await caller.do("clientUserInvite", **given, projectScope="LIST")


async def test_who_follows_some_projects_gets_no_secret_of_somebody_who_follows_others(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    project_id = await story.project(own_id, "Roll-out")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN}, project_scope=ProjectScope.LIST)
    to_all, _ = await story.invited("Ivy Hale", "ivy@aldgate.example", own_id)
    to_one, _ = await story.invited("Ada Park", "ada@aldgate.example", own_id, projectScope="LIST", projectIds=[project_id])
    to_none, _ = await story.invited("Max Lund", "max@aldgate.example", own_id, projectScope="LIST")
    for key in (to_all, to_one):
        assert await _denied(caller, "clientUserReinvite", id=key) == [("FORBIDDEN", ["id"])]
        await story.do("clientUserDeactivate", id=key)
        assert await _denied(caller, "clientUserReactivate", id=key) == [("FORBIDDEN", ["id"])]
    await caller.do("clientUserReinvite", id=to_none)


async def test_the_keys_of_whoever_has_the_same_name_are_others(story: Story) -> None:
    """Client users choose their names; an answer is told again to nobody but who was told it."""
    own_id = await story.customer("Aldgate Networks")
    invoice_id, payment_id = await story.invoice(own_id, "10"), await story.payment(own_id, "30")
    first, second = [await client_user(story, {own_id: ClientUserRole.PAYER}, actor="Cora Client") for _ in range(2)]
    member = seen_by(story, Viewer(story.organization_id, "Cora Client", StaffRole.BILLING))
    wish: dict[str, Any] = {"sourceId": payment_id, "idempotencyKey": SAME_KEY, **explicit((invoice_id, "4"))}
    assert [(await caller.do("paymentApply", **wish))["replayed"] for caller in (first, second, first)] == [False, False, True]
    other: dict[str, Any] = {"sourceId": payment_id, "idempotencyKey": SAME_KEY, **explicit((invoice_id, "2"))}
    assert not (await member.do("paymentApply", **other))["replayed"]


async def test_what_is_told_again_is_no_more_than_may_be_seen_by_then(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    paid_id = await story.customer("Paid", under=own_id, access=PAYS)
    left_out_id = await story.customer("Left out", under=own_id, access={"view": True, "pay": False, "manage": False})
    own_invoice, paid_invoice = await story.invoice(own_id, "10"), await story.invoice(paid_id, "10")
    await story.invoice(left_out_id, "10")
    caller = await client_user(story, {own_id: ClientUserRole.PAYER})
    wish = {"sourceId": await story.payment(own_id, "30"), "idempotencyKey": SAME_KEY}
    told = await caller.do("paymentApply", **wish)
    assert {row["invoice"]["id"] for row in told["allocations"]} == {own_invoice, paid_invoice}
    assert [each["customer"]["id"] for each in told["skipped"]] == [left_out_id]
    for key in (paid_id, left_out_id):
        await story.do("customerParentAccessSet", id=key, access=HIDDEN)
    again = await caller.do("paymentApply", **wish)
    assert again["replayed"]
    assert [row["invoice"]["id"] for row in again["allocations"]] == [own_invoice]
    assert again["skipped"] == []


async def test_each_customer_that_somebody_acted_for_has_it_on_record(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    branch_ids = [await story.customer(name, under=own_id, access=MANAGES) for name in ("North", "South")]
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    customers = [{"id": key, "role": "VIEWER"} for key in (own_id, *branch_ids)]
    invited = await caller.do(
        "clientUserInvite", name="Ivy Hale", email="ivy@aldgate.example", customers=customers, projectScope="ALL"
    )
    await caller.do("clientUserDeactivate", id=invited["clientUser"]["id"])
    document = "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action details } } } }"
    for key, times in ((own_id, 0), (branch_ids[0], 2), (branch_ids[1], 2)):
        entries = (await story.ask(document, id=key))["customer"]["activity"]["nodes"]
        assert [entry["action"] for entry in entries].count("access.used") == times


async def test_what_a_role_may_not_do_by_one_mutation_it_may_not_do_by_another(story: Story) -> None:
    customer_id = await story.customer("Aldgate Networks")
    billing, sales = staff(story, StaffRole.BILLING), staff(story, StaffRole.SALES)
    assert await _denied(billing, "customerDeactivate", id=customer_id) == [("FORBIDDEN", None)]
    assert await _denied(billing, "customerUpdate", id=customer_id, status="INACTIVE") == [("FORBIDDEN", ["status"])]
    await billing.do("customerUpdate", id=customer_id, phone="1")
    await sales.do("customerUpdate", id=customer_id, status="INACTIVE")


async def test_who_is_refused_tells_no_subscriber_of_a_change(story: Story, counting: Callable[[], Any]) -> None:
    own_id = await story.customer("Aldgate Networks")
    branch_id = await story.customer("Branch", under=own_id, access=MANAGES)
    viewer, admin = [await client_user(story, {own_id: role}) for role in (ClientUserRole.VIEWER, ClientUserRole.ADMIN)]
    with counting() as issued:
        await viewer.attempt("customerUpdate", id=branch_id, phone="1")
        await admin.do("customerUpdate", id=branch_id, phone=None)
    assert len([each for each in issued.statements if "insert into activity" in each]) == 2
    assert not [each for each in issued.statements if "pg_notify" in each]


async def _denied(caller: Story, mutation: str, **given: Any) -> list[tuple[str, list[str] | None]]:
    """Refused, and nothing is written but that it was."""
    before = await caller.everything()
    payload = await caller.attempt(mutation, **given)
    written = [row for row in await caller.everything() if row not in before]
    assert [table for table, _ in written] == ["activity"]
    assert all(value in (None, [], False) for name, value in payload.items() if name != "userErrors")
    return [(error["code"], error["field"]) for error in payload["userErrors"]]
