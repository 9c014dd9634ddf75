"""The tabs of GraphiQL: each is valid, and on the demo company it answers what it promises."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from graphql import parse, validate

import demo_company
from conftest import Execute
from holdco.endpoint.graphiql import Example, read_examples
from holdco.schema import schema

EXAMPLES = {example.name: example for example in read_examples()}
TREE, OWES, PREVIEW, RECORD, PAID, PAGE, TERMS = EXAMPLES


@pytest.fixture
async def demo(database_url: str, organization_id: UUID) -> None:
    assert await demo_company.load(database_url, organization_id)


def _variables(example: Example) -> dict[str, Any]:
    variables: dict[str, Any] = json.loads(example.variables) if example.variables is not None else {}
    return variables


def _refusals(answer: Any) -> list[Any]:
    """Every user error, however deep."""
    if isinstance(answer, list):
        return [found for entry in answer for found in _refusals(entry)]
    if not isinstance(answer, dict):
        return []
    return [*answer.get("userErrors", []), *(found for value in answer.values() for found in _refusals(value))]


def _is_empty(answer: dict[str, Any]) -> bool:
    return any(value is None for value in answer.values())


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_valid_and_has_one_operation_to_run(example: Example) -> None:
    document = parse(example.query)
    assert validate(schema._schema, document) == []  # noqa: SLF001 (Strawberry has no other way to it)
    assert [definition.kind for definition in document.definitions].count("operation_definition") == 1


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
async def test_an_example_answers_on_the_demo_company_as_it_stands(example: Example, execute: Execute) -> None:
    answer = await execute(example.query, **_variables(example))
    assert not _is_empty(answer)
    assert _refusals(answer) == []


@pytest.mark.usefixtures("demo")
async def test_the_tree_shows_three_levels(execute: Execute) -> None:
    answer = await execute(EXAMPLES[TREE].query)
    offices = answer["customer"]["children"]["nodes"]
    assert [office["number"] for office in offices] == ["ALD-BRI", "ALD-LEE", "ALD-LON", "ALD-MAN"]
    assert [team["number"] for team in offices[2]["children"]["nodes"]] == ["ALD-LON-ENG", "ALD-LON-OPS", "ALD-LON-SAL"]


@pytest.mark.usefixtures("demo")
async def test_who_owes_what_lists_both_head_offices_with_what_is_due_first(execute: Execute) -> None:
    answer = await execute(EXAMPLES[OWES].query)
    head_offices = answer["customers"]["nodes"]
    assert [(each["number"], each["invoices"]["totalCount"]) for each in head_offices] == [("ALD-HQ", 12), ("CAS-HQ", 3)]
    assert [invoice["number"] for invoice in head_offices[0]["invoices"]["nodes"][:3]] == ["INV-0003", "INV-0004", "INV-0007"]


@pytest.mark.usefixtures("demo")
async def test_the_preview_shows_what_is_paid_and_who_is_skipped(execute: Execute) -> None:
    answer = await execute(EXAMPLES[PREVIEW].query, **_variables(EXAMPLES[PREVIEW]))
    plans = {
        name: (
            [(line["invoice"]["number"], line["amount"]) for line in plan["lines"]],
            plan["unapplied"],
            [(skipped["customer"]["number"], skipped["code"]) for skipped in plan["skipped"]],
        )
        for name, plan in answer.items()
    }
    assert plans == {
        "aldgate": ([("INV-0003", "4040.00"), ("INV-0007", "960.00")], "0.00", []),
        "castell": (
            [("INV-0017", "1080.00")],
            "2920.00",
            [("CAS-SVC", "PARENT_PAY_NOT_ALLOWED"), ("CAS-RET", "PARENT_PAY_NOT_ALLOWED")],
        ),
    }


@pytest.mark.usefixtures("demo")
async def test_one_payment_is_recorded_and_applied_over_the_offices_once(execute: Execute) -> None:
    example = EXAMPLES[RECORD]
    first = (await execute(example.query, **_variables(example)))["paymentRecord"]
    allocations = first["payment"]["allocations"]["nodes"]
    assert [(each["invoice"]["number"], each["amount"]) for each in allocations] == [
        ("INV-0003", "4040.00"),
        ("INV-0007", "1872.00"),
        ("INV-0005", "2530.80"),
        ("INV-0006", "2268.00"),
        ("INV-0016", "1289.20"),
    ]
    assert first["payment"]["customer"]["consolidatedReceivables"] == [
        {"currency": "EUR", "outstanding": "2670.00", "overdue": "2670.00"},
        {"currency": "USD", "outstanding": "9418.52", "overdue": "0.00"},
    ]
    again = (await execute(example.query, **_variables(example)))["paymentRecord"]
    assert (first.pop("replayed"), again.pop("replayed")) == (False, True)
    assert again == first


@pytest.mark.usefixtures("demo")
async def test_who_paid_this_invoice_names_the_head_office(execute: Execute) -> None:
    answer = await execute(EXAMPLES[PAID].query, **_variables(EXAMPLES[PAID]))
    allocations = answer["invoice"]["allocations"]["nodes"]
    assert [(each["source"]["__typename"], each["source"]["number"], each["amount"]) for each in allocations] == [
        ("Payment", "PAY-0001", "4834.00"),
        ("CreditNote", "CRN-0001", "350.00"),
    ]
    assert {each["payer"]["number"] for each in allocations} == {"ALD-HQ"}


@pytest.mark.usefixtures("demo")
async def test_the_page_of_a_customer_shows_its_people_and_projects(execute: Execute) -> None:
    page = (await execute(EXAMPLES[PAGE].query, **_variables(EXAMPLES[PAGE])))["customer"]
    assert [(each["role"], each["node"]["name"], each["node"]["state"]) for each in page["clientUsers"]["edges"]] == [
        ("PAYER", "Margaret Oduya", "ACTIVE"),
        ("VIEWER", "Tom Ashdown", "NOT_INVITED"),
    ]
    assert [(each["name"], each["clientUser"] is not None) for each in page["contacts"]["nodes"]] == [
        ("Margaret Oduya", True),
        ("Tom Ashdown", True),
    ]
    people = {
        project["name"]: [[each["name"] for each in project[kind]["nodes"]] for kind in ("clientUsers", "contacts")]
        for project in page["projects"]["nodes"]
    }
    assert people == {
        "Framework agreement": [["Margaret Oduya"], ["Margaret Oduya", "Tom Ashdown"]],
        "New head office network": [["Tom Ashdown"], ["Tom Ashdown"]],
    }
    assert [each["system"] for each in page["externalReferences"]] == ["books", "crm"]


@pytest.mark.usefixtures("demo")
async def test_the_terms_of_a_reseller_are_its_groups_and_older_drafts_have_drifted(execute: Execute) -> None:
    answer = await execute(EXAMPLES[TERMS].query, **_variables(EXAMPLES[TERMS]))
    terms = answer["customer"]["effectiveTerms"]
    assert {name: term["source"] for name, term in terms.items()} == dict.fromkeys(terms, "GROUP")
    assert (terms["discountPercent"]["value"], terms["paymentTerms"]["value"]["label"]) == ("12.500000", "Net 45")
    (draft,) = answer["customer"]["invoices"]["nodes"]
    # 20 x 134.40 and 100 x 9.12, less 12.5 %, and 23 % tax.
    assert [(line["unitPrice"], line["amount"]) for line in draft["lines"]] == [
        ("134.400000", "2688.00"),
        ("9.120000", "912.00"),
    ]
    assert [draft[name] for name in ("subtotal", "discountTotal", "total")] == ["3600.00", "450.00", "3874.50"]
    drifted = {
        each["number"]: [drift["after"]["paymentTerms"] for drift in each["termsDrift"]] for each in answer["invoices"]["nodes"]
    }
    assert drifted == {"INV-0023": [], "INV-0015": [{"label": "Net 45"}], "INV-0014": [{"label": "Net 45"}]}
