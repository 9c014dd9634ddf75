"""One GraphQL request over HTTP, from bytes to bytes.

Not a subclass of Strawberry's ASGI view: every step of that view would have been overridden (it answers malformed bodies
with 500, executes the first of several operations, makes the context before it knows that there is an operation), and
its way through schema extensions doubles the cost of a small query. Strawberry builds the schema; graphql-core executes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Protocol

import structlog
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from graphql.validation import ASTValidationRule
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from uuid_utils import uuid7

from holdco.context import Context
from holdco.endpoint.documents import Document, Documents
from holdco.endpoint.errors import ErrorCode, RequestError, masked, presented
from holdco.endpoint.events import EVENT_STREAM, EventStream
from holdco.endpoint.graphiql import GraphiQL
from holdco.endpoint.incremental import Multipart, accepts_increments, increments, is_incremental
from holdco.endpoint.negotiation import GRAPHQL_RESPONSE, HTML, JSON, negotiate
from holdco.endpoint.parameters import Parameters, read_parameters
from holdco.endpoint.response import JSONResponse, compressed, encode
from holdco.endpoint.subscribing import NotSubscribed, subscribe
from holdco.errors import HoldcoError
from holdco.execution.execute import execute

log = structlog.get_logger(__name__)


# A commit that thousands subscribed to must not hold all connections of the process.
EVENTS_AT_ONCE = 3


class OperationContext(Protocol):
    """What an operation carries. It may hold a database connection, hence `close`."""

    async def close(self) -> None: ...


class Endpoint:
    """An ASGI application for a Starlette `Route`, serving one path.

    `make_context` is awaited once per operation that is going to be executed; its context is closed when the operation
    has ended, failed or been cancelled, while the answer is sent. `request.state.request_id` names the request in the log,
    in masked errors and in the header X-Request-Id. `graphiql` is shown to browsers; without it they get JSON too.

    With `is_planning` queries run a level at a time (`holdco.execution`), which needs a schema whose contexts are Holdco's and
    whose queries can be repeated: what a plan cannot do is executed once more, by graphql-core.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        make_context: Callable[[Request], Awaitable[OperationContext]],
        graphiql: GraphiQL | None = None,
        body_bytes_max: int = 1 << 20,
        validation_rules: tuple[type[ASTValidationRule], ...] = (),
        is_planning: bool = False,
    ) -> None:
        if schema.get_extensions():
            raise ValueError("The endpoint runs no schema extensions and no operation directives: it would skip them.")
        self._schema = schema
        self._make_context = make_context
        self._graphiql = graphiql
        self._body_bytes_max = body_bytes_max
        self._documents = Documents(schema, validation_rules)
        self._is_planning = is_planning
        self._answering = asyncio.Semaphore(EVENTS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = request.state.request_id = uuid7().hex
        # Each request runs in a task of its own, and its context ends with it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = await self._respond(request, request_id)
            response.raw_headers.append((b"x-request-id", request_id.encode()))
            await response(scope, receive, send)
        finally:
            await _closed(request)

    async def _respond(self, request: Request, request_id: str) -> Response:
        media_type = JSON
        try:
            wanted = self._media_type(request)
            if wanted == HTML and self._graphiql is not None:
                return self._graphiql.page(request)
            if wanted == EVENT_STREAM:
                parameters = await read_parameters(request, body_bytes_max=self._body_bytes_max)
                return EventStream(self.answers(request, parameters))
            media_type = wanted
            result = await self._result(request)
            if not isinstance(result, ExecutionResult):
                return Multipart(result)
            return await compressed(_executed(result, media_type, request_id), media_type, request.headers.get("accept-encoding"))
        except RequestError as refusal:
            return _refused(refusal, media_type)
        except (Exception, asyncio.CancelledError) as error:
            # CancelledError reaches a task that nobody cancelled when it waits for a future that a failed sibling cancelled.
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            log.exception("request failed")
            return _response({"errors": [masked(request_id)]}, ErrorCode.INTERNAL_ERROR.status, media_type)

    def _media_type(self, request: Request) -> str:
        if request.method not in {"GET", "POST"}:
            raise RequestError(ErrorCode.METHOD_NOT_ALLOWED, "GraphQL is served by GET and POST.", headers={"allow": "GET, POST"})
        page = (HTML,) if request.method == "GET" and self._graphiql is not None else ()
        media_type = negotiate(request.headers.get("accept"), (JSON, GRAPHQL_RESPONSE, *page, EVENT_STREAM))
        if media_type is None:
            raise RequestError(ErrorCode.NOT_ACCEPTABLE, f"Answers are {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}.")
        return media_type

    async def _result(self, request: Request) -> ExecutionResult | AsyncGenerator[dict[str, Any], None]:
        parameters = await read_parameters(request, body_bytes_max=self._body_bytes_max)
        document, operation = self._chosen(parameters)
        if operation.operation is OperationType.SUBSCRIPTION:
            raise RequestError(ErrorCode.BAD_REQUEST, f"Subscribe by WebSocket, or accept {EVENT_STREAM}.")
        self._check_method(request, operation)
        accept = request.headers.get("accept", "")
        if "multipart/" in accept and accepts_increments(accept) and is_incremental(document.node):
            return self._increments(request, parameters, document)
        return await self._execute(request, parameters, document, operation)

    def _chosen(self, parameters: Parameters) -> tuple[Document, OperationDefinitionNode]:
        document = self._documents.read(parameters.query)
        return document, document.operation(parameters.operation_name)

    def _check_method(self, request: Request, operation: OperationDefinitionNode) -> None:
        if request.method == "GET" and operation.operation is OperationType.MUTATION:
            raise RequestError(
                ErrorCode.METHOD_NOT_ALLOWED, "GET is for queries: send a mutation by POST.", headers={"allow": "POST"}
            )

    async def _execute(
        self, request: Request, parameters: Parameters, document: Document, operation: OperationDefinitionNode
    ) -> ExecutionResult:
        try:
            context = await self._make_context(request)
        except HoldcoError as error:
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        try:
            return await self._executed(context, parameters, document, operation)
        finally:
            # The end of the snapshot is a round trip, which nobody needs to wait for.
            request.state.closing = asyncio.ensure_future(_close(context))

    async def _executed(
        self,
        context: OperationContext,
        parameters: Parameters,
        document: Document,
        operation: OperationDefinitionNode,
        event: Any = None,
    ) -> ExecutionResult:
        plans = document.plans[operation.name.value if operation.name else None]
        return await execute(
            self._schema,
            document.node,
            plans if self._is_planning and isinstance(context, Context) else None,
            context=context,
            variables=parameters.variables,
            operation_name=parameters.operation_name,
            extensions=parameters.extensions,
            root_value=event,
        )

    async def _increments(
        self, request: Request, parameters: Parameters, document: Document
    ) -> AsyncGenerator[dict[str, Any], None]:
        request_id: str = request.state.request_id
        try:
            async with self._opened(request) as context:
                parts = increments(self._schema, document.node, parameters, context, request_id)
                async with aclosing(parts):
                    async for part in parts:
                        yield {**_body(part, request_id), "hasNext": False} if isinstance(part, ExecutionResult) else part
        except HoldcoError as error:
            yield _body(ExecutionResult(None, [GraphQLError(str(error), original_error=error)]), request_id)
        except Exception:
            log.exception("operation failed")
            yield {"errors": [masked(request_id)], "hasNext": False}

    @asynccontextmanager
    async def _opened(self, request: Request) -> AsyncIterator[OperationContext]:
        context = await self._make_context(request)
        try:
            yield context
        finally:
            await asyncio.shield(_close(context))

    async def answers(self, request: Request, parameters: Parameters) -> AsyncGenerator[dict[str, Any], None]:
        """What transports that stay open send: one answer of a query or mutation, one for each event of a subscription.

        Contexts are made of the `request`, whose state names its id. RequestError before anything is executed.
        """
        request_id: str = request.state.request_id
        document, operation = self._chosen(parameters)
        self._check_method(request, operation)
        try:
            if operation.operation is not OperationType.SUBSCRIPTION:
                try:
                    yield _body(await self._execute(request, parameters, document, operation), request_id)
                finally:
                    await _closed(request)
                return

            async def executed(context: Any, event: Any) -> ExecutionResult:
                async with self._answering:
                    return await self._executed(context, parameters, document, operation, event)

            opened = partial(self._opened, request)
            results = subscribe(self._schema, document.node, parameters, opened=opened, execute=executed)
            async with aclosing(results):
                async for result in results:
                    yield _body(result, request_id)
        except NotSubscribed as refusal:
            yield {"errors": presented(refusal.errors, request_id)}
        except HoldcoError as error:
            yield _body(ExecutionResult(None, [GraphQLError(str(error), original_error=error)]), request_id)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, RequestError) or (isinstance(error, asyncio.CancelledError) and _is_cancelled()):
                raise
            log.exception("operation failed")
            yield {"errors": [masked(request_id)]}


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def _closed(request: Request) -> None:
    """Waits until the context of the request's operation is closed, if it had one."""
    closing = getattr(request.state, "closing", None)
    if closing is not None:
        await asyncio.shield(closing)


async def _close(context: OperationContext) -> None:
    try:
        await context.close()
    except Exception:
        # The operation has ended: a mutation is committed, and saying otherwise would make the client repeat it.
        log.exception("closing an operation's context failed")


def _executed(result: ExecutionResult, media_type: str, request_id: str) -> JSONResponse:
    body = _body(result, request_id)
    return _response(body, 200 if "data" in body else ErrorCode.BAD_USER_INPUT.status_for(media_type), media_type)


def _body(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    body: dict[str, Any] = {"errors": presented(result.errors, request_id)}
    # The executor coerces variables before the first field: an error without a path means that none was resolved.
    if result.data is not None or any(error.path is not None for error in result.errors):
        body["data"] = result.data
    return body


def _refused(refusal: RequestError, media_type: str) -> Response:
    response = _response({"errors": refusal.presented()}, refusal.code.status_for(media_type), media_type)
    response.headers.update(refusal.headers)
    return response


def _response(body: dict[str, Any], status: int, media_type: str) -> JSONResponse:
    return JSONResponse(encode(body), status, media_type)
