"""How the JavaScript part of the tests gets its packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from clients.packages import HERE, MODULES, NotInstalled, install

PACKAGE = orjson.loads((HERE / "package.json").read_bytes())
LOCK = orjson.loads((HERE / "package-lock.json").read_bytes())


def test_every_package_is_pinned_and_what_is_installed_is_what_the_lock_says() -> None:
    named = PACKAGE["devDependencies"]
    assert all(version[0].isdigit() for version in named.values())
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in named} == named
    installed = {name: orjson.loads((MODULES / name / "package.json").read_bytes())["version"] for name in named}
    assert installed == named


def test_the_lock_names_hashes_and_no_address() -> None:
    assert "://" not in (HERE / "package-lock.json").read_text("utf-8")
    assert [name for name, entry in LOCK["packages"].items() if name and not entry["integrity"].startswith("sha512-")] == []


def test_without_a_registry_it_is_said_what_to_do_and_nothing_counts_as_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "clients"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(NotInstalled, match=r"ECONNREFUSED.*\n(.*\n)*Check that this machine reaches the npm registry"):
        install(folder)
    assert not (folder / "node_modules" / "installed").exists()
