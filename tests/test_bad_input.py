"""Bad input gets a clear refusal, never a masked error, and loses nothing."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import ExecutionResult
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import answered, asker
from conftest import Client
from holdco.endpoint.errors import presented
from holdco.organizations import service as organizations
from hostile import Arguments, Target, targets
from stories import Story

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "150"))
TARGETS = list(targets())


class Furnished:
    """An organization with one or two of everything, whose ids are known by type."""

    def __init__(self, story: Story, known: dict[str, list[str]]) -> None:
        self.story = story
        self.known = known


@pytest.fixture(scope="module")
async def furnished(engine: AsyncEngine) -> Furnished:
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    story = Story(asker(engine, organization_id), engine, organization_id)
    top = await story.customer("Aldgate Networks", number="ALD-HQ")
    city = await story.customer("Lisbon", under=top)
    alone = await story.customer("Porto", kind="INDIVIDUAL")
    contact = (await story.do("contactCreate", customerId=top, name="Ruth Okafor"))["contact"]["id"]
    user, _ = await story.invited("Ivy Hale", "ivy@aldgate.example", top)
    project = await story.project(top, "Roll-out")
    document = 'mutation { customerGroupCreate(input: {name: "Direct"}) { customerGroup { id } } }'
    group = (await story.ask(document))["customerGroupCreate"]["customerGroup"]["id"]
    invoices = [await story.invoice(city, "10.00"), await story.invoice(top, "20.00", issue=False)]
    payment, credit = await story.payment(top, "10.00", idempotencyKey="0"), await story.credit_note(top, "5.00")
    allocation = (await story.do("paymentApply", sourceId=payment, amountMax="4.00"))["allocations"][0]["id"]
    return Furnished(
        story,
        {
            "Customer": [top, city, alone],
            "Contact": [contact],
            "ClientUser": [user],
            "Project": [project],
            "CustomerGroup": [group],
            "Invoice": invoices,
            "Payment": [payment],
            "CreditNote": [credit],
            "Allocation": [allocation],
        },
    )


def codes_of(result: ExecutionResult) -> set[str]:
    return {error["extensions"]["code"] for error in presented(result.errors or (), "request")}


def is_read_or_refused(result: ExecutionResult, target: Target) -> bool:
    payload = (result.data or {}).get(target.field)
    return bool(result.errors) or target.operation == "query" or bool(payload and payload["userErrors"])


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_whatever_fits_the_schema_is_answered_or_refused_and_what_is_refused_changes_nothing(
    furnished: Furnished, data: st.DataObject
) -> None:
    story = furnished.story
    target = data.draw(st.sampled_from(TARGETS))
    given_variables = data.draw(Arguments(target, furnished.known).variables())
    before = await story.everything()
    result = await answered(story.engine, story.organization_id, target.document, given_variables)
    assert codes_of(result) <= {"BAD_USER_INPUT"}
    if is_read_or_refused(result, target):
        assert await story.everything() == before


DEEP: Any = {}
for _ in range(100):
    DEEP = {"deeper": DEEP}
UNKNOWN = "cus_" + "0" * 32

CUSTOMER = "query ($by: CustomerBy!) { customer(by: $by) { name } }"
CUSTOMERS = """
query ($filter: CustomerFilter, $first: Int, $after: String, $last: Int) {
  customers(filter: $filter, first: $first, after: $after, last: $last) { nodes { name } }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { id } }"
CREATE = "mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } userErrors { code } } }"
RECORD = "mutation ($input: PaymentRecordInput!) { paymentRecord(input: $input) { payment { id } userErrors { code } } }"
APPLY = "mutation ($input: PaymentApplyInput!) { paymentApply(input: $input) { source { __typename } userErrors { code } } }"
SETTINGS = "mutation ($input: OrganizationUpdateInput!) { organizationUpdate(input: $input) { userErrors { code } } }"
INVOICE = "mutation ($input: InvoiceCreateInput!) { invoiceCreate(input: $input) { invoice { id } userErrors { code } } }"


def paying(**fields: Any) -> dict[str, Any]:
    return {"input": {"customerId": "known", "amount": "1.00", "idempotencyKey": "k", **fields}}


