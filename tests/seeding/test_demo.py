"""The demo company's story, with the figures that the README and the examples tell."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import demo_company
from conftest import Execute
from directly import directly
from holdco.database import Base
from holdco.migrations import metadata as _all_tables  # noqa: F401 (so that Base knows every table)
from holdco.verification import service as verification


@pytest.fixture
async def demo(database_url: str, organization_id: UUID) -> UUID:
    assert await demo_company.load(database_url, organization_id)
    return organization_id


async def _contents(engine: AsyncEngine, organization_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of an organization."""
    found = {}
    async with directly(engine, organization_id) as connection:
        for table in Base.metadata.sorted_tables:
            key = "id" if table.name == "organizations" else "organization_id"
            statement = f'select * from {table.name} t where {key} = :id order by t::text collate "C"'
            found[table.name] = [tuple(row) for row in (await connection.execute(text(statement), {"id": organization_id})).all()]
    return found


async def _receivables(execute: Execute, number: str) -> dict[str, dict[str, Any]]:
    data = await execute(
        """
        query ($number: String!) {
          customer(by: { number: $number }) {
            consolidatedReceivables {
              currency outstanding overdue unapplied openCredits net openInvoiceCount
            }
          }
        }
        """,
        number=number,
    )
    return {row.pop("currency"): row for row in data["customer"]["consolidatedReceivables"]}


@pytest.mark.usefixtures("demo")
async def test_aldgates_tree_owes_in_two_currencies_with_money_and_credit_on_account(execute: Execute) -> None:
    assert await _receivables(execute, "ALD-HQ") == {
        "EUR": {
            "outstanding": "2670.00",
            "overdue": "2670.00",
            "unapplied": "0.00",
            "openCredits": "0.00",
            "net": "2670.00",
            "openInvoiceCount": 1,
        },
        "USD": {
            "outstanding": "21418.52",
            "overdue": "10710.80",
            "unapplied": "5266.00",
            "openCredits": "250.00",
            "net": "15902.52",
            "openInvoiceCount": 11,
        },
    }


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("number", "outstanding", "overdue"),
    [
        ("ALD-LON", {"USD": "8043.60"}, {"USD": "4798.80"}),
        ("ALD-MAN", {"USD": "3229.92"}, {"USD": "1872.00"}),
        ("ALD-LEE", {"USD": "6920.00"}, {"USD": "4040.00"}),
        ("ALD-BRI", {"EUR": "2670.00", "USD": "1425.00"}, {"EUR": "2670.00", "USD": "0.00"}),
        ("CAS-HQ", {"USD": "4980.00"}, {"USD": "3480.00"}),
        ("NOR-001", {"USD": "691.20"}, {"USD": "691.20"}),
        ("PIN-001", {"EUR": "1381.91"}, {"EUR": "0.00"}),
        ("WHI-001", {"USD": "268.92"}, {"USD": "268.92"}),
    ],
)
async def test_each_tree_owes_what_its_invoices_come_to(
    execute: Execute, number: str, outstanding: dict[str, str], overdue: dict[str, str]
) -> None:
    rows = await _receivables(execute, number)
    assert {currency: row["outstanding"] for currency, row in rows.items()} == outstanding
    assert {currency: row["overdue"] for currency, row in rows.items()} == overdue


