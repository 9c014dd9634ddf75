"""Answers as bytes: JSON, and compressed where that pays."""

from __future__ import annotations

import asyncio
import gzip
import re
from functools import lru_cache
from typing import Any

import orjson
from starlette.responses import Response

# An answer below this fits into one packet anyway.
COMPRESSED_FROM = 1_400
# Above this compressing takes more than a few milliseconds. zlib lets other threads run meanwhile.
_IN_THREAD_FROM = 200_000
# Of 500 kB level 9 takes seven times as long as level 4 and saves a tenth.
_LEVEL = 4

_CODING = re.compile(r"(?:^|,)\s*(gzip|\*)\s*(?:;\s*q=([\d.]+)\s*)?(?=,|$)", re.IGNORECASE)


class JSONResponse(Response):
    """Without the steps of Starlette's own by which headers are merged: they are always the same."""

    def __init__(self, body: bytes, status: int, media_type: str, *, is_compressed: bool = False) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), *_headers(media_type)]
        if is_compressed:
            self.raw_headers.append((b"content-encoding", b"gzip"))


@lru_cache
def _headers(media_type: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Accept-Encoding"),
    ]


def encode(body: Any) -> bytes:
    """JSON as clients read it. Times, which are in UTC, end in Z, as the scalar writes them."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


async def compressed(response: JSONResponse, media_type: str, accepted: str | None) -> JSONResponse:
    """The response as a client reads it fastest that accepts these encodings (RFC 9110, 12.5.3)."""
    body = bytes(response.body)
    if len(body) < COMPRESSED_FROM or accepted is None or not accepts_gzip(accepted):
        return response
    if len(body) < _IN_THREAD_FROM:
        small = gzip.compress(body, _LEVEL, mtime=0)
    else:
        small = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    return JSONResponse(small, response.status_code, media_type, is_compressed=True)


@lru_cache(256)
def accepts_gzip(accepted: str) -> bool:
    """By what is said of gzip or, where nothing is, of everything; a quality of 0 says no."""
    qualities = {coding.lower(): quality for coding, quality in _CODING.findall(accepted)}
    quality = qualities.get("gzip", qualities.get("*", "0"))
    try:
        return float(quality or 1) > 0
    except ValueError:
        return False
