"""Finds out what a request would apply to which invoices, and what forbids it (domain.md A1 to A7, A13).

The same code answers a preview on a snapshot and decides inside the transaction that pays, where it locks what it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from holdco import ids, money
from holdco.errors import InvalidInput, NotFound, Refusal, Refused
from holdco.ids import Kind
from holdco.invoices.errors import PeriodLocked
from holdco.payments import allocation, errors
from holdco.payments.allocation import Line, OpenInvoice, Plan, ProblemCode, Strategy
from holdco.payments.candidates import (
    AllocationScope,
    Candidate,
    Source,
    Wish,
    World,
    named_invoices,
    open_invoices,
    owners_of,
    skipped_customers,
)

# A client that names invoices one by one names at most so many; strategies have no such limit.
LINES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan with what it rests on. `skipped` are customers in scope that the payer may not pay, in the order of their ids."""

    plan: Plan
    invoices: dict[UUID, Candidate]
    applied_on: date
    strategy: Strategy
    skipped: tuple[UUID, ...]
    hash: str


async def decide(world: World, source: Source, wish: Wish) -> Decision:
    """What the wish comes to. Nothing is clipped: what cannot be done as asked is refused, whole.

    Raises, in this order: InvalidInput for arguments that do not go together; AppliedOnOutOfRange, PeriodLocked for the
    date; InvalidInput, AmountNotPositive for `amount_max`; Refused with NotFound or CustomerNotBelow for each such customer;
    Refused with every bad line or named invoice at once, for each the first of NotFound, NotADescendant or LinkEnded,
    ParentPayNotAllowed, CurrencyMismatch, InvoiceNotPayable, AppliedOnOutOfRange, and of lines then the problems of A4.
    """
    _check_arguments(wish)
    applied_on = wish.applied_on or world.today
    _check_date(world, source, applied_on)
    if wish.strategy is Strategy.EXPLICIT:
        return await _decide_explicit(world, source, wish, applied_on)
    available = _available(source, wish)
    refusals = await _customer_refusals(world, source, wish)
    named: dict[UUID, Candidate] = {}
    if wish.invoice_ids is not None:
        named = await named_invoices(world, source, wish.invoice_ids)
        refusals += await _named_refusals(world, source, named, wish.invoice_ids, applied_on)
    if refusals:
        raise Refused(refusals)
    if wish.invoice_ids is not None:
        candidates = _in_scope(named.values(), wish)
        skipped: tuple[UUID, ...] = ()
    else:
        candidates = await open_invoices(world, source, wish, applied_on, available)
        skipped = await skipped_customers(world, source, wish)
    plan = allocation.plan(
        wish.strategy,
        available,
        [
            OpenInvoice(each.id, each.customer_id, each.number, each.invoice_date, each.due_date, each.balance, each.depth or 0)
            for each in candidates
        ],
        payer_id=source.customer_id,
        customer_order=[key for key in wish.customer_ids if key is not None],
    )
    # What a client did not ask to be used is unapplied as well.
    plan = plan._replace(unapplied=source.available - plan.allocated)
    return _decision(source, plan, {each.id: each for each in candidates}, applied_on, wish.strategy, skipped)


def _decision(
    source: Source,
    plan: Plan,
    invoices: dict[UUID, Candidate],
    applied_on: date,
    strategy: Strategy,
    skipped: tuple[UUID, ...],
) -> Decision:
    balances = {key: invoice.balance for key, invoice in invoices.items()}
    fingerprint = allocation.fingerprint(source_id=source.id, available=source.available, lines=plan.lines, balances=balances)
    return Decision(plan, invoices, applied_on, strategy, skipped, fingerprint)


