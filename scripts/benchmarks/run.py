"""Measures Holdco against hand-written SQL and a stock GraphQL server on the same rows in the same run.

Rival and ours take turns (A B A B …); a ratio is our median by the rival's. Ours is GraphQL over HTTP against a server
process, as users get it; the rival is SQL as an engineer would write it for this one purpose, sent by asyncpg in one
connection, or where it says so another server process. The status is 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import importing
import orjson
import paying
import reading
import small
import starting
import sums
import trees
from measuring import Figure, table
from world import ROOT, World, database, world

import bulk
import subscriptions
from holdco.settings import Settings


@dataclass(frozen=True)
class Bench:
    """`limit` is performance.md's; None where the figure is only told."""

    what: str
    limit: float | None
    measure: Callable[[World, float | None], Awaitable[Figure]]


BENCHES = {
    "tree": Bench("a tree of 888 objects, three levels nested, against Strawberry's own server", 1 / 6, trees.tree),
    "tree_floor": Bench("the same, against a bare route with hand-written SQL for just that", 1.6, trees.tree_floor),
    "tree_client_user": Bench("the same as a client user, against the same as staff", 1.25, trees.tree_client_user),
    "tree_sql": Bench("the same: SQL statements by relations in the document", 1.0, trees.tree_sql),
    "small": Bench("a customer of five fields to 16 connections, against Strawberry's own server", 1 / 2, small.small),
    "small_client_user": Bench("the same as a client user, against the same as staff", 1.25, small.small_client_user),
    "rollup": Bench("consolidated receivables of a tree of 50,000 customers", 1.2, reading.rollup),
    "rollup_page": Bench("a page of 50 head offices, each with its consolidated receivables", 1.3, reading.rollup_page),
    "insights": Bench("a page of 50 head offices, each with how it does by currency", 1.3, sums.insights),
    "descendants": Bench("the tree of 50,000 customers as a flat list, in pages of 500", 2.0, reading.descendants),
    "pay": Bench("one payment over 1,000 open invoices of 300 branches, recorded and applied", 2.0, paying.pay),
    "pay_concurrent": Bench("16 clients paying into one tree for 10 s; nothing lost, no error", None, paying.pay_concurrent),
    "subscriptions": Bench(
        "1,000 sockets, of which 100 are told of 100 commits a second; nothing lost, memory flat",
        None,
        subscriptions.subscriptions,
    ),
    "bulk": Bench(
        "111,000 customers updated by one job: what the slowest hundredth of small queries takes beside it, against without it",
        10.0,
        bulk.bulk,
    ),
    "import": Bench("100,000 invoice rows of a CSV file, against COPY of what they become", 6.0, importing.import_),
    "start": Bench("scripts/dev on existing data to its first answer", None, starting.start),
}


def arguments() -> argparse.ArgumentParser:
    listed = "\n".join(
        f"  {name:<17} {bench.what}" + (f"; at most {_told(bench.limit)}" if bench.limit else "")
        for name, bench in BENCHES.items()
    )
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog=f"benches:\n{listed}\n\nWithout DATABASE_URL a Postgres of our own runs in $HOLDCO_BENCH_DIR (default: "
        ".holdco-bench), where a second run\nfinds the bench data (about two minutes to load) again.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=BENCHES, metavar="NAME", help="measure this one; may be given again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well, as one JSON object")
    return parser


def _told(limit: float) -> str:
    return f"{limit} times" if limit >= 1 else f"1/{round(1 / limit)} of the time"


async def measure(names: list[str], settings: Settings, directory: Path) -> list[Figure]:
    figures = []
    async with world(settings, directory) as made:
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            bench = BENCHES[name]
            figures.append(await bench.measure(made, bench.limit))
    return figures


def main() -> None:
    given = arguments().parse_args()
    names = [name for name in BENCHES if not given.only or name in given.only]
    directory = Path(os.environ.get("HOLDCO_BENCH_DIR") or ROOT / ".holdco-bench").absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with database(directory) as settings:
        figures = asyncio.run(measure(names, settings, directory))
    print(table(figures))
    if given.json is not None:
        content = {figure.name: figure.as_json() for figure in figures}
        given.json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.exit(0 if all(figure.is_reached for figure in figures) else 1)


if __name__ == "__main__":
    main()
