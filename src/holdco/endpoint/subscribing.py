"""Executes subscriptions: one context to subscribe with, and another for each event.

A context holds a snapshot and what was read from it. One that lived as long as a socket would show the world of its beginning.

Subscribers who asked for the same, see the same and have the same event before them are answered once, and the answer is
encoded once: a thousand idle tabs that show one customer cost one snapshot a commit. An event that is the same is one that
ends with the same notice (`Event.number`): the snapshot that answers it is younger than all that it tells of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLError
from graphql.execution import create_source_event_stream
from graphql.execution.executor import Executor
from starlette.requests import Request
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from holdco.changes.hub import Event
from holdco.context import Context
from holdco.endpoint.errors import RequestError, presented
from holdco.endpoint.operations import Operations, Running
from holdco.endpoint.parameters import Parameters
from holdco.endpoint.response import Answer, encode
from holdco.errors import HoldcoError
from holdco.monitoring import metrics
from holdco.monitoring.operations import Measured

# A commit that thousands subscribed to must not hold all connections of the process.
EVENTS_AT_ONCE = 3

# Executes the selection for a context and an event.
Execute = Callable[[Any, Any], Awaitable[ExecutionResult]]
# Shows a result to clients; the text is the request's id.
Body = Callable[[ExecutionResult, str], dict[str, Any]]


class Subscriptions:
    """What the subscriptions of a process have in common. `open_context` makes a context, `close_context` ends it."""

    def __init__(
        self,
        schema: Schema,
        operations: Operations,
        *,
        open_context: Callable[[Request], Awaitable[Any]],
        close_context: Callable[[Any], Awaitable[None]],
        body: Body,
    ) -> None:
        self._schema = schema
        self._operations = operations
        self._open_context = open_context
        self._close_context = close_context
        self._body = body
        self._turn = asyncio.Semaphore(EVENTS_AT_ONCE)
        self._shared: dict[Hashable, _Shared] = {}

    async def answers(
        self, request: Request, document: DocumentNode, parameters: Parameters, measured: Measured, execute: Execute
    ) -> AsyncGenerator[Answer, None]:
        """One encoded answer for each event, until the source ends or the caller closes the generator.

        A dict is what comes instead of them: `errors` without data, since nothing was executed (GraphQL, 6.2.3); RequestError,
        as `Operations.run` says, likewise. HoldcoError when no context is made for an event, which ends the subscription:
        whoever may not ask any more may not listen either.
        """
        source = _Source(self._schema, document, parameters)
        asked = (measured.text, measured.name, orjson.dumps(parameters.variables, option=orjson.OPT_SORT_KEYS))
        try:
            subscribing = partial(self._subscribe, request, source)
            result = await self._operations.run(subscribing, measured, request, is_watched=False)
            if result.errors:
                yield {"errors": presented(result.errors, request.state.request_id)}
                return
            async for event in source.stream:
                context = await self._open_context(request)
                answering = partial(self._answering, request, context, measured, partial(execute, context, event))
                yield await self._once(_key(context, event, *asked), answering, context)
                metrics.EVENTS.inc()
        finally:
            await source.close()

    async def _subscribe(self, request: Request, source: _Source, running: Running) -> ExecutionResult:
        try:
            context = running.context = await self._open_context(request)
        except HoldcoError as error:
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        try:
            return await source.open(context)
        finally:
            await asyncio.shield(self._close_context(context))

    async def _answering(
        self, request: Request, context: Any, measured: Measured, execute: Callable[[], Awaitable[ExecutionResult]]
    ) -> orjson.Fragment:
        """What a subscriber gets for an event. Where nothing could be read, that is told, and the subscription goes on."""

        async def execution(running: Running) -> ExecutionResult:
            running.context = context
            return await execute()

        try:
            async with self._turn:
                result = await self._operations.run(execution, measured.event, request, is_watched=False)
            answer = self._body(result, request.state.request_id)
        except RequestError as refusal:
            metrics.REFUSALS.labels(refusal.code.name).inc()
            answer = {"errors": refusal.presented(), "data": None}
        finally:
            await asyncio.shield(self._close_context(context))
        return orjson.Fragment(encode(answer))

    async def _once(
        self, key: Hashable, answering: Callable[[], Coroutine[Any, Any, orjson.Fragment]], context: Any
    ) -> orjson.Fragment:
        """What is under way under this key already, or begins. It goes on as long as anybody waits for it."""
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.ensure_future(answering()))
        else:
            await self._close_context(context)
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if self._shared.get(key) is shared and (shared.task.done() or not shared.waiting):
                del self._shared[key]
                shared.task.cancel()


@dataclass(slots=True)
class _Shared:
    task: asyncio.Task[orjson.Fragment]
    waiting: int = 0


def _key(context: Any, event: Any, *asked: Hashable) -> Hashable:
    """Who looks decides what is seen. Of contexts and events that are not Holdco's nobody knows whether two are the same."""
    return (context.viewer, event, *asked) if isinstance(context, Context) and isinstance(event, Event) else object()


class _Source:
    """The stream of a subscription's events, from the moment in which there is one."""

    def __init__(self, schema: Schema, document: DocumentNode, parameters: Parameters) -> None:
        self._schema = schema
        self._document = document
        self._parameters = parameters
        self.stream: Any = None

    async def open(self, context: Any) -> ExecutionResult:
        """A result without data. Whoever is cancelled meanwhile can still `close`."""
        executor = StrawberryGraphQLCoreExecutionContext.build(
            self._schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
            self._document,
            context_value=context,
            raw_variable_values=self._parameters.variables,
            operation_name=self._parameters.operation_name,
            **self._schema._get_custom_context_kwargs(self._parameters.extensions),  # noqa: SLF001 (the schema's own wishes)
        )
        if not isinstance(executor, Executor):
            return ExecutionResult(None, executor)
        stream: Any = create_source_event_stream(executor)
        if isawaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            return stream
        self.stream = stream
        return ExecutionResult(None, None)

    async def close(self) -> None:
        if self.stream is not None:
            await self.stream.aclose()
