"""The plan of a payload that fails where graphql-core does not is a defect: the answer is right, and the log tells of it."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from strawberry import Schema

from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.execution import execute as execution
from holdco.execution.fields import relation


class Log:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def warning(self, event: str, *, exc_info: BaseException) -> None:
        self.told.append((event, str(exc_info)))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    monkeypatch.setattr(execution, "log", made)
    return made


@strawberry.type
class Payload:
    number: int = 7

    @relation()
    def place(rows: strawberry.Parent[list[Any]], info: strawberry.Info) -> str | None:
        # What a plan cannot tell: it has no path.
        return [str(info.path.key)] * len(rows)  # type: ignore[return-value]

    @relation()
    def failing(rows: strawberry.Parent[list[Any]], info: strawberry.Info) -> str | None:
        raise ValueError(f"{info.context is not None} and {len(rows)}")


DONE: list[int] = []


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def do(self) -> Payload:
        DONE.append(1)
        return Payload()


@strawberry.type
class Query:
    nothing: int | None = None


class Quiet(Schema):
    def process_errors(self, *_: Any) -> None:
        pass


SCHEMA = Quiet(query=Query, mutation=Mutation)

ANSWERS: dict[str, tuple[dict[str, Any], list[str], list[tuple[str, str]]]] = {
    "number": ({"number": 7}, [], []),
    "number place": ({"number": 7, "place": "place"}, [], [(execution.DEFECT, "'Info' object has no attribute 'path'")]),
    # graphql-core fails as well, and says so to the client.
    "number failing": ({"number": 7, "failing": None}, ["True and 1"], []),
}


@pytest.mark.parametrize("fields", ANSWERS)
async def test_a_plan_that_fails_alone_is_told_of(context: Context, log: Log, fields: str) -> None:
    DONE.clear()
    read = Documents(SCHEMA).read(f"mutation {{ do {{ {fields} }} }}")
    (plans,) = read.plans.values()
    result = await execution.execute(SCHEMA, read.node, plans, context=context, variables=None)
    expected, errors, told = ANSWERS[fields]
    assert (result.data, [error.message for error in result.errors or ()]) == ({"do": expected}, errors)
    assert log.told == told
    assert DONE == [1]
