"""What clients may do with money, done to Holdco and to the model alike, and the comparison of the two after each step.

Compared are refusals and their codes, answers, all figures that the graph shows, and what `holdco verify` says (domain.md 2.14).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from holdco.verification.service import verify
from properties.allocating import Options, Planned, plan
from properties.machine import (
    AMOUNTS,
    CURRENCIES,
    DAYS,
    PICK,
    Customers,
    Draw,
    Drawn,
    Payload,
    among,
    mostly,
    optional,
    several,
    step,
)
from properties.world import Allocation, Customer, Invoice, Source, shown

STATE = """
{
  customers(first: 200) { nodes {
    id kind status currency version parent { id } parentAccess { view pay manage payInvoicesFrom } ancestors { id }
    receivables { ...figures } consolidatedReceivables { ...figures } creditNotes { nodes { id allocated remaining } }
  } }
  invoices(first: 200) { nodes { id status paymentStatus balance amountPaid allocations { nodes { id amount payer { id } } } } }
  payments(first: 200) { nodes { id status allocated unapplied } }
}
fragment figures on Receivables { currency outstanding overdue unapplied openCredits net openInvoiceCount }
"""

SOURCES_MAX = 16

STRATEGIES = among(
    "OLDEST_DUE_FIRST",
    "OLDEST_ISSUED_FIRST",
    "SELF_FIRST",
    "CHILDREN_FIRST",
    "PROPORTIONAL",
    "SMALLEST_FIRST",
    "LARGEST_FIRST",
    "CUSTOMER_ORDER",
    "EXACT_MATCH",
    "EXPLICIT",
    "EXPLICIT",
    "EXPLICIT",
)
# Most requests make sense; of what does not, one thing at a time is enough.
FLAWS = ("customers", "stranger", "unknown", "nothing", "below nothing", "too much", "too early", "too late", "any invoice")
_DRAWS: dict[str, Draw] = {
    "strategy": STRATEGIES,
    "scope": mostly("SUBTREE", "SELF", "DIRECT_CHILDREN", "CUSTOMERS"),
    "customers": several(PICK),
    "invoices": lambda random: several(PICK)(random) if random.randrange(5) == 0 else [],
    "due": mostly(None, None, 0, 10),
    "amount_max": mostly(None, 1, 60, 150),
    "lines": several(lambda random: (PICK(random), random.choice((1, 1, 2, 3)))),
    "is_dated": among(False, True),
    "flaw": mostly(None, *FLAWS),
}


def _drawn_options(random: Random) -> Drawn:
    return {name: draw(random) for name, draw in _DRAWS.items()}


OPTIONS: Draw = _drawn_options


def allocation_rows(planned: Planned, currency: str) -> list[tuple[str, str]]:
    return [(invoice.id, shown(amount, currency)) for invoice, amount in planned.lines]


class Sequences(Customers):
    """One organization, its customers, invoices and money."""

    def options(self, given: Drawn, source: Source) -> Options:
        """What was drawn, made of the things that there are."""
        world, flaw, strategy, scope = self.world, given["flaw"], given["strategy"], given["scope"]
        near = world.subtree(source.customer)
        fitting = [
            each for each in world.invoices if world.is_open(each) and each.customer in near and each.currency == source.currency
        ]
        invoices = world.invoices if flaw == "any invoice" or not fitting else fitting
        applied_on = world.today if given["is_dated"] else None
        if flaw in {"too early", "too late"}:
            applied_on = source.dated_on - timedelta(days=1) if flaw == "too early" else world.today + timedelta(days=1)
        if strategy == "EXPLICIT":
            lines = self._lines(given, source, invoices)
            return Options(strategy, lines=lines if flaw != "customers" else (), applied_on=applied_on)
        customers: list[Customer] = []
        if scope == "CUSTOMERS" or strategy == "CUSTOMER_ORDER":
            customers = [self.one(world.customers if flaw == "stranger" else near, pick) for pick in given["customers"]]
        if flaw == "customers":
            customers = [] if customers else near[:1]
        return Options(
            strategy,
            scope,
            tuple(customers),
            tuple(self.one(invoices, pick) for pick in given["invoices"]) if invoices else (),
            self.day(given["due"]),
            {"nothing": 0, "below nothing": -1}.get(flaw, given["amount_max"]),
            (),
            applied_on,
        )

    def _lines(self, given: Drawn, source: Source, invoices: list[Invoice]) -> tuple[tuple[Invoice | None, int], ...]:
        """Each line all, a half or a third of what it can be, given the lines before; or what the flaw says of the last one."""
        available = self.world.available(source)
        lines: list[tuple[Invoice | None, int]] = []
        for pick, part in given["lines"]:
            invoice = self.one(invoices, pick) if invoices else None
            if invoice is not None and (pick % 7 == 0 or all(invoice is not each for each, _ in lines)):
                amount = max(min(available, self.world.balance(invoice)) // part, 1)
                available -= amount
                lines.append((invoice, amount))
        last, amount = lines.pop() if lines else (None, 1)
        flawed = {"nothing": 0, "below nothing": -amount, "too much": amount + 1_000}.get(given["flaw"], amount)
        return (*lines, (None if given["flaw"] == "unknown" else last, flawed))

    def payer(self, pick: int) -> Customer:
        """Mostly from the upper end of a tree, where there is something to pay."""
        way_up = self.one(self.world.customers, pick).way_up
        return way_up[-1] if pick % 3 else way_up[0]

    def book(self, source: Source, planned: Planned, applied_on: date | None, payload: Payload) -> None:
        """Holds what Holdco applied against the plan, and keeps it."""
        rows = [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]]
        assert rows == allocation_rows(planned, source.currency)
        assert all(row["payer"]["id"] == source.customer.id for row in payload["allocations"])
        assert tuple(each["customer"]["id"] for each in payload["skipped"]) == planned.skipped
        assert payload["note"] == planned.note
        for row, (invoice, amount) in zip(payload["allocations"], planned.lines, strict=True):
            self.world.allocations.append(Allocation(row["id"], source, invoice, amount, applied_on or self.world.today))

    @step(
        5,
        pick=PICK,
        currency=CURRENCIES,
        amount=among(0, 1, 50, 100, 150, 333, 500, 500, 1_000, 1_000, 2_000),
        day=DAYS,
        given=optional(OPTIONS),
        is_kept=mostly(False, True),
    )
    def record(self, pick: int, currency: str, amount: int, day: int, given: Drawn | None, is_kept: bool) -> None:
        if len(self.world.sources) == SOURCES_MAX:
            return
        customer = self.payer(pick)
        owed = [each.currency for each in self.world.invoices if self.world.is_open(each) and customer in each.customer.way_up]
        currency = self.one(owed, pick) if owed and pick % 5 else currency
        source = Source("pay_", customer, currency, amount, self.world.today + timedelta(days=day))
        expected = self.world.refuse_source(amount, source.dated_on)
        fields: Payload = {
            "customerId": customer.id,
            "amount": shown(amount, currency),
            "currency": currency,
            "receivedOn": source.dated_on.isoformat(),
        }
        planned, options = Planned(), Options()
        if given is not None:
            options = self.options(given, source)
            planned = plan(self.world, source, options)
            fields["apply"] = options.input(currency)
            if is_kept:
                fields["onAllocationError"] = "KEEP_UNAPPLIED"
            else:
                expected = expected or list(planned.codes)
        if payload := self.attempt_once("paymentRecord", expected, **fields):
            source.id = payload["payment"]["id"]
            self.world.sources.append(source)
            assert tuple(error["code"] for error in payload["allocationErrors"]) == planned.codes
            assert payload["payment"]["unappliedReason"] == (planned.codes[0] if planned.codes else None)
            self.book(source, replace(planned, codes=()), options.applied_on, payload)

    @step(2, pick=PICK, currency=CURRENCIES, amount=AMOUNTS, day=DAYS)
    def credit(self, pick: int, currency: str, amount: int, day: int) -> None:
        if len(self.world.sources) == SOURCES_MAX:
            return
        customer = self.payer(pick)
        source = Source("crn_", customer, currency, amount, self.world.today + timedelta(days=day))
        payload = self.attempt_once(
            "creditNoteCreate",
            self.world.refuse_source(amount, source.dated_on),
            customerId=customer.id,
            total=shown(amount, currency),
            currency=currency,
            creditDate=source.dated_on.isoformat(),
        )
        if payload is not None:
            source.id = payload["creditNote"]["id"]
            self.world.sources.append(source)

    def source(self, pick: int) -> Source:
        """Mostly one that has something left."""
        left = [each for each in self.world.sources if self.world.available(each)]
        return self.one(left if left and pick % 4 else self.world.sources, pick)

    def _apply(self, source: Source, options: Options, planned: Planned, **fields: Any) -> None:
        mutation = "paymentApply" if source.is_payment else "creditNoteApply"
        payload = self.attempt_once(mutation, planned.codes, sourceId=source.id, **options.input(source.currency), **fields)
        if payload is not None:
            self.book(source, planned, options.applied_on, payload)

    def _planned(self, source: Source, options: Options) -> Planned:
        return Planned(("PAYMENT_REVERSED",)) if source.is_reversed else plan(self.world, source, options)

    @step(8, pick=PICK, given=OPTIONS)
    def apply(self, pick: int, given: Drawn) -> None:
        if not self.world.sources:
            return
        source = self.source(pick)
        options = self.options(given, source)
        self._apply(source, options, self._planned(source, options))

    @step(4, pick=PICK, given=OPTIONS, is_carried_out=mostly(True, False))
    def preview(self, pick: int, given: Drawn, is_carried_out: bool) -> None:
        """A preview is what is then done; one that is kept is done only if nothing has changed that it rests on."""
        if not self.world.sources:
            return
        source = self.source(pick)
        options = self.options(given, source)
        planned = self._planned(source, options)
        shown_plan = self.wait(self.story.preview(source.id, **options.input(source.currency)))
        assert tuple(error["code"] for error in shown_plan["userErrors"]) == planned.codes
        if planned.codes:
            return
        rows = [(row["invoice"]["id"], row["amount"]) for row in shown_plan["lines"]]
        assert rows == allocation_rows(planned, source.currency)
        left = self.world.available(source) - sum(amount for _, amount in planned.lines)
        assert shown_plan["unapplied"] == shown(left, source.currency)
        assert tuple(each["customer"]["id"] for each in shown_plan["skipped"]) == planned.skipped
        assert shown_plan["note"] == planned.note
        if is_carried_out:
            self._apply(source, options, planned, planHash=shown_plan["planHash"])
        else:
            self.kept_plans.append((source, options, shown_plan["planHash"], self._rests_on(source, planned)))

    def _rests_on(self, source: Source, planned: Planned) -> tuple[Any, ...]:
        """What a plan is made of: the money, and each line with the balance that it goes to (A6)."""
        lines = {(invoice.id, amount, self.world.balance(invoice)) for invoice, amount in planned.lines}
        return self.world.available(source), lines

    @step(2, pick=PICK)
    def carry_out_later(self, pick: int) -> None:
        if not self.kept_plans:
            return
        source, options, plan_hash, before = self.one(self.kept_plans, pick)
        planned = self._planned(source, options)
        if not planned.codes and self._rests_on(source, planned) != before:
            planned = Planned(("PLAN_STALE",))
        self._apply(source, options, planned, planHash=plan_hash)

    @step(3, pick=PICK, day=mostly(None, 0, -7, 1), is_of_reversal=mostly(False, False, True))
    def take_back(self, pick: int, day: int | None, is_of_reversal: bool) -> None:
        if not self.world.allocations:
            return
        if is_of_reversal and self.world.reversals:
            self.attempt_once("allocationReverse", ["ALLOCATION_ALREADY_REVERSED"], id=self.one(self.world.reversals, pick))
            return
        allocation, reversed_on = self.one(self.world.allocations, pick), self.day(day) or self.world.today
        is_done = not allocation.is_live
        expected = ["ALLOCATION_ALREADY_REVERSED"] if is_done else self.world.refuse_reversal([allocation], reversed_on)
        fields = {"id": allocation.id, "reversedOn": reversed_on.isoformat()}
        if payload := self.attempt_once("allocationReverse", expected, **fields):
            self.world.take_back([allocation], [row["id"] for row in payload["allocations"]])

    @step(1, pick=PICK, day=mostly(None, 0, -7, 1))
    def bounce(self, pick: int, day: int | None) -> None:
        if not any(each.is_payment for each in self.world.sources):
            return
        source = self.one([each for each in self.world.sources if each.is_payment], pick)
        live, reversed_on = self.world.applied_of(source), self.day(day) or self.world.today
        refused = self.world.refuse_reversal(live, reversed_on, source.dated_on)
        expected = ["PAYMENT_REVERSED"] if source.is_reversed else refused
        fields = {"id": source.id, "reason": "no funds", "reversedOn": reversed_on.isoformat()}
        if payload := self.attempt_once("paymentReverse", expected, **fields):
            self.world.take_back(live, [row["id"] for row in payload["allocations"]])
            source.is_reversed = True

    @step(2, pick=PICK, is_other=mostly(False, True))
    def send_again(self, pick: int, is_other: bool) -> None:
        """The same request is answered as before, whatever has happened since; another one under its key is refused (K4)."""
        if not self.keyed:
            return
        mutation, fields, before = self.one(self.keyed, pick)
        if is_other:
            other = {"appliedOn": "2001-01-01"} if mutation.endswith("Apply") else {"reason": "another"}
            other = {"reference": "another"} if mutation == "paymentRecord" else other
            self.attempt(mutation, ["IDEMPOTENCY_KEY_REUSED"], **{**fields, **other})
            return
        again = self.attempt(mutation, [], **fields)
        assert again is not None
        assert again["replayed"] is True
        for name in ("allocations", "reversals"):
            assert again.get(name) == before.get(name)

    # After each step

    def everything_agrees(self) -> None:
        self._compare(self.wait(self.story.ask(STATE)))
        report = self.wait(verify(self.engine, self.story.organization_id))
        assert report.problems == []

    def _compare(self, state: Payload) -> None:
        world = self.world
        by_id = {row["id"]: row for nodes in state.values() for row in nodes["nodes"]}
        assert len(by_id) == len(world.customers) + len(world.invoices) + sum(each.is_payment for each in world.sources)
        for customer in world.customers:
            assert by_id[customer.id] == self._shown_customer(customer), customer
        for invoice in world.invoices:
            applied = world.applied_to(invoice)
            balance, paid = world.balance(invoice), world.paid(invoice)
            status = (
                None if invoice.status != "ISSUED" else "PARTIALLY_PAID" if balance and paid else "UNPAID" if balance else "PAID"
            )
            assert by_id[invoice.id] == {
                "id": invoice.id,
                "status": invoice.status,
                "paymentStatus": status,
                "balance": shown(balance, invoice.currency),
                "amountPaid": shown(paid, invoice.currency),
                "allocations": {
                    "nodes": [
                        {"id": each.id, "amount": shown(each.amount, invoice.currency), "payer": {"id": each.source.customer.id}}
                        for each in sorted(applied, key=lambda each: each.id)
                    ]
                },
            }
        for source in world.sources:
            if source.is_payment:
                left = world.available(source)
                assert by_id[source.id] == {
                    "id": source.id,
                    "status": "REVERSED" if source.is_reversed else "SUCCEEDED",
                    "allocated": shown(0 if source.is_reversed else source.amount - left, source.currency),
                    "unapplied": shown(left, source.currency),
                }

    def _shown_customer(self, customer: Customer) -> Payload:
        world, access = self.world, customer.access
        notes = [each for each in world.sources if each.customer is customer and not each.is_payment]
        return {
            "id": customer.id,
            "kind": customer.kind,
            "status": customer.status,
            "currency": customer.currency,
            "version": customer.version,
            "parent": {"id": customer.parent.id} if customer.parent else None,
            "parentAccess": access.input() if access else None,
            "ancestors": [{"id": each.id} for each in reversed(customer.way_up[1:])],
            "receivables": world.receivables([customer]),
            "consolidatedReceivables": world.receivables(world.subtree(customer)),
            "creditNotes": {
                "nodes": [
                    {
                        "id": each.id,
                        "allocated": shown(each.amount - world.available(each), each.currency),
                        "remaining": shown(world.available(each), each.currency),
                    }
                    for each in sorted(notes, key=lambda each: (each.dated_on, each.id), reverse=True)
                ]
            },
        }
