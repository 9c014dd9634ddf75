"""Answers as bytes: JSON, and compressed where that pays."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import orjson
from starlette.responses import Response

from holdco.endpoint.encoding import Encoding, accepted_encoding

# What transports send that stay open; a fragment was encoded already, once for several clients.
Answer = dict[str, Any] | orjson.Fragment

# An answer below this fits into one packet anyway.
COMPRESSED_FROM = 1_400


class JSONResponse(Response):
    """Without the steps of Starlette's own by which headers are merged: they are always the same."""

    def __init__(self, body: bytes, status: int, media_type: str, encoding: Encoding | None = None) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), *_headers(media_type)]
        if encoding is not None:
            self.raw_headers.append((b"content-encoding", encoding.name.encode()))


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
    encoding = accepted_encoding(accepted) if len(body) >= COMPRESSED_FROM and accepted is not None else None
    if encoding is None:
        return response
    is_short = len(body) < encoding.in_thread_from
    small = encoding.compress(body) if is_short else await asyncio.to_thread(encoding.compress, body)
    return JSONResponse(small, response.status_code, media_type, encoding)
