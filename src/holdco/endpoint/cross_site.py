"""What other sites may ask for in the name of somebody's browser.

A page of any site can make a browser send a simple request here: a link, an image, a form. It cannot read the answer, but the
request is made with whatever lets this browser in. A POST of JSON is never simple: browsers ask first, by a preflight that
only the listed origins pass. That leaves GET, which passes when one of these holds:

1. A header that no simple request can carry: `Content-Type: application/json`, or one of HEADERS_WITH_PREFLIGHT. Apollo Server
   takes any Content-Type that is not simple; browsers have erred about unusual ones, so here it is this one only.
2. The browser itself says that no other site is behind it: `Sec-Fetch-Site: same-origin`, or `none` for a typed address.
3. The browser names an origin that is listed.
4. No browser is behind it: none of the headers that they send by themselves. Browsers of these years send Sec-Fetch-Site to
   every https address and to this machine, and Origin, Referer or Cookie wherever there is something to gain.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from holdco.endpoint.errors import ErrorCode, RequestError

HEADERS_WITH_PREFLIGHT: Final = ("apollo-require-preflight", "graphql-require-preflight", "x-apollo-operation-name")
_SENT_BY_BROWSERS: Final = ("sec-fetch-site", "origin", "referer", "cookie")
_PREFLIGHT_SECONDS: Final = 7200


def check_cross_site(headers: Headers, origins: Collection[str]) -> None:
    """Raises RequestError with CROSS_SITE_REQUEST for a GET that another site may have made a browser send."""
    if not any(name in headers for name in _SENT_BY_BROWSERS):
        return
    if headers.get("sec-fetch-site") in {"same-origin", "none"} or headers.get("origin") in origins:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or any(name in headers for name in HEADERS_WITH_PREFLIGHT):
        return
    raise RequestError(
        ErrorCode.CROSS_SITE_REQUEST,
        f"Another site may have made the browser send this GET: add the header {HEADERS_WITH_PREFLIGHT[0]}, or send a POST.",
    )


def with_cors(app: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """The application for pages of these origins too, which may send any header and be known by their cookies."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        allow_credentials=True,
        expose_headers=("x-request-id", "retry-after"),
        max_age=_PREFLIGHT_SECONDS,
    )
