"""Customers: how they are known again, where they stand, and what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from holdco.imports.zoho import Report
from imports.exports import BRISTOL, ENGINEERING, HEAD_OFFICE, LEEDS, LONDON, MANCHESTER, NORTHGATE, ROSA, Exports, told
from stories import Story

Refused = Callable[..., Awaitable[Report]]


async def numbers(exports: Exports) -> list[tuple[str, str]]:
    found = await exports.rows("select number, name from customers where organization_id = :o order by number")
    return [(row[0], row[1]) for row in found]


async def test_numbers_of_the_file_are_kept_and_others_counted_around_them(exports: Exports, story: Story) -> None:
    await story.customer("Here before", number="CUS-000003")
    exports.contacts.only(LONDON, MANCHESTER, LEEDS)
    for row, number in zip(exports.contacts.rows, ["", "CUS-000002", ""], strict=True):
        row |= {"Customer Number": number, "Parent Customer ID": "", "Parent Customer Name": ""}
    await exports.imported("contacts")
    assert await numbers(exports) == [
        ("CUS-000001", "Aldgate Networks London"),
        ("CUS-000002", "Aldgate Networks Manchester"),
        ("CUS-000003", "Here before"),
        ("CUS-000004", "Aldgate Networks Leeds"),
    ]
    await story.customer("The next one")
    assert (await numbers(exports))[-1] == ("CUS-000005", "The next one")


async def test_a_file_without_ids_goes_by_numbers(exports: Exports) -> None:
    """Zoho's template for imports has no ids."""
    exports.contacts.headings.remove("Customer ID")
    exports.contacts.only(NORTHGATE, ROSA)
    for number, row in enumerate(exports.contacts.rows):
        del row["Customer ID"]
        row["Customer Number"] = f"C-{number}"
    assert (await exports.imported("contacts")).customers.created == 2
    assert (await exports.imported("contacts")).customers.skipped == 2
    assert [number for number, _ in await numbers(exports)] == ["C-0", "C-1"]


async def test_rows_of_vendors_are_left_out(exports: Exports) -> None:
    exports.contacts.of_key(NORTHGATE)[0]["Contact Type"] = "Vendor"
    report = await exports.imported("contacts")
    assert report.customers.created == 7
    assert report.notes == ["contacts.csv: 1 rows of vendors were left out."]


async def test_a_contact_without_a_name_is_known_by_its_address_and_never_twice(exports: Exports) -> None:
    exports.contacts.only(ROSA)
    rosa = exports.contacts.rows[0]
    for email in ("office@whitfield.example", "office@whitfield.example", ""):
        exports.contacts.add(rosa, First_Name="", Last_Name="", EmailID=email)
    exports.contacts.add(rosa)
    await exports.imported("contacts")
    assert await exports.rows("select name, email from contacts where organization_id = :o order by name") == [
        ("Rosa Whitfield", "rosa@whitfield.example"),
        ("office@whitfield.example", "office@whitfield.example"),
    ]


async def test_children_may_stand_before_their_parents_and_below_customers_that_are_here(exports: Exports, story: Story) -> None:
    group = await story.customer("Aldgate Group")
    exports.contacts.only(HEAD_OFFICE, LONDON, ENGINEERING)
    exports.contacts.rows.reverse()
    exports.contacts.of_key("ruth@aldgate.example")[0] |= {
        "Parent Customer Name": "Aldgate Group",
        "Allow Parent View": "true",
        "Allow Parent Pay": "false",
    }
    # Of a customer's rows the first says where it stands; the others are its contacts.
    exports.contacts.rows[1:3] = reversed(exports.contacts.rows[1:3])
    assert [row["First Name"] for row in exports.contacts.rows] == ["Ola", "Ruth", "Tomas", "Maria"]
    await exports.imported("contacts")
    found = await story.ask(
        """
        query ($id: ID!) { customer(by: {id: $id}) { descendants { edges { depth node { name
          parentAccess { view pay manage } } } } } }
        """,
        id=group,
    )
    edges = [(edge["depth"], edge["node"]["name"]) for edge in found["customer"]["descendants"]["edges"]]
    assert edges == [(1, "Aldgate Networks"), (2, "Aldgate Networks London"), (3, "Aldgate London Engineering")]
    assert await exports.rows(
        "select depth, view, pay from customer_closure where organization_id = :o and depth > 1 order by depth, pay"
    ) == [(2, True, False), (2, True, True), (3, True, False)]


