"""The journey that Holdco is for: import, issue, link, see what the whole tree owes, pay once, see who paid, take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdco.imports.zoho import Files, import_zoho
from stories import PAYS, Story

ALDGATE = Path(__file__).parent / "aldgate"
OFFICES = ("Aldgate Lisbon", "Aldgate Rotterdam", "Aldgate Lyon", "Aldgate Graz")

CUSTOMERS = "{ customers { nodes { id name externalReferences { system externalId } } } }"
DRAFTS = """
{ invoices(filter: {status: DRAFT}, orderBy: [{field: NUMBER}]) {
  nodes { id number total customer { name } lines { item quantity amount } }
} }
"""
TREE = """
query ($id: ID!) { customer(by: {id: $id}) {
  consolidatedReceivables { currency outstanding unapplied net openInvoiceCount }
  descendants { nodes { name receivables { currency outstanding } } }
} }
"""
WHO_PAID = """
query ($number: String!) { invoice(by: {number: $number}) {
  paymentStatus balance customer { name ancestors { name } }
  allocations { nodes { amount isPaidByAncestor payer { name } source { ... on Payment { number } } path } }
} }
"""


async def imported(story: Story) -> dict[str, str]:
    """Ids of the five customers by their names, after contacts and invoices have come in from Zoho's files."""
    report = await import_zoho(
        story.engine,
        story.organization_id,
        actor="importer",
        files=Files(contacts=ALDGATE / "contacts.csv", invoices=ALDGATE / "invoices.csv"),
        date_format="YYYY-MM-DD",
    )
    assert report.errors == []
    assert report.is_imported
    nodes = (await story.ask(CUSTOMERS))["customers"]["nodes"]
    assert len(nodes) == 5
    references = {node["name"]: [entry["externalId"] for entry in node["externalReferences"]] for node in nodes}
    assert references["Aldgate Networks"] == ["4471000000000073001"]
    return {node["name"]: node["id"] for node in nodes}


async def issued(story: Story) -> dict[str, str]:
    """Ids of the invoices by number, once the imported drafts are issued."""
    drafts = (await story.ask(DRAFTS))["invoices"]["nodes"]
    assert [(draft["number"], draft["customer"]["name"], draft["total"]) for draft in drafts] == [
        ("INV-000101", "Aldgate Lisbon", "330.00"),
        ("INV-000102", "Aldgate Rotterdam", "470.50"),
        ("INV-000103", "Aldgate Lyon", "99.50"),
    ]
    assert [(line["item"], line["amount"]) for line in drafts[0]["lines"]] == [("Router", "300.00"), ("Cable", "30.00")]
    for draft in drafts:
        invoice = (await story.do("invoiceIssue", id=draft["id"]))["invoice"]
        assert (invoice["status"], invoice["balance"]) == ("ISSUED", draft["total"])
    return {draft["number"]: draft["id"] for draft in drafts}


async def who_paid(story: Story, number: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(WHO_PAID, number=number))["invoice"]
    return found


async def test_a_head_office_pays_three_branches_with_one_payment_and_gets_its_own_money_back(story: Story) -> None:
    customers = await imported(story)
    invoices = await issued(story)
    head_office = customers["Aldgate Networks"]
    assert (await story.receivables(head_office))["consolidatedReceivables"] == []
    for name in OFFICES:
        moved = await story.move(customers[name], head_office, access=PAYS)
        assert moved["openInvoiceCount"] == (name != "Aldgate Graz")

    tree = (await story.ask(TREE, id=head_office))["customer"]
    alone = {node["name"]: node["receivables"] for node in tree["descendants"]["nodes"]}
    assert alone == {
        "Aldgate Lisbon": [{"currency": "EUR", "outstanding": "330.00"}],
        "Aldgate Rotterdam": [{"currency": "EUR", "outstanding": "470.50"}],
        "Aldgate Lyon": [{"currency": "EUR", "outstanding": "99.50"}],
        "Aldgate Graz": [],
    }
    # 330.00 + 470.50 + 99.50
    assert tree["consolidatedReceivables"] == [
        {"currency": "EUR", "outstanding": "900.00", "unapplied": "0.00", "net": "900.00", "openInvoiceCount": 3}
    ]

    recorded = await story.do("paymentRecord", customerId=head_office, amount="1000.00", number="PAY-1", reference="Remittance 7")
    payment = recorded["payment"]["id"]
    assert recorded["payment"]["unapplied"] == "1000.00"
    plan = await story.preview(payment)
    in_due_order = [("INV-000103", "99.50"), ("INV-000101", "330.00"), ("INV-000102", "470.50")]
    assert [(line["invoice"]["number"], line["amount"]) for line in plan["lines"]] == in_due_order
    assert [line["balanceAfter"] for line in plan["lines"]] == ["0.00"] * 3
    assert (plan["allocated"], plan["unapplied"], plan["skipped"]) == ("900.00", "100.00", [])

    applied = await story.do("paymentApply", sourceId=payment, planHash=plan["planHash"])
    assert [(row["invoice"]["id"], row["amount"]) for row in applied["allocations"]] == [
        (invoices[number], amount) for number, amount in in_due_order
    ]
    assert applied["source"] == {"id": payment, "allocated": "900.00", "unapplied": "100.00"}
    for number, office, amount in (
        ("INV-000101", "Aldgate Lisbon", "330.00"),
        ("INV-000102", "Aldgate Rotterdam", "470.50"),
        ("INV-000103", "Aldgate Lyon", "99.50"),
    ):
        assert await who_paid(story, number) == {
            "paymentStatus": "PAID",
            "balance": "0.00",
            "customer": {"name": office, "ancestors": [{"name": "Aldgate Networks"}]},
            "allocations": {
                "nodes": [
                    {
                        "amount": amount,
                        "isPaidByAncestor": True,
                        "payer": {"name": "Aldgate Networks"},
                        "source": {"number": "PAY-1"},
                        "path": [head_office, customers[office]],
                    }
                ]
            },
        }
    assert (await story.ask(TREE, id=head_office))["customer"]["consolidatedReceivables"] == [
        {"currency": "EUR", "outstanding": "0.00", "unapplied": "100.00", "net": "-100.00", "openInvoiceCount": 0}
    ]

    mistaken = next(row["id"] for row in applied["allocations"] if row["invoice"]["id"] == invoices["INV-000101"])
    returned = await story.do("allocationReverse", id=mistaken, reason="Lisbon pays its own routers")
    assert returned["source"] == {"id": payment, "unapplied": "430.00"}
    assert (await who_paid(story, "INV-000101"))["balance"] == "330.00"
    assert (await who_paid(story, "INV-000101"))["allocations"] == {"nodes": []}
    lisbon = (await story.receivables(customers["Aldgate Lisbon"]))["receivables"]
    assert [(row["outstanding"], row["unapplied"], row["openCredits"]) for row in lisbon] == [("330.00", "0.00", "0.00")]
    own = (await story.receivables(head_office))["receivables"]
    assert [(row["outstanding"], row["unapplied"]) for row in own] == [("0.00", "430.00")]


async def test_importing_the_same_files_again_changes_nothing(story: Story) -> None:
    await imported(story)
    before = await story.everything()
    await imported(story)
    assert await story.everything() == before
