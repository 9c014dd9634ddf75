"""start: how long `scripts/dev` takes to its first answer on data that is there."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from functools import partial
from pathlib import Path

import orjson
from measuring import Figure
from world import ROOT, Client, World, data_of, free_port, stop, wait_for_answer

from holdco.authentication.issuing import DEV_FILE

ROUNDS = 5


async def start(world: World, _limit: float | None) -> Figure:
    """The first start makes the data and is not counted."""
    taken = [_start(world) for _ in range(ROUNDS + 1)][1:]
    low, high = min(taken), max(taken)
    return Figure("start", value=statistics.median(taken), unit="s to the first answer", note=f"{low:.1f} to {high:.1f}")


def _ask(tokens: Path, client: Client) -> None:
    """With the token that the first start has made, before it answered."""
    client.token = orjson.loads(tokens.read_bytes())["staff"] if tokens.exists() else ""
    data_of(client.send("{ organization { name } }", {}))


def _start(world: World) -> float:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"HOLDCO_DATA_DIR": str(world.directory / "dev"), "HOLDCO_PORT": str(port)}
    begun = time.perf_counter()
    process = subprocess.Popen([ROOT / "scripts/dev"], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(port, process, partial(_ask, world.directory / "dev" / DEV_FILE))
        return time.perf_counter() - begun
    finally:
        stop(process)
