"""Operations over a WebSocket: the sub-protocol graphql-transport-ws, as its document words it.

The client says `connection_init` and is acknowledged; then it subscribes to operations of all kinds, each under an id of its
own, and gets `next` for each answer, and `complete` or `error` at the end. `ping` may be sent by either side at any time.

    4400  a message that the protocol does not know, or that comes in another shape
    4401  an operation before the connection was acknowledged
    4403  no valid token in connection_init, or none any more: it has expired, or was revoked
    4406  a client that does not speak graphql-transport-ws
    4408  no connection_init in time
    4409  an operation under an id that is in use
    4429  a second connection_init
    1001  the server stops
    1009  a message with more bytes than are read
    1013  nobody can tell whether the token is valid: the database cannot be reached

Each operation is a request of its own, with the headers of the handshake and an id of its own; only the socket outlives it.

When the server stops, subscriptions are complete, what else is under way is answered, and the socket closes. What a client asks
for after that moment is not begun: it is still unanswered when the socket closes, so that the client asks elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uuid_utils import uuid7

from holdco.endpoint.authentication import Authentication, Identity, address_of, authorization_in
from holdco.endpoint.errors import ErrorCode, RequestError, masked
from holdco.endpoint.parameters import Parameters, parameters_of
from holdco.endpoint.response import Answer, encode
from holdco.monitoring import metrics

log = structlog.get_logger(__name__)

PROTOCOL: Final = "graphql-transport-ws"

Answers = Callable[[Request, Parameters], AsyncGenerator[Answer, None]]


class WebSocketEndpoint:
    """An ASGI application for a Starlette `WebSocketRoute`. `answers` executes operations (`Endpoint.answers`).

    A browser says from where its page came; that must be this host, or one of the `origins`. Other clients say nothing and may
    connect: they send no cookies of anybody.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        authentication: Authentication,
        origins: tuple[str, ...] = (),
        init_timeout: float = 10,
        operations_max: int = 100,
        message_bytes_max: int = 1 << 20,
    ) -> None:
        self.answers = answers
        self.authentication = authentication
        self.origins = origins
        self.init_timeout = init_timeout
        self.operations_max = operations_max
        self.message_bytes_max = message_bytes_max
        self._connections: set[Connection] = set()
        self._is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not self._is_welcome(socket):
            # Before it is accepted a socket is refused by HTTP, with status 403.
            await socket.close()
            return
        if PROTOCOL not in scope["subprotocols"]:
            # A browser that offers protocols reads nothing but 1006 unless it gets one of them (WHATWG, WebSockets, 2.2).
            await socket.accept(next(iter(scope["subprotocols"]), None))
            await socket.close(4406, "Subprotocol not acceptable")
            return
        await socket.accept(PROTOCOL)
        connection = Connection(self, socket)
        self._connections.add(connection)
        try:
            if self._is_stopping:
                connection.stop()
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def stop(self) -> None:
        """Closes all sockets, each when what is under way on it has ended. Subscriptions end when their sources do."""
        self._is_stopping = True
        for connection in self._connections:
            connection.stop()

    def _is_welcome(self, socket: WebSocket) -> bool:
        origin = socket.headers.get("origin")
        return origin is None or origin in self.origins or urlsplit(origin).netloc == socket.headers.get("host")