def _check_arguments(wish: Wish) -> None:
    """What would be ignored is refused: who sets a limit must not see it exceeded."""
    needs_customers = wish.scope is AllocationScope.CUSTOMERS or wish.strategy is Strategy.CUSTOMER_ORDER
    if needs_customers and not wish.customer_ids:
        raise InvalidInput("Name the customers with scope CUSTOMERS or strategy CUSTOMER_ORDER.", field=("customerIds",))
    if wish.customer_ids and not needs_customers:
        raise InvalidInput("Customers go with scope CUSTOMERS or strategy CUSTOMER_ORDER only.", field=("customerIds",))
    if wish.lines and wish.strategy is not Strategy.EXPLICIT:
        raise InvalidInput(f"Lines go with strategy EXPLICIT, not with {wish.strategy.value}.", field=("lines",))
    if wish.invoice_ids == ():
        raise InvalidInput("Name the invoices, or leave invoiceIds out to pay any.", field=("invoiceIds",))
    if wish.strategy is Strategy.EXPLICIT:
        _check_explicit_arguments(wish)
    named = (("lines", wish.lines), ("customerIds", wish.customer_ids), ("invoiceIds", wish.invoice_ids or ()))
    for name, given in named:
        if len(given) > LINES_MAX:
            raise InvalidInput(f"At most {LINES_MAX} can be named in one request, not {len(given)}.", field=(name,))


def _check_explicit_arguments(wish: Wish) -> None:
    if not wish.lines:
        raise InvalidInput("Strategy EXPLICIT needs lines.", field=("lines",))
    others = {
        "scope": wish.scope is not AllocationScope.SUBTREE,
        "invoiceIds": wish.invoice_ids is not None,
        "dueOnOrBefore": wish.due_on_or_before is not None,
        "amountMax": wish.amount_max is not None,
    }
    for name, is_given in others.items():
        if is_given:
            raise InvalidInput(f"With strategy EXPLICIT the lines say what is paid; leave {name} out.", field=(name,))


def _check_date(world: World, source: Source, applied_on: date) -> None:
    if not source.dated_on <= applied_on <= world.today:
        raise errors.AppliedOnOutOfRange(applied_on, earliest=source.dated_on, latest=world.today, field=("appliedOn",))
    if world.locked_until is not None and applied_on <= world.locked_until:
        raise PeriodLocked(applied_on, world.locked_until, field=("appliedOn",))


def minor_units(amount: Decimal, currency: str, field: tuple[str, ...]) -> int:
    """Raises InvalidInput for an amount that the currency cannot have."""
    try:
        return money.from_decimal(amount, currency)
    except money.AmountRefused as problem:
        raise InvalidInput(str(problem), field=field) from None


def _available(source: Source, wish: Wish) -> int:
    if wish.amount_max is None:
        return source.available
    amount_max = minor_units(wish.amount_max, source.currency, ("amountMax",))
    if amount_max <= 0:
        raise errors.AmountNotPositive(field=("amountMax",))
    return min(source.available, amount_max)


async def _customer_refusals(world: World, source: Source, wish: Wish) -> list[Refusal]:
    """Customers that are named must be the payer or below it; they are told apart from unknown ones."""
    if not wish.customer_ids:
        return []
    found = {
        row[0]: (row[1], row[2])
        for row in await world.rows(
            text(
                """
                select cu.id, cu.name, c.depth from customers cu
                left join customer_closure c on c.organization_id = cu.organization_id and c.organization_id = :organization_id
                  and c.ancestor_id = :payer_id and c.descendant_id = cu.id
                where cu.organization_id = :organization_id and cu.id = any(cast(:customer_ids as uuid[]))
                """
            ),
            {
                "organization_id": world.organization_id,
                "payer_id": source.customer_id,
                "customer_ids": [key for key in wish.customer_ids if key is not None],
            },
        )
    }
    refusals: list[Refusal] = []
    for index, key in enumerate(wish.customer_ids):
        field = ("customerIds", str(index))
        if key is None or key not in found:
            shown = ids.encode(Kind.CUSTOMER, key) if key is not None else "with this id"
            refusals.append(NotFound(f"There is no customer {shown}.", field=field))
        elif found[key][1] is None:
            refusals.append(errors.CustomerNotBelow(found[key][0], field=field))
    return refusals


def _in_scope(candidates: Any, wish: Wish) -> list[Candidate]:
    """What the SQL of `open_invoices` asks, for invoices that were read by their ids."""
    chosen = list(candidates)
    if wish.scope is AllocationScope.SELF:
        chosen = [each for each in chosen if each.depth == 0]
    elif wish.scope is AllocationScope.DIRECT_CHILDREN:
        chosen = [each for each in chosen if each.depth == 1]
    elif wish.scope is AllocationScope.CUSTOMERS:
        chosen = [each for each in chosen if each.customer_id in wish.customer_ids]
    if wish.due_on_or_before is not None:
        chosen = [each for each in chosen if each.due_date <= wish.due_on_or_before]
    return chosen