@pytest.mark.usefixtures("demo")
async def test_the_head_office_has_offices_in_four_cities_and_teams_below_london(execute: Execute) -> None:
    data = await execute(
        """
        {
          organization { name }
          customer(by: { number: "ALD-HQ" }) {
            role groups { name } contacts { nodes { name email } }
            children { nodes {
              number role billingAddress { city } parentAccess { view pay manage } invoices { totalCount }
              children { nodes { number role } }
            } }
          }
        }
        """
    )
    assert data["organization"]["name"] == "Meridian Network Supply"
    head_office = data["customer"]
    assert (head_office["role"], head_office["groups"]) == ("HEAD_OFFICE", [{"name": "Enterprise"}])
    assert head_office["contacts"]["nodes"] == [
        {"name": "Margaret Oduya", "email": "margaret.oduya@aldgate.example"},
        {"name": "Tom Ashdown", "email": "tom.ashdown@aldgate.example"},
    ]
    offices = {office["number"]: office for office in head_office["children"]["nodes"]}
    assert {number: office["billingAddress"]["city"] for number, office in offices.items()} == {
        "ALD-BRI": "Bristol",
        "ALD-LEE": "Leeds",
        "ALD-LON": "London",
        "ALD-MAN": "Manchester",
    }
    assert {number: office["invoices"]["totalCount"] for number, office in offices.items()} == {
        "ALD-BRI": 3,
        "ALD-LEE": 2,
        "ALD-LON": 4,
        "ALD-MAN": 3,
    }
    assert all(office["role"] == "BRANCH" for office in offices.values())
    assert all(office["parentAccess"] == {"view": True, "pay": True, "manage": False} for office in offices.values())
    teams = {number: [team["number"] for team in office["children"]["nodes"]] for number, office in offices.items()}
    assert teams == {
        "ALD-BRI": [],
        "ALD-LEE": [],
        "ALD-LON": ["ALD-LON-ENG", "ALD-LON-OPS", "ALD-LON-SAL"],
        "ALD-MAN": [],
    }


@pytest.mark.usefixtures("demo")
async def test_customers_are_in_the_groups_resellers_enterprise_and_direct(execute: Execute) -> None:
    data = await execute("{ customerGroups { nodes { name rank customers { nodes { number } } } } }")
    groups = [(group["name"], group["rank"]) for group in data["customerGroups"]["nodes"]]
    members = {
        group["name"]: [each["number"] for each in group["customers"]["nodes"]] for group in data["customerGroups"]["nodes"]
    }
    assert groups == [("Resellers", 1), ("Enterprise", 2), ("Direct", 3)]
    assert members == {
        "Resellers": ["CAS-RET", "PIN-001"],
        "Enterprise": ["ALD-BRI", "ALD-HQ", "ALD-LEE", "ALD-LON", "ALD-MAN", "CAS-HQ"],
        "Direct": ["CAS-RET", "NOR-001", "WHI-001"],
    }


@pytest.mark.usefixtures("demo")
async def test_some_contacts_became_client_users_in_every_state_but_deactivated(execute: Execute) -> None:
    data = await execute(
        "{ clientUsers { nodes { id name state projectScope customers { edges { role node { number } } } "
        "projects { nodes { name customer { number } } } } } }"
    )
    users = {user.pop("name"): user for user in data["clientUsers"]["nodes"]}
    assert users["Margaret Oduya"]["id"] == "usr_01900000000070008000000000000301"
    assert {name: (user["state"], user["projectScope"]) for name, user in users.items()} == {
        "Gwen Pryce": ("ACTIVE", "ALL"),
        "Margaret Oduya": ("ACTIVE", "ALL"),
        "Priya Raman": ("INVITED", "LIST"),
        "Tom Ashdown": ("NOT_INVITED", "LIST"),
    }
    assert {
        name: [(edge["role"], edge["node"]["number"]) for edge in user["customers"]["edges"]] for name, user in users.items()
    } == {
        "Gwen Pryce": [("ADMIN", "CAS-HQ")],
        "Margaret Oduya": [("PAYER", "ALD-HQ")],
        "Priya Raman": [("VIEWER", "ALD-LON")],
        "Tom Ashdown": [("VIEWER", "ALD-HQ")],
    }
    assert [(each["name"], each["customer"]["number"]) for each in users["Tom Ashdown"]["projects"]["nodes"]] == [
        ("New head office network", "ALD-HQ"),
        ("Wireless roll-out", "ALD-LEE"),
    ]


