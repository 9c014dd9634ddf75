"""Answers as Server-Sent Events: the protocol of graphql-sse in its "distinct connections mode".

One request, one operation: `next` for each answer, then `complete`. What is wrong with a document is said in a `next` as well,
because a browser's EventSource shows no body of a refused request. Lines end in LF alone, for clients that split at two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from holdco.endpoint.errors import RequestError
from holdco.endpoint.response import Answer, encode
from holdco.monitoring import metrics

EVENT_STREAM: Final = "text/event-stream"
# Seconds without an event after which a comment keeps proxies from ending the connection.
KEEP_ALIVE: Final = 12.0
COMPLETE: Final = b"event: complete\ndata:\n\n"


class EventStream(Response):
    """Sends what `answers` gives, until that ends or the client goes away."""

    def __init__(self, answers: AsyncGenerator[Answer, None], *, keep_alive: float = KEEP_ALIVE) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
            # Proxies that collect answers before they pass them on are told not to.
            (b"x-accel-buffering", b"no"),
        ]
        self._answers = answers
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (what an ASGI application takes)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # A comment at once: the client learns that the stream is open before there is an event.
        await _send(send, b":\n\n")
        await send_until_left(self._send(send), receive)

    async def _send(self, send: Send) -> None:
        frames = _frames(self._answers)
        async with aclosing(frames):
            upcoming = asyncio.ensure_future(anext(frames, None))
            try:
                while True:
                    await asyncio.wait({upcoming}, timeout=self._keep_alive)
                    if not upcoming.done():
                        await _send(send, b":\n\n")
                    elif (frame := upcoming.result()) is not None:
                        upcoming = asyncio.ensure_future(anext(frames, None))
                        await _send(send, frame)
                    else:
                        break
            finally:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
        await send({"type": "http.response.body", "body": COMPLETE})


async def send_until_left(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Sends an answer that takes its time. A client that goes away ends it."""
    tasks = [asyncio.create_task(sending), asyncio.create_task(_left(receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(ended[0], Exception):
        raise ended[0]


async def _frames(answers: AsyncGenerator[Answer, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(answers):
        try:
            async for answer in answers:
                yield b"event: next\ndata: " + encode(answer) + b"\n\n"
        except RequestError as refusal:
            metrics.REFUSALS.labels(refusal.code.name).inc()
            yield b"event: next\ndata: " + encode({"errors": refusal.presented()}) + b"\n\n"


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
