"""`scripts/graphiql` against a registry of our own: what it installs, and what it leaves alone when something is wrong."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from endpoint.misbehaving_server import serve

REPOSITORY = Path(__file__).parent.parent.parent
FILES = {
    "LICENSE": "LICENSE",
    "dist/graphiql.css": "graphiql.css.gz",
    "dist/yoga-graphiql.umd.js": "graphiql.js.gz",
    "dist/monacoeditorwork/editor.worker.bundle.js": "editor.worker.js.gz",
    "dist/monacoeditorwork/graphql.worker..bundle.js": "graphql.worker.js.gz",
    "dist/monacoeditorwork/json.worker.bundle.js": "json.worker.js.gz",
}


def tarball(text: str) -> bytes:
    """A package of the same shape as the real one; every file holds `text` and its own name."""
    packed = io.BytesIO()
    manifest = json.dumps({"name": "@graphql-yoga/graphiql", "version": "4.5.0"})
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {"package.json": manifest, **{name: f"{text} {name}" for name in FILES}}.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return packed.getvalue()


def integrity(content: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


TARBALL = tarball("first")


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """A package registry that has one package."""

    async def package(request: Request) -> Response:
        dist = {"tarball": f"{request.base_url}package.tgz", "integrity": integrity(TARBALL)}
        version = {"name": "@graphql-yoga/graphiql", "version": "4.5.0", "dist": dist}
        return JSONResponse({"name": "@graphql-yoga/graphiql", "dist-tags": {}, "versions": {"4.5.0": version}})

    async def content(_: Request) -> Response:
        return Response(TARBALL)

    yield from serve(Starlette(routes=[Route("/package.tgz", content), Route("/{name:path}", package)]))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a space in its path, whose script knows our package by its hash."""
    root = tmp_path / "a checkout"
    (root / "scripts").mkdir(parents=True)
    (root / "src/holdco/endpoint").mkdir(parents=True)
    (root / ".venv").symlink_to(REPOSITORY / ".venv")
    (root / "scripts/install").write_text("#!/bin/sh\n")
    (root / "scripts/install").chmod(0o755)
    know(root, TARBALL)
    return root


def know(root: Path, content: bytes) -> None:
    source = (REPOSITORY / "scripts/graphiql").read_text()
    pinned = next(line for line in source.splitlines() if line.startswith("INTEGRITY = "))
    (root / "scripts/graphiql").write_text(source.replace(pinned, f'INTEGRITY = "{integrity(content)}"'))
    shutil.copymode(REPOSITORY / "scripts/graphiql", root / "scripts/graphiql")


def run(root: Path, registry: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Python for the script itself, and nothing else: neither a Node nor an npm of the machine.
    tools = root / "tools"
    tools.mkdir(exist_ok=True)
    if not (tools / "python3").exists():
        (tools / "python3").symlink_to(sys.executable)
    environment = {"PATH": str(tools), "HOME": str(root), "npm_config_registry": registry}
    command: list[str | Path] = [root / "scripts/graphiql", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def contents(root: Path) -> dict[str, bytes]:
    folder = root / "src/holdco/endpoint/graphiql"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_help_says_what_it_does_and_fetches_nothing(checkout: Path, registry: str) -> None:
    done = run(checkout, registry, "--help")
    assert done.returncode == 0
    assert "npm registry" in done.stdout
    assert contents(checkout) == {}


def test_the_files_are_installed_once_with_no_node_on_the_path(checkout: Path, registry: str) -> None:
    first = run(checkout, registry)
    assert first.returncode == 0, first.stderr
    installed = contents(checkout)
    assert set(installed) == {f"bundle/{name}" for name in FILES.values()} | {"bundle/integrity"}
    for packed, name in FILES.items():
        content = installed[f"bundle/{name}"]
        assert (gzip.decompress(content) if name.endswith(".gz") else content) == f"first {packed}".encode()
    assert installed["bundle/integrity"].decode() == integrity(TARBALL)

    second = run(checkout, "http://127.0.0.1:1/")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert contents(checkout) == installed


def test_an_installation_that_lacks_a_file_or_has_another_version_is_replaced(checkout: Path, registry: str) -> None:
    assert run(checkout, registry).returncode == 0
    installed = contents(checkout)
    (checkout / "src/holdco/endpoint/graphiql/bundle/graphiql.js.gz").unlink()
    assert run(checkout, registry).returncode == 0
    assert contents(checkout) == installed
    (checkout / "src/holdco/endpoint/graphiql/bundle/integrity").write_text("sha512-of-an-older-version")
    assert run(checkout, registry).returncode == 0
    assert contents(checkout) == installed


def test_a_package_with_another_hash_is_refused_and_the_old_one_stays(checkout: Path, registry: str) -> None:
    assert run(checkout, registry).returncode == 0
    installed = contents(checkout)
    know(checkout, tarball("second"))
    refused = run(checkout, registry)
    assert refused.returncode == 1
    assert "is not what this script knows" in refused.stderr
    assert contents(checkout) == installed


def test_without_a_registry_it_fails_with_what_to_do_and_leaves_nothing(checkout: Path) -> None:
    failed = run(checkout, "http://127.0.0.1:1/")
    assert failed.returncode == 1
    assert "npm could not fetch @graphql-yoga/graphiql@4.5.0" in failed.stderr
    assert "run scripts/graphiql again" in failed.stderr
    assert contents(checkout) == {}
    assert list((checkout / "src/holdco/endpoint/graphiql").iterdir()) == []