async def test_zohos_combined_flag_sets_view_and_pay(exports: Exports) -> None:
    exports.contacts.only(HEAD_OFFICE, LONDON, LEEDS)
    for row, both in ((exports.contacts.of_key(LONDON)[0], "true"), (exports.contacts.of_key(LEEDS)[0], "false")):
        row |= {"Allow Parent View": "", "Allow Parent Pay": "", "Allow Parent For Payment And View": both}
    await exports.imported("contacts")
    rights = "select view, pay, manage from parent_links where organization_id = :o order by pay desc"
    assert await exports.rows(rights) == [(True, True, False), (False, False, False)]


async def test_a_debt_of_before_becomes_an_invoice_and_a_credit_a_credit_note(exports: Exports) -> None:
    exports.contacts.only(HEAD_OFFICE, NORTHGATE, ROSA)
    balances = {HEAD_OFFICE: ("120.50", "Debit"), NORTHGATE: ("40.00", "Credit"), ROSA: ("0.00", "Debit")}
    for key, (amount, side) in balances.items():
        exports.contacts.of_key(key)[0] |= {"Outstanding Balance": amount, "Debit or Credit of Outstanding Balance": side}
    report = await exports.imported("contacts")
    assert (report.opening_balances.debts, report.opening_balances.credits, report.invoices_created) == (1, 1, 1)
    today = datetime.now(UTC).date()
    assert await exports.rows(
        """
        select i.number, c.name, i.status, i.currency, total, balance, invoice_date, due_date, external_id,
               l.description, l.quantity, l.unit_price, l.amount
        from invoices i join customers c on c.organization_id = i.organization_id and c.id = i.customer_id
        join invoice_lines l on l.organization_id = i.organization_id and l.invoice_id = i.id
        where i.organization_id = :o
        """
    ) == [
        ("OB-CUS-000001", "Aldgate Networks", "ISSUED", "GBP", 12050, 12050, today, today, f"opening-balance:{HEAD_OFFICE}",
         "Opening balance", 1, 120.5, 12050)
    ]  # fmt: skip
    assert await exports.rows(
        "select number, currency, total, remaining, credit_date, reason from credit_notes where organization_id = :o"
    ) == [("OB-CUS-000002", "USD", 4000, 4000, today, "Opening balance")]
    again = await exports.imported("contacts")
    assert (again.opening_balances.debts, again.opening_balances.credits, again.customers.skipped) == (0, 0, 3)


async def test_without_a_side_the_sign_tells_debt_from_credit(exports: Exports) -> None:
    exports.contacts.only(NORTHGATE, ROSA)
    for row, amount in zip(exports.contacts.rows, ["7.00", "-7.00"], strict=True):
        row["Opening Balance"] = amount
    report = await exports.imported("contacts")
    assert (report.opening_balances.debts, report.opening_balances.credits) == (1, 1)


async def test_a_group_that_is_here_is_joined_and_new_ones_go_behind_it(exports: Exports, story: Story) -> None:
    await story.do("customerGroupCreate", name="Resellers", rank=5)
    await exports.imported("contacts")
    assert await exports.rows("select name, rank from customer_groups where organization_id = :o order by rank") == [
        ("Resellers", 5),
        ("Enterprise", 6),
        ("Direct", 7),
    ]


