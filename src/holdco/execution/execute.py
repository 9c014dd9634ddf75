"""Executes a query by its plan, or says that the stock executor should; and the payloads of mutations likewise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from inspect import isawaitable
from itertools import product
from typing import Any

import structlog
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLObjectType, OperationDefinitionNode, OperationType
from graphql.execution import experimental_execute_incrementally
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues, get_variable_values
from graphql.pyutils import Path
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from holdco.context import Context
from holdco.errors import StatementTimeout
from holdco.execution.plan import NotPlanned, Plan, Planner, skipping_variables
from holdco.execution.run import Run

log = structlog.get_logger(__name__)

# Each place of a document has one plan for each combination of its @skip and @include variables, which are few; a client that
# sends documents with many of them is served all the same, with plans made anew.
PLANS_MAX = 16

DEFECT = "a plan failed where graphql-core did not"

_NO_VARIABLES = VariableValues({}, {})


class PlanFailed(Exception):
    """Something went wrong on the way. The stock executor meets it again and says what it means; if not, it is a defect."""


async def execute(
    schema: Schema,
    document: DocumentNode,
    plans: Plans | None,
    *,
    context: Any,
    variables: dict[str, Any] | None,
    operation_name: str | None = None,
    extensions: dict[str, Any] | None = None,
    is_suggesting: bool = True,
    root_value: Any = None,
) -> ExecutionResult:
    """Executes one operation, a level at a time where there are `plans` (then the context is Holdco's), as graphql-core would.

    Dates and times in the data may be Python's own, for orjson to write. Unless `is_suggesting`, refusals of variables name
    nothing that was not sent.
    """
    failure: PlanFailed | None = None
    special: dict[str, Any] = {"executor_class": WholeExecutor}
    if plans is not None:
        try:
            data = await plans.data(schema, context, variables)
        except PlanFailed as problem:
            failure = problem
        else:
            if data is not None:
                return ExecutionResult(data, None)
        special = {"executor_class": LevelExecutor, "planning": (schema, plans)}
    # Its `execute` takes no schema that has @defer and @stream; the executors here give whole answers all the same.
    executing: Any = experimental_execute_incrementally(
        schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
        document,
        root_value,
        context_value=context,
        variable_values=variables,
        operation_name=operation_name,
        hide_suggestions=not is_suggesting,
        **special,
        **schema._get_custom_context_kwargs(extensions),  # noqa: SLF001 (the schema's own wishes)
    )
    result: ExecutionResult = await executing if isawaitable(executing) else executing
    if plans is not None:
        await context.settle()
    if failure is not None and not result.errors:
        log.warning(DEFECT, exc_info=failure.__cause__)
    return result


class Plans:
    """The plans of one operation. Kept with its document, and forgotten with it."""

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._document = document
        self._operation = operation
        fragments = {each.name.value: each for each in document.definitions if not isinstance(each, OperationDefinitionNode)}  # type: ignore[attr-defined]
        self._skipping = skipping_variables(operation, fragments)
        self._plans: OrderedDict[Hashable, Plan | None] = OrderedDict()
        self._places: set[str] = set()

    async def data(self, schema: Schema, context: Context, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The `data` of the answer; None where only the stock executor knows the answer. Raises PlanFailed."""
        if self._operation.operation is not OperationType.QUERY:
            return None
        values = self._values(schema, variables)
        plan = self.kept("", values, lambda: self._planned(schema, variables)) if values is not None else None
        if plan is None:
            return None
        try:
            return await Run(schema, context, values).data(plan)
        except StatementTimeout:
            # It would take as long once more.
            raise
        except Exception as problem:
            # Also a statement that failed, after which a transaction answers no other.
            await context.renew()
            raise PlanFailed from problem

    def prepare(self, schema: Schema) -> None:
        """Makes a query's plans before it is asked for: one for each combination of its @skip and @include variables.

        Of these variables alone, because a plan depends on no others and those that are required have no values yet.
        """
        definitions = {each.variable.name.value: each for each in self._operation.variable_definitions or ()}
        names = [name for name in self._skipping if name in definitions]
        if self._operation.operation is not OperationType.QUERY or 2 ** len(names) > PLANS_MAX:
            return
        operation = replace(self._operation, variable_definitions=tuple(definitions[name] for name in names))
        parts = (operation if each is self._operation else each for each in self._document.definitions)
        document = replace(self._document, definitions=tuple(parts))
        for combination in product((False, True), repeat=len(names)):
            variables = dict(zip(names, combination, strict=True))
            self.kept("", VariableValues({}, variables), lambda given=variables: self._planned(schema, given, document))  # type: ignore[misc]

    def kept(self, place: str, values: VariableValues | None, make: Callable[[], Plan | None]) -> Plan | None:
        """The plan of a place in the operation: the whole of a query, or one payload of a mutation."""
        coerced = values.coerced if values is not None else {}
        key = (place, *(coerced.get(name) for name in self._skipping))
        if key not in self._plans:
            self._plans[key] = make()
            self._places.add(place)
            if len(self._plans) > PLANS_MAX * len(self._places):
                self._plans.popitem(last=False)
        return self._plans[key]

    def _values(self, schema: Schema, variables: dict[str, Any] | None) -> VariableValues | None:
        definitions = self._operation.variable_definitions
        if not definitions:
            return _NO_VARIABLES
        values = get_variable_values(schema._schema, definitions, variables or {})  # noqa: SLF001 (it has no other name)
        return values if isinstance(values, VariableValues) else None

    def _planned(self, schema: Schema, variables: dict[str, Any] | None, document: DocumentNode | None = None) -> Plan | None:
        name = self._operation.name
        executor = Executor.build(
            schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
            document or self._document,
            raw_variable_values=variables,
            operation_name=name.value if name else None,
        )
        if not isinstance(executor, Executor):
            return None
        root = executor.schema.query_type
        assert root is not None
        try:
            collected = collect_fields(executor.schema, executor.fragments, executor.variable_values, root, self._operation)
        except GraphQLError:
            # A null in @skip or @include: a variable with a default may be given one, and what that means graphql-core says.
            return None
        return planned(executor, root, collected.grouped_field_set)


def planned(executor: Executor[Any], kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Plan | None:
    try:
        return Planner(executor).plan(kind, grouped)
    except (NotPlanned, GraphQLError, RecursionError):
        return None


class WholeExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, answering at once what a document defers or streams: not every client can read it in parts."""

    execute_collected_root_fields = Executor.execute_collected_root_fields
    execute_collected_subfields = Executor.execute_collected_subfields  # type: ignore[assignment]

    def get_stream_usage(self, *_: Any) -> None:
        return None


class LevelExecutor(WholeExecutor):
    """graphql-core's executor, but for the payload of a mutation: once the mutation is done, that is a query like any other.

    What fails there is executed once more by graphql-core, the payload alone: the mutation's own resolver has run and will not
    run again.
    """

    def __init__(self, *given: Any, planning: tuple[Schema, Plans], **named: Any) -> None:
        super().__init__(*given, **named)
        self._strawberry_schema, self._plans = planning

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> Any:
        if self.operation.operation is not OperationType.QUERY and path is not None and path.prev is None:
            return self._payload(parent_type, source_value, path, grouped_field_set, position_context)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    async def _payload(
        self, kind: GraphQLObjectType, source: Any, path: Path, grouped: GroupedFieldSet, position_context: Any
    ) -> Any:
        plan = self._plans.kept(str(path.key), self.variable_values, lambda: planned(self, kind, grouped))
        failure: Exception | None = None
        if plan is not None:
            try:
                return await Run(self._strawberry_schema, self.context_value, self.variable_values).data(plan, source)
            except StatementTimeout:
                raise
            except Exception as problem:  # noqa: BLE001 (whatever it is, the stock executor meets it again and says what it means)
                failure = problem
                await self.context_value.renew()
        errors_before = len(self.collected_errors.errors)
        result = super().execute_fields(kind, source, path, grouped, position_context)
        payload = await result if self.is_awaitable(result) else result
        if failure is not None and len(self.collected_errors.errors) == errors_before:
            log.warning(DEFECT, exc_info=failure)
        return payload
