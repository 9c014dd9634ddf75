"""Headers whose value is a list. Such a header may stand in several lines, and proxies that add to one add a line."""

from __future__ import annotations

from starlette.datastructures import Headers


def listed(headers: Headers, name: str) -> str | None:
    """All lines of the header as one (RFC 9110, 5.3), None where there is none. Not for headers that have one value."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None
