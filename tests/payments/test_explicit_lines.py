"""Lines that a client gives itself, and the hash that ties a preview to what is done."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdco.payments.allocation import Line, Problem, ProblemCode, explicit_problems, fingerprint


def test_every_problem_of_explicit_lines_is_listed_with_its_facts() -> None:
    one, two, three, foreign = (UUID(int=key) for key in (1, 2, 3, 4))
    lines = [Line(one, 60), Line(two, 0), Line(one, 101), Line(three, -5), Line(foreign, 1000), Line(three, 30)]
    assert explicit_problems(lines, 1190, {one: 100, two: 50, three: 30}) == [
        Problem(1, ProblemCode.AMOUNT_NOT_POSITIVE, {"invoice_id": two, "amount": 0}),
        Problem(2, ProblemCode.DUPLICATE_INVOICE, {"invoice_id": one, "first_index": 0}),
        Problem(2, ProblemCode.EXCEEDS_INVOICE_BALANCE, {"invoice_id": one, "amount": 101, "balance": 100}),
        Problem(3, ProblemCode.AMOUNT_NOT_POSITIVE, {"invoice_id": three, "amount": -5}),
        Problem(5, ProblemCode.DUPLICATE_INVOICE, {"invoice_id": three, "first_index": 3}),
        Problem(None, ProblemCode.EXCEEDS_UNAPPLIED, {"amount": 1191, "available": 1190}),
    ]


def test_explicit_lines_may_use_up_balances_and_source_to_the_last_unit() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert explicit_problems([Line(one, 100), Line(two, 50)], 150, {one: 100, two: 50}) == []
    assert explicit_problems([], 0, {}) == []


def test_an_invoice_without_a_balance_takes_nothing() -> None:
    one = UUID(int=1)
    assert explicit_problems([Line(one, 1)], 10, {one: 0}) == [
        Problem(0, ProblemCode.EXCEEDS_INVOICE_BALANCE, {"invoice_id": one, "amount": 1, "balance": 0})
    ]


EXPLICIT_LINES = st.lists(st.builds(Line, st.integers(1, 6).map(lambda key: UUID(int=key)), st.integers(-20, 60)), max_size=8)
BALANCES = st.dictionaries(st.integers(1, 5).map(lambda key: UUID(int=key)), st.integers(0, 40))


@given(EXPLICIT_LINES, st.integers(0, 150), BALANCES)
def test_explicit_lines_without_problems_are_those_that_keep_every_rule(
    lines: list[Line], available: int, balances: dict[UUID, int]
) -> None:
    problems = explicit_problems(lines, available, balances)
    by_code = {code: [problem.index for problem in problems if problem.code is code] for code in ProblemCode}
    seen = [line.invoice_id for line in lines]
    assert by_code == {
        ProblemCode.AMOUNT_NOT_POSITIVE: [index for index, line in enumerate(lines) if line.amount < 1],
        ProblemCode.DUPLICATE_INVOICE: [index for index, key in enumerate(seen) if key in seen[:index]],
        ProblemCode.EXCEEDS_INVOICE_BALANCE: [
            index
            for index, line in enumerate(lines)
            if line.amount > 0 and line.invoice_id in balances and line.amount > balances[line.invoice_id]
        ],
        ProblemCode.EXCEEDS_UNAPPLIED: [None] if sum(max(line.amount, 0) for line in lines) > available else [],
    }
    assert [problem.index for problem in problems] == sorted(
        (problem.index for problem in problems), key=lambda index: len(lines) if index is None else index
    )


FINGERPRINTED: dict[str, Any] = {
    "source_id": UUID(int=7),
    "available": 150,
    "lines": [Line(UUID(int=2), 50), Line(UUID(int=1), 100)],
    "balances": {UUID(int=1): 100, UUID(int=2): 80},
}


def test_a_fingerprint_is_the_hash_of_a_documented_text() -> None:
    text = f"holdco plan 1 {7:032x} 150\n{1:032x} 100 100\n{2:032x} 50 80"
    assert fingerprint(**FINGERPRINTED) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"source_id": UUID(int=8)},
        {"available": 151},
        {"lines": [Line(UUID(int=2), 49), Line(UUID(int=1), 100)]},
        {"lines": [Line(UUID(int=1), 100)]},
        {"lines": []},
        {"lines": [Line(UUID(int=1), 50), Line(UUID(int=2), 100)]},
        {"balances": {UUID(int=1): 100, UUID(int=2): 81}},
    ],
)
def test_a_fingerprint_changes_with_whatever_the_plan_rests_on(change: dict[str, Any]) -> None:
    assert fingerprint(**(FINGERPRINTED | change)) != fingerprint(**FINGERPRINTED)


def test_a_fingerprint_ignores_the_order_of_lines_and_balances_of_other_invoices() -> None:
    same = {"lines": FINGERPRINTED["lines"][::-1], "balances": FINGERPRINTED["balances"] | {UUID(int=3): 5}}
    assert fingerprint(**(FINGERPRINTED | same)) == fingerprint(**FINGERPRINTED)


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    program = (
        "from uuid import UUID; from holdco.payments.allocation import Line, fingerprint;"
        "print(fingerprint(source_id=UUID(int=7), available=150, lines=[Line(UUID(int=2), 50), Line(UUID(int=1), 100)],"
        " balances={UUID(int=1): 100, UUID(int=2): 80}))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == fingerprint(**FINGERPRINTED)
