"""Many subscriptions and commits at once: each subscriber is told of all that it watches, and of nothing else."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from subscriptions.conftest import Server

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "scripts/benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bench of subscriptions, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("bench_subscriptions", BENCHMARKS / "subscriptions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


async def test_fifty_subscribers_are_told_of_every_commit_while_fifty_others_hear_nothing(server: Server, bench: Any) -> None:
    shape = bench.Shape(sockets=100, every=2, commits=120, rate=10_000, senders=8)
    outcome = await bench.measure(int(server.host.split(":")[1]), os.getpid(), shape, server.token)
    assert (outcome.complete, outcome.stray, outcome.refetches) == (50, 0, 0)
    assert len(outcome.latencies) == 50 * 120
    assert 50 <= outcome.events <= 50 * 120
    await server.until_subscribed(0)