# What is asked, and the code of the GraphQL error or of the refusal that it must get.
OVER_HTTP: dict[str, tuple[str, dict[str, Any], str]] = {
    "a malformed id": (NODE, {"id": "nonsense"}, "BAD_USER_INPUT"),
    "an id of another type": (CUSTOMER, {"by": {"id": "inv_" + "0" * 32}}, "BAD_USER_INPUT"),
    "a zero character in an id": (NODE, {"id": "cus_\0"}, "BAD_USER_INPUT"),
    "a zero character in a number": (CUSTOMER, {"by": {"number": "\0"}}, "BAD_USER_INPUT"),
    "a zero character in a filter": (CUSTOMERS, {"filter": {"name": {"contains": "\0"}}}, "BAD_USER_INPUT"),
    "no way to find a customer": (CUSTOMER, {"by": {}}, "BAD_USER_INPUT"),
    "two ways to find a customer": (CUSTOMER, {"by": {"id": UNKNOWN, "number": "1"}}, "BAD_USER_INPUT"),
    "a negative page": (CUSTOMERS, {"first": -1}, "BAD_USER_INPUT"),
    "a page of everything": (CUSTOMERS, {"first": 2_147_483_647}, "BAD_USER_INPUT"),
    "a page beyond 32 bits": (CUSTOMERS, {"first": 2_147_483_648}, "BAD_USER_INPUT"),
    "both ends of a list": (CUSTOMERS, {"first": 1, "last": 1}, "BAD_USER_INPUT"),
    "a cursor that is none": (CUSTOMERS, {"after": "nonsense"}, "BAD_USER_INPUT"),
    "a thousand and one ids in a filter": (CUSTOMERS, {"filter": {"id": {"in": [UNKNOWN] * 1001}}}, "BAD_USER_INPUT"),
    "an id of another type in a filter": (CUSTOMERS, {"filter": {"parentId": {"eq": "inv_" + "0" * 32}}}, "BAD_USER_INPUT"),
    "a date that is none": (INVOICE, {"input": {"customerId": "known", "lines": [], "dueDate": "0000-01-01"}}, "BAD_USER_INPUT"),
    "a number for an amount": (RECORD, paying(amount=1.5), "BAD_USER_INPUT"),
    "an exponent": (RECORD, paying(amount="1e3"), "BAD_USER_INPUT"),
    "no number": (RECORD, paying(amount="NaN"), "BAD_USER_INPUT"),
    "infinity": (RECORD, paying(amount="Infinity"), "BAD_USER_INPUT"),
    "more digits than any amount has": (RECORD, paying(amount="9" * 21), "BAD_USER_INPUT"),
    "an amount beyond a bigint": (RECORD, paying(amount="9" * 20), "INVALID_INPUT"),
    "a negative amount": (RECORD, paying(amount="-1"), "AMOUNT_NOT_POSITIVE"),
    "no amount": (RECORD, paying(amount="0"), "AMOUNT_NOT_POSITIVE"),
    "half a cent": (RECORD, paying(amount="1.005"), "INVALID_INPUT"),
    "a currency of the past": (RECORD, paying(currency="DEM"), "BAD_USER_INPUT"),
    "a mode that is none": (RECORD, paying(mode="BARTER"), "BAD_USER_INPUT"),
    "an unknown payer": (RECORD, paying(customerId=UNKNOWN), "NOT_FOUND"),
    "a key that is none": (RECORD, paying(idempotencyKey="\0"), "INVALID_INPUT"),
    "ten thousand lines": (
        APPLY,
        {
            "input": {
                "sourceId": "payment",
                "idempotencyKey": "k",
                "strategy": "EXPLICIT",
                "lines": [{"invoiceId": "inv_" + "0" * 32, "amount": "1"}] * 10_000,
            }
        },
        "INVALID_INPUT",
    ),
    "five thousand characters": (CREATE, {"input": {"name": "x" * 5000}}, "INVALID_INPUT"),
    "a field that there is not": (CREATE, {"input": {"name": "x", "nickname": "y"}}, "BAD_USER_INPUT"),
    "a name that is missing": (CREATE, {"input": {}}, "BAD_USER_INPUT"),
    "a name that is null": (CREATE, {"input": {"name": None}}, "BAD_USER_INPUT"),
    "deep JSON": (CREATE, {"input": {"name": "x", "customFields": DEEP}}, "BAD_USER_INPUT"),
    "a zero character in JSON": (CREATE, {"input": {"name": "x", "customFields": {"a": "\0"}}}, "BAD_USER_INPUT"),
    "JSON that is no object": (CREATE, {"input": {"name": "x", "customFields": []}}, "INVALID_INPUT"),
    "an unknown time zone": (SETTINGS, {"input": {"timezone": "Mars/Olympus"}}, "INVALID_INPUT"),
    "a time zone out of the tree of files": (SETTINGS, {"input": {"timezone": "../../etc/passwd"}}, "INVALID_INPUT"),
    "no lines": (INVOICE, {"input": {"customerId": "known", "lines": []}}, "INVALID_INPUT"),
}


async def test_over_http_bad_input_gets_its_code_and_neither_500_nor_a_stack(client: Client, told: Story) -> None:
    customer = await told.customer("Lisbon")
    known = {"known": customer, "payment": await told.payment(customer, "10.00")}
    before = await told.everything()
    for name, (document, given_variables, expected) in OVER_HTTP.items():
        response = await client.http.post("/graphql", json={"query": document, "variables": _filled(given_variables, known)})
        answer = response.json()
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        for payload in (answer.get("data") or {}).values():
            codes += [error["code"] for error in (payload or {}).get("userErrors", ())]
        assert (name, response.status_code, codes) == (name, 200, [expected])
        assert "Traceback" not in response.text
    assert await told.everything() == before


@pytest.fixture
def told(client: Client, engine: AsyncEngine, organization_id: UUID) -> Story:
    return Story(client, engine, organization_id)


def _filled(given_value: Any, known: dict[str, str]) -> Any:
    """With the ids of what exists in the place of their names."""
    if isinstance(given_value, dict):
        return {name: _filled(value, known) for name, value in given_value.items()}
    if isinstance(given_value, list):
        return [_filled(value, known) for value in given_value]
    return known.get(given_value, given_value) if isinstance(given_value, str) else given_value


UNREADABLE = [
    b'{"query": "{ organization { name } }", "variables": {"a": "\\ud800"}}',
    b'{"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": "\xff"}}',
    b'{"query": "{ organization { name } }", "variables": {"a": NaN}}',
    b'{"query": "{ organization { name } }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
]


async def test_a_body_that_no_json_reader_takes_is_refused(client: Client) -> None:
    for body in UNREADABLE:
        response = await client.http.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 400
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_REQUEST"]
