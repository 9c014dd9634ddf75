"""Decides which open invoices get how much of a payment or credit note: integers only, nothing is read or awaited.

The caller has chosen the invoices (one currency, eligible, in scope: domain.md A1, A2, A3, A7) and holds the locks. What is
decided here is the order (A6), the shares (2.7), and what is wrong with lines that a client gives itself (A4). The same
invoices give the same plan in whatever order they come: every order ends in the invoice's id.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from holdco import money


class Strategy(StrEnum):
    OLDEST_DUE_FIRST = "OLDEST_DUE_FIRST"
    OLDEST_ISSUED_FIRST = "OLDEST_ISSUED_FIRST"
    SELF_FIRST = "SELF_FIRST"
    CHILDREN_FIRST = "CHILDREN_FIRST"
    PROPORTIONAL = "PROPORTIONAL"
    SMALLEST_FIRST = "SMALLEST_FIRST"
    LARGEST_FIRST = "LARGEST_FIRST"
    CUSTOMER_ORDER = "CUSTOMER_ORDER"
    EXACT_MATCH = "EXACT_MATCH"
    EXPLICIT = "EXPLICIT"


class OpenInvoice(NamedTuple):
    """`balance` is in minor units; `depth` is that of its customer below the payer, 0 for the payer itself."""

    id: UUID
    customer_id: UUID
    number: str
    invoice_date: date
    due_date: date
    balance: int
    depth: int


class Line(NamedTuple):
    invoice_id: UUID
    amount: int


class PlanNote(StrEnum):
    """Why EXACT_MATCH applied nothing."""

    NO_EXACT_MATCH = "NO_EXACT_MATCH"
    AMBIGUOUS_EXACT_MATCH = "AMBIGUOUS_EXACT_MATCH"
    EXACT_MATCH_SEARCH_LIMIT = "EXACT_MATCH_SEARCH_LIMIT"


class Plan(NamedTuple):
    """Minor units; allocated + unapplied is what was available. Lines are in the order in which the money was handed out."""

    lines: list[Line]
    allocated: int
    unapplied: int
    note: PlanNote | None = None


class ProblemCode(StrEnum):
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE"
    EXCEEDS_INVOICE_BALANCE = "EXCEEDS_INVOICE_BALANCE"
    EXCEEDS_UNAPPLIED = "EXCEEDS_UNAPPLIED"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the line at `index`, or with all of them together where it is None.

    `facts` by code: AMOUNT_NOT_POSITIVE invoice_id, amount; DUPLICATE_INVOICE invoice_id, first_index;
    EXCEEDS_INVOICE_BALANCE invoice_id, amount, balance; EXCEEDS_UNAPPLIED amount, available.
    """

    index: int | None
    code: ProblemCode
    facts: dict[str, UUID | int]


STEPS_MAX: Final = 100_000
"""How many partial sums the search of EXACT_MATCH may look at: some 30 invoices of different balances, in about 20 ms."""

# From a sum of balances to the way that leads to it, or to _SEVERAL.
_Ways: TypeAlias = dict[int, int]
_SEVERAL: Final = -1


def plan(
    strategy: Strategy,
    available: int,
    invoices: Sequence[OpenInvoice],
    *,
    payer_id: UUID,
    customer_order: Sequence[UUID] = (),
) -> Plan:
    """What of `available` goes to which invoice (domain.md A6). Nothing goes beyond a balance; the rest stays unapplied.

    - OLDEST_DUE_FIRST: by due date, invoice date, number, id. This is the default order that settles ties elsewhere.
    - OLDEST_ISSUED_FIRST: by invoice date, due date, number, id.
    - SELF_FIRST, CHILDREN_FIRST: the payer's own invoices before or after all others.
    - SMALLEST_FIRST, LARGEST_FIRST: by balance.
    - CUSTOMER_ORDER: as `customer_order` lists the customers; the invoices of others are not touched.
    - PROPORTIONAL: to each by its balance (2.7), ties by due date, number, id; a share of 0 is no line.
    - EXACT_MATCH: the one invoice whose balance is the amount; failing that, the one set of invoices whose balances add up
      to it; failing that, nothing, and `note` says why. See `_exact_match` for what counts as one.

    Numbers compare by code point, as they do in the database. Invoices without a positive balance are not open and get
    nothing. Raises ValueError for EXPLICIT, whose lines are the client's (`explicit_problems`), for a negative amount, and
    for an invoice that is listed twice.
    """
    if strategy is Strategy.EXPLICIT:
        raise ValueError("The lines of an explicit allocation are given, not planned.")
    if available < 0:
        raise ValueError(f"There cannot be {available} available.")
    if len({invoice.id for invoice in invoices}) != len(invoices):
        raise ValueError("An invoice is listed twice.")

    candidates = [invoice for invoice in invoices if invoice.balance > 0]
    if strategy is Strategy.EXACT_MATCH:
        matched = _exact_match(available, sorted(candidates, key=_by_due_date))
        if isinstance(matched, PlanNote):
            return Plan([], 0, available, matched)
        lines = [Line(invoice.id, invoice.balance) for invoice in matched]
    elif strategy is Strategy.PROPORTIONAL:
        lines = _in_proportion(available, sorted(candidates, key=lambda each: (each.due_date, each.number, each.id)))
    else:
        if strategy is Strategy.CUSTOMER_ORDER:
            listed = frozenset(customer_order)
            candidates = [invoice for invoice in candidates if invoice.customer_id in listed]
        lines = _in_turn(available, sorted(candidates, key=_order(strategy, payer_id, customer_order)))
    allocated = sum(line.amount for line in lines)
    return Plan(lines, allocated, available - allocated)