@pytest.mark.usefixtures("demo")
async def test_an_invoice_names_the_payment_and_the_credit_note_of_the_head_office(execute: Execute) -> None:
    data = await execute(
        """
        {
          invoice(by: { number: "INV-0001" }) {
            paymentStatus total amountPaid balance
            allocations { nodes {
              amount isPaidByAncestor payer { number } source { ... on Payment { number } ... on CreditNote { number } }
            } }
          }
        }
        """
    )
    invoice = data["invoice"]
    by_head_office = {"isPaidByAncestor": True, "payer": {"number": "ALD-HQ"}}
    assert invoice.pop("allocations")["nodes"] == [
        {"amount": "4834.00", "source": {"number": "PAY-0001"}, **by_head_office},
        {"amount": "350.00", "source": {"number": "CRN-0001"}, **by_head_office},
    ]
    assert invoice == {"paymentStatus": "PAID", "total": "5184.00", "amountPaid": "5184.00", "balance": "0.00"}


@pytest.mark.usefixtures("demo")
async def test_an_invoice_that_is_due_today_is_not_overdue(execute: Execute) -> None:
    data = await execute(
        '{ organization { today } a: invoice(by: {number: "INV-0016"}) { dueDate isOverdue } '
        'b: invoice(by: {number: "INV-0006"}) { dueDate isOverdue } }'
    )
    today = date.fromisoformat(data["organization"]["today"])
    assert data["a"] == {"dueDate": today.isoformat(), "isOverdue": False}
    assert data["b"] == {"dueDate": (today - timedelta(days=8)).isoformat(), "isOverdue": True}


async def test_castells_head_office_cannot_pay_for_retail_because_services_stands_between(
    execute: Execute, engine: AsyncEngine, demo: UUID
) -> None:
    before = await _contents(engine, demo)
    data = await execute(
        '{ payment(by: {number: "PAY-0003"}) { id } invoice(by: {number: "INV-0019"}) { id } }',
    )
    applied = await execute(
        """
        mutation ($input: PaymentApplyInput!) {
          paymentApply(input: $input) { source { __typename } userErrors { code field } }
        }
        """,
        input={
            "sourceId": data["payment"]["id"],
            "strategy": "EXPLICIT",
            "lines": [{"invoiceId": data["invoice"]["id"], "amount": "1.00"}],
            "idempotencyKey": "castell",
        },
    )
    assert applied["paymentApply"] == {
        "source": None,
        "userErrors": [{"code": "PARENT_PAY_NOT_ALLOWED", "field": ["lines", "0", "invoiceId"]}],
    }
    assert await _contents(engine, demo) == before


async def test_everything_adds_up(engine: AsyncEngine, demo: UUID) -> None:
    report = await verification.verify(engine, demo)
    assert (report.problems, report.counts["customer"], report.counts["allocation"]) == ([], 14, 4)


async def test_loading_it_again_changes_nothing(database_url: str, engine: AsyncEngine, demo: UUID) -> None:
    before = await _contents(engine, demo)
    assert not await demo_company.load(database_url, demo)
    assert await _contents(engine, demo) == before


async def test_of_two_that_load_it_at_once_one_does(database_url: str, engine: AsyncEngine, organization_id: UUID) -> None:
    loaded = await asyncio.gather(*(demo_company.load(database_url, organization_id) for _ in range(2)))
    assert sorted(loaded) == [False, True]
    assert len((await _contents(engine, organization_id))["customers"]) == 14


async def test_an_organization_with_customers_of_its_own_is_left_alone(
    database_url: str, engine: AsyncEngine, organization_id: UUID, execute: Execute
) -> None:
    await execute('mutation { customerCreate(input: { name: "Somebody" }) { userErrors { code } } }')
    before = await _contents(engine, organization_id)
    assert not await demo_company.load(database_url, organization_id)
    assert await _contents(engine, organization_id) == before


async def test_a_name_that_the_organization_was_given_stays(database_url: str, organization_id: UUID, execute: Execute) -> None:
    await execute('mutation { organizationUpdate(input: { name: "Ours" }) { userErrors { code } } }')
    assert await demo_company.load(database_url, organization_id)
    assert await execute("{ organization { name } }") == {"organization": {"name": "Ours"}}
