"""Which names this server answers to.

A page of any site can let its own name point here once it is loaded (DNS rebinding). For the browser it then asks its own site:
no rule about origins holds, and it reads every answer. What gives it away is the Host header, which has that site's name.

    HOLDCO_HOSTS                        answered
    not set, bound to this machine      addresses, localhost and names below it
    not set, bound to others            every name
    set                                 those names, addresses, localhost and names below it

An address is a name that nobody can point elsewhere, and localhost is this machine by its definition (RFC 6761, 6.3). So
whoever starts here, and health probes, which ask by address, need no setting. Servers for development do the same (Vite, Rails).
Who binds to others lets them in by a token and not by where they ask from, and a page that comes by rebinding has none; by which
names that machine is known cannot be known here. A request without a Host comes from no browser.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.endpoint.response import JSONResponse, encode
from holdco.monitoring import metrics

# Names have at most 253 characters (RFC 1035, 2.3.4), and ports five.
_BYTES_MAX: Final = 260
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+?)\.?(?::[0-9]*)?")


def with_hosts(app: ASGIApp, *, bound_to: str, hosts: Collection[str]) -> ASGIApp:
    """The application for requests whose Host is answered; others get 421 (RFC 9110, 15.5.20), a WebSocket's 403."""
    if "*" in hosts or not (hosts or is_this_machine(bound_to)):
        return app
    is_answered = _answered(hosts)

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            for name, value in scope["headers"]:
                if name == b"host" and not (len(value) <= _BYTES_MAX and is_answered(value)):
                    await _refuse(scope, receive, send)
                    return
        await app(scope, receive, send)

    return checked


def _answered(hosts: Collection[str]) -> Callable[[bytes], bool]:
    exact = {each for each in hosts if not each.startswith("*.")} | {"localhost"}
    below = (".localhost", *(each[1:] for each in hosts if each.startswith("*.")))

    @lru_cache(256)
    def is_answered(value: bytes) -> bool:
        found = _HOST.fullmatch(value.decode("latin-1").lower())
        if found is None:
            return False
        name = found[1]
        return name in exact or name.endswith(below) or _is_address(name)

    return is_answered


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_this_machine(host: str) -> bool:
    """Whether a server that binds there can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    code = ErrorCode.HOST_NOT_SERVED
    metrics.REFUSALS.labels(code.name).inc()
    refusal = RequestError(code, "This server is not known by the name in the Host header: HOLDCO_HOSTS has those that it has.")
    await JSONResponse(encode({"errors": refusal.presented()}), code.status, "application/json")(scope, receive, send)
