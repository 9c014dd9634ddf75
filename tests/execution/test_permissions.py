"""A field that asks for permission is asked for it: a plan, which calls resolvers itself, leaves such a field to graphql-core."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from strawberry import BasePermission, Schema
from strawberry.extensions import FieldExtension

from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.execution.execute import execute


class Nobody(BasePermission):
    message = "Nobody may see this."

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry passes arguments by name)
        return False


class Doubled(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **given: Any) -> Any:
        return 2 * next_(source, info, **given)


@strawberry.type
class Account:
    number: int = 7
    secret: str | None = strawberry.field(default="4711", permission_classes=[Nobody])

    @strawberry.field(extensions=[Doubled()])
    def twice(root: strawberry.Parent[Any]) -> int:
        number: int = root.number
        return number


@strawberry.type
class Query:
    @strawberry.field
    def account(self) -> Account:
        return Account()

    @strawberry.field(permission_classes=[Nobody])
    def hidden(self) -> Account | None:
        return Account()


SCHEMA = Schema(query=Query)

ANSWERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "{ account { number secret } }": ({"account": {"number": 7, "secret": None}}, ["Nobody may see this."]),
    "{ account { number } hidden { number } }": ({"account": {"number": 7}, "hidden": None}, ["Nobody may see this."]),
    "{ account { twice } }": ({"account": {"twice": 14}}, []),
    "{ account { number } }": ({"account": {"number": 7}}, []),
}


@pytest.mark.parametrize("text", ANSWERS)
async def test_what_stands_around_a_resolver_is_asked(context: Context, text: str) -> None:
    read = Documents(SCHEMA).read(text)
    (plans,) = read.plans.values()
    result = await execute(SCHEMA, read.node, plans, context=context, variables=None)
    assert (result.data, [error.message for error in result.errors or ()]) == ANSWERS[text]
