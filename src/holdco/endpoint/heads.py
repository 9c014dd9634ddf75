"""Bounds what a connection may send before, between and after bodies: uvicorn's parser keeps a head however long it grows."""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A URL has at most 64 kB (the parser's own limit); what else a head has is cookies and a token.
HEAD_BYTES_MAX: Final = 128 * 1024
# Each is kept as three objects, however short it is.
HEADERS_MAX: Final = 200

_TEXT: Final = b"The request's head is too large.\n"
_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TEXT), _TEXT)
)


class BoundedHeads(HttpToolsProtocol):
    """Refuses a head of more than HEAD_BYTES_MAX or HEADERS_MAX, and equally trailers or a chunk's extensions: with 431
    (RFC 6585, 5) while it grows, with 400, as whatever the parser stops at, where it came in one piece.

    What is counted are pieces from the network that neither complete a head nor bring any of a body. So two pieces more may be
    read than the limit says, and a body is never mistaken for a head.
    """

    _bytes_idle = 0
    _has_moved = False

    def data_received(self, data: bytes) -> None:
        self._has_moved = False
        super().data_received(data)
        if self._has_moved:
            self._bytes_idle = 0
            return
        self._bytes_idle += len(data)
        is_too_large = self._bytes_idle > HEAD_BYTES_MAX or len(self.headers or ()) > HEADERS_MAX
        if is_too_large and not self.transport.is_closing():
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._has_moved = True
        if len(self.headers) > HEADERS_MAX:
            raise HttpParserError("too many headers")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_moved = True
        super().on_body(body)
