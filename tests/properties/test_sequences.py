"""Whatever clients do, in whatever order, Holdco does what a plain model does, and every figure stays right (domain.md 2.14).

Sequences come from a plain random generator and not from hypothesis. Its state machines leave out some of the steps in each
sequence, and its next example is often the one before with a part of it repeated; what is to be looked at takes all steps and as
many different ones as there is time for: a tree, invoices in it, money that is applied, and then something in its way. A
sequence that fails is shortened here.

HOLDCO_EXAMPLES says how many sequences are told (default: a few, the same in each run), HOLDCO_EXAMPLES_FROM with which number
they begin. `HOLDCO_EXAMPLES=2000 scripts/test tests/properties` takes an hour.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.database import create_engine
from properties.machine import Drawn, drawn_step
from properties.money import Sequences

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "8"))
FROM = int(os.environ.get("HOLDCO_EXAMPLES_FROM", "0"))
LENGTH = 40

Sequence = list[tuple[str, Drawn]]


class Teller:
    """Tells sequences to organizations of their own."""

    def __init__(self, engine: AsyncEngine, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._engine = engine
        self._wait = wait

    def problem(self, settings: Drawn, sequence: Sequence) -> Exception | None:
        """What goes wrong when it is told, if anything does."""
        machine = Sequences(self._engine, self._wait)
        try:
            machine.begin(**settings)
            machine.everything_agrees()
            for name, drawn in sequence:
                getattr(machine, name)(**drawn)
                machine.everything_agrees()
        except Exception as problem:  # noqa: BLE001 (a defect is as good as a difference)
            return problem
        return None

    def shortened(self, settings: Drawn, sequence: Sequence) -> Sequence:
        """Without all steps that something goes wrong without: first halves, then quarters, then one by one."""
        size = len(sequence) // 2
        while size:
            for start in range(len(sequence) - size, -1, -size):
                shorter = sequence[:start] + sequence[start + size :]
                if self.problem(settings, shorter) is not None:
                    sequence = shorter
            size //= 2
        return sequence


def test_any_sequence_of_operations_does_what_a_plain_model_does(database_url: str) -> None:
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, pool_size=2)
        teller = Teller(engine, runner.run)
        try:
            for number in range(FROM, FROM + EXAMPLES):
                random = Random(number)
                settings = {
                    "depth_max": random.choice((None, None, 3, 2)),
                    "requires_clear": random.random() < 0.2,
                    "is_locked": random.random() < 0.4,
                }
                sequence = [drawn_step(Sequences, random) for _ in range(LENGTH)]
                if problem := teller.problem(settings, sequence):
                    sequence = teller.shortened(settings, sequence)
                    told = "\n".join(f"  {name} {drawn}" for name, drawn in sequence)
                    pytest.fail(f"Sequence {number}, {settings}:\n{told}\n{teller.problem(settings, sequence) or problem!r}")
        finally:
            runner.run(engine.dispose())
