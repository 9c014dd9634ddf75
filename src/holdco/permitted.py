"""Stands before every mutation of the graph: nothing is written that the table of rules does not allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLSchema

from holdco import database
from holdco.access.permission import Permission
from holdco.access.rules import RULES
from holdco.activity import service as activity
from holdco.activity.service import Entry
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
                await _record(context, permission.denial)

    return resolved


async def _record(context: Context, denial: Entry) -> None:
    """In a transaction of its own: the one that was refused has left nothing."""
    viewer = context.viewer
    async with database.begin(
        context.engine, organization_id=viewer.organization_id, actor=viewer.actor, viewer=viewer
    ) as transaction:
        await activity.record(transaction, [denial])
