"""What a document may hold, checked on its syntax: before validation, whose work grows faster than the document.

Fragments are followed wherever they are spread, as validation and execution will follow them, but each is measured once: a few
fragments that spread each other twice select more fields than anybody can count. A fragment that spreads itself, or that there is
not, is left to validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    parse,
)

from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.limits import Limits

# Beyond this clients that read JSON numbers as doubles would read another number.
COUNTED_MAX: Final = 2**53 - 1

_CONTAINERS: Final = (list, dict)

# Validation gathers the fields of a fragment wherever one stands inside another, which no sensible document does often.
_GATHERED_FACTOR: Final = 5

# The fields that tell what the schema is; `__typename` only tells what an object is.
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


def parse_limited(text: str, limits: Limits) -> DocumentNode:
    """RequestError with DOCUMENT_TOO_LARGE, DEPTH_EXCEEDED (beyond what can be parsed) or GRAPHQL_PARSE_FAILED."""
    if len(text) > limits.characters:
        raise _exceeded(ErrorCode.DOCUMENT_TOO_LARGE, "document", len(text), "characters", limits.characters)
    try:
        return parse(text, max_tokens=limits.tokens)
    except GraphQLError as error:
        # graphql-core says by these words alone that it gave up: at the limit of tokens, or at that of the interpreter's stack.
        if error.message.endswith("Parsing aborted."):
            if "nested too deeply" in error.message:
                message = f"The document is nested too deeply: at most {limits.depth} levels of fields are served."
                raise RequestError(ErrorCode.DEPTH_EXCEEDED, message) from None
            message = f"The document has more than the {limits.tokens:,} tokens that are served: ask for less at once."
            raise RequestError(ErrorCode.DOCUMENT_TOO_LARGE, message) from None
        raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, error) from error


def check_document(document: DocumentNode, limits: Limits, *, is_introspection_on: bool) -> None:
    """RequestError with, in this order, INTROSPECTION_OFF, GRAPHQL_VALIDATION_FAILED for what is not executed, DOCUMENT_TOO_LARGE
    for what the document defines, ALIASES_EXCEEDED, DIRECTIVES_EXCEEDED, LIST_TOO_LARGE; and for operations and fragments
    DOCUMENT_TOO_LARGE, DEPTH_EXCEEDED, ROOT_FIELDS_EXCEEDED; and REPETITIONS_EXCEEDED.
    """
    measured = _Measured(document)
    if measured.has_introspection and not is_introspection_on:
        raise RequestError(ErrorCode.INTROSPECTION_OFF, "Introspection is off here: take the schema from where it is published.")
    definitions = _executable(document)
    for code, number, noun, limit in (
        (ErrorCode.DOCUMENT_TOO_LARGE, measured.operations, "operations", limits.operations),
        (ErrorCode.DOCUMENT_TOO_LARGE, measured.fragments, "fragments", limits.fragments),
        (ErrorCode.DOCUMENT_TOO_LARGE, measured.variables, "variables", limits.variables),
        (ErrorCode.DOCUMENT_TOO_LARGE, measured.arguments, "arguments in one place", limits.arguments),
        (ErrorCode.ALIASES_EXCEEDED, measured.aliases, "aliases", limits.aliases),
        (ErrorCode.DIRECTIVES_EXCEEDED, measured.directives, "directives", limits.directives),
        (ErrorCode.LIST_TOO_LARGE, measured.list_items, "items in lists", limits.list_items),
    ):
        if number > limit:
            raise _exceeded(code, "document", number, noun, limit)
    _check_selections(definitions, measured, limits)
    if (gathered := measured.gathered()) > (most := limits.fields * _GATHERED_FACTOR):
        raise _exceeded(ErrorCode.DOCUMENT_TOO_LARGE, "document", gathered, "fields, each fragment by itself,", most)
    # Only now: in a document with few fields it is a short look.
    if (repetitions := measured.repetitions()) > limits.repetitions:
        raise _exceeded(ErrorCode.REPETITIONS_EXCEEDED, "document", repetitions, "repeated fields", limits.repetitions)


def _executable(document: DocumentNode) -> list[ExecutableDefinitionNode]:
    definitions: list[ExecutableDefinitionNode] = []
    for each in document.definitions:
        if not isinstance(each, ExecutableDefinitionNode):
            error = GraphQLError("Only operations and fragments are executed, and this defines a part of a schema.", each)
            raise RequestError(ErrorCode.GRAPHQL_VALIDATION_FAILED, error)
        definitions.append(each)
    return definitions


def _check_selections(definitions: list[ExecutableDefinitionNode], measured: _Measured, limits: Limits) -> None:
    selected = 0
    for definition in definitions:
        is_operation = isinstance(definition, OperationDefinitionNode)
        fields, depth, _ = measured.extent(definition.selection_set)
        # What a fragment selects counts where it is spread, but one that no operation spreads is validated all the same.
        selected += fields if is_operation else 0
        if (most := max(selected, fields)) > limits.fields:
            raise _exceeded(ErrorCode.DOCUMENT_TOO_LARGE, "document", most, "fields, fragments spread out,", limits.fields)
        if depth > limits.depth:
            raise _exceeded(ErrorCode.DEPTH_EXCEEDED, "document", depth, "levels of fields", limits.depth)
        if is_operation and (roots := len(measured.keys(definition.selection_set))) > limits.root_fields:
            raise _exceeded(ErrorCode.ROOT_FIELDS_EXCEEDED, "operation", roots, "fields at its root", limits.root_fields)


def check_variables(variables: Mapping[str, Any] | None, limits: Limits) -> None:
    """RequestError with LIST_TOO_LARGE. Bytes and depth of the variables are those of the body, which are bounded."""
    items = 0
    remaining: list[Any] = [variables] if variables else []
    while remaining:
        value = remaining.pop()
        if isinstance(value, list):
            items += len(value)
            remaining += [each for each in value if isinstance(each, _CONTAINERS)]
        else:
            remaining += [each for each in value.values() if isinstance(each, _CONTAINERS)]
    if items > limits.list_items:
        raise _exceeded(ErrorCode.LIST_TOO_LARGE, "request's variables", items, "items in lists", limits.list_items, verb="have")


def _exceeded(code: ErrorCode, what: str, number: int, noun: str, limit: int, *, verb: str = "has") -> RequestError:
    number = min(number, COUNTED_MAX)
    separator = "" if noun.endswith(",") else ","
    return RequestError(
        code,
        f"The {what} {verb} {number:,} {noun}{separator} and at most {limit:,} are served: ask for less at once.",
    )


class _Extent(NamedTuple):
    """Of a selection: how many fields are selected here and below, how many levels of them, and how many of one object."""

    fields: int
    depth: int
    beside: int


class _Measured:
    """Counts of a document as it is written, and of its selections with fragments spread out."""

    def __init__(self, document: DocumentNode) -> None:
        self.aliases = 0
        self.directives = 0
        self.list_items = 0
        self.variables = 0
        # In the place that has most of them.
        self.arguments = 0
        self.has_introspection = False
        self._fragments = {
            each.name.value: each.selection_set for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self.operations = sum(isinstance(each, OperationDefinitionNode) for each in document.definitions)
        self.fragments = sum(isinstance(each, FragmentDefinitionNode) for each in document.definitions)
        self._selection_sets: list[SelectionSetNode] = []
        self._extents: dict[int, _Extent] = {}
        for definition in document.definitions:
            self._count_definition(definition)

    def _count_definition(self, definition: Any) -> None:
        self._count_directives(definition.directives)
        for variable in getattr(definition, "variable_definitions", None) or ():
            self.variables += 1
            self._count_directives(variable.directives)
            self._count_value(variable.default_value)
        if (selection_set := getattr(definition, "selection_set", None)) is not None:
            self._count_selections(selection_set)

    def _count_selections(self, selection_set: SelectionSetNode) -> None:
        self._selection_sets.append(selection_set)
        for selection in selection_set.selections:
            self._count_directives(selection.directives)
            if isinstance(selection, FieldNode):
                self.aliases += selection.alias is not None
                self.has_introspection |= selection.name.value in _INTROSPECTION
                self._count_arguments(selection.arguments)
            if (inner := getattr(selection, "selection_set", None)) is not None:
                self._count_selections(inner)

    def _count_directives(self, directives: tuple[DirectiveNode, ...] | None) -> None:
        for directive in directives or ():
            self.directives += 1
            self._count_arguments(directive.arguments)

    def _count_arguments(self, arguments: tuple[ArgumentNode, ...] | tuple[ObjectFieldNode, ...] | None) -> None:
        if arguments:
            self.arguments = max(self.arguments, len(arguments))
            for argument in arguments:
                self._count_value(argument.value)

    def _count_value(self, value: ValueNode | None) -> None:
        if isinstance(value, ListValueNode):
            self.list_items += len(value.values)
            for each in value.values:
                self._count_value(each)
        elif isinstance(value, ObjectValueNode):
            self._count_arguments(value.fields)

    def extent(self, selection_set: SelectionSetNode) -> _Extent:
        """Introspection has no levels."""
        known = self._extents.get(id(selection_set))
        if known is not None:
            return known
        # Found again on the way down, it is a fragment inside itself.
        self._extents[id(selection_set)] = _Extent(0, 0, 0)
        fields = depth = beside = 0
        for selection in selection_set.selections:
            inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragments.get(selection.name.value)
            below, levels, among = self.extent(inner) if inner is not None else (0, 0, 0)
            if isinstance(selection, FieldNode):
                below += 1
                levels = 1 if selection.name.value in _INTROSPECTION else levels + 1
                among = 1
            fields += below
            beside += among
            depth = max(depth, levels)
        extent = self._extents[id(selection_set)] = _Extent(fields, depth, beside)
        return extent

    def gathered(self) -> int:
        """How many fields validation gathers: those of each object, and once more those of each fragment in it."""
        return sum(self.extent(each).beside for each in self._selection_sets)

    def keys(self, selection_set: SelectionSetNode) -> set[str]:
        """The names that an object of this selection has in the answer."""
        return {_key_of(node) for node in self._fields(selection_set, set())}

    def _fields(self, selection_set: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        """The fields of one object, whichever fragment they come from."""
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._fields(selection.selection_set, spread)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                spread.add(selection.name.value)
                if (inner := self._fragments.get(selection.name.value)) is not None:
                    yield from self._fields(inner, spread)

    def repetitions(self) -> int:
        """Of each object's selection, and once more those within a fragment of it, which validation compares once more."""
        repetitions = 0
        for selection_set in self._selection_sets:
            seen: set[str] = set()
            for node in self._fields(selection_set, set()):
                if (key := _key_of(node)) in seen:
                    repetitions += 1 + (self.extent(node.selection_set).fields if node.selection_set is not None else 0)
                seen.add(key)
        return repetitions


def _key_of(node: FieldNode) -> str:
    return node.alias.value if node.alias is not None else node.name.value
