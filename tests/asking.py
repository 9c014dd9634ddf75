"""Asks the schema as the endpoint does: on any engine, for any organization, each document read once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson
from graphql import ExecutionResult
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.response import encode
from holdco.execution.execute import execute
from holdco.limits import Limits
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import Ask

# What is asked here is not what is bounded: that is tested in limits/.
UNLIMITED = Limits(**dict.fromkeys((field.name for field in fields(Limits)), 10**30))
_DOCUMENTS = Documents(schema, limits=UNLIMITED)


async def answered(
    engine: AsyncEngine,
    organization_id: UUID,
    document: str,
    variables: dict[str, Any],
    *,
    actor: str = "tester",
    viewer: Viewer | None = None,
    is_planning: bool = True,
) -> ExecutionResult:
    """What an operation answers, errors and all; in a context, and so on a connection, of its own.

    `viewer` is who asks, where that is not an ADMIN of staff. Without `is_planning` queries, too, are left to graphql-core's
    executor.
    """
    context = Context(engine, viewer or Viewer(organization_id, actor, StaffRole.ADMIN))
    read = _DOCUMENTS.read(document)
    try:
        (plans,) = read.plans.values()
        result = await execute(schema, read.node, plans if is_planning else None, context=context, variables=variables)
    finally:
        await context.close()
    return ExecutionResult(orjson.loads(encode(result.data)), result.errors)


def asker(
    engine: AsyncEngine,
    organization_id: UUID,
    actor: str = "tester",
    *,
    viewer: Viewer | None = None,
    is_planning: bool = True,
) -> Ask:
    """`await ask(document, **variables)`: the data of an operation that must not have errors.

    A refusal is data; whatever raises is a defect, and is raised here as the exception that it was. Operations that are
    gathered race.
    """

    async def ask(document: str, **variables: Any) -> dict[str, Any]:
        result = await answered(engine, organization_id, document, variables, actor=actor, viewer=viewer, is_planning=is_planning)
        if result.errors:
            error = result.errors[0]
            raise error.original_error or error
        assert result.data is not None
        return result.data

    return ask