@pytest.mark.parametrize(
    ("key", "changes", "column", "code"),
    [
        (ROSA, {"Customer ID": "3.31001E+18"}, "Customer ID", "INVALID_INPUT"),
        (ROSA, {"Customer ID": ""}, "Customer ID", "INVALID_INPUT"),
        (ROSA, {"Display Name": "", "Customer Name": ""}, "Display Name", "INVALID_INPUT"),
        (ROSA, {"Display Name": "x" * 201}, "Display Name", "INVALID_INPUT"),
        (ROSA, {"Notes": "x" * 10_001}, "Notes", "INVALID_INPUT"),
        (ROSA, {"Billing City": "x" * 201}, "Billing City", "INVALID_INPUT"),
        (ROSA, {"First Name": "x" * 150, "Last Name": "x" * 150}, None, "INVALID_INPUT"),
        (ROSA, {"Customer Group": "x" * 201}, "Customer Group", "INVALID_INPUT"),
        (ROSA, {"EmailID": "rosa at whitfield"}, "EmailID", "INVALID_INPUT"),
        (ROSA, {"Currency Code": "gbp"}, "Currency Code", "INVALID_INPUT"),
        (ROSA, {"Customer Sub Type": "robot"}, "Customer Sub Type", "INVALID_INPUT"),
        (ROSA, {"Status": "archived"}, "Status", "INVALID_INPUT"),
        (ROSA, {"Payment Terms": "15", "Payment Terms Label": "Net 30"}, "Payment Terms Label", "INVALID_INPUT"),
        (ROSA, {"Outstanding Balance": "12.345"}, "Outstanding Balance", "INVALID_INPUT"),
        (ROSA, {"Outstanding Balance": "-5", "Debit or Credit": "credit"}, "Outstanding Balance", "INVALID_INPUT"),
        (ROSA, {"Outstanding Balance": "5", "Debit or Credit": "both"}, "Debit or Credit", "INVALID_INPUT"),
        (BRISTOL, {"Allow Parent View": "perhaps"}, "Allow Parent View", "INVALID_INPUT"),
        (BRISTOL, {"Allow Parent View": ""}, "Allow Parent View", "INVALID_INPUT"),
        (BRISTOL, {"Allow Parent Pay": ""}, "Allow Parent Pay", "INVALID_INPUT"),
        (BRISTOL, {"Allow Parent View": "no"}, "Allow Parent View", "RIGHTS_INCONSISTENT"),
        (BRISTOL, {"Parent Customer ID": "3310006000000089999"}, "Parent Customer ID", "NOT_FOUND"),
        (BRISTOL, {"Parent Customer ID": "3.31E+18"}, "Parent Customer ID", "INVALID_INPUT"),
        (BRISTOL, {"Parent Customer ID": "", "Parent Customer Name": "Aldgate"}, "Parent Customer Name", "NOT_FOUND"),
        (BRISTOL, {"Parent Customer ID": ROSA}, "Parent Customer ID", "NOT_A_BUSINESS_CUSTOMER"),
        (BRISTOL, {"Customer Sub Type": "individual"}, "Parent Customer ID", "NOT_A_BUSINESS_CUSTOMER"),
        (BRISTOL, {"Parent Customer ID": BRISTOL}, "Parent Customer ID", "HIERARCHY_CYCLE"),
    ],
)
async def test_a_bad_cell_is_told_and_nothing_is_imported(
    exports: Exports, refused: Refused, key: str, changes: dict[str, str], column: str | None, code: str
) -> None:
    row = exports.contacts.of_key(key)[0]
    line = 3 + exports.contacts.rows.index(row)  # one cell above has a line break
    row |= changes
    assert told(await refused(exports.files("contacts"))) == [("contacts", line, column, code)]


async def test_customers_in_a_circle_are_told_in_each_of_their_rows(exports: Exports, refused: Refused) -> None:
    """Those below the circle are not told: their own rows are right."""
    exports.contacts.only(HEAD_OFFICE, LONDON, ENGINEERING, BRISTOL)
    exports.contacts.of_key("ruth@aldgate.example")[0] |= {
        "Parent Customer ID": ENGINEERING,
        "Allow Parent View": "true",
        "Allow Parent Pay": "true",
    }
    report = await refused(exports.files("contacts"))
    assert told(report) == [
        ("contacts", 2, "Parent Customer ID", "HIERARCHY_CYCLE"),
        ("contacts", 3, "Parent Customer ID", "HIERARCHY_CYCLE"),
        ("contacts", 7, "Parent Customer ID", "HIERARCHY_CYCLE"),
    ]
    assert report.errors[0].message == (
        "This would make Aldgate Networks London its own ancestor: Aldgate Networks London → Aldgate London Engineering → "
        "Aldgate Networks → Aldgate Networks London."
    )


