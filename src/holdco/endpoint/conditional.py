"""Persisted queries by GET: short addresses whose answers browsers keep, and ask again whether they still hold."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from holdco.endpoint.headers import listed
from holdco.endpoint.response import JSONResponse, compressed

# Kept by this one reader's browser, since the answer is what this reader may see, and asked for again each time, since a
# balance is never true for a while. What that saves is the way of the bytes, not the work.
_KEPT: Final = "private, no-cache"


async def answer_conditionally(response: JSONResponse, media_type: str, headers: Headers) -> Response:
    """The answer with its ETag, or 304 without a body when the client has it already (RFC 9110, 13.1.2 and 15.4.5)."""
    tag = entity_tag(bytes(response.body), media_type)
    if is_named(tag, listed(headers, "if-none-match")):
        vary = response.headers["vary"]
        return Response(None, 304, {"etag": tag, "cache-control": _KEPT, "vary": vary})
    answer = await compressed(response, media_type, listed(headers, "accept-encoding"))
    answer.headers["cache-control"] = _KEPT
    answer.headers["etag"] = tag
    return answer


def entity_tag(body: bytes, media_type: str) -> str:
    """A weak one: the answer is the same however it is compressed on its way (RFC 9110, 8.8.1)."""
    return f'W/"{hashlib.sha256(media_type.encode() + b" " + body).hexdigest()[:32]}"'


def is_named(tag: str, if_none_match: str | None) -> bool:
    """Weak comparison, as If-None-Match asks for. Our tags have no comma."""
    if if_none_match is None:
        return False
    opaque = tag.removeprefix("W/")
    return any(named in {"*", opaque} for each in if_none_match.split(",") for named in [each.strip().removeprefix("W/")])
