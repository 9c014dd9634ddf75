"""scripts/bench without its timing: what it offers, what it writes, and when it fails."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {
    "tree": "at most 1/6 of the time",
    "tree_floor": "at most 1.6 times",
    "tree_client_user": "at most 1.25 times",
    "tree_sql": "at most 1.0 times",
    "small": "at most 1/2 of the time",
    "small_client_user": "at most 1.25 times",
    "rollup": "at most 1.2 times",
    "rollup_page": "at most 1.3 times",
    "insights": "at most 1.3 times",
    "descendants": "at most 2.0 times",
    "pay": "at most 2.0 times",
    "pay_concurrent": "nothing lost, no error",
    "subscriptions": "nothing lost, memory flat",
    "bulk": "at most 10.0 times",
    "import": "at most 6.0 times",
    "start": "to its first answer",
}


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts/bench", *arguments], capture_output=True, text=True, check=False, cwd="/")


def _module(name: str) -> Any:
    """A module of the bench, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / f"scripts/benchmarks/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measuring() -> Any:
    return _module("measuring")


def test_help_lists_every_bench_with_its_limit() -> None:
    done = _bench("--help")
    assert (done.returncode, done.stderr) == (0, "")
    described = {line.split()[0]: line for line in done.stdout.partition("benches:\n")[2].splitlines() if line.startswith("  ")}
    assert list(described) == list(LIMITS)
    assert all(limit in described[name] for name, limit in LIMITS.items())


def test_an_unknown_bench_is_refused() -> None:
    done = _bench("--only", "nothing")
    assert done.returncode == 2
    assert "invalid choice: 'nothing'" in done.stderr


def test_a_ratio_is_of_medians_and_is_reached_up_to_its_limit(measuring: Any) -> None:
    reached = measuring.figure_of("rollup", [0.1, 0.2, 9.0], [0.3, 0.22, 0.24], limit=1.2)
    assert reached.as_json() == {"ratio": 1.2, "limit": 1.2}
    assert reached.is_reached
    missed = measuring.figure_of("rollup", [0.1], [0.1201], limit=1.2)
    assert missed.as_json() == {"ratio": 1.201, "limit": 1.2}
    assert not missed.is_reached


def test_a_figure_without_a_rival_is_told_and_fails_only_when_something_is_wrong(measuring: Any) -> None:
    told = measuring.Figure("pay_concurrent", value=31.25, unit="payments per second")
    assert told.as_json() == {"ratio": None, "limit": None, "value": 31.25, "unit": "payments per second"}
    assert told.is_reached
    assert not measuring.Figure("pay_concurrent", value=31.25, unit="…", complaint="1 payment is lost").is_reached


async def test_rival_and_ours_take_turns_and_only_the_work_is_timed(measuring: Any) -> None:
    calls: list[str] = []

    def side(name: str) -> Any:
        async def prepare() -> str:
            calls.append(f"{name} prepares")
            return name

        async def work(prepared: str) -> str:
            calls.append(f"{prepared} works")
            return prepared

        async def check(answer: str) -> None:
            calls.append(f"{answer} is checked")

        return measuring.Side(work, check, prepare)

    rival, ours = side("rival"), side("ours")
    figure = await measuring.compare("pay", rival, ours, limit=2.0, rounds=2, warm_up=1)
    turn = [f"{name} {step}" for name in ("rival", "ours") for step in ("prepares", "works", "is checked")]
    assert calls == turn * 3
    assert (len(figure.rival), len(figure.ours)) == (2, 2)


def test_the_table_says_what_was_missed_and_what_failed(measuring: Any) -> None:
    figures = [
        measuring.figure_of("pay", [0.05], [0.075], limit=2.0),
        measuring.figure_of("descendants", [0.001], [0.01], limit=2.0, note="flat"),
        measuring.Figure("start", value=1.25, unit="s"),
        measuring.Figure("pay_concurrent", complaint="1 payment is lost"),
    ]
    lines = [line.split() for line in measuring.table(figures).splitlines()]
    assert lines[0] == ["name", "ours,", "ms", "rival,", "ms", "ratio", "limit"]
    assert lines[2:] == [
        ["pay", "75.0", "(75.0", "to", "75.0)", "50.0", "(50.0", "to", "50.0)", "1.50", "2.00", "reached"],
        ["descendants", "10.0", "(10.0", "to", "10.0)", "1.0", "(1.0", "to", "1.0)", "10.00", "2.00", "MISSED", "flat"],
        ["start", "1.2", "s"],
        ["pay_concurrent", "FAILED", "1", "payment", "is", "lost"],
    ]


async def test_statements_are_counted_whoever_sends_them_and_transactions_are_not(engine: AsyncEngine) -> None:
    with _module("counting").counted_statements() as statements:
        own = create_async_engine(engine.url, pool_size=1)
        async with own.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.fetch("select 0")
            statements.clear()
            for _ in range(2):
                await connection.execute(text("select 1"))
            await raw.fetch("select 2 where $1", True)
            await raw.execute("select 3")
            prepared = await raw.prepare("select 4")
            await prepared.fetch()
            await prepared.fetchval()
            assert [row async for row in raw.cursor("select generate_series(1, 5)", prefetch=2)] != []
        await own.dispose()
    counted = ["select 1", "select 1", "select 2 where $1", "select 3", "select 4", "select 4", "select generate_series(1, 5)"]
    assert statements == counted
