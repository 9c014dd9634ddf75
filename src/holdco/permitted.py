"""Stands before every mutation of the graph: nothing is written that the table of rules does not allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLSchema

from holdco.access.permission import Permission, record_denial
from holdco.access.rules import RULES
from holdco.context import Context

Resolver = Callable[..., Awaitable[Any]]


def ask_permission(graph: GraphQLSchema) -> None:
    """Raises LookupError for a mutation without a rule, so that a program that has one does not start."""
    assert graph.mutation_type is not None
    for name, mutation in graph.mutation_type.fields.items():
        if name not in RULES:
            raise LookupError(f"Who may call {name} has not been decided: add it to access/rules.py.")
        assert mutation.resolve is not None
        mutation.resolve = _permitted(name, mutation.resolve)


def _permitted(name: str, resolve: Resolver) -> Resolver:
    async def resolved(source: Any, info: Any, **given: Any) -> Any:
        context: Context = info.context
        permission = Permission(context.viewer, name, given["input"])
        context.permission = permission.check
        try:
            return await resolve(source, info, **given)
        finally:
            context.permission = None
            if permission.denial is not None:
                await record_denial(context, permission.denial)

    return resolved
