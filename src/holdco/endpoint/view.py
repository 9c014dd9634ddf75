"""One GraphQL request over HTTP, from bytes to bytes.

Not a subclass of Strawberry's ASGI view: every step of that view would have been overridden (it answers malformed bodies
with 500, executes the first of several operations, makes the context before it knows that there is an operation), and
its way through schema extensions doubles the cost of a small query. Strawberry builds the schema; graphql-core executes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import structlog
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from graphql.validation import ASTValidationRule
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from uuid_utils import uuid7

from holdco.context import Context
from holdco.endpoint.authentication import Authentication, identify, refused, until_ended
from holdco.endpoint.conditional import answer_conditionally
from holdco.endpoint.cost import Sizes
from holdco.endpoint.cross_site import check_cross_site
from holdco.endpoint.documents import Document, Documents, name_of
from holdco.endpoint.errors import ErrorCode, RequestError, is_unauthenticated, masked, outage_in, presented
from holdco.endpoint.events import EVENT_STREAM, EventStream
from holdco.endpoint.graphiql import GraphiQL
from holdco.endpoint.headers import listed
from holdco.endpoint.incremental import Multipart, Parts, Take, increments, is_incremental, reads_increments
from holdco.endpoint.limiting import check_variables
from holdco.endpoint.negotiation import GRAPHQL_RESPONSE, HTML, JSON, negotiate
from holdco.endpoint.operations import Operations, Running
from holdco.endpoint.parameters import Parameters, read_parameters
from holdco.endpoint.persisted import RequestedDocuments
from holdco.endpoint.response import Answer, JSONResponse, compressed, encode
from holdco.endpoint.subscribing import Subscriptions
from holdco.endpoint.supervision import Abandoned
from holdco.endpoint.trusted import TrustedDocuments, load_trusted
from holdco.errors import HoldcoError
from holdco.execution.execute import execute
from holdco.limits import Limits
from holdco.monitoring import metrics
from holdco.settings import DocumentsMode

log = structlog.get_logger(__name__)

_METHODS: Final = "GET, HEAD, POST, OPTIONS"


class Chosen(NamedTuple):
    """What a request wants executed. `is_named`: it gave the document's hash or id, so that its address is worth keeping."""

    document: Document
    operation: OperationDefinitionNode
    is_named: bool
    cost: int

    @property
    def name(self) -> str | None:
        return name_of(self.operation)


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

    `documents_mode` and the manifests in the folder `trusted_documents` tell which documents are executed and what they may be
    called by (`persisted`); SettingsError when one of them is not valid. `origins` are other sites whose pages may ask.
    `authentication` lets in who asks, before the body is read; the context finds it as `request.user`. The page of
    GraphiQL, and what a browser asks before it sends a token (OPTIONS), need none.

    `limits` bound what a request may ask for, reckoned with `sizes`. With the header `X-Holdco-Cost: 1` the answer's
    `extensions.cost` tells what the operation may have cost, and what it might have.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        make_context: Callable[[Request], Awaitable[OperationContext]],
        authentication: Authentication,
        graphiql: GraphiQL | None = None,
        body_bytes_max: int = 1 << 20,
        validation_rules: tuple[type[ASTValidationRule], ...] = (),
        is_planning: bool = False,
        documents_mode: DocumentsMode = DocumentsMode.APQ,
        trusted_documents: Path | None = None,
        origins: Collection[str] = (),
        operations: Operations | None = None,
        limits: Limits | None = None,
        sizes: Sizes | None = None,
        is_introspection_on: bool = True,
    ) -> None:
        if schema.get_extensions():
            raise ValueError("The endpoint runs no schema extensions and no operation directives: it would skip them.")
        self._schema = schema
        self._make_context = make_context
        self._authentication = authentication
        self._graphiql = graphiql
        self._body_bytes_max = body_bytes_max
        self._limits = limits or Limits()
        self._documents = Documents(
            schema, validation_rules, limits=self._limits, sizes=sizes, is_introspection_on=is_introspection_on
        )
        self._is_introspection_on = is_introspection_on
        self._is_planning = is_planning
        trusted = (
            load_trusted(trusted_documents, schema, self._documents, is_planning=is_planning)
            if trusted_documents is not None
            else TrustedDocuments()
        )
        self._requested = RequestedDocuments(self._documents, documents_mode, trusted)
        self._origins = origins
        self._operations = operations or Operations()
        self._subscriptions = Subscriptions(
            schema,
            self._operations,
            open_context=make_context,
            close_context=_close,
            body=_body,
            is_suggesting=is_introspection_on,
        )

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
        if request.method == "OPTIONS":
            return Response(None, 204, {"allow": _METHODS})
        media_type = JSON
        try:
            wanted = self._media_type(request)
            if wanted == HTML and self._graphiql is not None:
                return self._graphiql.page(request)
            media_type = wanted if wanted != EVENT_STREAM else JSON
            return await self._answer(request, wanted, request_id)
        except RequestError as refusal:
            return _refused(refusal, media_type)
        except Abandoned:
            return Response(status_code=ErrorCode.EXECUTION_TIMEOUT.status)  # nobody reads it
        except (Exception, asyncio.CancelledError) as error:
            # CancelledError reaches a task that nobody cancelled when it waits for a future that a failed sibling cancelled.
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            log.exception("request failed")
            return _response({"errors": [masked(request_id)]}, ErrorCode.INTERNAL_ERROR.status, media_type)

    async def _answer(self, request: Request, media_type: str, request_id: str) -> Response:
        if request.method != "POST":
            check_cross_site(request.headers, self._origins)
        identity = await identify(self._authentication, request)
        if media_type == EVENT_STREAM:
            parameters = await read_parameters(request, body_bytes_max=self._body_bytes_max)
            return EventStream(until_ended(self._authentication, identity, self.answers(request, parameters)))
        result = await self._result(request)
        if isinstance(result, Parts):
            return Multipart(result)
        response = _executed(result, media_type, request_id)
        if request.method != "POST" and request.state.is_named and not result.errors:
            return await answer_conditionally(response, media_type, request.headers)
        return await compressed(response, media_type, listed(request.headers, "accept-encoding"))

    def _media_type(self, request: Request) -> str:
        if request.method not in {"GET", "HEAD", "POST"}:
            raise RequestError(ErrorCode.METHOD_NOT_ALLOWED, "GraphQL is served by GET and POST.", headers={"allow": _METHODS})
        page = (HTML,) if request.method != "POST" and self._graphiql is not None else ()
        media_type = negotiate(listed(request.headers, "accept"), (JSON, GRAPHQL_RESPONSE, *page, EVENT_STREAM))
        if media_type is None:
            raise RequestError(ErrorCode.NOT_ACCEPTABLE, f"Answers are {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}.")
        return media_type

    async def _result(self, request: Request) -> ExecutionResult | Parts:
        parameters = await read_parameters(request, body_bytes_max=self._body_bytes_max)
        chosen = self._chosen(parameters)
        if chosen.operation.operation is OperationType.SUBSCRIPTION:
            raise RequestError(ErrorCode.BAD_REQUEST, f"Subscribe by WebSocket, or accept {EVENT_STREAM}.")
        self._check_method(request, chosen.operation)
        if request.method != "POST":
            request.state.is_named = chosen.is_named
        document = chosen.document.node
        if is_incremental(document) and reads_increments(document, listed(request.headers, "accept") or ""):
            execution = partial(self._run, request, parameters, chosen)
            return await Parts.begun(execution, _body, request.state.request_id)
        result = await self._run(request, parameters, chosen)
        if result.errors and getattr(request.state, "is_refused", False):
            raise refused()
        if request.headers.get("x-holdco-cost") == "1":
            result.extensions = {"cost": chosen.document.costs[chosen.name].told(chosen.cost)}
        return result

    def _chosen(self, parameters: Parameters) -> Chosen:
        """What every transport has to pass. RequestError where a document or its cost is not what is served."""
        document, is_named = self._requested.read(parameters)
        operation = document.operation(parameters.operation_name)
        check_variables(parameters.variables, self._limits)
        cost = document.costs[name_of(operation)].check(parameters.variables)
        return Chosen(document, operation, is_named, cost)

    def _check_method(self, request: Request, operation: OperationDefinitionNode) -> None:
        if request.method != "POST" and operation.operation is OperationType.MUTATION:
            raise RequestError(
                ErrorCode.METHOD_NOT_ALLOWED, "GET is for queries: send a mutation by POST.", headers={"allow": "POST"}
            )

    async def _run(
        self, request: Request, parameters: Parameters, chosen: Chosen, take: Take | None = None, *, is_watched: bool = True
    ) -> ExecutionResult:
        """With `take` in parts, as `increments` gives them."""
        execution = partial(self._execute, request, parameters, chosen, take)
        return await self._operations.run(execution, chosen.document.measured[chosen.name], request, is_watched=is_watched)

    async def _execute(
        self, request: Request, parameters: Parameters, chosen: Chosen, take: Take | None, running: Running
    ) -> ExecutionResult:
        try:
            context = running.context = await self._make_context(request)
        except HoldcoError as error:
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        try:
            if take is not None:
                result = await increments(
                    self._schema,
                    chosen.document.node,
                    parameters,
                    context,
                    take,
                    request_id=request.state.request_id,
                    is_suggesting=self._is_introspection_on,
                )
            else:
                result = await self._result_of(context, parameters, chosen)
            if result.errors and is_unauthenticated(result.errors):
                # The token was revoked since it was looked at. What was done before is told all the same.
                request.state.is_refused = result.data is None and not getattr(context, "has_committed", False)
            return result
        finally:
            if isinstance(context, Context) and context.reader.closes_at_once:
                await _close(context)
            else:
                # The end of the snapshot is a round trip, which nobody needs to wait for.
                request.state.closing = asyncio.ensure_future(_close(context))

    async def _result_of(
        self, context: OperationContext, parameters: Parameters, chosen: Chosen, event: Any = None
    ) -> ExecutionResult:
        plans = chosen.document.plans[chosen.name]
        return await execute(
            self._schema,
            chosen.document.node,
            plans if self._is_planning and isinstance(context, Context) else None,
            context=context,
            variables=parameters.variables,
            operation_name=parameters.operation_name,
            extensions=parameters.extensions,
            is_suggesting=self._is_introspection_on,
            root_value=event,
        )

    async def answers(self, request: Request, parameters: Parameters) -> AsyncGenerator[Answer, None]:
        """What transports that stay open send: one answer of a query or mutation, one for each event of a subscription.

        Contexts are made of the `request`, whose state names its id. RequestError before anything is executed.
        """
        request_id: str = request.state.request_id
        chosen = self._chosen(parameters)
        self._check_method(request, chosen.operation)
        try:
            if chosen.operation.operation is not OperationType.SUBSCRIPTION:
                try:
                    # The transport itself sees its client leave.
                    yield _body(await self._run(request, parameters, chosen, is_watched=False), request_id)
                finally:
                    await _closed(request)
                return

            async def execution(context: Any, event: Any) -> ExecutionResult:
                return await self._result_of(context, parameters, chosen, event)

            measured = chosen.document.measured[chosen.name]
            told = self._subscriptions.answers(request, chosen.document.node, parameters, measured, execution)
            async with aclosing(told):
                async for answer in told:
                    yield answer
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
    if "data" not in body:
        return _response(body, ErrorCode.BAD_USER_INPUT.status_for(media_type), media_type)
    outage = outage_in(result.errors) if result.errors and result.data is None else None
    return _response(body, ErrorCode[outage.code].status if outage is not None else 200, media_type)


def _body(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    told = {"extensions": result.extensions} if result.extensions else {}
    if not result.errors:
        return {"data": result.data, **told}
    body: dict[str, Any] = {"errors": presented(result.errors, request_id)}
    # The executor coerces variables before the first field: an error without a path means that none was resolved.
    if result.data is not None or any(error.path is not None for error in result.errors):
        body["data"] = result.data
    return body | told


def _refused(refusal: RequestError, media_type: str) -> Response:
    metrics.REFUSALS.labels(refusal.code.name).inc()
    response = _response({"errors": refusal.presented()}, refusal.status_for(media_type), media_type)
    response.headers.update(refusal.headers)
    return response


def _response(body: dict[str, Any], status: int, media_type: str) -> JSONResponse:
    return JSONResponse(encode(body), status, media_type)
