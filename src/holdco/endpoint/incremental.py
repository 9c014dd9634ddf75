"""Incremental delivery: what a document defers or streams is sent when it is ready, in parts of one answer.

Only to clients that accept `multipart/mixed`; all others get everything at once, as if the directives were not there. The parts
have the form of the current draft (`pending`, `incremental`, `completed`), which Apollo calls incrementalSpec=v0.2 and
reads with its GraphQL17Alpha9Handler. A client that names another form gets a plain answer too: the one before it
(deferSpec=20220824, Apollo's Defer20220824Handler) had paths where there are ids now. One that names no form, as urql, gets what
is deferred in parts, and lists whole: urql 6 reads the former in this form, and of the latter it puts items beside their list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import lru_cache
from inspect import isawaitable
from typing import Any, Final

import structlog
from graphql import DocumentNode, ExecutionResult
from graphql.execution import experimental_execute_incrementally
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema

from holdco.endpoint.errors import RequestError, masked, presented
from holdco.endpoint.parameters import Parameters
from holdco.endpoint.response import encode
from holdco.endpoint.supervision import Abandoned
from holdco.monitoring import metrics

log = structlog.get_logger(__name__)

_MEDIA_TYPE: Final = "multipart/mixed"
_FORM: Final = "v0.2"
# A part is read once the boundary behind it has come, so that follows at once; the last is followed by two dashes more.
_BOUNDARY: Final = b"---"
_HEAD: Final = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
_END: Final = b"--\r\n"

Take = Callable[[dict[str, Any]], None]
# Shows a result to clients; the text is the request's id.
Show = Callable[[ExecutionResult, str], dict[str, Any]]


@lru_cache(256)
def accepts_increments(accept: str, *, is_named: bool = False) -> bool:
    """Whether a client reads parts in our form; with `is_named`, whether it says so itself."""
    return any(_is_ours(media_range, "" if is_named else _FORM) for media_range in accept.lower().split(","))


def _is_ours(media_range: str, form_unnamed: str) -> bool:
    media_type, *rest = (piece.strip() for piece in media_range.split(";"))
    parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
    is_wanted = parameters.get("q", "1").strip("0.") != ""
    form = parameters.get("incrementalspec", form_unnamed).strip('"')
    return media_type == _MEDIA_TYPE and is_wanted and form == _FORM and "deferspec" not in parameters


def is_incremental(document: DocumentNode, accept: str) -> bool:
    """Whether a document may have something to send in parts to a client that accepts some. Where not, its answer is one."""
    text = document.loc.source.body if document.loc is not None else ""
    return accepts_increments(accept, is_named=True) if "@stream" in text else "@defer" in text


async def increments(
    schema: Schema, document: DocumentNode, parameters: Parameters, context: Any, request_id: str, take: Take
) -> ExecutionResult:
    """Gives `take` first what is there at once, then what comes later. A result with data is a whole answer, and nothing was
    given; one without has the errors of all parts.
    """
    executing: Any = experimental_execute_incrementally(
        schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
        document,
        context_value=context,
        variable_values=parameters.variables,
        operation_name=parameters.operation_name,
        executor_class=schema.execution_context_class,
        **schema._get_custom_context_kwargs(parameters.extensions),  # noqa: SLF001 (the schema's own wishes)
    )
    result = await executing if isawaitable(executing) else executing
    if isinstance(result, ExecutionResult):
        return result
    subsequent = result.subsequent_results
    async with aclosing(subsequent):
        first = result.initial_result
        errors = list(first.errors or ())
        take(_masked({**first.formatted}, first, request_id))
        async for later in subsequent:
            shown: dict[str, Any] = {**later.formatted}
            for name in ("incremental", "completed"):
                parts = getattr(later, name) or ()
                if parts:
                    shown[name] = [_masked({**part.formatted}, part, request_id) for part in parts]
                    errors += [error for part in parts for error in part.errors or ()]
            take(shown)
    return ExecutionResult(None, errors)


def _masked(shown: dict[str, Any], part: Any, request_id: str) -> dict[str, Any]:
    if part.errors:
        shown["errors"] = presented(part.errors, request_id)
    return shown


class Parts:
    """The parts of an answer, made as fast as they can be and kept until they are read.

    So a snapshot and its connection are given back when the last part is made, however slowly a client reads. What is kept is
    never more than an answer in one piece would be, which is bounded likewise.
    """

    def __init__(self, execution: Callable[[Take], Awaitable[ExecutionResult]], show: Show, request_id: str) -> None:
        self._execution = execution
        self._show = show
        self._request_id = request_id
        self._ready: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._first: bytes | None = None
        # None before the first part.
        self._has_next: bool | None = None
        self._failure: BaseException | None = None
        self._running = asyncio.ensure_future(self._run())
        self._running.add_done_callback(self._end)

    @classmethod
    async def begun(cls, execution: Callable[[Take], Awaitable[ExecutionResult]], show: Show, request_id: str) -> Parts:
        """As soon as there is a part; until then whatever `execution` raises is raised here. Then `request_id` names it."""
        parts = cls(execution, show, request_id)
        try:
            first = await parts._ready.get()
            if first is None:
                await parts._running
        except BaseException:
            parts.close()
            raise
        parts._first = first
        return parts

    async def _run(self) -> None:
        result = await self._execution(self._take)
        if self._has_next is None:
            self._take({**self._show(result, self._request_id), "hasNext": False})

    def _take(self, part: dict[str, Any]) -> None:
        self._has_next = part["hasNext"]
        self._ready.put_nowait(encode(part))

    def _end(self, running: asyncio.Task[None]) -> None:
        # What it raised is no news when the last part has been made.
        self._failure = None if running.cancelled() else running.exception()
        self._ready.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        part = self._first
        while part is not None:
            yield part
            part = await self._ready.get()
        if self._has_next:
            yield encode({"errors": self._errors(), "hasNext": False})

    def _errors(self) -> list[dict[str, Any]]:
        """Of an answer that broke off."""
        if isinstance(self._failure, RequestError):
            metrics.REFUSALS.labels(self._failure.code.name).inc()
            return self._failure.presented()
        if not isinstance(self._failure, Abandoned):
            log.error("operation failed", exc_info=self._failure)
        return [masked(self._request_id)]

    def close(self) -> None:
        self._running.cancel()


class Multipart(Response):
    """Sends each of the parts. Whether the client goes away is watched by their execution (`Operations.run`)."""

    def __init__(self, parts: Parts) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", f'{_MEDIA_TYPE}; boundary="-"; incrementalSpec={_FORM}'.encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
        ]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (what an ASGI application takes)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            boundary = _BOUNDARY
            async for part in self._parts:
                body = boundary + _HEAD + part + b"\r\n" + _BOUNDARY
                boundary = b""
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": _END})
        finally:
            self._parts.close()
