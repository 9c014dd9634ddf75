"""The browser of this machine, where it has one."""

from __future__ import annotations

import os
import shutil


def path() -> str | None:
    """HOLDCO_CHROMIUM, or else the first of `chromium` and `chromium-browser` on the PATH."""
    return os.environ.get("HOLDCO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def report() -> str:
    """A word for the header of a test run."""
    found = path()
    return f"GraphiQL in {found}" if found else "GraphiQL is not tested in a browser: no chromium on PATH, nor in HOLDCO_CHROMIUM"