def explicit_problems(lines: Sequence[Line], available: int, balances: Mapping[UUID, int]) -> list[Problem]:
    """Everything that is wrong with lines that a client gives, line by line and last the sum (domain.md A4). Empty: nothing.

    A line may have several problems, listed in the order of ProblemCode. The first line of an invoice is no duplicate, each
    further one is. A line is compared with its invoice's balance on its own. Invoices that `balances` does not have are for
    the caller to refuse; here their balance is not checked, but their amounts count. The sum is that of the positive
    amounts: a negative line is wrong, and must not hide that the others ask for too much.
    """
    problems: list[Problem] = []
    first_indexes: dict[UUID, int] = {}
    for index, (invoice_id, amount) in enumerate(lines):
        if amount <= 0:
            problems.append(Problem(index, ProblemCode.AMOUNT_NOT_POSITIVE, {"invoice_id": invoice_id, "amount": amount}))
        first_index = first_indexes.setdefault(invoice_id, index)
        if first_index != index:
            problems.append(Problem(index, ProblemCode.DUPLICATE_INVOICE, {"invoice_id": invoice_id, "first_index": first_index}))
        balance = balances.get(invoice_id)
        if balance is not None and amount > max(balance, 0):
            facts: dict[str, UUID | int] = {"invoice_id": invoice_id, "amount": amount, "balance": balance}
            problems.append(Problem(index, ProblemCode.EXCEEDS_INVOICE_BALANCE, facts))
    requested = sum(line.amount for line in lines if line.amount > 0)
    if requested > available:
        problems.append(Problem(None, ProblemCode.EXCEEDS_UNAPPLIED, {"amount": requested, "available": available}))
    return problems


def fingerprint(*, source_id: UUID, available: int, lines: Sequence[Line], balances: Mapping[UUID, int]) -> str:
    """The planHash of A6: SHA-256, in hex, of what a plan rests on and does. Same plan, same hash, in any process.

    It covers the source, what it had available, and each line with its invoice's balance at the time; `balances` has all of
    these invoices and may have others, which do not count. The order of the lines does not matter: it changes nothing that
    is written.
    """
    canonical = [f"holdco plan 1 {source_id.hex} {available}"]
    canonical += sorted(f"{line.invoice_id.hex} {line.amount} {balances[line.invoice_id]}" for line in lines)
    return hashlib.sha256("\n".join(canonical).encode("ascii")).hexdigest()


def _by_due_date(invoice: OpenInvoice) -> tuple[date, date, str, UUID]:
    return (invoice.due_date, invoice.invoice_date, invoice.number, invoice.id)


def _order(strategy: Strategy, payer_id: UUID, customer_order: Sequence[UUID]) -> Callable[[OpenInvoice], tuple[Any, ...]]:
    """What a strategy looks at first, and then the default order. A customer that is listed twice keeps its first place."""
    turns = {customer_id: turn for turn, customer_id in reversed(list(enumerate(customer_order)))}
    first: Callable[[OpenInvoice], Any] = {
        Strategy.OLDEST_DUE_FIRST: lambda each: each.due_date,
        Strategy.OLDEST_ISSUED_FIRST: lambda each: each.invoice_date,
        Strategy.SELF_FIRST: lambda each: each.customer_id != payer_id,
        Strategy.CHILDREN_FIRST: lambda each: each.customer_id == payer_id,
        Strategy.SMALLEST_FIRST: lambda each: each.balance,
        Strategy.LARGEST_FIRST: lambda each: -each.balance,
        Strategy.CUSTOMER_ORDER: lambda each: turns[each.customer_id],
    }[strategy]
    return lambda each: (first(each), *_by_due_date(each))


def _in_turn(available: int, invoices: Sequence[OpenInvoice]) -> list[Line]:
    lines: list[Line] = []
    for invoice in invoices:
        if available == 0:
            break
        amount = min(available, invoice.balance)
        lines.append(Line(invoice.id, amount))
        available -= amount
    return lines


