"""Executes a query by its plan, or says that the stock executor should."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution.collect_fields import collect_fields
from graphql.execution.executor import Executor
from strawberry import Schema

from holdco.context import Context
from holdco.execution.plan import NotPlanned, Objects, Planner, skipping_variables
from holdco.execution.run import Run

# A document has one plan for each combination of its @skip and @include variables, which are few; a client that sends
# documents with many of them is served all the same, with plans made anew.
PLANS_MAX = 16


class Plans:
    """The plans of one operation. Kept with its document, and forgotten with it."""

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._document = document
        self._operation = operation
        fragments = {each.name.value: each for each in document.definitions if not isinstance(each, OperationDefinitionNode)}  # type: ignore[attr-defined]
        self._skipping = skipping_variables(operation, fragments)
        self._plans: OrderedDict[tuple[Any, ...], Objects | None] = OrderedDict()

    async def data(self, schema: Schema, context: Context, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The `data` of the answer; None where only the stock executor knows the answer, which may be an error."""
        operation = self._operation
        if operation.operation is not OperationType.QUERY:
            return None
        executor = Executor.build(
            schema._schema,  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
            self._document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation.name.value if operation.name else None,
        )
        if not isinstance(executor, Executor):
            return None
        key = tuple(executor.variable_values.coerced.get(name) for name in self._skipping)
        if key not in self._plans:
            self._plans[key] = self._planned(schema, executor)
            if len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)
        plan = self._plans[key]
        if plan is None:
            return None
        try:
            return await Run(schema, context, executor.variable_values).data(plan)
        except Exception:  # noqa: BLE001 (whatever it is, the stock executor meets it again and answers exactly)
            return None

    def _planned(self, schema: Schema, executor: Executor[Any]) -> Objects | None:
        root = executor.schema.query_type
        assert root is not None
        collected = collect_fields(executor.schema, executor.fragments, executor.variable_values, root, self._operation)
        if collected.new_defer_usages:
            return None
        try:
            return Planner(schema, executor).objects(root, collected.grouped_field_set)
        except (NotPlanned, GraphQLError, RecursionError):
            return None
