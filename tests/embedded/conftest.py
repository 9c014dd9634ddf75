"""Folders and users for embedded servers. As root, what must hold for everybody is tried as root and as an ordinary user."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import holdco.embedded
from embedded.running import Account, Application, copy_of_wheel, processes_of, wait_for_the_end_of

# Processes are looked at through /proc; without it, as on macOS, these tests could see none.
collect_ignore_glob = [] if Path("/proc/self").exists() else ["test_*.py"]

Start = Callable[..., Application]

# As root, first root and then an ordinary user; else only ourselves.
ACCOUNTS = ["root", "ordinary"] if os.geteuid() == 0 else ["ourselves"]
with_one_account = pytest.mark.parametrize("account", ACCOUNTS[:1], indirect=True)
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the server another user")


@contextmanager
def open_folder() -> Iterator[Path]:
    """One that any user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="holdco-embedded-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def ordinary_account(stage: Path) -> Account:
    """Somebody whom every machine knows, with copies of us, because our checkout may be closed to others."""
    user = pwd.getpwnam("nobody")
    (stage / "holdco").mkdir()
    (stage / "holdco/__init__.py").touch()
    shutil.copy(Path(holdco.embedded.__file__), stage / "holdco")
    shutil.copy(Path(__file__).with_name("application.py"), stage)
    copy_of_wheel(stage)
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        account = Account("ordinary", user.pw_uid, user.pw_gid, python, {"PYTHONPATH": str(stage)})
        question = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(question, check=False, cwd="/", **account.identity).returncode == 0:
                return account
        except OSError:
            continue
    pytest.skip("no Python 3.11 on this machine can be run by an ordinary user")


@pytest.fixture(scope="session", params=ACCOUNTS)
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Who runs the applications."""
    with open_folder() as stage:
        if request.param == "ordinary":
            yield ordinary_account(stage)
        else:
            yield Account(request.param, os.geteuid(), os.getegid())


@contextmanager
def without_leftovers(folder: Path) -> Iterator[None]:
    """In the end no process works in the folder, whatever became of the test."""
    yield
    left = processes_of(folder)
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
    wait_for_the_end_of(folder)
    assert left == []


@pytest.fixture
def place(account: Account) -> Iterator[Path]:
    """An empty folder of the account."""
    with open_folder() as folder, without_leftovers(folder):
        os.chown(folder, account.uid, account.gid)
        yield folder


@pytest.fixture(scope="session")
def made(account: Account) -> Iterator[Path]:
    with open_folder() as place:
        os.chown(place, account.uid, account.gid)
        Application(account, place / "holdco", {}).ready().leave()
        yield place / "holdco"


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """A data folder with a cluster, the same for all tests because making one takes a while. Its server is stopped."""
    with without_leftovers(made):
        yield made


@pytest.fixture
def start(account: Account) -> Iterator[Start]:
    """Starts applications of the account; those still there in the end are killed, and their server must follow them."""
    applications: list[tuple[Application, Path]] = []

    def start_one(folder: Path, **environment: str) -> Application:
        applications.append((Application(account, folder, environment), folder))
        return applications[-1][0]

    yield start_one
    for application, _ in applications:
        application.end(signal.SIGKILL)
    for _, folder in applications:
        wait_for_the_end_of(folder)
