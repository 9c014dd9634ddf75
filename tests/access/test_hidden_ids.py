"""Whatever a client user names, what is hidden from it is refused in the words for what does not exist (domain.md V3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from access.people import client_user
from holdco import ids
from holdco.ids import Kind
from holdco.viewer import ClientUserRole
from stories import Story

HIDDEN: Final = {"view": False, "pay": False, "manage": False}
WORDS: Final = "THE ID"


@dataclass(frozen=True)
class Case:
    """A mutation, or `allocationPreview`, whose input names something of a kind; the rest is the caller's own."""

    mutation: str
    kind: Kind
    given: Callable[[str, dict[str, str]], dict[str, Any]]


def _case(mutation: str, kind: Kind, subject: str = "id", **fields: Any) -> Case:
    return Case(mutation, kind, lambda key, _own: {subject: key, **fields})


def _wish(kind: Kind, mutation: str, wish: Callable[[str, dict[str, str]], dict[str, Any]]) -> Case:
    return Case(mutation, kind, lambda key, own: {"sourceId": own["payment"], **wish(key, own)})


def _invited(key: str, own: dict[str, str]) -> dict[str, Any]:
    customers = [{"id": own["customer"], "role": "VIEWER"}, {"id": key, "role": "VIEWER"}]
    return {"name": "Ivy Hale", "email": "ivy@aldgate.example", "projectScope": "ALL", "customers": customers}


def _put(key: str, own: dict[str, str]) -> dict[str, Any]:
    customers = [{"id": own["customer"], "role": "VIEWER"}]
    given = {"name": "Ivy Hale", "email": "ivy@aldgate.example", "projectScope": "LIST", "customers": customers}
    return {**given, "projectIds": [key]}


def _lines(*amounts: str) -> Callable[[str, dict[str, str]], dict[str, Any]]:
    return lambda key, _own: {"strategy": "EXPLICIT", "lines": [{"invoiceId": key, "amount": amount} for amount in amounts]}


WISHES: Final = [
    (Kind.INVOICE, _lines("1")),
    (Kind.INVOICE, _lines("1", "1")),
    (Kind.INVOICE, _lines("0")),
    (Kind.INVOICE, _lines("1000000")),
    (Kind.INVOICE, lambda key, own: {"invoiceIds": [own["invoice"], key]}),
    (Kind.CUSTOMER, lambda key, _own: {"scope": "CUSTOMERS", "customerIds": [key]}),
    (Kind.CUSTOMER, lambda key, own: {"strategy": "CUSTOMER_ORDER", "customerIds": [own["customer"], key]}),
    (Kind.PAYMENT, lambda key, _own: {"sourceId": key}),
]
CASES: Final = [
    _case("customerUpdate", Kind.CUSTOMER, phone="1"),
    _case("customerUpdate", Kind.CUSTOMER, phone="1", version=1),
    _case("customerUpdate", Kind.CUSTOMER, currency="USD"),
    _case("contactCreate", Kind.CUSTOMER, "customerId", name="Ada"),
    _case("contactUpdate", Kind.CONTACT, name="Ada", version=1),
    _case("contactDelete", Kind.CONTACT),
    _case("contactDelete", Kind.CONTACT, confirm=True),
    _case("contactConvert", Kind.CONTACT, role="VIEWER"),
    _case("contactInvite", Kind.CONTACT, role="VIEWER"),
    Case("clientUserInvite", Kind.CUSTOMER, _invited),
    Case("clientUserInvite", Kind.PROJECT, _put),
    _case("clientUserUpdate", Kind.CLIENT_USER, name="Ivy", version=1),
    _case("clientUserReinvite", Kind.CLIENT_USER),
    _case("clientUserDeactivate", Kind.CLIENT_USER),
    _case("clientUserReactivate", Kind.CLIENT_USER),
    _case("creditNoteApply", Kind.CREDIT_NOTE, "sourceId"),
    *(_wish(kind, mutation, wish) for mutation in ("paymentApply", "allocationPreview") for kind, wish in WISHES),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.mutation} {case.kind.noun}")
async def test_a_hidden_id_is_refused_as_one_that_does_not_exist(case: Case, story: Story) -> None:
    own_id = await story.customer("Aldgate Networks")
    shut_id = await story.customer("Shut", under=own_id, access=HIDDEN)
    own = {"customer": own_id, "invoice": await story.invoice(own_id, "10"), "payment": await story.payment(own_id, "10")}
    hidden = {
        Kind.CUSTOMER: shut_id,
        Kind.CONTACT: await story.contact(shut_id, "Max Lund", email="max@shut.example"),
        Kind.CLIENT_USER: (await story.invited("Eva Strand", "eva@shut.example", shut_id))[0],
        Kind.PROJECT: await story.project(shut_id, "Secret"),
        Kind.INVOICE: await story.invoice(shut_id, "10"),
        Kind.PAYMENT: await story.payment(shut_id, "10"),
        Kind.CREDIT_NOTE: await story.credit_note(shut_id, "10"),
    }
    caller = await client_user(story, {own_id: ClientUserRole.ADMIN})
    keys = [hidden[case.kind]]
    if case.kind is Kind.INVOICE:
        keys.append(await story.invoice(own_id, "10", issue=False))
    unknown = ids.encode(case.kind, ids.new())
    expected = await _refused(caller, case, unknown, own)
    assert "NOT_FOUND" in [code for code, _, _ in expected]
    for key in keys:
        assert await _refused(caller, case, key, own) == expected


async def _refused(caller: Story, case: Case, key: str, own: dict[str, str]) -> list[tuple[str, list[str] | None, str]]:
    """Codes, fields and messages, without the id."""
    if case.mutation == "allocationPreview":
        options = case.given(key, own)
        errors = (await caller.preview(options.pop("sourceId"), **options))["userErrors"]
        refusals = [(error["code"], error["field"], error["message"]) for error in errors]
    else:
        refusals = await caller.refusals(case.mutation, **case.given(key, own))
    return [(code, field, message.replace(key, WORDS)) for code, field, message in refusals]