async def test_a_tree_deeper_than_the_organization_allows_is_refused(exports: Exports, story: Story, refused: Refused) -> None:
    above = await story.customer("Group")
    await story.customer("Division", under=above)
    exports.contacts.of_key("ruth@aldgate.example")[0] |= {
        "Parent Customer Name": "Division",
        "Allow Parent View": "true",
        "Allow Parent Pay": "true",
    }
    await story.settings(hierarchyDepthMax=3)
    report = await refused(exports.files("contacts"))
    assert told(report) == [("contacts", 9, "Parent Customer ID", "HIERARCHY_TOO_DEEP")]
    assert report.errors[0].message == "The tree would reach 4 levels below its root; this organization allows 3."
    await story.settings(hierarchyDepthMax=4)
    assert (await exports.imported("contacts")).customers.linked == 6


async def test_a_parents_name_that_two_customers_have_is_refused(exports: Exports, story: Story, refused: Refused) -> None:
    await story.customer("Aldgate Networks")
    report = await refused(exports.files("contacts"))
    assert told(report) == [("contacts", 6, "Parent Customer Name", "INVALID_INPUT")]
    assert report.errors[0].message == "2 customers are called “Aldgate Networks”. Name the parent by its id."


async def test_a_number_that_another_customer_has_is_refused(exports: Exports, story: Story, refused: Refused) -> None:
    await story.customer("Here before", number="C-1")
    exports.contacts.only(LEEDS, NORTHGATE, ROSA)
    for row, number in zip(exports.contacts.rows, ["C-2", "C-1", "C-2"], strict=True):
        row |= {"Customer Number": number, "Parent Customer ID": ""}
    assert told(await refused(exports.files("contacts"))) == [
        ("contacts", 3, "Customer Number", "NUMBER_TAKEN"),
        ("contacts", 4, "Customer Number", "NUMBER_TAKEN"),
    ]


async def test_an_opening_balance_whose_number_is_taken_is_refused(exports: Exports, story: Story, refused: Refused) -> None:
    await story.invoice(await story.customer("Here before", number="X-1"), "5.00", number="OB-C-1")
    exports.contacts.only(ROSA)
    exports.contacts.rows[0] |= {"Customer Number": "C-1", "Outstanding Balance": "7.00"}
    assert told(await refused(exports.files("contacts"))) == [("contacts", 2, "Outstanding Balance", "NUMBER_TAKEN")]


async def test_two_customers_that_a_spreadsheet_has_made_one_are_noticed(exports: Exports, refused: Refused) -> None:
    exports.contacts.only(NORTHGATE, ROSA)
    for row in exports.contacts.rows:
        row["Customer ID"] = "3310006000000080000"
    report = await refused(exports.files("contacts"))
    assert told(report) == [("contacts", 3, "Customer ID", "INVALID_INPUT")]
    assert "line 2 has the same id but is called “Northgate Logistics”" in report.errors[0].message


async def test_every_mistake_is_told_at_once_and_none_twice(exports: Exports, refused: Refused) -> None:
    """Children of a customer with a mistake, and invoices of it, are not wrong because of it."""
    exports.contacts.of_key("ruth@aldgate.example")[0] |= {"Status": "gone", "EmailID": "ruth"}
    exports.contacts.of_key(ROSA)[0]["Currency Code"] = "XYZ"
    assert told(await refused()) == [
        ("contacts", 3, "EmailID", "INVALID_INPUT"),
        ("contacts", 3, "Status", "INVALID_INPUT"),
        ("contacts", 11, "Currency Code", "INVALID_INPUT"),
    ]
