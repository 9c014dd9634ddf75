"""Runs a plan: level by level, and relations that stand at several levels once for all of them.

Objects are made as soon as their attributes are known, and relations are filled in later. So the order in which relations are
asked for is free, and chosen such that each is asked for as late as others may still lead to more rows for it: one statement
for the invoices of a whole tree, not one for each of its levels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues, get_argument_values
from strawberry import Schema

from holdco.context import Context
from holdco.execution.arguments import arguments_of
from holdco.execution.fields import LOOKUP, Load, Split
from holdco.execution.plan import (
    Abstract,
    FieldPlan,
    Identity,
    Items,
    Leaf,
    NotPlanned,
    Objects,
    Plan,
    Required,
    Shape,
    serialized,
)

# Completed without a pause, which takes some milliseconds.
PIECE = 2_000
# Even the largest pages of so few parents are not worth counting.
FEW = 8


@dataclass(frozen=True, slots=True)
class Info:
    """All that a resolver of ours may ask of graphql-core's info."""

    context: Context


@dataclass(slots=True)
class Task:
    """A relation of some objects that is still to be filled in."""

    field: FieldPlan
    rows: Sequence[Any]
    objects: list[dict[str, Any]]


class Run:
    """One execution of a plan. Raises whatever goes wrong; then the stock executor says what that means."""

    def __init__(self, schema: Schema, context: Context, variables: VariableValues | None) -> None:
        self._schema = schema
        self._context = context
        self._info: Any = Info(context)
        self._variables = variables
        self._pending: list[Task] = []

    async def data(self, plan: Plan, source: Any = None) -> dict[str, Any]:
        """The object that the plan begins with, made of `source`: None at the root of the graph, or what a mutation gave."""
        self._context.select(plan.columns)
        self._context.reader.is_single = plan.is_single
        if plan.is_large:
            await self._context.take_room()
        made = self._level(plan.root, [source])[0]
        while self._pending:
            groups: dict[Identity, list[Task]] = {}
            for task in self._pending:
                groups.setdefault(task.field.identity, []).append(task)
            ready = _ready(groups)
            self._pending = [task for task in self._pending if task.field.identity not in ready]
            if len(ready) == 1:
                await self._fill(groups[ready[0]], await self._ask(groups[ready[0]]))
                continue
            # One connection answers one statement at a time; while it does, the answer before is completed.
            asked = [(groups[identity], asyncio.ensure_future(self._ask(groups[identity]))) for identity in ready]
            try:
                for tasks, asking in asked:
                    await self._fill(tasks, await asking)
            finally:
                await _end([asking for _, asking in asked])
        return made

    async def _ask(self, tasks: list[Task]) -> list[Any]:
        """The values of a relation for all rows of all levels that wait for it."""
        field = tasks[0].field
        rows = tasks[0].rows if len(tasks) == 1 else [row for task in tasks for row in task.rows]
        assert field.strawberry_field is not None
        resolver: Any = field.strawberry_field.base_resolver
        given = self._arguments(field)
        if resolver.info_parameter is not None:
            given["info"] = self._info
        if field.relation is None:
            # A field of the root: there is one object, which has no rows. The same field under another name is another task.
            lookup = field.strawberry_field.metadata.get(LOOKUP)
            if lookup is not None:
                return await lookup(**given).level(self._context, 1) * len(tasks)  # type: ignore[no-any-return]
            found = resolver.wrapped_func(None, **given) if resolver.self_parameter else resolver.wrapped_func(**given)
            return [await found if asyncio.iscoroutine(found) else found] * len(tasks)
        asked = field.relation(rows=rows, **given)
        if asyncio.iscoroutine(asked):
            asked = await asked
        if isinstance(asked, Load | Split):
            return await asked.level(self._context, max(task.field.levels for task in tasks))
        values: list[Any] = asked
        return values

    def _arguments(self, field: FieldPlan) -> dict[str, Any]:
        if field.definition is None or not field.definition.args or field.strawberry_field is None or field.node is None:
            return {}
        arguments = arguments_of(self._schema, field.strawberry_field)
        return arguments(get_argument_values(field.definition, field.node, self._variables))

    async def _fill(self, tasks: list[Task], values: Sequence[Any]) -> None:
        start = 0
        for task in tasks:
            end = start + len(task.rows)
            await self._fill_one(task, values[start:end] if len(tasks) > 1 else values)
            start = end

    async def _fill_one(self, task: Task, values: Sequence[Any]) -> None:
        """In pieces, where it is much: other operations have their turn in between, and of large ones one computes at a time."""
        key, shape = task.field.key, task.field.shape
        start = 0
        for end in pieces(values):
            is_whole = end - start == len(values)
            if not is_whole:
                await asyncio.sleep(0)
            async with nullcontext() if is_whole else self._context.capacity.computing:
                completed = self._complete(shape, values if is_whole else values[start:end])
                for target, value in zip(task.objects if is_whole else task.objects[start:end], completed, strict=True):
                    target[key] = value
            start = end

    def _level(self, plan: Objects, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """One dict for each row, complete but for its relations, which are noted as pending."""
        nothing = [None] * len(rows)
        columns: list[Sequence[Any]] = []
        waiting: list[FieldPlan] = []
        for field in plan.fields:
            if field.column is not None:
                columns.append(field.column(rows))
            elif field.value is not None:
                value = field.value
                columns.append(self._complete(field.shape, list(map(value, rows))))
            else:
                columns.append(nothing)
                waiting.append(field)
        objects = plan.build(columns) if columns else [{} for _ in rows]
        self._pending += [Task(field, rows, objects) for field in waiting]
        return objects

    def _complete(self, shape: Shape, values: Sequence[Any]) -> Sequence[Any]:
        if isinstance(shape, Required):
            # Rows and texts are true, which is quick to see; only among what is not can there be nulls.
            if not all(values) and any(value is None for value in values):
                raise NotPlanned
            if isinstance(shape.of, Objects):
                return self._level(shape.of, values) if values else []
            return self._complete(shape.of, values)
        if isinstance(shape, Objects):
            return self._scattered(values, lambda live: self._level(shape, live))
        if isinstance(shape, Items):
            return self._lists(shape, values)
        if isinstance(shape, Leaf):
            serialize = shape.serialize
            return values if serialize is None else serialized(serialize, values)
        return self._abstract(shape, values)

    def _lists(self, shape: Items, values: Sequence[Any]) -> list[Any]:
        flat = [item for value in values if value is not None for item in value]
        completed = self._complete(shape.of, flat)
        lists: list[Any] = []
        start = 0
        for value in values:
            if value is None:
                lists.append(None)
            else:
                lists.append(list(completed[start : start + len(value)]))
                start += len(value)
        return lists

    def _abstract(self, shape: Abstract, values: Sequence[Any]) -> list[Any]:
        completed: list[Any] = [None] * len(values)
        by_plan: dict[int, tuple[Objects, list[int]]] = {}
        for index, value in enumerate(values):
            if value is not None:
                plan = shape.of(value)
                by_plan.setdefault(id(plan), (plan, []))[1].append(index)
        for plan, indexes in by_plan.values():
            for index, made in zip(indexes, self._level(plan, [values[index] for index in indexes]), strict=True):
                completed[index] = made
        return completed

    @staticmethod
    def _scattered(values: Sequence[Any], complete: Any) -> Sequence[Any]:
        """Completes what is not null and leaves the nulls in their places."""
        live = [value for value in values if value is not None]
        if not live:
            return list(values)
        completed = iter(complete(live))
        return list(completed) if len(live) == len(values) else [None if value is None else next(completed) for value in values]


def pieces(values: Sequence[Any]) -> Iterator[int]:
    """Where to cut, so that each piece leads to some PIECE objects. `size` tells how many rows are in a page."""
    if len(values) > FEW:
        size = 0
        for index, value in enumerate(values):
            size += len(value) if isinstance(value, list) else getattr(value, "size", 1)
            if size >= PIECE and index + 1 < len(values):
                yield index + 1
                size = 0
    yield len(values)


async def _end(asked: Sequence[asyncio.Future[Any]]) -> None:
    """What one relation raised ends the others, and whatever they raise then has been heard."""
    for asking in asked:
        asking.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def _ready(groups: Mapping[Identity, list[Task]]) -> list[Identity]:
    """Relations that no other pending relation can lead to any more; failing that, those that stand highest."""
    reached: dict[Identity, set[Identity]] = {}
    for identity, tasks in groups.items():
        reached[identity] = {below for task in tasks for below in task.field.below if below != identity}
    ready = [identity for identity in groups if not any(identity in below for below in reached.values())]
    return ready or [next(iter(groups))]
