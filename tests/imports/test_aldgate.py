"""Aldgate Networks' files come in whole: customers and their tree, documents, and who paid what."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from holdco.imports.load_customers import REASON
from holdco.imports.load_invoices import VOID_REASON, IssuedSum
from holdco.verification.service import verify
from imports.exports import ENGINEERING, HEAD_OFFICE, LONDON, MANCHESTER, NORTHGATE, Exports


async def test_the_report_counts_what_came_in(exports: Exports) -> None:
    report = await exports.imported()
    customers = report.customers
    assert (customers.created, customers.skipped, customers.contacts, customers.linked) == (8, 0, 6, 5)
    assert (customers.groups_created, customers.memberships) == (3, 8)
    assert (report.invoices_created, report.invoices_skipped, report.invoice_lines) == (7, 0, 9)
    assert (report.payments_created, report.payments_skipped, report.allocations) == (2, 0, 3)
    assert report.issued == [IssuedSum("GBP", 4, "2800.00", "800.00"), IssuedSum("USD", 1, "171.00", "150.00")]
    assert report.notes == ["payments.csv: payments by “Barter”, 1 of them, are recorded as OTHER."]
    assert "Credit Limit" in report.columns_unread["contacts.csv"]
    assert "CF.Account manager" not in report.columns_unread["contacts.csv"]
    assert "Deposit To" in report.columns_unread["payments.csv"]


async def test_everything_adds_up_afterwards(exports: Exports) -> None:
    await exports.imported()
    report = await verify(exports.engine, exports.organization_id)
    assert report.is_clean
    assert report.counts["allocation"] == 3


async def test_a_customer_has_what_its_row_says(exports: Exports) -> None:
    await exports.imported("contacts")
    (head_office,) = await exports.rows(
        """
        select c.number, c.name, company_name, kind, role, status, currency, email, phone, website, notes, billing_address,
               shipping_address, custom_fields, t.payment_terms_kind, t.payment_terms_net_days, parent_id, c.version
        from customers c join external_references r on r.organization_id = c.organization_id and r.customer_id = c.id
        left join terms t on t.organization_id = c.organization_id and t.customer_id = c.id
        where c.organization_id = :o and r.system = 'zoho_books' and r.external_id = :id
        """,
        id=HEAD_OFFICE,
    )
    assert head_office == (
        "CUS-000002", "Aldgate Networks", "Aldgate Networks Ltd", "BUSINESS", None, "ACTIVE", "GBP", "ruth@aldgate.example",
        "+44 20 7946 0001", "https://aldgate.example", "Pays for its offices.\nAsk Ruth first.",
        {
            "attention": "Accounts", "street": "1 Aldgate High Street", "street2": "Floor 2", "city": "London",
            "postal_code": "EC3N 1AA", "country": "United Kingdom", "phone": "+44 20 7946 0002",
        },
        {"city": "Reading"}, {"Account manager": "Ines"}, "NET", 30, None, 1,
    )  # fmt: skip
    others = await exports.rows(
        """
        select name, company_name, kind, status, currency, payment_terms_kind, payment_terms_net_days, c.version
        from customers c left join terms t on t.organization_id = c.organization_id and t.customer_id = c.id
        where c.organization_id = :o and name <> 'Aldgate Networks' order by number
        """
    )
    assert others == [
        ("Aldgate Networks London", "Aldgate Networks Ltd", "BUSINESS", "ACTIVE", "GBP", "NET", 30, 2),
        ("Aldgate Networks Manchester", "Aldgate Networks Ltd", "BUSINESS", "ACTIVE", "GBP", "DUE_ON_RECEIPT", 0, 2),
        ("Aldgate Networks Leeds", "Aldgate Networks Ltd", "BUSINESS", "ACTIVE", "GBP", "END_OF_MONTH", 0, 2),
        ("Aldgate Networks Bristol", "Aldgate Networks Ltd", "BUSINESS", "ACTIVE", "GBP", "NET", 30, 2),
        ("Aldgate London Engineering", "Aldgate Networks Ltd", "BUSINESS", "ACTIVE", "GBP", "NET", 30, 2),
        ("Northgate Logistics", "Northgate Logistics Inc", "BUSINESS", "INACTIVE", "USD", None, None, 1),
        ("Rosa Whitfield", None, "INDIVIDUAL", "ACTIVE", "GBP", "NET", 15, 1),
    ]


async def test_each_row_of_a_customer_is_a_person_if_it_names_one(exports: Exports) -> None:
    await exports.imported("contacts")
    assert await exports.rows(
        """
        select cu.name, co.name, co.email, co.phone, co.designation, co.department
        from contacts co join customers cu on cu.organization_id = co.organization_id and cu.id = co.customer_id
        where co.organization_id = :o order by cu.number, co.name
        """
    ) == [
        ("Aldgate Networks London", "Maria Duarte", "maria@aldgate.example", None, None, None),
        ("Aldgate Networks", "Ruth Okafor", "ruth@aldgate.example", "+44 20 7946 0001", None, None),
        ("Aldgate Networks", "Tomas Lind", "tomas@aldgate.example", "+44 7700 900123", "Treasurer", "Finance"),
        ("Aldgate London Engineering", "Ola Nord", "ola@aldgate.example", None, None, None),
        ("Northgate Logistics", "Sam Reyes", "sam@northgate.example", None, None, None),
        ("Rosa Whitfield", "Rosa Whitfield", "rosa@whitfield.example", None, None, None),
    ]


async def test_an_invoice_keeps_every_line_and_its_figures(exports: Exports) -> None:
    await exports.imported()
    assert await exports.rows(
        """
        select number, status, currency, subtotal, discount_total, tax_total, shipping_charge, adjustment, total, amount_paid,
               amount_written_off, balance, due_date, payment_terms_kind, payment_terms_net_days, payment_terms_source
        from invoices where organization_id = :o order by number
        """
    ) == [
        ("INV-2001", "ISSUED", "GBP", 120000, 0, 0, 0, 0, 120000, 120000, 0, 0, date(2025, 4, 2), "NET", 30, "DOCUMENT"),
        ("INV-2002", "ISSUED", "GBP", 80000, 0, 0, 0, 0, 80000, 50000, 0, 30000, date(2025, 3, 10), "DUE_ON_RECEIPT", 0,
         "DOCUMENT"),
        ("INV-2003", "ISSUED", "GBP", 50000, 0, 0, 0, 0, 50000, 0, 0, 50000, date(2025, 3, 31), "END_OF_MONTH", 0, "CUSTOMER"),
        ("INV-2004", "ISSUED", "GBP", 25000, 0, 5000, 0, 0, 30000, 30000, 0, 0, date(2025, 4, 13), "NET", 30, "DOCUMENT"),
        ("INV-2005", "DRAFT", "GBP", 9000, 0, 0, 400, -50, 9350, 0, 0, 9350, date(2025, 5, 1), "NET", 30, "DOCUMENT"),
        ("INV-2006", "VOID", "USD", 6000, 0, 0, 0, 0, 6000, 0, 0, 0, date(2025, 5, 2), "NET", 30, "DOCUMENT"),
        ("INV-2007", "ISSUED", "USD", 19000, 1900, 0, 0, 0, 17100, 0, 2100, 15000, date(2025, 5, 3), "NET", 30, "DOCUMENT"),
    ]  # fmt: skip
    assert await exports.rows(
        """
        select i.number, l.position, item, description, quantity, unit_price, l.discount_percent, discount, tax_percent, tax,
               amount, document_discount
        from invoice_lines l join invoices i on i.organization_id = l.organization_id and i.id = l.invoice_id
        where l.organization_id = :o and i.number in ('INV-2001', 'INV-2004', 'INV-2005', 'INV-2007') order by 1, 2
        """
    ) == [
        ("INV-2001", 1, "Router", "Edge router", 2, 550, 0, 0, 0, 0, 110000, 0),
        ("INV-2001", 2, "Cabling", "Patch cable, 5 m\nblue", 20, 5, 0, 0, 0, 0, 10000, 0),
        ("INV-2004", 1, "Training", "On site", Decimal("2.5"), 100, 0, 0, 20, 5000, 25000, 0),
        ("INV-2005", 1, "Audit", "Network audit", 1, 100, 10, 1000, 0, 0, 9000, 0),
        ("INV-2007", 1, "Cabling", None, 20, 5, 0, 0, 0, 0, 10000, 1000),
        ("INV-2007", 2, "Support", None, 1, 90, 0, 0, 0, 0, 9000, 900),
    ]


async def test_an_invoice_is_billed_to_whom_the_file_says(exports: Exports) -> None:
    await exports.imported()
    found = await exports.rows(
        "select number, bill_to, purchase_order, notes from invoices where organization_id = :o order by 1"
    )
    assert found[0] == (
        "INV-2001",
        {
            "name": "Aldgate Networks London",
            "company_name": "Aldgate Networks Ltd",
            "tax_id": None,
            "address": {"street": "12 Leadenhall Street", "city": "London", "postal_code": "EC3V 1LP"},
        },
        "PO-77",
        "Thanks for your business.",
    )
    assert found[4][1]["address"]["street"] == "1 Aldgate High Street"
    assert found[5][1]["address"] is None


async def test_void_and_issued_invoices_say_since_when(exports: Exports) -> None:
    await exports.imported()
    assert await exports.rows(
        """
        select number, issued_at = created_at, voided_at = created_at, void_reason, version, source_system, external_id
        from invoices where organization_id = :o and number in ('INV-2003', 'INV-2005', 'INV-2006') order by 1
        """
    ) == [
        ("INV-2003", True, None, None, 1, "zoho_books", "3310006000000091033"),
        ("INV-2005", None, None, None, 1, "zoho_books", "3310006000000091055"),
        ("INV-2006", True, True, VOID_REASON, 2, "zoho_books", "3310006000000091066"),
    ]


async def test_the_head_offices_payment_stays_the_head_offices(exports: Exports) -> None:
    await exports.imported()
    assert await exports.rows(
        """
        select p.number, c.name, p.status, p.currency, amount, allocated, unapplied, received_on, mode, reference, bank_charges,
               withholding_tax, p.notes, source_system, external_id, p.version
        from payments p join customers c on c.organization_id = p.organization_id and c.id = p.customer_id
        where p.organization_id = :o order by 1
        """
    ) == [
        ("1", "Aldgate Networks", "SUCCEEDED", "GBP", 210000, 200000, 10000, date(2025, 4, 7), "BANK_TRANSFER", "BACS 4711", 250,
         0, "Offices, March", "zoho_books", "3310006000000097011", 1),
        ("2", "Northgate Logistics", "SUCCEEDED", "USD", 7500, 0, 7500, date(2025, 4, 1), "OTHER", None, 0, 0, None, "zoho_books",
         "3310006000000097022", 1),
    ]  # fmt: skip
    allocations = await exports.rows(
        """
        select i.number, payer.name, owner.name, a.amount, a.applied_on, a.strategy, a.reverses_id, a.actor,
               (select array_agg(r.external_id order by step.n) from unnest(a.path) with ordinality as step(id, n)
                join external_references r on r.organization_id = a.organization_id and r.customer_id = step.id)
        from allocations a
        join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
        join customers payer on payer.organization_id = a.organization_id and payer.id = a.payer_id
        join customers owner on owner.organization_id = a.organization_id and owner.id = a.beneficiary_id
        where a.organization_id = :o order by 1
        """
    )
    assert allocations == [
        ("INV-2001", "Aldgate Networks", "Aldgate Networks London", 120000, date(2025, 4, 7), "EXPLICIT", None, "importer",
         [HEAD_OFFICE, LONDON]),
        ("INV-2002", "Aldgate Networks", "Aldgate Networks Manchester", 50000, date(2025, 4, 8), "EXPLICIT", None, "importer",
         [HEAD_OFFICE, MANCHESTER]),
        # The file does not say when: the first day on which both the money and the invoice were there.
        ("INV-2004", "Aldgate Networks", "Aldgate London Engineering", 30000, date(2025, 4, 7), "EXPLICIT", None, "importer",
         [HEAD_OFFICE, LONDON, ENGINEERING]),
    ]  # fmt: skip
    assert await exports.rows("select distinct version from invoices where organization_id = :o and amount_paid > 0") == [(2,)]


async def test_the_tree_has_the_rights_of_the_file(exports: Exports) -> None:
    await exports.imported("contacts")
    assert await exports.rows(
        """
        select child.name, parent.name, view, pay, manage, pay_invoices_from, valid_to, actor, reason
        from parent_links l
        join customers child on child.organization_id = l.organization_id and child.id = l.child_id
        join customers parent on parent.organization_id = l.organization_id and parent.id = l.parent_id
        where l.organization_id = :o and child.parent_id = parent.id order by child.number
        """
    ) == [
        ("Aldgate Networks London", "Aldgate Networks", True, True, False, None, None, "importer", REASON),
        ("Aldgate Networks Manchester", "Aldgate Networks", True, True, False, None, None, "importer", REASON),
        ("Aldgate Networks Leeds", "Aldgate Networks", True, False, False, None, None, "importer", REASON),
        ("Aldgate Networks Bristol", "Aldgate Networks", True, True, True, None, None, "importer", REASON),
        ("Aldgate London Engineering", "Aldgate Networks London", True, True, False, None, None, "importer", REASON),
    ]
    assert await exports.rows(
        """
        select a.name, d.name, depth, view, pay, manage from customer_closure c
        join customers a on a.organization_id = c.organization_id and a.id = c.ancestor_id
        join customers d on d.organization_id = c.organization_id and d.id = c.descendant_id
        where c.organization_id = :o and depth > 1
        """
    ) == [("Aldgate Networks", "Aldgate London Engineering", 2, True, True, False)]
    assert await exports.rows("select count(*) from customer_closure where organization_id = :o") == [(8 + 6,)]


async def test_groups_are_made_in_the_order_of_the_file_and_filled(exports: Exports) -> None:
    await exports.imported("contacts")
    assert await exports.rows(
        """
        select g.name, g.rank, array_agg(c.number order by c.number) from customer_groups g
        join group_members m on m.organization_id = g.organization_id and m.group_id = g.id
        join customers c on c.organization_id = m.organization_id and c.id = m.customer_id
        where g.organization_id = :o group by g.name, g.rank order by g.rank
        """
    ) == [
        ("Enterprise", 1, ["CUS-000001", "CUS-000002", "CUS-000003", "CUS-000004", "CUS-000005", "CUS-000006"]),
        ("Direct", 2, ["CUS-000002"]),
        ("Resellers", 3, ["CUS-000007"]),
    ]


async def test_the_history_is_what_the_services_would_have_written(exports: Exports) -> None:
    await exports.imported()
    activity = """
        select action, details - 'parentId' from activity a
        join external_references r on r.organization_id = a.organization_id and r.customer_id = a.customer_id
        where a.organization_id = :o and a.actor = 'importer' and r.external_id = :id and action not like 'group.%'
        order by action, cast(details as text)
    """
    link = {"view": True, "pay": True, "manage": False, "inheritTerms": False, "affected": 1}
    assert await exports.rows(activity, id=ENGINEERING) == [
        ("contact.created", {"name": "Ola Nord"}),
        ("customer.created", {}),
        ("customer.parent_linked", link),
        ("invoice.created", {"number": "INV-2004"}),
        ("invoice.issued", {"number": "INV-2004"}),
        ("invoice.paid_by_ancestor", {"amount": "300.00", "currency": "GBP"}),
    ]
    assert await exports.rows(activity, id=NORTHGATE) == [
        ("contact.created", {"name": "Sam Reyes"}),
        ("customer.created", {}),
        ("invoice.created", {"number": "INV-2006"}),
        ("invoice.created", {"number": "INV-2007"}),
        ("invoice.issued", {"number": "INV-2006"}),
        ("invoice.issued", {"number": "INV-2007"}),
        ("invoice.voided", {"number": "INV-2006", "reason": VOID_REASON}),
        ("payment.recorded", {"number": "2", "amount": "75.00", "currency": "USD"}),
    ]
    assert [row for row in await exports.rows(activity, id=HEAD_OFFICE) if row[0].startswith("payment")] == [
        ("payment.allocated", {"amount": "2000.00", "currency": "GBP", "invoices": 3, "strategy": "EXPLICIT"}),
        ("payment.recorded", {"number": "1", "amount": "2100.00", "currency": "GBP"}),
    ]
