"""Every mutation against every role and right, by the table that the README shows (access/rules.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from access.people import client_user, group, staff
from holdco.access.rules import RULES, as_markdown
from holdco.viewer import ClientUserRole, StaffRole
from stories import Story, explicit

README: Final = Path(__file__).parents[2] / "README.md"

# Where the customer that a mutation is about stands to the client user that calls it.
PLACES: Final = {
    "own": None,
    "managed": {"view": True, "pay": True, "manage": True},
    "seen": {"view": True, "pay": True, "manage": False},
    "hidden": {"view": False, "pay": False, "manage": False},
}


def _table() -> dict[str, tuple[set[str], set[str]]]:
    """Of the README: which staff, and which client users, may call each mutation."""
    lines = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")]
    found = {}
    for line in lines:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if name.strip("`") in RULES:
            roles = {role.value for role, cell in zip(StaffRole, cells, strict=False) if cell == "yes"}
            found[name.strip("`")] = roles, set(filter(None, cells[-1].split(", ")))
    return found


TABLE: Final = _table()


async def _contact(story: Story, customer_id: str) -> str:
    made: str = (await story.do("contactCreate", customerId=customer_id, name="Ada"))["contact"]["id"]
    return made


async def _client_user(story: Story, customer_id: str) -> str:
    return (await story.invited("Ivy Hale", "ivy@aldgate.example", customer_id))[0]


async def _deactivated(story: Story, customer_id: str) -> str:
    key = await _client_user(story, customer_id)
    await story.do("clientUserDeactivate", id=key)
    return key


async def _customers(_story: Story, customer_id: str) -> list[dict[str, str]]:
    return [{"id": customer_id, "role": "VIEWER"}]


async def _project(story: Story, customer_id: str) -> str:
    return await story.project(customer_id, "Roll-out")


async def _allocation(story: Story, customer_id: str) -> str:
    invoice, payment = await story.invoice(customer_id, "10"), await story.payment(customer_id, "10")
    made: str = (await story.do("paymentApply", sourceId=payment, **explicit((invoice, "10"))))["allocations"][0]["id"]
    return made


async def _selector(_story: Story, customer_id: str) -> dict[str, Any]:
    return {"subtreeOf": customer_id}


async def _group(story: Story, _customer_id: str) -> str:
    return await group(story, "Resellers")


async def _offer(story: Story, customer_id: str) -> str:
    key = await group(story, "Resellers")
    await story.do("customerGroupMembersAdd", id=key, customerIds=[customer_id])
    await story.do("customerGroupTermsSet", id=key, discountPercent="5", modes={"discountPercent": "OPT_IN"})
    return key


async def _item(story: Story, _customer_id: str) -> str:
    made: str = (await story.do("itemCreate", name="Router"))["item"]["id"]
    return made


async def _price_list(story: Story, _customer_id: str) -> str:
    made: str = (await story.do("priceListCreate", name="Reseller prices", currency="USD", kind="RATES"))["priceList"]["id"]
    return made


_RIGHTS: Final = {"view": True, "pay": False, "manage": False}

Input = Callable[[Story, str], Awaitable[dict[str, Any]]]


def _given(**fields: Any) -> Input:
    """An input whose values may be functions of the story and the customer that it is about; `str` stands for that customer."""

    async def given(story: Story, customer_id: str) -> dict[str, Any]:
        return {
            name: customer_id if value is str else await value(story, customer_id) if callable(value) else value
            for name, value in fields.items()
        }

    return given


async def _draft(story: Story, customer_id: str) -> str:
    return await story.invoice(customer_id, "10", issue=False)


async def _invoice(story: Story, customer_id: str) -> str:
    return await story.invoice(customer_id, "10")


async def _payment(story: Story, customer_id: str) -> str:
    return await story.payment(customer_id, "10")


async def _credit_note(story: Story, customer_id: str) -> str:
    return await story.credit_note(customer_id, "10")


async def _token(story: Story, _customer_id: str) -> str:
    document = 'mutation { accessTokenCreate(input: {name: "Robot", role: SALES}) { accessToken { id } } }'
    made: str = (await story.ask(document))["accessTokenCreate"]["accessToken"]["id"]
    return made


INPUTS: Final[dict[str, Input]] = {
    "organizationUpdate": _given(name="Renamed"),
    "organizationTermsSet": _given(discountPercent="5"),
    "accessTokenCreate": _given(name="Robot", role="READ_ONLY"),
    "accessTokenRevoke": _given(id=_token),
    "customerCreate": _given(name="New"),
    "customerUpdate": _given(id=str, email="office@aldgate.example"),
    "customerMove": _given(id=str, parentId=None),
    "customerParentAccessSet": _given(id=str, access=_RIGHTS),
    "customerDeactivate": _given(id=str),
    "customerDelete": _given(confirmationToken="none", id=str),
    "customerTermsSet": _given(id=str, discountPercent="5"),
    "customerGroupCreate": _given(name="Enterprise"),
    "customerGroupUpdate": _given(id=_group, name="Direct"),
    "customerGroupDelete": _given(id=_group),
    "customerGroupMembersAdd": _given(id=_group, customerIds=[]),
    "customerGroupMembersRemove": _given(id=_group, customerIds=[]),
    "customerGroupTermsSet": _given(id=_group, discountPercent="5"),
    "groupTermAccept": _given(customerId=str, groupId=_offer, field="DISCOUNT_PERCENT", acceptance="FOLLOW"),
    "groupTermDecline": _given(customerId=str, groupId=_offer, field="DISCOUNT_PERCENT"),
    "itemCreate": _given(name="Router"),
    "itemUpdate": _given(id=_item, name="Switch"),
    "priceListCreate": _given(name="Reseller prices", currency="USD", kind="RATES"),
    "priceListUpdate": _given(id=_price_list, isActive=False),
    "customersBulkUpdate": _given(selector=_selector, patch={"role": "BRANCH"}),
    "contactCreate": _given(customerId=str, name="Grace"),
    "contactUpdate": _given(id=_contact, name="Grace"),
    "contactDelete": _given(id=_contact, confirm=True),
    "contactConvert": _given(id=_contact, role="VIEWER", email="ada@aldgate.example"),
    "contactInvite": _given(id=_contact, role="VIEWER", email="ada@aldgate.example"),
    "clientUserInvite": _given(name="Ivy Hale", email="ivy@aldgate.example", customers=_customers, projectScope="ALL"),
    "clientUserReinvite": _given(id=_client_user),
    "clientUserUpdate": _given(id=_client_user, name="Ivy Park", email="park@aldgate.example"),
    "clientUserDeactivate": _given(id=_client_user),
    "clientUserReactivate": _given(id=_deactivated),
    "projectCreate": _given(customerId=str, name="Roll-out"),
    "projectUpdate": _given(id=_project, status="COMPLETED"),
    "projectPeopleSet": _given(id=_project, clientUserIds=[]),
    "invoiceCreate": _given(customerId=str, lines=[{"unitPrice": "10"}]),
    "invoiceTermsRefresh": _given(id=_draft),
    "invoiceIssue": _given(id=_draft),
    "invoiceVoid": _given(id=_invoice, reason="Wrong"),
    "paymentRecord": _given(customerId=str, amount="10"),
    "paymentApply": _given(sourceId=_payment),
    "paymentReverse": _given(id=_payment, reason="Bounced"),
    "creditNoteCreate": _given(customerId=str, total="10"),
    "creditNoteApply": _given(sourceId=_credit_note),
    "allocationReverse": _given(id=_allocation, reason="Wrong"),
}


def test_the_readme_shows_the_table() -> None:
    assert as_markdown() in README.read_text("utf-8")
    assert TABLE.keys() == RULES.keys() == INPUTS.keys()


@pytest.mark.parametrize("role", StaffRole)
@pytest.mark.parametrize("mutation", RULES)
async def test_staff_may_do_what_their_role_allows(mutation: str, role: StaffRole, story: Story) -> None:
    customer_id = await story.customer("Aldgate Networks")
    given = await INPUTS[mutation](story, customer_id)
    caller = staff(story, role)
    if role.value in TABLE[mutation][0]:
        payload = await caller.attempt(mutation, **given)
        assert "FORBIDDEN" not in [error["code"] for error in payload["userErrors"]]
    else:
        assert await _refused(caller, mutation, given) == [("FORBIDDEN", None)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", ClientUserRole)
@pytest.mark.parametrize("mutation", RULES)
async def test_client_users_may_do_what_their_role_allows_where_it_goes_so_far(
    mutation: str, role: ClientUserRole, place: str, story: Story
) -> None:
    own_id = await story.customer("Aldgate Networks")
    access = PLACES[place]
    customer_id = own_id if access is None else await story.customer("Branch", under=own_id, access=access)
    given = await INPUTS[mutation](story, customer_id)
    caller = await client_user(story, {own_id: role})
    allowed = TABLE[mutation][1]
    if role.value in allowed and place in {"own", "managed"}:
        payload = await caller.attempt(mutation, **given)
        assert [error["code"] for error in payload["userErrors"]] == []
        return
    code = "NOT_FOUND" if allowed and place == "hidden" else "FORBIDDEN"
    path = RULES[mutation].subject.split(".") if allowed else None
    assert await _refused(caller, mutation, given) == [(code, path)]


async def _refused(caller: Story, mutation: str, given: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """Refused, and nothing is written but that it was."""
    before = await caller.everything()
    payload = await caller.attempt(mutation, **given)
    written = [row for row in await caller.everything() if row not in before]
    refusals = [(error["code"], error["field"]) for error in payload["userErrors"]]
    denied = [code for code, _ in refusals if code == "FORBIDDEN"]
    assert [table for table, _ in written] == ["activity"] * len(denied)
    assert all('"access.denied"' in row for _, row in written)
    return refusals


async def test_what_is_agreed_with_a_customer_is_not_its_own_to_change(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    assert await _refused(caller, "customerUpdate", {"id": own_id, "currency": "USD"}) == [("FORBIDDEN", ["currency"])]
    await caller.do("customerUpdate", id=own_id, email="new@aldgate.example", phone="+44 20 7946 0000")


async def test_nobody_is_let_in_again_by_whoever_manages_only_some_of_its_customers(story: Story) -> None:
    own_id, other_id = await story.customer("Aldgate Networks"), await story.customer("Castell Holdings")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    both, _ = await story.invited("Ivy Hale", "ivy@aldgate.example", own_id, other_id)
    for mutation in ("clientUserReinvite", "clientUserDeactivate", "clientUserReactivate"):
        assert await _refused(caller, mutation, {"id": both}) == [("FORBIDDEN", ["id"])]
    assert await _refused(caller, "clientUserUpdate", {"id": both, "email": "mine@aldgate.example"}) == [("FORBIDDEN", ["id"])]


async def test_a_client_user_invites_for_its_customers_and_for_no_others(story: Story) -> None:
    own_id, other_id = await story.customer("Aldgate Networks"), await story.customer("Castell Holdings")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    given = {"name": "Ivy Hale", "email": "ivy@aldgate.example", "projectScope": "ALL"}
    own = {"id": own_id, "role": "VIEWER"}
    for customers, expected in (
        ([], ("FORBIDDEN", ["customers", "id"])),
        ([own, {"id": other_id, "role": "VIEWER"}], ("NOT_FOUND", ["customers", "id"])),
    ):
        assert await _refused(caller, "clientUserInvite", {**given, "customers": customers}) == [expected]
    key = (await caller.do("clientUserInvite", **given, customers=[own]))["clientUser"]["id"]
    assert await _refused(caller, "clientUserUpdate", {"id": key, "customers": [own]}) == [("FORBIDDEN", ["customers"])]


async def test_who_became_a_client_user_and_went_elsewhere_is_not_converted_again(story: Story) -> None:
    own_id, other_id = await story.customer("Aldgate Networks"), await story.customer("Castell Holdings")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    contact = await story.contact(own_id, "Ada Park", email="ada@aldgate.example")
    key = (await story.do("contactConvert", id=contact, role="VIEWER"))["clientUser"]["id"]
    await story.do("clientUserUpdate", id=key, email="x@castell.example", customers=[{"id": other_id, "role": "VIEWER"}])
    assert await _refused(caller, "contactConvert", {"id": contact, "role": "VIEWER"}) == [("ALREADY_CLIENT_USER", ["id"])]


async def test_nobody_becomes_a_colleague_by_inviting_it_again(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    payer = await client_user(story, {own_id: ClientUserRole.PAYER})
    assert await _refused(caller, "clientUserReinvite", {"id": payer.id}) == [("FORBIDDEN", ["id"])]
    assert (await story.do("clientUserReinvite", id=payer.id))["clientUser"]["id"] == payer.id


async def test_acting_for_another_customer_is_on_record(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    branch_id = await story.customer("Branch", under=own_id, access=PLACES["managed"])
    caller = await client_user(story, {own_id: ClientUserRole.PAYER})
    payment = await story.payment(branch_id, "10")
    await caller.do("paymentApply", sourceId=payment)
    found = await story.ask(
        "query ($id: ID!) { customer(by: {id: $id}) { activity { nodes { action subjectId details } } } }", id=branch_id
    )
    entry = next(each for each in found["customer"]["activity"]["nodes"] if each["action"] == "access.used")
    assert entry == {
        "action": "access.used",
        "subjectId": payment,
        "details": {
            "mutation": "paymentApply",
            "right": "manage",
            "through": own_id,
            "clientUserId": caller.id,
        },
    }


async def test_a_client_user_pays_below_where_pay_is_granted_and_no_further(story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    paid_id = await story.customer("Paid", under=own_id, access=PLACES["seen"])
    seen_id = await story.customer("Seen", under=own_id, access=_RIGHTS)
    hidden_id = await story.customer("Hidden", under=own_id, access=PLACES["hidden"])
    invoices = {key: await story.invoice(key, "10") for key in (paid_id, seen_id, hidden_id)}
    caller = await client_user(story, {own_id: ClientUserRole.PAYER})
    payment = await story.payment(own_id, "30")
    assert await caller.refused("paymentApply", sourceId=payment, **explicit((invoices[seen_id], "10"))) == [
        ("PARENT_PAY_NOT_ALLOWED", ["lines", "0", "invoiceId"])
    ]
    assert await caller.refused("paymentApply", sourceId=payment, **explicit((invoices[hidden_id], "10"))) == [
        ("NOT_FOUND", ["lines", "0", "invoiceId"])
    ]
    payload = await caller.do("paymentApply", sourceId=payment)
    assert [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]] == [(invoices[paid_id], "10.00")]
    assert [each["customer"]["id"] for each in payload["skipped"]] == [seen_id]
