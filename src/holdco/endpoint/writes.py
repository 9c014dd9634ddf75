"""One call of the system for an answer: uvicorn writes its head and its body apart, and each would wake the client.

Such a call takes longer than all that this program does with a small answer; of small queries it took away a tenth.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

# More is written at once, so that a long answer is not copied, and that the transport can say that it has enough.
GATHERED_MAX: Final = 16 * 1024


class GatheringTransport:
    """A transport that writes what comes in one turn of the event loop when the turn is over, or before it closes."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)
        if len(data) > GATHERED_MAX:
            self.flush()

    def flush(self) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            if not self.transport.is_closing():
                self.transport.writelines(pieces)

    def close(self) -> None:
        self.flush()
        self.transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)
