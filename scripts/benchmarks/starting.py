"""start: how long `scripts/dev` takes to its first answer on data that is there."""

from __future__ import annotations

import os
import statistics
import subprocess
import time

from measuring import Figure
from world import ROOT, World, free_port, stop, wait_for_answer

ROUNDS = 5


async def start(world: World, _limit: float | None) -> Figure:
    """The first start makes the data and is not counted."""
    taken = [_start(world) for _ in range(ROUNDS + 1)][1:]
    low, high = min(taken), max(taken)
    return Figure("start", value=statistics.median(taken), unit="s to the first answer", note=f"{low:.1f} to {high:.1f}")


def _start(world: World) -> float:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"HOLDCO_DATA_DIR": str(world.directory / "dev"), "HOLDCO_PORT": str(port)}
    begun = time.perf_counter()
    process = subprocess.Popen([ROOT / "scripts/dev"], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for_answer(port, process)
        return time.perf_counter() - begun
    finally:
        stop(process)
