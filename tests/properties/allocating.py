"""The model's own decision about which invoice gets how much (domain.md A1 to A7, A13, 2.7): slow, short, and by the letter."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from properties.world import Customer, Invoice, Source, World, shown

Lines = list[tuple[Invoice, int]]


@dataclass(frozen=True)
class Options:
    """What a client asks for. `lines` name an invoice, or None for one that does not exist; amounts in minor units."""

    strategy: str = "OLDEST_DUE_FIRST"
    scope: str = "SUBTREE"
    customers: tuple[Customer, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    due_on_or_before: date | None = None
    amount_max: int | None = None
    lines: tuple[tuple[Invoice | None, int], ...] = ()
    applied_on: date | None = None

    def input(self, currency: str) -> dict[str, Any]:
        unknown = f"inv_{'0' * 32}"
        given: dict[str, Any] = {
            "strategy": self.strategy,
            "scope": self.scope,
            "customerIds": [each.id for each in self.customers],
            "invoiceIds": [each.id for each in self.invoices],
            "dueOnOrBefore": self.due_on_or_before.isoformat() if self.due_on_or_before else None,
            "amountMax": shown(self.amount_max, currency) if self.amount_max is not None else None,
            "lines": [
                {"invoiceId": invoice.id if invoice else unknown, "amount": shown(amount, currency)}
                for invoice, amount in self.lines
            ],
            "appliedOn": self.applied_on.isoformat() if self.applied_on else None,
        }
        return {name: value for name, value in given.items() if value not in (None, [])}


@dataclass(frozen=True)
class Planned:
    """Refused where there are codes; otherwise the lines in the order in which the money goes, and who is left out."""

    codes: tuple[str, ...] = ()
    lines: tuple[tuple[Invoice, int], ...] = ()
    skipped: tuple[str, ...] = ()
    note: str | None = None


def plan(world: World, source: Source, options: Options) -> Planned:
    """What Holdco must do with a source, recorded or still to be recorded."""
    applied_on = options.applied_on or world.today
    if code := _refusal_of_request(world, source, options, applied_on):
        return Planned((code,))
    if options.strategy == "EXPLICIT":
        return _explicit(world, source, options, applied_on, world.available(source))
    strangers = [each for each in options.customers if world.depth(source.customer, each) is None]
    if options.amount_max is not None and options.amount_max <= 0:
        return Planned(("AMOUNT_NOT_POSITIVE",))
    if strangers:
        return Planned(("NOT_A_DESCENDANT",) * len(strangers))
    named = [_refusal(world, source, each, applied_on) for each in options.invoices]
    if refused := [code for code in named if code is not None]:
        return Planned(tuple(refused))
    in_scope = [each for each in world.customers if _is_in_scope(world, source.customer, each, options)]
    invoices = [
        each
        for each in world.invoices
        if each.customer in in_scope
        and (not options.invoices or any(each is named for named in options.invoices))
        and _refusal(world, source, each, applied_on) is None
        and (options.due_on_or_before is None or each.due_date <= options.due_on_or_before)
    ]
    lines, note = _share(world, source, options, invoices)
    skipped = [] if options.invoices else [each.id for each in in_scope if _is_skipped(world, source, each)]
    return Planned((), tuple(lines), tuple(sorted(skipped)), note)


def _refusal_of_request(world: World, source: Source, options: Options, applied_on: date) -> str | None:
    names_customers = options.scope == "CUSTOMERS" or options.strategy == "CUSTOMER_ORDER"
    if names_customers != bool(options.customers) or (options.strategy == "EXPLICIT") != bool(options.lines):
        return "INVALID_INPUT"
    if not source.dated_on <= applied_on <= world.today:
        return "APPLIED_ON_OUT_OF_RANGE"
    return "PERIOD_LOCKED" if applied_on <= world.locked_until else None


def _refusal(world: World, source: Source, invoice: Invoice, applied_on: date) -> str | None:
    """Why this source may not pay this invoice at all."""
    payer = source.customer
    if world.depth(payer, invoice.customer) is None:
        return "LINK_ENDED" if (payer.id, invoice.customer.id) in world.once_below else "NOT_A_DESCENDANT"
    if not world.may_pay(payer, invoice):
        return "PARENT_PAY_NOT_ALLOWED"
    if invoice.currency != source.currency:
        return "CURRENCY_MISMATCH"
    if not world.is_open(invoice):
        return "INVOICE_NOT_PAYABLE"
    return "APPLIED_ON_OUT_OF_RANGE" if applied_on < invoice.invoice_date else None


def _is_in_scope(world: World, payer: Customer, customer: Customer, options: Options) -> bool:
    depth = world.depth(payer, customer)
    if depth is None:
        return False
    if options.scope == "CUSTOMERS":
        return customer in options.customers
    return {"SELF": depth == 0, "DIRECT_CHILDREN": depth == 1, "SUBTREE": True}[options.scope]


def _is_skipped(world: World, source: Source, customer: Customer) -> bool:
    """Whether it has open invoices that this source could pay if only it were allowed to."""
    return any(
        world.is_open(each) and each.currency == source.currency and not world.may_pay(source.customer, each)
        for each in world.invoices
        if each.customer is customer
    )


def _explicit(world: World, source: Source, options: Options, applied_on: date, available: int) -> Planned:
    codes = []
    for invoice, _ in options.lines:
        code = "NOT_FOUND" if invoice is None else _refusal(world, source, invoice, applied_on)
        codes += [code] if code is not None else []
    seen: list[Invoice | None] = []
    for invoice, amount in options.lines:
        if amount <= 0:
            codes.append("AMOUNT_NOT_POSITIVE")
        if any(invoice is each for each in seen):
            codes.append("DUPLICATE_INVOICE")
        seen.append(invoice)
        if invoice is not None and amount > world.balance(invoice):
            # Of an invoice that may not be paid, only that is told.
            refusal = _refusal(world, source, invoice, applied_on)
            codes += ["EXCEEDS_INVOICE_BALANCE"] if refusal in (None, "APPLIED_ON_OUT_OF_RANGE") else []
    if sum(amount for _, amount in options.lines if amount > 0) > available:
        codes.append("EXCEEDS_UNAPPLIED")
    lines = tuple((invoice, amount) for invoice, amount in options.lines if invoice is not None)
    return Planned(tuple(codes)) if codes else Planned((), lines)


def _share(world: World, source: Source, options: Options, invoices: list[Invoice]) -> tuple[Lines, str | None]:
    amount, payer = world.available(source), source.customer
    amount = amount if options.amount_max is None else min(amount, options.amount_max)
    invoices = sorted(invoices, key=lambda each: (each.due_date, each.invoice_date, each.number, each.id))
    if options.strategy == "EXACT_MATCH":
        return _exact(world, amount, invoices)
    if options.strategy == "PROPORTIONAL":
        return _proportional(world, amount, invoices), None
    if options.strategy == "CUSTOMER_ORDER":
        invoices = [each for each in invoices if each.customer in options.customers]
    # sorted() keeps the default order among equals.
    invoices = sorted(
        invoices,
        key={
            "OLDEST_DUE_FIRST": lambda _: 0,
            "OLDEST_ISSUED_FIRST": lambda each: each.invoice_date,
            "SELF_FIRST": lambda each: each.customer is not payer,
            "CHILDREN_FIRST": lambda each: each.customer is payer,
            "SMALLEST_FIRST": world.balance,
            "LARGEST_FIRST": lambda each: -world.balance(each),
            "CUSTOMER_ORDER": lambda each: options.customers.index(each.customer),
        }[options.strategy],
    )
    lines: Lines = []
    for invoice in invoices:
        if paid := min(amount, world.balance(invoice)):
            lines.append((invoice, paid))
            amount -= paid
    return lines, None


def _proportional(world: World, amount: int, invoices: list[Invoice]) -> Lines:
    """Largest remainder; of equal remainders the earlier gets the unit (2.7)."""
    invoices = sorted(invoices, key=lambda each: (each.due_date, each.number, each.id))
    owed = sum(world.balance(each) for each in invoices)
    if amount >= owed:
        return [(each, world.balance(each)) for each in invoices]
    shares = [Fraction(amount * world.balance(each), owed) for each in invoices]
    parts = [int(share) for share in shares]
    by_remainder = sorted(range(len(invoices)), key=lambda index: parts[index] - shares[index])
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return [(each, part) for each, part in zip(invoices, parts, strict=True) if part]


def _exact(world: World, amount: int, invoices: list[Invoice]) -> tuple[Lines, str | None]:
    """One invoice, else one set of invoices, that comes to the amount. Which of a customer's equal invoices, is no question."""
    ways = {
        frozenset(Counter((each.customer.id, world.balance(each)) for each in chosen).items())
        for size in range(len(invoices) + 1)
        for chosen in itertools.combinations(invoices, size)
        if sum(world.balance(each) for each in chosen) == amount
    }
    single = {way for way in ways if [count for _, count in way] == [1]}
    ways = single or ways
    if len(ways) != 1:
        return [], "AMBIGUOUS_EXACT_MATCH" if ways else "NO_EXACT_MATCH"
    wanted = Counter(dict(next(iter(ways))))
    lines: Lines = []
    for invoice in invoices:
        kind = (invoice.customer.id, world.balance(invoice))
        if wanted[kind]:
            wanted[kind] -= 1
            lines.append((invoice, world.balance(invoice)))
    return lines, None