class Closed(Exception):
    """The client broke the protocol: what to close the socket with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One socket, from its acceptance to its end."""

    def __init__(self, endpoint: WebSocketEndpoint, socket: WebSocket) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._operations: dict[str, asyncio.Task[None]] = {}
        # Operations send at the same time, and a message is sent whole.
        self._sending = asyncio.Lock()
        self._is_initialised = False
        self._stopping: asyncio.Task[None] | None = None
        self._identity: Identity | None = None
        # Watches over the token as long as the socket is open.
        self._watch = ExitStack()
        self._ending: asyncio.Task[None] | None = None

    def stop(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())

    async def _stop(self) -> None:
        if self._operations:
            await asyncio.wait(self._operations.values())
        await self._close(Closed(1001, "The server stops"))

    async def serve(self) -> None:
        try:
            async with asyncio.timeout(self._endpoint.init_timeout) as deadline:
                while True:
                    await self._handle(await self._message())
                    if self._is_initialised:
                        deadline.reschedule(None)
        except TimeoutError:
            await self._close(Closed(4408, "Connection initialisation timeout"))
        except Closed as reason:
            await self._close(reason)
        except WebSocketDisconnect:
            pass
        finally:
            self._watch.close()
            tasks = [*self._operations.values(), *([self._stopping] if self._stopping is not None else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _message(self) -> dict[str, Any]:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        text = event.get("text")
        if text is None:
            raise Closed(4400, "Messages are text")
        if len(text.encode()) > self._endpoint.message_bytes_max:
            raise Closed(1009, f"A message has at most {self._endpoint.message_bytes_max} bytes")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Closed(4400, "Messages are JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("payload") or {}, dict):
            raise Closed(4400, "Messages are objects, and so are their payloads")
        return message

    async def _handle(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                if self._is_initialised:
                    raise Closed(4429, "Too many initialisation requests")
                await self._initialise(message.get("payload") or {})
            case "ping":
                payload = message.get("payload")
                await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                operation = self._operations.pop(_id(message), None)
                if operation is not None:
                    operation.cancel()
            case _:
                raise Closed(4400, "Unknown type of message")

    async def _initialise(self, payload: dict[str, Any]) -> None:
        authentication = self._endpoint.authentication
        try:
            self._identity = await authentication.identify(authorization_in(payload, self._socket), address_of(self._socket))
        except RequestError as refusal:
            if refusal.code is ErrorCode.SERVICE_UNAVAILABLE:
                raise Closed(1013, "Try again later") from None
            raise Closed(4403, "Forbidden") from None
        self._is_initialised = True
        await self._send({"type": "connection_ack"})
        self._watch.enter_context(authentication.watching(self._identity, self._end))

    def _end(self) -> None:
        """The token is not good any more. The client's answer to the closing ends `serve`."""
        self._is_initialised = False
        for operation in self._operations.values():
            operation.cancel()
        self._ending = asyncio.create_task(self._close(Closed(4403, "Forbidden")))

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._is_initialised:
            raise Closed(4401, "Unauthorized")
        key = _id(message)
        if not isinstance(message.get("payload"), dict):
            raise Closed(4400, "A subscribe message has a payload")
        if key in self._operations:
            # A reason has at most 123 bytes (RFC 6455, 5.5).
            raise Closed(4409, f"Subscriber for {key[:25]} already exists")
        if self._stopping is not None:
            return
        if len(self._operations) >= self._endpoint.operations_max:
            limit = f"A socket has at most {self._endpoint.operations_max} operations at a time: complete one first."
            await self._send_error(key, RequestError(ErrorCode.THROTTLED, limit))
            return
        self._operations[key] = asyncio.create_task(self._run(key, message["payload"]))

    async def _run(self, key: str, payload: dict[str, Any]) -> None:
        """Sends what an operation answers. Once a client has completed it, nothing is sent for it any more."""
        request_id = uuid7().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        own = {"type": "http", "method": "POST", "state": {"request_id": request_id}, "user": self._identity}
        request = Request({**self._socket.scope, **own})
        try:
            if self._identity is not None:
                self._endpoint.authentication.count(self._identity)
            async with aclosing(self._endpoint.answers(request, parameters_of(payload))) as answers:
                async for answer in answers:
                    # Without data nothing was executed, and the protocol has a message of its own for that.
                    if isinstance(answer, dict) and "data" not in answer:
                        await self._send({"id": key, "type": "error", "payload": answer["errors"]})
                        return
                    await self._send({"id": key, "type": "next", "payload": answer})
            await self._send({"id": key, "type": "complete"})
        except RequestError as refusal:
            await self._send_error(key, refusal)
        except WebSocketDisconnect:
            pass
        except Exception:
            log.exception("operation failed")
            await self._send({"id": key, "type": "error", "payload": [masked(request_id)]})
        finally:
            if self._operations.get(key) is asyncio.current_task():
                del self._operations[key]

    async def _send_error(self, key: str, refusal: RequestError) -> None:
        metrics.REFUSALS.labels(refusal.code.name).inc()
        await self._send({"id": key, "type": "error", "payload": refusal.presented()})

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(encode(message).decode())

    async def _close(self, reason: Closed) -> None:
        # The client may be faster.
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(reason.code, reason.reason)


def _id(message: dict[str, Any]) -> str:
    key = message.get("id")
    if not isinstance(key, str) or not key:
        raise Closed(4400, "A message of an operation has an id")
    return key
