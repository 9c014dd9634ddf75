"""Bounds what a connection may send before, between and after bodies, and how long it may take to send a head and a body.

uvicorn's parser keeps a head however long it grows, and a connection that sends nothing, or a byte now and then, for good.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any, Final

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A URL has at most 64 kB (the parser's own limit); what else a head has is cookies and a token.
HEAD_BYTES_MAX: Final = 128 * 1024
# Each is kept as three objects, however short it is.
HEADERS_MAX: Final = 200


def _refusal(status: bytes, text: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
        status,
        len(text),
        text,
    )


_TOO_LARGE: Final = _refusal(b"431 Request Header Fields Too Large", b"The request's head is too large.\n")
_TOO_SLOW: Final = _refusal(b"408 Request Timeout", b"The request took too long to arrive.\n")


class _Awaited(Enum):
    """What a connection still has to send before its last request is whole."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


class BoundedHeads(HttpToolsProtocol):
    """Refuses a head of more than HEAD_BYTES_MAX or HEADERS_MAX, and equally trailers or a chunk's extensions: with 431
    (RFC 6585, 5) while it grows, with 400, as whatever the parser stops at, where it came in one piece.

    What is counted are pieces from the network that neither complete a head nor bring any of a body. So two pieces more may be
    read than the limit says, and a body is never mistaken for a head.

    A head has to be whole `head_seconds` after the connection was made or its first byte came, a body `body_seconds` after its
    head; else the connection is closed, with 408 (RFC 9110, 15.5.9) where a part of a request has come and none of an answer has
    gone. Between requests uvicorn's own limit holds. A request that comes in one piece, as nearly all do, needs no timer.
    """

    _bytes_idle = 0
    _has_moved = False

    def __init__(self, *given: Any, head_seconds: float = 20, body_seconds: float = 60, **named: Any) -> None:
        super().__init__(*given, **named)
        self._seconds = {_Awaited.HEAD: head_seconds, _Awaited.BODY: body_seconds}
        self._awaited = _Awaited.HEAD
        # What the timer was started for, if it still is the same.
        self._timed: _Awaited | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._awaited = _Awaited.NOTHING
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._has_moved = False
        if self._awaited is _Awaited.NOTHING:
            self._awaited = _Awaited.HEAD
        super().data_received(data)
        if self._awaited is not self._timed:
            self._time()
        if self._has_moved:
            self._bytes_idle = 0
            return
        self._bytes_idle += len(data)
        is_too_large = self._bytes_idle > HEAD_BYTES_MAX or len(self.headers or ()) > HEADERS_MAX
        if is_too_large and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self._awaited = _Awaited.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._has_moved = True
        self._awaited = _Awaited.BODY
        if len(self.headers) > HEADERS_MAX:
            raise HttpParserError("too many headers")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._awaited, self._timed = _Awaited.NOTHING, None
        super().on_message_complete()

    def _time(self) -> None:
        self._stop_timer()
        self._timed = self._awaited
        if self._awaited is not _Awaited.NOTHING and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._seconds[self._awaited], self._end)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        """The time is up."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self.pipeline or (self._awaited is _Awaited.HEAD and is_answering):
            # A request before it is still being answered, and must not suffer; nor is more read meanwhile.
            self._time()
            return
        if not self.transport.is_closing():
            is_unanswered = self._awaited is _Awaited.HEAD or not self.cycle.response_started
            if is_unanswered and (self._bytes_idle or self._awaited is _Awaited.BODY):
                self.transport.write(_TOO_SLOW)
            self.transport.close()
