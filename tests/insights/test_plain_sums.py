"""Whatever happened, insights are the sums of what the graph lists: of groups, of subtrees, and for client users.

What a client user lists is what it sees (`tests/access`), so that figures made of anything else would be found here. Numbers of
examples are as in `properties/test_sequences.py`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import pytest

from access.people import client_user, group
from holdco import money
from holdco.viewer import ClientUserRole
from insights.test_insights import BY_CURRENCY, BY_MONTH, add_members, written_off
from stories import Story, explicit

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "3"))
FROM = int(os.environ.get("HOLDCO_EXAMPLES_FROM", "0"))
STEPS = 45
FIRST = date(2026, 1, 1)
CURRENCIES = ("JPY", "KWD", "USD")

INVOICES = """nodes { id status currency invoiceDate dueDate total balance amountWrittenOff customer { name }
  allocations(includeReversed: true, first: 200) { nodes { id amount appliedOn reverses { id } } } }"""
TOP = " ".join(
    f"{by}_{currency}: topCustomers(by: {by}, currency: {currency}, first: 100) {{ customer {{ name }} amount }}"
    for by in ("BILLED", "PAID", "OUTSTANDING", "OVERDUE")
    for currency in CURRENCIES
)
PARTS = f"memberCount {BY_CURRENCY} {BY_MONTH} {TOP}"


class Ledger:
    """What a list of invoices comes to in a period."""

    def __init__(self, invoices: list[Any], first: date, last: date, today: str) -> None:
        self.invoices = [each for each in invoices if each["status"] != "DRAFT"]
        self.first, self.last, self.today = first.isoformat(), last.isoformat(), today

    def is_within(self, day: str) -> bool:
        return self.first <= day <= self.last

    @property
    def billed(self) -> list[Any]:
        return [each for each in self.invoices if each["status"] == "ISSUED" and self.is_within(each["invoiceDate"])]

    @property
    def open(self) -> list[Any]:
        return [each for each in self.invoices if each["status"] == "ISSUED" and Decimal(each["balance"]) > 0]

    @property
    def overdue(self) -> list[Any]:
        return [each for each in self.open if each["dueDate"] < self.today]

    @property
    def applied(self) -> list[tuple[Any, str, Decimal]]:
        """Invoice, day and amount, taken back with a minus sign."""
        return [
            (each, row["appliedOn"], -Decimal(row["amount"]) if row["reverses"] else Decimal(row["amount"]))
            for each in self.invoices
            for row in each["allocations"]["nodes"]
            if self.is_within(row["appliedOn"])
        ]

    def days_to_pay(self, currency: str) -> str | None:
        days = []
        for each in self.invoices:
            rows = each["allocations"]["nodes"]
            reversed_ids = {row["reverses"]["id"] for row in rows if row["reverses"]}
            live = [row["appliedOn"] for row in rows if not row["reverses"] and row["id"] not in reversed_ids]
            is_paid = each["status"] == "ISSUED" and not Decimal(each["balance"]) and not Decimal(each["amountWrittenOff"])
            if each["currency"] == currency and live and is_paid and self.is_within(max(live)):
                days.append((date.fromisoformat(max(live)) - date.fromisoformat(each["invoiceDate"])).days)
        return str((Decimal(sum(days)) / len(days)).quantize(Decimal("0.1"), ROUND_HALF_UP)) if days else None

    def by_currency(self) -> list[dict[str, Any]]:
        rows = []
        for currency in CURRENCIES:
            billed, left, overdue = (
                [each for each in invoices if each["currency"] == currency] for invoices in (self.billed, self.open, self.overdue)
            )
            paid = sum((amount for each, _, amount in self.applied if each["currency"] == currency), Decimal(0))
            if billed or left or paid:
                rows.append(
                    {
                        "currency": currency,
                        "invoiceCount": len(billed),
                        "openInvoiceCount": len(left),
                        "billed": total(billed, "total", currency),
                        "paid": shown(paid, currency),
                        "outstanding": total(left, "balance", currency),
                        "overdue": total(overdue, "balance", currency),
                        "averageDaysToPay": self.days_to_pay(currency),
                    }
                )
        return rows

    def by_month(self) -> list[dict[str, Any]]:
        billed: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
        paid: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for each in self.billed:
            billed[f"{each['invoiceDate'][:7]}-01", each["currency"]].append(each)
        for each, day, amount in self.applied:
            paid[f"{day[:7]}-01", each["currency"]] += amount
        return [
            {
                "month": month,
                "currency": currency,
                "billed": total(billed[month, currency], "total", currency),
                "paid": shown(paid[month, currency], currency),
                "invoiceCount": len(billed[month, currency]),
            }
            for month, currency in sorted({*billed, *paid})
            if billed[month, currency] or paid[month, currency]
        ]

    def top(self, by: str, currency: str) -> list[tuple[Decimal, str]]:
        rows: Iterable[tuple[Any, Decimal]]
        match by:
            case "BILLED":
                rows = [(each, Decimal(each["total"])) for each in self.billed]
            case "PAID":
                rows = [(each, amount) for each, _, amount in self.applied]
            case "OUTSTANDING":
                rows = [(each, Decimal(each["balance"])) for each in self.open]
            case _:
                rows = [(each, Decimal(each["balance"])) for each in self.overdue]
        amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each, amount in rows:
            if each["currency"] == currency:
                amounts[each["customer"]["name"]] += amount
        return sorted(((amount, name) for name, amount in amounts.items() if amount > 0), reverse=True)


def shown(amount: Decimal, currency: str) -> str:
    return format(amount.quantize(Decimal(1).scaleb(-money.exponent(currency))), "f")


def total(invoices: list[Any], name: str, currency: str) -> str:
    return shown(sum((Decimal(each[name]) for each in invoices), Decimal(0)), currency)


class Office:
    """A tree of customers that do random things. What is refused has not happened."""

    def __init__(self, story: Story, random: Random) -> None:
        self.story = story
        self.random = random
        self.customers: list[str] = []
        self.invoices: list[tuple[str, str, date]] = []
        self.sources: list[tuple[str, bool]] = []
        self.allocations: list[str] = []

    async def open(self) -> None:
        for number in range(6):
            under = self.random.choice([None, *self.customers])
            sees = self.random.random() < 0.7
            access = {"view": sees, "pay": sees and self.random.random() < 0.8, "manage": False}
            self.customers.append(await self.story.customer(f"Customer {number}", under=under, access=access))

    def day(self, since: date = FIRST) -> str:
        return (since + timedelta(days=self.random.randint(0, 120))).isoformat()

    async def step(self) -> None:
        random, story = self.random, self.story
        owner = random.choice(self.customers)
        amount = str(random.randint(1, 20) * 5)
        match random.choice(("invoice", "invoice", "source", "apply", "apply", "apply", "reverse", "void", "write off")):
            case "invoice":
                day = FIRST + timedelta(days=random.randint(0, 90))
                given = {"currency": random.choice(CURRENCIES), "invoiceDate": day.isoformat(), "issue": random.random() < 0.9}
                due = (day + timedelta(days=random.choice((0, 10_000)))).isoformat()
                self.invoices.append((await story.invoice(owner, amount, dueDate=due, **given), amount, day))
            case "source":
                is_payment = random.random() < 0.7
                given = {"currency": random.choice(CURRENCIES)}
                if is_payment:
                    key = await story.payment(owner, "200", receivedOn=FIRST.isoformat(), **given)
                else:
                    key = await story.credit_note(owner, "200", creditDate=FIRST.isoformat(), **given)
                self.sources.append((key, is_payment))
            case "apply" if self.sources and self.invoices:
                key, is_payment = random.choice(self.sources)
                mutation = "paymentApply" if is_payment else "creditNoteApply"
                invoice, whole, day = random.choice(self.invoices)
                line = explicit((invoice, random.choice((whole, whole, "5"))))
                made = await story.attempt(mutation, sourceId=key, **line, appliedOn=self.day(day))
                self.allocations += [each["id"] for each in made["allocations"]]
            case "reverse" if self.allocations:
                await story.attempt("allocationReverse", id=random.choice(self.allocations), reversedOn=self.day())
            case "void" if self.invoices and random.random() < 0.3:
                invoice = random.choice(self.invoices)[0]
                await story.attempt("invoiceVoid", id=invoice, reason="Wrong", releaseAllocations=True)
            case "write off" if self.invoices:
                invoice = random.choice(self.invoices)[0]
                if Decimal((await story.balances(invoice))[0]) > 0 and random.random() < 0.3:
                    await written_off(story, invoice, 1)


async def agree(asker: Story, of: str, key: str, invoices: str, arguments: str, period: tuple[date, date]) -> int:
    """Holds insights against the invoices that are listed; how many of these there are."""
    first, last = period
    document = f"""query ($id: ID!, $from: Date, $to: Date) {{ organization {{ today }}
      {of}(by: {{id: $id}}) {{ {invoices} insights({arguments} from: $from, to: $to) {{ {PARTS} }} }} }}"""
    found = await asker.ask(document, id=key, **{"from": first.isoformat(), "to": last.isoformat()})
    told = found[of]["insights"]
    if of == "customer":
        listed = found[of]["invoices"]["nodes"]
    else:
        listed = [each for member in found[of]["customers"]["nodes"] for each in member["invoices"]["nodes"]]
        assert told["memberCount"] == len(found[of]["customers"]["nodes"])
    ledger = Ledger(listed, first, last, found["organization"]["today"])
    assert told["byCurrency"] == ledger.by_currency()
    assert told["byMonth"] == ledger.by_month()
    for by in ("BILLED", "PAID", "OUTSTANDING", "OVERDUE"):
        for currency in CURRENCIES:
            top = [(Decimal(each["amount"]), each["customer"]["name"]) for each in told[f"{by}_{currency}"]]
            assert [amount for amount, _ in top] == sorted((amount for amount, _ in top), reverse=True)
            assert sorted(top, reverse=True) == ledger.top(by, currency)
    return len(listed)


@pytest.mark.parametrize("number", range(FROM, FROM + EXAMPLES))
async def test_insights_are_the_plain_sums_of_what_the_graph_lists(story: Story, number: int) -> None:
    random = Random(number)
    office = Office(story, random)
    await office.open()
    for _ in range(STEPS):
        await office.step()
    members = random.sample(office.customers, 3)
    group_id = await group(story, "Resellers")
    await add_members(story, group_id, *members)
    seer = await client_user(story, {random.choice(office.customers): ClientUserRole.VIEWER})
    days = sorted(FIRST + timedelta(days=random.randint(0, 200)) for _ in range(2))
    count = 0
    for period in ((days[0], days[1]), (FIRST, FIRST + timedelta(days=365))):
        count += await agree(
            story, "customerGroup", group_id, f"customers {{ nodes {{ invoices(first: 200) {{ {INVOICES} }} }} }}", "", period
        )
        for asker in (story, seer):
            seen = (await asker.ask("{ customers { nodes { id } } }"))["customers"]["nodes"]
            for customer in seen:
                for scope in ("SELF", "DIRECT_CHILDREN", "SUBTREE"):
                    invoices = f"invoices(scope: {scope}, first: 200) {{ {INVOICES} }}"
                    count += await agree(asker, "customer", customer["id"], invoices, f"scope: {scope}", period)
    assert count > 0