async def _named_refusals(
    world: World,
    source: Source,
    named: dict[UUID, Candidate],
    keys: Sequence[UUID | None],
    applied_on: date,
    *,
    of: str = "invoiceIds",
) -> list[Refusal]:
    """What forbids each named invoice, in the order in which they were named."""
    names, former = await owners_of(world, source, named)
    refusals: list[Refusal] = []
    for index, key in enumerate(keys):
        field = (of, str(index)) if of == "invoiceIds" else (of, str(index), "invoiceId")
        invoice = named.get(key) if key is not None else None
        if invoice is None:
            shown = ids.encode(Kind.INVOICE, key) if key is not None else "with this id"
            refusals.append(NotFound(f"There is no invoice {shown}.", field=field))
        elif problem := _refusal_of(source, invoice, names, former, applied_on, world.today, field):
            refusals.append(problem)
    return refusals


def _refusal_of(
    source: Source,
    invoice: Candidate,
    names: dict[UUID, str],
    former: set[UUID],
    applied_on: date,
    today: date,
    field: tuple[str, ...],
) -> Refusal | None:
    number, owner, payer = invoice.number, names.get(invoice.customer_id, ""), names.get(source.customer_id, "")
    if invoice.depth is None:
        ended = errors.LinkEnded if invoice.customer_id in former else errors.NotADescendant
        return ended(number, owner, payer, field=field)
    if not invoice.is_payable:
        return errors.ParentPayNotAllowed(number, owner, payer, field=field)
    if invoice.currency != source.currency:
        return errors.CurrencyMismatch(number, expected=source.currency, found=invoice.currency, field=field)
    if invoice.status != "ISSUED" or invoice.balance == 0:
        return errors.InvoiceNotPayable(number, invoice.status, field=field)
    if applied_on < invoice.invoice_date:
        return errors.AppliedOnOutOfRange(applied_on, earliest=invoice.invoice_date, latest=today, field=field)
    return None


async def _decide_explicit(world: World, source: Source, wish: Wish, applied_on: date) -> Decision:
    keys = [line.invoice_id for line in wish.lines]
    named = await named_invoices(world, source, [key for key in keys if key is not None])
    refusals = await _named_refusals(world, source, named, keys, applied_on, of="lines")
    lines: list[Line] = []
    positions: list[int] = []
    for index, given in enumerate(wish.lines):
        try:
            amount = minor_units(given.amount, source.currency, ("lines", str(index), "amount"))
        except InvalidInput as refusal:
            refusals.append(refusal)
            continue
        if given.invoice_id is not None:
            lines.append(Line(given.invoice_id, amount))
            positions.append(index)
    payable = {
        key: invoice.balance
        for key, invoice in named.items()
        if invoice.is_payable and invoice.status == "ISSUED" and invoice.balance > 0 and invoice.currency == source.currency
    }
    for problem in allocation.explicit_problems(lines, source.available, payable):
        refusals.append(_explicit_refusal(problem, source, named, positions))
    if refusals:
        raise Refused(refusals)
    allocated = sum(line.amount for line in lines)
    plan = Plan(lines, allocated, source.available - allocated)
    return _decision(source, plan, named, applied_on, Strategy.EXPLICIT, ())


def _explicit_refusal(
    problem: allocation.Problem, source: Source, named: dict[UUID, Candidate], positions: Sequence[int]
) -> Refusal:
    facts: dict[str, Any] = problem.facts
    if problem.index is None:
        return errors.ExceedsUnapplied(
            amount=facts["amount"], available=facts["available"], currency=source.currency, field=("lines",)
        )
    line = ("lines", str(positions[problem.index]))
    invoice = named.get(facts["invoice_id"])
    number = invoice.number if invoice is not None else ids.encode(Kind.INVOICE, facts["invoice_id"])
    match problem.code:
        case ProblemCode.AMOUNT_NOT_POSITIVE:
            return errors.AmountNotPositive(field=(*line, "amount"))
        case ProblemCode.DUPLICATE_INVOICE:
            return errors.DuplicateInvoice(number, field=(*line, "invoiceId"))
        case _:
            return errors.ExceedsInvoiceBalance(
                number, amount=facts["amount"], balance=facts["balance"], currency=source.currency, field=(*line, "amount")
            )
