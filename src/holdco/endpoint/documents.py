"""Documents, parsed and validated once per text.

Parsing and validating a nested query costs more than executing it. Strawberry's ParserCache and ValidationCache do hit in
this version, but they are schema extensions, and running those costs as much again as a small query: 112 µs against 58.
They also miss as soon as a validation rule is made per request, as limiters are. So the cache stands here, before
execution, where the choice of the operation and the limits of a document belong as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import DocumentNode, OperationDefinitionNode, specified_rules, validate
from graphql.validation import ASTValidationRule
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from holdco.endpoint.cost import Cost, Sizes, compiler_of
from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.endpoint.limiting import check_document, parse_limited
from holdco.execution.execute import Plans
from holdco.limits import Limits
from holdco.monitoring.operations import Measured

# Of a document that is refused, told at once. graphql-core writes the whole of a wrong input into each of them.
ERRORS_MAX = 5


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations by name; the key is None for an operation without one.

    `plans` are those of the queries among them, and `costs` those of all, which are kept as long as the document.
    """

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    plans: Mapping[str | None, Plans]
    measured: Mapping[str | None, Measured]
    costs: Mapping[str | None, Cost]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to execute. RequestError with OPERATION_RESOLUTION_FAILURE when the name leaves it open."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is not None and name in self.operations:
            return self.operations[name]
        reason = (
            f"The document has {len(self.operations)} operations: say in `operationName` which one to execute."
            if name is None
            else f"The document has no operation named {name!r}."
        )
        raise RequestError(ErrorCode.OPERATION_RESOLUTION_FAILURE, reason)


def name_of(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


class Documents:
    """The most recently used documents, bounded in number and in text, since a syntax tree takes 300 bytes a character.

    `rules` are checked beside those of the GraphQL specification. They are classes made once, at import. Without introspection
    refusals suggest no names either.
    """

    def __init__(
        self,
        schema: Schema,
        rules: tuple[type[ASTValidationRule], ...] = (),
        *,
        documents_max: int = 1_000,
        characters_max: int = 1_000_000,
        limits: Limits | None = None,
        sizes: Sizes | None = None,
        is_introspection_on: bool = True,
    ) -> None:
        self._schema = schema._schema  # noqa: SLF001 - Strawberry has no other name for graphql-core's schema
        self._rules = (*specified_rules, *rules, MaybeNullValidationRule, OneOfInputValidationRule)
        self._limits = limits or Limits()
        self._cost_of = compiler_of(self._schema, sizes or Sizes(), self._limits)
        self._is_introspection_on = is_introspection_on
        self._documents_max = documents_max
        self._characters_max = characters_max
        self._characters = 0
        self._by_text: OrderedDict[str, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_text)

    def read(self, text: str) -> Document:
        """The document of this text. RequestError with what `parse_limited` and `check_document` say, then
        GRAPHQL_VALIDATION_FAILED.

        Documents that are refused are not kept: whoever sends them mends them.
        """
        document = self._by_text.get(text)
        if document is None:
            document = self._parsed_and_validated(text, self._limits)
            self._keep(text, document)
        else:
            self._by_text.move_to_end(text)
        return document

    def read_trusted(self, text: str) -> Document:
        """Likewise one that no client has written (`Limits.of_trusted`). It is the caller's to keep."""
        return self._parsed_and_validated(text, self._limits.of_trusted)

    def _parsed_and_validated(self, text: str, limits: Limits) -> Document:
        node = parse_limited(text, limits)
        try:
            check_document(node, limits, is_introspection_on=self._is_introspection_on)
            errors = validate(
                self._schema, node, self._rules, max_errors=ERRORS_MAX, hide_suggestions=not self._is_introspection_on
            )
            if errors:
                raise RequestError(ErrorCode.GRAPHQL_VALIDATION_FAILED, *errors)
            operations = (item for item in node.definitions if isinstance(item, OperationDefinitionNode))
            by_name = {name_of(item): item for item in operations}
            costs = {name: self._cost_of(node, item) for name, item in by_name.items()}
            measured = {name: Measured(text, name, item.operation.value) for name, item in by_name.items()}
        except RecursionError:
            # Through fragments inside fragments, or introspection: neither has levels that are counted.
            raise RequestError(ErrorCode.DEPTH_EXCEEDED, "The document is nested too deeply.") from None
        return Document(node, by_name, {name: Plans(node, item) for name, item in by_name.items()}, measured, costs)

    def _keep(self, text: str, document: Document) -> None:
        if len(text) > self._characters_max:
            return
        self._by_text[text] = document
        self._characters += len(text)
        while len(self._by_text) > self._documents_max or self._characters > self._characters_max:
            oldest, _ = self._by_text.popitem(last=False)
            self._characters -= len(oldest)
