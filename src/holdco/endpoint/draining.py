"""What becomes of connections when the server stops: uvicorn's protocols, which tell the application before they close.

On SIGTERM uvicorn asks each connection to shut down. An HTTP connection does so when its answer is complete, which that of a
subscription never is; a WebSocket is closed at once, whatever is under way on it. So the first of them to be asked calls what
the application has left in the lifespan's state under `STOP`: it ends what has no end of its own, and closes its sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from holdco.endpoint.heads import BoundedHeads

STOP: Final = "holdco.stop"
# Seconds that a client has to answer the closing of its socket; otherwise it would hold the stop for ten.
FAREWELL: Final = 1.0


class DrainedHTTP(BoundedHeads):
    def shutdown(self) -> None:
        _stop(self.app_state)
        super().shutdown()


class DrainedWebSockets(WebSocketsSansIOProtocol):
    def shutdown(self) -> None:
        """Leaves the closing to the application, when it is one that closes."""
        self.close_timeout = FAREWELL
        is_told = _stop(self.app_state)
        if not is_told or self.close_sent or not self.handshake_complete:
            super().shutdown()

    def keepalive_timeout(self) -> None:
        """A client that has answered no ping reads nothing either: what waits to be sent to it would wait without end."""
        super().keepalive_timeout()
        self.transport.abort()


def _stop(state: dict[str, Any]) -> bool:
    """Whether the application has been told."""
    stop: Callable[[], None] | None = state.get(STOP)
    if stop is not None:
        stop()
    return stop is not None
