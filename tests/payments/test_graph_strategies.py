"""Which invoices get what, end to end: strategies, scopes and limits; previews come true (domain.md A5 to A7, 2.7)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from holdco import ids
from holdco.payments.allocation import OpenInvoice, Strategy, plan
from stories import PAYS, SEES, Story


@dataclass(frozen=True)
class Tree:
    """A head office, two branches and a team below the first, with open invoices whose numbers tell whose they are."""

    top: str
    lisbon: str
    porto: str
    wireless: str
    invoices: dict[str, str]

    def named(self, numbers: list[str]) -> list[str]:
        return [self.invoices[number] for number in numbers]


# number: whose, amount, invoice date, due date
INVOICES = {
    "TOP-1": ("top", "400.00", "2026-01-05", "2026-02-20"),
    "LIS-1": ("lisbon", "100.00", "2026-01-04", "2026-02-10"),
    "LIS-2": ("lisbon", "300.00", "2026-01-01", "2026-03-10"),
    "POR-1": ("porto", "200.00", "2026-01-03", "2026-02-10"),
    "WIR-1": ("wireless", "50.00", "2026-01-02", "2026-02-28"),
}


async def planted(story: Story) -> Tree:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    wireless = await story.customer("Wireless", under=lisbon)
    owners = {"top": top, "lisbon": lisbon, "porto": porto, "wireless": wireless}
    invoices = {
        number: await story.invoice(owners[owner], amount, number=number, invoiceDate=issued, dueDate=due)
        for number, (owner, amount, issued, due) in INVOICES.items()
    }
    return Tree(top, lisbon, porto, wireless, invoices)


async def applied(story: Story, tree: Tree, amount: str, **options: Any) -> list[tuple[str, str]]:
    """Applies a payment of the head office and checks on the way that its preview said the same."""
    source = await story.payment(tree.top, amount)
    plan = await story.preview(source, **options)
    assert plan["userErrors"] == []
    payload = await story.do("paymentApply", sourceId=source, planHash=plan["planHash"], **options)
    done = [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]]
    assert done == [(line["invoice"]["id"], line["amount"]) for line in plan["lines"]]
    assert (payload["skipped"], payload["note"]) == (plan["skipped"], plan["note"])
    assert payload["source"] == {"id": source, "allocated": plan["allocated"], "unapplied": plan["unapplied"]}
    assert await story.balances(*(key for key, _ in done)) == [line["balanceAfter"] for line in plan["lines"]]
    assert {row["strategy"] for row in payload["allocations"]} <= {options.get("strategy", "OLDEST_DUE_FIRST")}
    numbers = {key: number for number, key in tree.invoices.items()}
    return [(numbers[key], paid) for key, paid in done]


ALL = [("LIS-1", "100.00"), ("POR-1", "200.00"), ("TOP-1", "400.00"), ("WIR-1", "50.00"), ("LIS-2", "300.00")]
# LIS-1 and POR-1 are due on the same day; POR-1 is dated a day earlier.
BY_DUE_DATE = [("POR-1", "200.00"), ("LIS-1", "100.00"), ("TOP-1", "400.00"), ("WIR-1", "50.00"), ("LIS-2", "300.00")]


@pytest.mark.parametrize(
    ("amount", "options", "expected"),
    [
        ("1050.00", {}, BY_DUE_DATE),
        ("350.00", {}, [("POR-1", "200.00"), ("LIS-1", "100.00"), ("TOP-1", "50.00")]),
        ("0.01", {}, [("POR-1", "0.01")]),
        (
            "360.00",
            {"strategy": "OLDEST_ISSUED_FIRST"},
            [("LIS-2", "300.00"), ("WIR-1", "50.00"), ("POR-1", "10.00")],
        ),
        ("500.00", {"strategy": "SELF_FIRST"}, [("TOP-1", "400.00"), ("POR-1", "100.00")]),
        (
            "660.00",
            {"strategy": "CHILDREN_FIRST"},
            [("POR-1", "200.00"), ("LIS-1", "100.00"), ("WIR-1", "50.00"), ("LIS-2", "300.00"), ("TOP-1", "10.00")],
        ),
        ("160.00", {"strategy": "SMALLEST_FIRST"}, [("WIR-1", "50.00"), ("LIS-1", "100.00"), ("POR-1", "10.00")]),
        ("701.00", {"strategy": "LARGEST_FIRST"}, [("TOP-1", "400.00"), ("LIS-2", "300.00"), ("POR-1", "1.00")]),
        (
            "250.00",
            {"strategy": "EXACT_MATCH", "invoiceIds": ["POR-1", "WIR-1", "LIS-2"]},
            [("POR-1", "200.00"), ("WIR-1", "50.00")],
        ),
        ("50.00", {"strategy": "EXACT_MATCH"}, [("WIR-1", "50.00")]),
        ("100.00", {"scope": "SELF"}, [("TOP-1", "100.00")]),
        ("1000.00", {"scope": "SELF"}, [("TOP-1", "400.00")]),
        ("1000.00", {"scope": "DIRECT_CHILDREN"}, [("POR-1", "200.00"), ("LIS-1", "100.00"), ("LIS-2", "300.00")]),
        ("1000.00", {"scope": "CUSTOMERS", "customerIds": ["wireless"]}, [("WIR-1", "50.00")]),
        (
            "1000.00",
            {"scope": "CUSTOMERS", "customerIds": ["wireless", "top"]},
            [("TOP-1", "400.00"), ("WIR-1", "50.00")],
        ),
        (
            "1000.00",
            {"strategy": "CUSTOMER_ORDER", "customerIds": ["wireless", "lisbon"]},
            [("WIR-1", "50.00"), ("LIS-1", "100.00"), ("LIS-2", "300.00")],
        ),
        (
            "120.00",
            {"strategy": "CUSTOMER_ORDER", "customerIds": ["lisbon", "porto", "lisbon"], "scope": "DIRECT_CHILDREN"},
            [("LIS-1", "100.00"), ("LIS-2", "20.00")],
        ),
        ("1000.00", {"dueOnOrBefore": "2026-02-20"}, BY_DUE_DATE[:3]),
        ("1000.00", {"dueOnOrBefore": "2026-02-09"}, []),
        ("1000.00", {"amountMax": "250.00"}, [("POR-1", "200.00"), ("LIS-1", "50.00")]),
        ("10.00", {"amountMax": "250.00"}, [("POR-1", "10.00")]),
        ("1000.00", {"invoiceIds": ["LIS-2", "TOP-1"]}, [("TOP-1", "400.00"), ("LIS-2", "300.00")]),
        ("1000.00", {"invoiceIds": ["LIS-2", "LIS-2"]}, [("LIS-2", "300.00")]),
        ("1000.00", {"invoiceIds": ["LIS-2", "TOP-1"], "scope": "SELF"}, [("TOP-1", "400.00")]),
        ("1000.00", {"invoiceIds": ["LIS-2", "POR-1"], "dueOnOrBefore": "2026-02-28"}, [("POR-1", "200.00")]),
        ("1000.00", {"invoiceIds": ["WIR-1", "POR-1"], "scope": "DIRECT_CHILDREN"}, [("POR-1", "200.00")]),
        (
            "105.00",
            {"strategy": "PROPORTIONAL"},
            [("LIS-1", "10.00"), ("POR-1", "20.00"), ("TOP-1", "40.00"), ("WIR-1", "5.00"), ("LIS-2", "30.00")],
        ),
        ("2000.00", {"strategy": "PROPORTIONAL"}, ALL),
    ],
)
async def test_money_goes_where_the_strategy_sends_it(
    story: Story, amount: str, options: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    tree = await planted(story)
    given = dict(options)
    if "invoiceIds" in given:
        given["invoiceIds"] = tree.named(given["invoiceIds"])
    if "customerIds" in given:
        given["customerIds"] = [getattr(tree, name) for name in given["customerIds"]]
    assert await applied(story, tree, amount, **given) == expected


async def test_explicit_lines_are_applied_as_they_stand(story: Story) -> None:
    tree = await planted(story)
    lines = [("WIR-1", "50.00"), ("TOP-1", "0.01"), ("LIS-2", "299.99")]
    given = [{"invoiceId": tree.invoices[number], "amount": amount} for number, amount in lines]
    assert await applied(story, tree, "1000.00", strategy="EXPLICIT", lines=given) == lines


@pytest.mark.parametrize(
    ("amount", "balances", "shares"),
    [
        ("10.00", ["3.33", "6.67", "10.01"], ["1.67", "3.33", "5.00"]),
        ("0.02", ["0.01", "0.01", "0.01"], ["0.01", "0.01"]),
        ("100.00", ["33.33", "33.33", "33.34", "50.00"], ["22.22", "22.22", "22.23", "33.33"]),
    ],
)
async def test_proportional_shares_are_exact_to_the_cent(
    story: Story, amount: str, balances: list[str], shares: list[str]
) -> None:
    top = await story.customer("Aldgate Networks")
    branches = [await story.customer(f"Branch {number}", under=top) for number in range(len(balances))]
    invoices = [
        await story.invoice(branch, balance, invoiceDate="2026-01-01") for branch, balance in zip(branches, balances, strict=True)
    ]
    source = await story.payment(top, amount)
    assert await story.applied(source, strategy="PROPORTIONAL") == list(zip(invoices, shares, strict=False))
    assert await story.unapplied(source) == "0.00"


async def test_an_exact_match_that_is_none_or_not_the_only_one_applies_nothing_and_says_so(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    oldest = await story.invoice(lisbon, "10.00", invoiceDate="2026-01-01")
    await story.invoice(lisbon, "10.00", invoiceDate="2026-01-02")
    twin = await story.invoice(porto, "10.00", invoiceDate="2026-01-03")
    for amount, note in (("10.00", "AMBIGUOUS_EXACT_MATCH"), ("15.00", "NO_EXACT_MATCH"), ("31.00", "NO_EXACT_MATCH")):
        source = await story.payment(top, amount)
        plan = await story.preview(source, strategy="EXACT_MATCH")
        assert (plan["note"], plan["lines"], plan["unapplied"]) == (note, [], amount)
        payload = await story.do("paymentApply", sourceId=source, strategy="EXACT_MATCH", planHash=plan["planHash"])
        assert (payload["note"], payload["allocations"]) == (note, [])
        assert await story.unapplied(source) == amount
    await story.do("invoiceVoid", id=twin, reason="Wrong")
    source = await story.payment(top, "10.00")
    assert await story.applied(source, strategy="EXACT_MATCH") == [(oldest, "10.00")]


async def test_what_is_over_stays_with_the_payer(story: Story) -> None:
    tree = await planted(story)
    recorded = await story.do("paymentRecord", customerId=tree.top, amount="2000.00", apply={})
    assert recorded["payment"]["allocated"] == "1050.00"
    assert recorded["payment"]["unapplied"] == "950.00"
    assert await story.balances(*tree.invoices.values()) == ["0.00"] * 5
    owed = await story.receivables(tree.top)
    assert [(row["outstanding"], row["unapplied"], row["net"]) for row in owed["consolidatedReceivables"]] == [
        ("0.00", "950.00", "-950.00")
    ]
    assert (await story.receivables(tree.lisbon))["consolidatedReceivables"] == []


async def test_automatic_strategies_skip_whom_they_may_not_pay_and_name_them(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    refusing = await story.customer("Iberia", under=top, access=SEES)
    below = await story.customer("Lisbon", under=refusing, access=PAYS)
    settled = await story.customer("Porto", under=top, access=SEES)
    willing = await story.customer("Faro", under=top)
    await story.invoice(refusing, "10.00")
    await story.invoice(below, "20.00")
    invoice = await story.invoice(willing, "30.00")
    await story.invoice(settled, "40.00", currency="EUR")
    source = await story.payment(top, "100.00")
    payload = await story.do("paymentApply", sourceId=source)
    assert [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]] == [(invoice, "30.00")]
    assert [skipped["code"] for skipped in payload["skipped"]] == ["PARENT_PAY_NOT_ALLOWED"] * 2
    assert {skipped["customer"]["id"] for skipped in payload["skipped"]} == {refusing, below}
    narrow = await story.preview(source, scope="DIRECT_CHILDREN")
    assert [skipped["customer"]["id"] for skipped in narrow["skipped"]] == [refusing]


async def test_money_pays_only_invoices_of_its_own_currency(story: Story) -> None:
    city = await story.customer("Lisbon")
    await story.invoice(city, "10.00", currency="EUR")
    dollars = await story.invoice(city, "20.00")
    source = await story.payment(city, "100.00")
    assert await story.applied(source) == [(dollars, "20.00")]
    euros = await story.payment(city, "100.00", currency="EUR")
    assert len(await story.applied(euros)) == 1
    owed = (await story.receivables(city))["receivables"]
    assert [(row["currency"], row["unapplied"], row["net"]) for row in owed] == [
        ("EUR", "90.00", "-90.00"),
        ("USD", "80.00", "-80.00"),
    ]


async def test_a_preview_changes_nothing(story: Story) -> None:
    tree = await planted(story)
    source = await story.payment(tree.top, "100.00")
    before = await story.everything()
    for strategy in ("OLDEST_DUE_FIRST", "PROPORTIONAL", "EXACT_MATCH"):
        await story.preview(source, strategy=strategy)
    assert await story.everything() == before


async def test_nothing_is_applied_just_because_a_link_was_made(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    invoice, source = await story.invoice(city, "10.00"), await story.payment(top, "10.00")
    await story.move(city, top)
    assert await story.balances(invoice) == ["10.00"]
    assert await story.unapplied(source) == "10.00"


async def test_whatever_the_amount_the_plan_is_that_of_all_open_invoices_at_once(story: Story) -> None:
    """The database reads only what the money reaches; ties, letters of either case and accents must not make it differ."""
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    owners = {top: 0, lisbon: 1, porto: 1, await story.customer("Wireless", under=lisbon): 2}
    chance = random.Random(7)
    spelt = [f"{letter}{number}" for letter in ("a", "B", "b", "É", "e", "Z", "_", "-") for number in (1, 2, 10)]
    chance.shuffle(spelt)
    known = []
    for number in spelt:
        owner = chance.choice(list(owners))
        issued, due = f"2026-01-0{chance.randint(1, 3)}", f"2026-02-0{chance.randint(1, 3)}"
        cents = chance.choice([500, 1000, 1500])
        key = await story.invoice(owner, f"{cents / 100:.2f}", number=number, invoiceDate=issued, dueDate=due)
        dates = date.fromisoformat(issued), date.fromisoformat(due)
        known.append(OpenInvoice(ids.parse(key)[1], ids.parse(owner)[1], number, *dates, cents, owners[owner]))
    order = [lisbon, top]
    total = sum(invoice.balance for invoice in known)
    source = await story.payment(top, f"{(total + 1) / 100:.2f}", receivedOn="2026-01-01")
    for strategy in Strategy:
        if strategy is Strategy.EXPLICIT:
            continue
        customers = order if strategy is Strategy.CUSTOMER_ORDER else []
        for amount in (1, 500, 1001, 2500, total // 2, total - 1, total, total + 1):
            options: dict[str, Any] = {"strategy": strategy.value, "amountMax": f"{amount / 100:.2f}"}
            shown = await story.preview(source, **options, **({"customerIds": customers} if customers else {}))
            expected = plan(
                strategy,
                amount,
                known,
                payer_id=ids.parse(top)[1],
                customer_order=[ids.parse(customer)[1] for customer in customers],
            )
            assert [(line["invoice"]["id"], line["amount"]) for line in shown["lines"]] == [
                (ids.encode(ids.Kind.INVOICE, line.invoice_id), f"{line.amount / 100:.2f}") for line in expected.lines
            ]
            assert shown["note"] == (expected.note.value if expected.note is not None else None)
