"""Incremental delivery: what a document defers or streams is sent when it is ready, in parts of one answer.

Only to clients that accept `multipart/mixed`; all others get everything at once, as if the directives were not there. The parts
have the form of the current draft (`pending`, `incremental`, `completed`), which Apollo calls incrementalSpec=v0.2 and
reads with its GraphQL17Alpha9Handler. A client that names another form gets a plain answer too: the one before it
(deferSpec=20220824, Apollo's Defer20220824Handler) had paths where there are ids now. One that names no form, as urql, gets what
is deferred in parts, and lists whole: urql 6 reads the former in this form, and of the latter it puts items beside their list.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from functools import lru_cache
from inspect import isawaitable
from typing import Any, Final

from graphql import DocumentNode, ExecutionResult
from graphql.execution import experimental_execute_incrementally
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema

from holdco.endpoint.errors import presented
from holdco.endpoint.events import send_until_left
from holdco.endpoint.parameters import Parameters
from holdco.endpoint.response import encode

_MEDIA_TYPE: Final = "multipart/mixed"
_FORM: Final = "v0.2"
# A part is read once the boundary behind it has come, so that follows at once; the last is followed by two dashes more.
_BOUNDARY: Final = b"---"
_HEAD: Final = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
_END: Final = b"--\r\n"


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
    schema: Schema, document: DocumentNode, parameters: Parameters, context: Any, request_id: str
) -> AsyncGenerator[ExecutionResult | dict[str, Any], None]:
    """First what is there at once, then what comes later. An ExecutionResult is a whole answer, and the only one."""
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
        yield result
        return
    subsequent = result.subsequent_results
    async with aclosing(subsequent):
        first = result.initial_result
        yield _masked({**first.formatted}, [first], request_id)
        async for later in subsequent:
            shown: dict[str, Any] = {**later.formatted}
            for name in ("incremental", "completed"):
                parts = getattr(later, name) or ()
                if parts:
                    shown[name] = [_masked({**part.formatted}, [part], request_id) for part in parts]
            yield shown


def _masked(shown: dict[str, Any], parts: Iterable[Any], request_id: str) -> dict[str, Any]:
    errors = [error for part in parts for error in part.errors or ()]
    if errors:
        shown["errors"] = presented(errors, request_id)
    return shown


class Multipart(Response):
    """Sends each of `answers` as a part, until they end or the client goes away."""

    def __init__(self, answers: AsyncGenerator[dict[str, Any], None]) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", f'{_MEDIA_TYPE}; boundary="-"; incrementalSpec={_FORM}'.encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
        ]
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (what an ASGI application takes)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send_until_left(self._send(send), receive)

    async def _send(self, send: Send) -> None:
        async with aclosing(self._answers):
            boundary = _BOUNDARY
            async for answer in self._answers:
                part = boundary + _HEAD + encode(answer) + b"\r\n" + _BOUNDARY
                boundary = b""
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": _END})
