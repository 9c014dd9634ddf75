"""Executes a subscription: one context to subscribe with, and another for each event.

A context holds a snapshot and what was read from it. One that lived as long as a socket would show the world of its beginning.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError
from graphql.execution import create_source_event_stream
from graphql.execution.executor import Executor
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from holdco.endpoint.parameters import Parameters

Opened = Callable[[], AbstractAsyncContextManager[Any]]
Execute = Callable[[Any, Any], Awaitable[ExecutionResult]]


class NotSubscribed(Exception):
    """There is no stream of events. Its `errors` have no data beside them: nothing was executed (GraphQL, 6.2.3)."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(*errors)
        self.errors = errors


async def subscribe(
    schema: Schema, document: DocumentNode, parameters: Parameters, *, opened: Opened, execute: Execute
) -> AsyncGenerator[ExecutionResult, None]:
    """A result for each event, until the source ends or the caller closes the generator. Raises NotSubscribed before the first.

    `opened` makes a context that is closed at the end of its block, `execute` runs the selection for a context and an event.
    """
    stream: Any = None
    try:
        # A client may go away while the context is closed: the stream is there already, and is ended all the same.
        async with opened() as context:
            stream = await _source(schema, document, parameters, context)
        async for event in stream:
            async with opened() as context:
                result = await execute(context, event)
            yield result
    finally:
        if stream is not None:
            await stream.aclose()


async def _source(schema: Schema, document: DocumentNode, parameters: Parameters, context: Any) -> Any:
    """An asynchronous iterator of events. Raises NotSubscribed."""
    executor = StrawberryGraphQLCoreExecutionContext.build(
        schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
        document,
        context_value=context,
        raw_variable_values=parameters.variables,
        operation_name=parameters.operation_name,
        **schema._get_custom_context_kwargs(parameters.extensions),  # noqa: SLF001 (the schema's own wishes)
    )
    if not isinstance(executor, Executor):
        raise NotSubscribed(executor)
    stream: Any = create_source_event_stream(executor)
    if isawaitable(stream):
        stream = await stream
    if isinstance(stream, ExecutionResult):
        raise NotSubscribed(stream.errors or [])
    return stream