def _in_proportion(available: int, invoices: Sequence[OpenInvoice]) -> list[Line]:
    balances = [invoice.balance for invoice in invoices]
    amounts = balances if available >= sum(balances) else money.split_proportionally(available, balances)
    return [Line(invoice.id, amount) for invoice, amount in zip(invoices, amounts, strict=True) if amount > 0]


class _Kind(NamedTuple):
    """The invoices of one customer that have the same balance, in default order."""

    balance: int
    invoices: list[OpenInvoice]


def _exact_match(available: int, invoices: Sequence[OpenInvoice]) -> list[OpenInvoice] | PlanNote:
    """The invoices, given and returned in default order, that `available` settles with nothing over, or why there are none.

    Who asks for an exact match wants to be sure. Several invoices of the same balance that belong to *one* customer leave
    no doubt worth a question: whichever is paid, that customer owes the same, so the oldest are, as with any payment that
    names no invoice. Between *different* customers the choice decides who is freed of a debt; it is left to a person, and
    nothing is applied. Hence what has to be unique is how many invoices of each customer and balance are taken.
    """
    kinds: dict[tuple[int, UUID], _Kind] = {}
    for invoice in invoices:
        if invoice.balance <= available:
            key = (invoice.balance, invoice.customer_id)
            kinds.setdefault(key, _Kind(invoice.balance, [])).invoices.append(invoice)
    single = [kind for kind in kinds.values() if kind.balance == available]
    if len(single) == 1:
        return single[0].invoices[:1]
    if single:
        return PlanNote.AMBIGUOUS_EXACT_MATCH

    # Largest first, so that sums soon exceed the target and fall away.
    counts = _unique_counts(available, sorted(kinds.values(), key=lambda kind: -kind.balance))
    if isinstance(counts, PlanNote):
        return counts
    taken = {invoice.id for kind, count in counts for invoice in kind.invoices[:count]}
    return [invoice for invoice in invoices if invoice.id in taken]


def _unique_counts(available: int, kinds: Sequence[_Kind]) -> list[tuple[_Kind, int]] | PlanNote:
    """How many invoices of each kind to take so that their balances add up to `available`, when there is only one way.

    Finding out is exponential at worst, so the work is capped by STEPS_MAX. Two things stretch the cap: the kinds are dealt
    to two halves whose sums are matched at the end, and of what to take and what to leave out, the smaller sum is sought. A
    search that reaches the cap with two ways in hand knows the answer; with one or none it does not, and says so.
    """
    excess = sum(kind.balance * len(kind.invoices) for kind in kinds) - available
    if excess < 0:
        return PlanNote.NO_EXACT_MATCH
    target = min(available, excess)
    counts_max = [min(len(kind.invoices), target // kind.balance) for kind in kinds]
    # A way is one integer in which each kind's count has its own bits, from its offset on.
    offsets = [0, *itertools.accumulate(count_max.bit_length() for count_max in counts_max)]

    left: _Ways = {0: 0}
    right: _Ways = {0: 0}
    steps = 0
    for kind, count_max, offset in zip(kinds, counts_max, offsets, strict=False):
        steps += min(len(left), len(right)) * count_max
        if steps > STEPS_MAX:
            break
        if len(left) <= len(right):
            left = _extended(left, kind.balance, count_max, offset, target)
        else:
            right = _extended(right, kind.balance, count_max, offset, target)
    way = _joined(left, right, target)
    if way == _SEVERAL:
        return PlanNote.AMBIGUOUS_EXACT_MATCH
    if steps > STEPS_MAX:
        return PlanNote.EXACT_MATCH_SEARCH_LIMIT
    if way is None:
        return PlanNote.NO_EXACT_MATCH
    counts = [(way >> start) & ((1 << (end - start)) - 1) for start, end in itertools.pairwise(offsets)]
    if target != available:
        counts = [len(kind.invoices) - count for kind, count in zip(kinds, counts, strict=True)]
    return list(zip(kinds, counts, strict=True))


def _extended(ways: _Ways, balance: int, count_max: int, offset: int, target: int) -> _Ways:
    """The sums up to `target` that `ways` reaches with 0 to `count_max` times `balance` on top."""
    extended = dict(ways)
    for count in range(1, count_max + 1):
        added = count * balance
        mark = count << offset
        for amount, way in ways.items():
            reached = amount + added
            if reached <= target:
                extended[reached] = _SEVERAL if way == _SEVERAL or reached in extended else way + mark
    return extended


def _joined(left: _Ways, right: _Ways, target: int) -> int | None:
    """The one way to `target` with a sum of either half, _SEVERAL when there are more, None when there is none."""
    joined: int | None = None
    for amount, left_way in left.items():
        right_way = right.get(target - amount)
        if right_way is not None:
            if joined is not None or _SEVERAL in (left_way, right_way):
                return _SEVERAL
            joined = left_way + right_way
    return joined
