"""Insights of a group and of a subtree: exact figures, by period, month and currency (domain.md SA48, SA56, M4, X3, T1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from access.people import client_user, group
from conftest import Execute
from directly import directly
from holdco import ids
from holdco.ids import Kind
from holdco.viewer import ClientUserRole
from stories import SEES, Story, explicit

ExecuteFailing = Callable[..., Awaitable[list[Any]]]

FIGURES = "invoiceCount openInvoiceCount billed paid outstanding overdue averageDaysToPay"
BY_CURRENCY = f"byCurrency {{ currency {FIGURES} }}"
BY_MONTH = "byMonth { month currency billed paid invoiceCount }"
MEMBERS_ADD = "mutation ($input: CustomerGroupMembersInput!) { customerGroupMembersAdd(input: $input) { userErrors { code } } }"
QUARTER = {"from": "2026-01-01", "to": "2026-03-31"}


async def paid(story: Story, payer: str, invoice: str, amount: str, day: str, **fields: Any) -> dict[str, Any]:
    """The payload of a payment of that day, applied to one invoice."""
    apply = explicit((invoice, amount)) | {"appliedOn": day}
    return await story.do("paymentRecord", customerId=payer, amount=amount, receivedOn=day, apply=apply, **fields)


async def written_off(story: Story, invoice: str, amount: int) -> None:
    """As an import does it; clients cannot."""
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text(
                "update invoices set amount_written_off = :amount, balance = balance - :amount"
                " where organization_id = :organization_id and id = :id"
            ),
            {"organization_id": story.organization_id, "id": ids.decode(Kind.INVOICE, invoice), "amount": amount},
        )


async def add_members(story: Story, group_id: str, *customer_ids: str) -> None:
    await story.ask(MEMBERS_ADD, input={"id": group_id, "customerIds": customer_ids})


async def of_customer(story: Story, key: str, selection: str, **arguments: Any) -> Any:
    document = f"""query ($id: ID!, $scope: CustomerScope! = SUBTREE, $from: Date, $to: Date) {{
      customer(by: {{id: $id}}) {{ insights(scope: $scope, from: $from, to: $to) {{ {selection} }} }} }}"""
    return (await story.ask(document, id=key, **arguments))["customer"]["insights"]


async def of_group(story: Story, key: str, selection: str, **arguments: Any) -> Any:
    document = f"""query ($id: ID!, $from: Date, $to: Date) {{
      customerGroup(by: {{id: $id}}) {{ insights(from: $from, to: $to) {{ {selection} }} }} }}"""
    return (await story.ask(document, id=key, **arguments))["customerGroup"]["insights"]


def figures(*values: Any) -> dict[str, Any]:
    return dict(zip(("currency", *FIGURES.split()), values, strict=True))


@dataclass(frozen=True)
class Company:
    """Head > Branch > Team, and Stranger beside them; Branch and Stranger are in the group. Figures are those of a quarter."""

    story: Story
    head: str
    branch: str
    team: str
    stranger: str
    group: str


@pytest.fixture
async def company(story: Story) -> Company:
    head = await story.customer("Head")
    branch = await story.customer("Branch", under=head)
    team = await story.customer("Team", under=branch)
    stranger = await story.customer("Stranger")
    group_id = await group(story, "Resellers")
    await add_members(story, group_id, branch, stranger)
    # The head office pays what its branch owes, twenty days later.
    first = await story.invoice(branch, "100.00", invoiceDate="2026-01-10")
    await paid(story, head, first, "100.00", "2026-01-30")
    # Applied in February, taken back in March.
    second = await story.invoice(branch, "50.00", invoiceDate="2026-02-01")
    applied = await paid(story, branch, second, "30.00", "2026-02-10")
    await story.do("allocationReverse", id=applied["allocations"][0]["id"], reversedOn="2026-03-05")
    # Settled by a credit note after nine days.
    third = await story.invoice(team, "80.00", invoiceDate="2026-02-20")
    credit = await story.credit_note(team, "80.00", creditDate="2026-02-25")
    await story.do("creditNoteApply", sourceId=credit, **explicit((third, "80.00")), appliedOn="2026-03-01")
    # Void, and a draft: neither counts.
    void = await story.invoice(team, "40.00", invoiceDate="2026-02-15")
    await story.do("invoiceVoid", id=void, reason="Twice")
    await story.invoice(team, "999.00", invoiceDate="2026-02-16", issue=False)
    # Dated before the quarter and paid in it, after two days; and the other way round.
    before = await story.invoice(head, "10.00", invoiceDate="2025-12-31")
    await paid(story, head, before, "10.00", "2026-01-02")
    after = await story.invoice(head, "60.00", invoiceDate="2026-03-31")
    await paid(story, head, after, "60.00", "2026-04-01")
    # Paid in part, and the rest given up.
    lost = await story.invoice(branch, "70.00", invoiceDate="2026-03-10")
    await paid(story, branch, lost, "20.00", "2026-03-20")
    await written_off(story, lost, 5000)
    # Currencies of no and of three places; the latter is due in a hundred years.
    await story.invoice(team, "5000", currency="JPY", invoiceDate="2026-01-05")
    await story.invoice(branch, "1.234", currency="KWD", invoiceDate="2026-01-06", dueDate="2126-01-06")
    await story.invoice(stranger, "7.00", invoiceDate="2026-03-01")
    return Company(story, head, branch, team, stranger, group_id)


async def test_a_subtree_tells_what_was_billed_and_paid_in_the_period_and_what_is_open_now(company: Company) -> None:
    found = await of_customer(company.story, company.head, f"from to memberCount customerActiveCount {BY_CURRENCY}", **QUARTER)
    assert found == {
        **QUARTER,
        "memberCount": 3,
        "customerActiveCount": 3,
        "byCurrency": [
            figures("JPY", 1, 1, "5000", "0", "5000", "5000", None),
            figures("KWD", 1, 1, "1.234", "0.000", "1.234", "0.000", None),
            # 100 + 50 + 80 + 60 + 70; 110 in January, 30 in February, 100 - 30 in March; (20 + 9 + 2) / 3 days.
            figures("USD", 5, 1, "360.00", "210.00", "50.00", "50.00", "10.3"),
        ],
    }


async def test_months_tell_what_happened_in_them_and_reversals_count_at_their_own_date(company: Company) -> None:
    found = await of_customer(company.story, company.head, BY_MONTH, **{"from": "2025-12-31", "to": "2026-04-30"})
    assert [(row["month"], row["currency"], row["billed"], row["paid"], row["invoiceCount"]) for row in found["byMonth"]] == [
        ("2025-12-01", "USD", "10.00", "0.00", 1),
        ("2026-01-01", "JPY", "5000", "0", 1),
        ("2026-01-01", "KWD", "1.234", "0.000", 1),
        ("2026-01-01", "USD", "100.00", "110.00", 1),
        ("2026-02-01", "USD", "130.00", "30.00", 2),
        ("2026-03-01", "USD", "130.00", "70.00", 2),
        ("2026-04-01", "USD", "0.00", "60.00", 0),
    ]
    march = await of_customer(company.story, company.branch, BY_MONTH, **{"from": "2026-03-02", "to": "2026-03-15"})
    # Nothing but what was taken back, and the invoice that was given up later.
    assert march["byMonth"] == [
        {"month": "2026-03-01", "currency": "USD", "billed": "70.00", "paid": "-30.00", "invoiceCount": 1}
    ]


async def test_scopes_tell_of_a_customer_alone_of_its_children_and_of_all_below(company: Company) -> None:
    found = {
        scope: await of_customer(company.story, company.head, f"memberCount {BY_CURRENCY}", scope=scope, **QUARTER)
        for scope in ("SELF", "DIRECT_CHILDREN")
    }
    assert found == {
        # What the head office paid for its branch is the branch's figure.
        "SELF": {"memberCount": 1, "byCurrency": [figures("USD", 1, 0, "60.00", "10.00", "0.00", "0.00", "2.0")]},
        "DIRECT_CHILDREN": {
            "memberCount": 1,
            "byCurrency": [
                figures("KWD", 1, 1, "1.234", "0.000", "1.234", "0.000", None),
                figures("USD", 3, 1, "220.00", "120.00", "50.00", "50.00", "20.0"),
            ],
        },
    }


async def test_a_group_tells_of_its_members_and_not_of_those_below_them(company: Company) -> None:
    story = company.story
    await story.do("customerDeactivate", id=company.stranger)
    found = await of_group(story, company.group, f"memberCount customerActiveCount {BY_CURRENCY} {BY_MONTH}", **QUARTER)
    assert found == {
        "memberCount": 2,
        "customerActiveCount": 1,
        "byCurrency": [
            figures("KWD", 1, 1, "1.234", "0.000", "1.234", "0.000", None),
            figures("USD", 4, 2, "227.00", "120.00", "57.00", "57.00", "20.0"),
        ],
        "byMonth": [
            {"month": "2026-01-01", "currency": "KWD", "billed": "1.234", "paid": "0.000", "invoiceCount": 1},
            {"month": "2026-01-01", "currency": "USD", "billed": "100.00", "paid": "100.00", "invoiceCount": 1},
            {"month": "2026-02-01", "currency": "USD", "billed": "50.00", "paid": "30.00", "invoiceCount": 1},
            {"month": "2026-03-01", "currency": "USD", "billed": "77.00", "paid": "-10.00", "invoiceCount": 2},
        ],
    }


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("BILLED", [("Branch", "220.00"), ("Team", "80.00"), ("Head", "60.00")]),
        ("PAID", [("Branch", "120.00"), ("Team", "80.00"), ("Head", "10.00")]),
        ("OUTSTANDING", [("Branch", "50.00")]),
        ("OVERDUE", [("Branch", "50.00")]),
    ],
)
async def test_the_top_customers_are_ranked_by_the_amount_that_is_asked_for(
    company: Company, by: str, expected: list[tuple[str, str]]
) -> None:
    selection = f"topCustomers(by: {by}, currency: USD) {{ customer {{ name }} currency amount }}"
    found = await of_customer(company.story, company.head, selection, **QUARTER)
    assert [(row["customer"]["name"], row["amount"]) for row in found["topCustomers"]] == expected
    assert {row["currency"] for row in found["topCustomers"]} == {"USD"}


async def test_of_the_top_customers_no_more_are_told_than_asked_for_and_in_one_currency(company: Company) -> None:
    selection = """first: topCustomers(currency: USD, first: 1) { customer { name } }
      none: topCustomers(currency: EUR) { amount } zero: topCustomers(currency: USD, first: 0) { amount }
      overdue: topCustomers(currency: KWD, by: OVERDUE) { amount }
      kuwait: topCustomers(currency: KWD) { customer { name } currency amount }"""
    assert await of_group(company.story, company.group, selection, **QUARTER) == {
        "first": [{"customer": {"name": "Branch"}}],
        "none": [],
        "zero": [],
        "overdue": [],
        "kuwait": [{"customer": {"name": "Branch"}, "currency": "KWD", "amount": "1.234"}],
    }


async def test_without_dates_the_period_has_the_last_twelve_months(story: Story) -> None:
    key = await story.customer("Head")
    today = await story.today()
    year, month = int(today[:4]), int(today[5:7])
    first = f"{year}-01-01" if month == 12 else f"{year - 1}-{month + 1:02}-01"
    assert await of_customer(story, key, "from to") == {"from": first, "to": today}
    assert await of_customer(story, key, "from to", to="2026-12-31") == {"from": "2026-01-01", "to": "2026-12-31"}
    assert await of_customer(story, key, "from to", to="2026-06-15") == {"from": "2025-07-01", "to": "2026-06-15"}
    assert await of_customer(story, key, "from to", to="0001-01-01") == {"from": "0001-01-01", "to": "0001-01-01"}
    assert await of_customer(story, key, "from to", **{"from": "2026-02-03"}) == {"from": "2026-02-03", "to": today}


async def test_where_there_is_nothing_there_is_nothing_to_tell(story: Story) -> None:
    key, group_id = await story.customer("Head"), await group(story, "Empty")
    parts = f"memberCount customerActiveCount {BY_CURRENCY} {BY_MONTH} topCustomers(currency: USD) {{ amount }}"
    nothing = {"byCurrency": [], "byMonth": [], "topCustomers": []}
    assert await of_group(story, group_id, parts) == {"memberCount": 0, "customerActiveCount": 0, **nothing}
    assert await of_customer(story, key, parts) == {"memberCount": 1, "customerActiveCount": 1, **nothing}
    # Applied and taken back in the same period.
    invoice = await story.invoice(key, "5.00", invoiceDate="2026-01-01")
    applied = await paid(story, key, invoice, "5.00", "2026-02-01")
    await story.do("allocationReverse", id=applied["allocations"][0]["id"], reversedOn="2026-02-02")
    february = {"from": "2026-02-01", "to": "2026-02-28"}
    assert (await of_customer(story, key, BY_MONTH, **february))["byMonth"] == []


async def test_an_invoice_is_settled_on_the_day_of_the_last_money_that_stands(story: Story) -> None:
    key = await story.customer("Head")
    invoice = await story.invoice(key, "10.00", invoiceDate="2026-01-01")
    wrong = await paid(story, key, invoice, "10.00", "2026-01-31")
    await story.do("allocationReverse", id=wrong["allocations"][0]["id"], reversedOn="2026-02-20")
    await paid(story, key, invoice, "6.00", "2026-01-03")
    settled = {"from": "2026-01-01", "to": "2026-12-31"}
    days = "byCurrency { averageDaysToPay }"
    assert await of_customer(story, key, days, **settled) == {"byCurrency": [{"averageDaysToPay": None}]}
    # Entered later, and dated before what was taken back.
    await paid(story, key, invoice, "4.00", "2026-01-12")
    assert await of_customer(story, key, days, **settled) == {"byCurrency": [{"averageDaysToPay": "11.0"}]}
    early = {"from": "2026-01-01", "to": "2026-01-11"}
    assert await of_customer(story, key, days, **early) == {"byCurrency": [{"averageDaysToPay": None}]}
    # Half a day is rounded up.
    for number in range(2):
        other = await story.invoice(key, "1.00", invoiceDate="2026-01-01")
        await paid(story, key, other, "1.00", f"2026-01-{12 + number}")
    assert await of_customer(story, key, days, **settled) == {"byCurrency": [{"averageDaysToPay": "11.3"}]}


@pytest.mark.parametrize(
    ("arguments", "part", "message"),
    [
        ('from: "2026-03-01", to: "2026-02-28"', "memberCount", "from must not be after to: 2026-03-01 is after 2026-02-28."),
        ('from: "9999-12-31"', "memberCount", "from must not be after to: 9999-12-31 is after "),
        (
            'from: "2016-03-31", to: "2026-03-01"',
            "byMonth { month }",
            "byMonth tells of at most 120 months, and from … to are 121.",
        ),
        ("scope: SELF", "topCustomers(currency: USD, first: 101) { amount }", "first must be from 0 to 100, not 101."),
        ("scope: SELF", "topCustomers(currency: USD, first: -1) { amount }", "first must be from 0 to 100, not -1."),
    ],
)
async def test_what_makes_no_sense_is_refused(
    story: Story, execute_failing: ExecuteFailing, arguments: str, part: str, message: str
) -> None:
    key = await story.customer("Head")
    errors = await execute_failing(f'{{ customer(by: {{id: "{key}"}}) {{ insights({arguments}) {{ {part} }} }} }}')
    assert [error.original_error.code for error in errors] == ["BAD_USER_INPUT"]
    assert errors[0].message.startswith(message)


async def test_ten_years_have_a_hundred_and_twenty_months(story: Story) -> None:
    key = await story.customer("Head")
    await story.invoice(key, "5.00", invoiceDate="2016-04-30")
    decade = {"from": "2016-04-30", "to": "2026-03-01"}
    assert [row["month"] for row in (await of_customer(story, key, BY_MONTH, **decade))["byMonth"]] == ["2016-04-01"]


async def test_a_client_user_is_told_nothing_of_a_group_but_that_it_is_there(company: Company) -> None:
    seer = await client_user(company.story, {company.branch: ClientUserRole.ADMIN})
    document = """query ($id: ID!) { customerGroup(by: {id: $id}) { name insights { memberCount }
      consolidatedReceivables { outstanding } } }"""
    assert await seer.ask(document, id=company.group) == {
        "customerGroup": {"name": "Resellers", "insights": None, "consolidatedReceivables": None}
    }
    # Not even that the period makes no sense.
    backwards = 'query ($id: ID!) { customerGroup(by: {id: $id}) { insights(from: "2026-02-01", to: "2026-01-01") { to } } }'
    assert await seer.ask(backwards, id=company.group) == {"customerGroup": {"insights": None}}


@pytest.mark.parametrize("is_planning", [True, False], ids=["by levels", "by objects"])
async def test_a_client_user_is_told_of_what_it_sees_below_its_customer_and_nothing_else(
    company: Company, is_planning: bool
) -> None:
    story = company.story
    hidden = await story.customer("Hidden", under=company.branch, access={"view": False, "pay": False, "manage": False})
    below = await story.customer("Below", under=hidden, access=SEES)
    for key in (hidden, below):
        invoice = await story.invoice(key, "500.00", invoiceDate="2026-01-15")
        await paid(story, key, invoice, "100.00", "2026-01-16")
    parts = (
        f"memberCount customerActiveCount {BY_CURRENCY} {BY_MONTH} topCustomers(currency: USD) {{ customer {{ name }} amount }}"
    )
    seer = await client_user(story, {company.branch: ClientUserRole.VIEWER}, is_planning=is_planning)
    found = await of_customer(seer, company.branch, parts, **QUARTER)
    staff = await of_customer(story, company.branch, parts, **QUARTER)
    assert (found["memberCount"], found["customerActiveCount"], staff["memberCount"]) == (2, 2, 4)
    # 100 of which the hidden head office paid.
    assert found["byCurrency"] == [
        figures("JPY", 1, 1, "5000", "0", "5000", "5000", None),
        figures("KWD", 1, 1, "1.234", "0.000", "1.234", "0.000", None),
        figures("USD", 4, 1, "300.00", "200.00", "50.00", "50.00", "14.5"),
    ]
    assert staff["byCurrency"][2] == figures("USD", 6, 3, "1300.00", "400.00", "850.00", "850.00", "14.5")
    assert [(row["customer"]["name"], row["amount"]) for row in found["topCustomers"]] == [
        ("Branch", "220.00"),
        ("Team", "80.00"),
    ]
    children = await of_customer(seer, company.branch, "memberCount", scope="DIRECT_CHILDREN")
    assert children == {"memberCount": 1}


async def test_a_group_owes_what_its_members_owe(company: Company) -> None:
    story = company.story
    await story.payment(company.stranger, "3.00")
    await story.credit_note(company.branch, "2.000", currency="KWD")
    document = """query ($id: ID!) { customerGroup(by: {id: $id}) { consolidatedReceivables {
      currency outstanding overdue unapplied openCredits net openInvoiceCount } } }"""
    found = (await story.ask(document, id=company.group))["customerGroup"]["consolidatedReceivables"]
    names = ("currency", "outstanding", "overdue", "unapplied", "openCredits", "net", "openInvoiceCount")
    assert found == [
        dict(zip(names, ("KWD", "1.234", "0.000", "0.000", "2.000", "-0.766", 1), strict=True)),
        # Of the thirty that were taken back the branch has them again.
        dict(zip(names, ("USD", "57.00", "57.00", "33.00", "0.00", "24.00", 2), strict=True)),
    ]


PAGES = {
    "nothing": ("name", 0),
    "members": ("insights { memberCount }", 2),
    "members and active ones": ("insights { memberCount customerActiveCount }", 3),
    "the period alone": ("insights { from to }", 1),
    "currencies": ("insights { byCurrency { currency billed paid outstanding overdue } }", 2),
    "currencies with how long they take to pay": (f"insights {{ {BY_CURRENCY} }}", 3),
    "months": (f"insights {{ {BY_MONTH} }}", 2),
    "both twice": (f"a: insights {{ {BY_CURRENCY} {BY_MONTH} }} b: insights {{ {BY_CURRENCY} {BY_MONTH} }}", 4),
    "two periods": (f'insights {{ {BY_CURRENCY} }} other: insights(from: "2026-01-01") {{ {BY_CURRENCY} }}', 5),
    "top customers": ("insights { topCustomers(currency: USD) { amount customer { name } } }", 3),
    "receivables": ("consolidatedReceivables { outstanding }", 2),
}


@pytest.mark.parametrize("asked", PAGES)
async def test_a_page_of_groups_or_of_customers_takes_one_statement_for_each_part(
    execute: Execute, story: Story, counting: Callable[[], Any], asked: str
) -> None:
    selection, expected = PAGES[asked]
    for number in range(3):
        head = await story.customer(f"Head {number}")
        team = await story.customer(f"Team {number}", under=head)
        await story.invoice(team, "10.00")
        await add_members(story, await group(story, f"Group {number}"), head, team)
    with counting() as issued:
        groups = await execute(f"{{ customerGroups {{ nodes {{ id {selection} }} }} }}")
    assert (len(groups["customerGroups"]["nodes"]), len(issued)) == (3, 1 + expected)
    with counting() as issued:
        roots = await execute(f"{{ customers(filter: {{isRoot: true}}) {{ nodes {{ id {selection} }} }} }}")
    assert (len(roots["customers"]["nodes"]), len(issued)) == (3, 1 + expected)
