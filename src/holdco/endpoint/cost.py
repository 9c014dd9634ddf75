"""What an operation may cost: how many objects its answer can have at most, told before anything is read.

Every JSON object of an answer counts one, connections, edges and pageInfo included; a field of a mutation counts ten more. What
stands in a list counts as often as the list may be long: a connection by `first` or `last` or the usual page, a list by an
argument that names its items or else by a declared estimate (`Sizes`). Introspection counts by the schema's own average sizes.
Fragments are merged into the objects that they are spread in; of an object that may be of several types, the dearest counts.

Nested pages multiply, but for a tree: a customer has one parent, so that however often `children` is nested, below one customer
no level shows a customer twice, and all levels together show no more than the tree has. Such a nest costs what its pages multiply
to, or as much as if the whole tree stood in its dearest level: whichever is less.

A page of none counts like a page of one: what is below it is looked at all the same.

The structure is made once per operation, and keeps what it cost for the sizes that it was last asked about: with the same sizes
again that is one look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_input_object_type,
    is_list_type,
    is_object_type,
    value_from_ast_untyped,
)
from graphql.type import SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef

from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.endpoint.limiting import COUNTED_MAX
from holdco.limits import Limits
from holdco.paging import PAGE_SIZE, PAGE_SIZE_MAX

MUTATION_COST: Final = 10
# Of a list that nobody has declared.
LIST_SIZE: Final = PAGE_SIZE
# Sizes that an operation's cost is remembered for.
_REMEMBERED_MAX: Final = 64

Values = Mapping[str, Any]
Conditions = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long the lists of a schema are, by "Type.field".

    `lists`  an estimate; or the name of an argument that says how many there are, or has one item for each of them
    `pages`  the largest page of a connection, where it is not the usual one
    `trees`  connections from an object to those whose only parent it is
    """

    lists: Mapping[str, int | str] = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=dict)
    trees: frozenset[str] = frozenset()


class _Mode(Enum):
    # The field's objects belong to the object that has it.
    OWN = auto()
    # They are a wrapper (connection, edge) on the way to the next level of a tree.
    WRAPPER = auto()
    # They are, or wrap one by one, the next level of a tree.
    NEXT_LEVEL = auto()


@dataclass(frozen=True, slots=True)
class _Size:
    """How long a list is: the first of `given` (numbers, or names of variables) that says so, or else the default."""

    default: int
    maximum: int = COUNTED_MAX
    given: tuple[int | str, ...] = ()

    def of(self, values: Values) -> int:
        for each in self.given:
            size = values[each] if isinstance(each, str) else each
            if size is not None:
                return max(1, min(int(size), self.maximum))
        return self.default


_ONE: Final = _Size(1)


@dataclass(slots=True, eq=False)
class _Object:
    parts: list[_Part] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Part:
    """A field whose value is an object, or a list of them, of one of `kinds`."""

    kinds: Sequence[_Object]
    size: _Size
    conditions: Conditions
    mode: _Mode = _Mode.OWN
    base: int = 0


class Cost:
    """Of one operation. Kept with its document."""

    def __init__(self, compiler: _Compiler, operation: OperationDefinitionNode, root: _Object, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._defaults = {
            each.variable.name.value: value_from_ast_untyped(each.default_value) if each.default_value else None
            for each in operation.variable_definitions or ()
        }
        # Sorted, so that they can stand in a key; a variable that says how long a list is cannot be a condition as well.
        self._sizes = sorted(compiler.size_names)
        self._conditions = sorted(compiler.condition_names)
        self._remembered: dict[Hashable, int] = {}
        self._fixed = None if self._sizes or self._conditions else self._reckoned({})

    def of(self, variables: Values | None) -> int:
        """What the operation may cost with these variables, as they came. Those that do not fit their type count as left out."""
        if self._fixed is not None:
            return self._fixed
        given = variables or {}
        defaults = self._defaults
        key = (
            *[_as_size(given.get(name, defaults.get(name))) for name in self._sizes],
            *[given.get(name, defaults.get(name)) is True for name in self._conditions],
        )
        known = self._remembered.get(key)
        if known is None:
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            values = dict(zip((*self._sizes, *self._conditions), key, strict=True))
            known = self._remembered[key] = self._reckoned(values)
        return known

    def check(self, variables: Values | None) -> int:
        """What it may cost. RequestError with COST_EXCEEDED."""
        requested = self.of(variables)
        if requested > self._limits.cost:
            raise RequestError(
                ErrorCode.COST_EXCEEDED,
                f"The answer may have {requested:,} objects, and at most {self._limits.cost:,} are served: "
                "ask for smaller pages (`first`) or fewer levels, or split the operation.",
                extensions={"cost": self.told(requested)},
            )
        return requested

    def told(self, requested: int) -> dict[str, int]:
        """As clients read it, in an answer as in a refusal."""
        return {"requested": requested, "maximum": self._limits.cost}

    def _reckoned(self, values: Values) -> int:
        return min(_Reckoning(values, self._limits.tree).total(self._root), COUNTED_MAX)


def _as_size(value: Any) -> int | None:
    if isinstance(value, list):
        return len(value)
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    # A list may be given as its only item.
    return 1 if isinstance(value, str) else None


class _Reckoning:
    """Adds up objects. What an object costs does not depend on where it stands, so that each is looked at once."""

    def __init__(self, values: Values, tree: int) -> None:
        self._values = values
        self._tree = tree
        self._known: dict[_Object, tuple[list[int], list[int]]] = {}

    def total(self, one: _Object) -> int:
        multiplied, single = self._levels(one)
        if len(multiplied) == 1:
            return multiplied[0]
        return min(sum(multiplied), self._tree * max(single))

    def _levels(self, one: _Object) -> tuple[list[int], list[int]]:
        """By the level of the tree below the object: what all its objects cost together, and what each of them costs."""
        known = self._known.get(one)
        if known is not None:
            return known
        multiplied, single = [1], [1]
        for part in one.parts:
            if any(self._values[name] is not wanted for name, wanted in part.conditions):
                continue
            size = part.size.of(self._values)
            if part.mode is _Mode.OWN:
                cost = part.base + size * max((self.total(kind) for kind in part.kinds), default=0)
                multiplied[0] += cost
                single[0] += cost
                continue
            below = 1 if part.mode is _Mode.NEXT_LEVEL else 0
            for kind in part.kinds:
                for level, (all_there, each) in enumerate(zip(*self._levels(kind), strict=True), below):
                    if level == len(multiplied):
                        multiplied.append(0)
                        single.append(0)
                    multiplied[level] += size * all_there
                    single[level] += each
        self._known[one] = multiplied, single
        return multiplied, single


class _Compiler:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sizes: Sizes) -> None:
        self._schema = schema
        self._sizes = sizes
        self._fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        self._known: dict[Hashable, _Object] = {}
        self.size_names: set[str] = set()
        self.condition_names: set[str] = set()

    def object(
        self,
        kind: GraphQLObjectType,
        selection_sets: tuple[SelectionSetNode, ...],
        page: _Size | None = None,
        *,
        is_wrapper: bool = False,
    ) -> _Object:
        """`page` is that of a connection, which its lists have; `is_wrapper` where it leads to the next level of a tree."""
        key = (kind.name, *map(id, selection_sets), page, is_wrapper)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Object()
            collected: dict[str, list[tuple[FieldNode, Conditions]]] = {}
            for selection_set in selection_sets:
                self._collect(kind, selection_set, (), collected)
            known.parts.extend(filter(None, (self._part(kind, nodes, page, is_wrapper) for nodes in collected.values())))
        return known

    def _part(
        self, owner: GraphQLObjectType, nodes: list[tuple[FieldNode, Conditions]], page: _Size | None, is_wrapper: bool
    ) -> _Part | None:
        node, conditions = nodes[0]
        definition = self._definition(owner, node)
        named = get_named_type(definition.type)
        base = MUTATION_COST if owner is self._schema.mutation_type else 0
        # Tools ask for a type inside a type nine levels down; most types have one at most.
        is_wrapped_type = owner.name == "__Type" and node.name.value == "ofType"
        if not is_composite_type(named) or is_wrapped_type:
            return _Part((), _ONE, conditions, base=base) if base else None
        selection_sets = tuple(each.selection_set for each, _ in nodes if each.selection_set is not None)
        name = f"{owner.name}.{node.name.value}"
        size, inner_page, mode = _ONE, None, _Mode.OWN
        if is_list_type(get_nullable_type(definition.type)):
            size = page or self._list(name, node)
            mode = _Mode.NEXT_LEVEL if is_wrapper else _Mode.OWN
        elif "first" in definition.args:
            inner_page = self._page(name, node)
            mode = _Mode.WRAPPER if name in self._sizes.trees else _Mode.OWN
        elif is_wrapper and node.name.value == "node":
            mode = _Mode.WRAPPER
        is_inner_wrapper = (mode is _Mode.WRAPPER and inner_page is not None) or (
            mode is _Mode.NEXT_LEVEL and node.name.value == "edges"
        )
        possible = self._schema.get_possible_types(named) if is_abstract_type(named) else [named]
        kinds = [
            self.object(each, selection_sets, inner_page, is_wrapper=is_inner_wrapper)
            for each in possible
            if is_object_type(each)
        ]
        # Asked for in several places, it is there if it is there in one of them.
        return _Part(kinds, size, conditions if len(nodes) == 1 else (), mode, base)

    def _definition(self, owner: GraphQLObjectType, node: FieldNode) -> GraphQLField:
        name = node.name.value
        if owner is self._schema.query_type and name in {"__schema", "__type"}:
            return SchemaMetaFieldDef if name == "__schema" else TypeMetaFieldDef
        definition: GraphQLField = owner.fields.get(name, TypeNameMetaFieldDef)
        return definition

    def _collect(
        self,
        kind: GraphQLObjectType,
        selection_set: SelectionSetNode,
        outer: Conditions,
        collected: dict[str, list[tuple[FieldNode, Conditions]]],
    ) -> None:
        for selection in selection_set.selections:
            conditions = self._conditions(selection)
            if conditions is None:
                continue
            conditions = (*outer, *conditions)
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias is not None else selection.name.value
                collected.setdefault(key, []).append((selection, conditions))
                continue
            inner: Any = self._fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            condition = inner.type_condition
            if condition is None or self._applies(condition.name.value, kind):
                self._collect(kind, inner.selection_set, conditions, collected)

    def _applies(self, name: str, kind: GraphQLObjectType) -> bool:
        named = self._schema.type_map[name]
        return named is kind or (is_abstract_type(named) and self._schema.is_sub_type(named, kind))

    def _conditions(self, selection: Any) -> Conditions | None:
        """Variables and what they must be; None for what is left out whatever they are."""
        conditions: list[tuple[str, bool]] = []
        for directive in selection.directives or ():
            if directive.name.value not in {"skip", "include"}:
                continue
            wanted = directive.name.value == "include"
            value = directive.arguments[0].value
            if isinstance(value, VariableNode):
                conditions.append((value.name.value, wanted))
                self.condition_names.add(value.name.value)
            elif isinstance(value, BooleanValueNode) and value.value is not wanted:
                return None
        return tuple(conditions)

    def _page(self, name: str, node: FieldNode) -> _Size:
        return _Size(PAGE_SIZE, self._sizes.pages.get(name, PAGE_SIZE_MAX), self._given(node, "last", "first"))

    def _list(self, name: str, node: FieldNode) -> _Size:
        estimate = self._sizes.lists.get(name, LIST_SIZE)
        return _Size(LIST_SIZE, given=self._given(node, estimate)) if isinstance(estimate, str) else _Size(estimate)

    def _given(self, node: FieldNode, *names: str) -> tuple[int | str, ...]:
        """What the arguments of these names say."""
        values: dict[str, ValueNode] = {each.name.value: each.value for each in node.arguments or ()}
        given: list[int | str] = []
        for value in (values[name] for name in names if name in values):
            if isinstance(value, VariableNode):
                self.size_names.add(value.name.value)
                given.append(value.name.value)
                continue
            size = len(value.values) if isinstance(value, ListValueNode) else _as_size(value_from_ast_untyped(value))
            if size is not None:
                given.append(size)
        return tuple(given)


def compiler_of(schema: GraphQLSchema, sizes: Sizes, limits: Limits) -> Callable[[DocumentNode, OperationDefinitionNode], Cost]:
    """Makes the cost of the operations of valid documents."""
    complete = Sizes({**_introspection(schema), **sizes.lists}, sizes.pages, sizes.trees)

    def compiled(document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
        compiler = _Compiler(schema, document, complete)
        root = {
            OperationType.QUERY: schema.query_type,
            OperationType.MUTATION: schema.mutation_type,
            OperationType.SUBSCRIPTION: schema.subscription_type,
        }[operation.operation]
        assert root is not None
        return Cost(compiler, operation, compiler.object(root, (operation.selection_set,)), limits)

    return compiled


def _introspection(schema: GraphQLSchema) -> dict[str, int]:
    """How long the lists of introspection are: one of all types, and for each type what types have on average, rounded up."""
    types = list(schema.type_map.values())

    def average(counts: Sequence[int]) -> int:
        return -(-sum(counts) // max(1, len(counts)))

    fields = [each for kind in types for each in getattr(kind, "fields", {}).values()]
    outputs = [each for each in fields if isinstance(each, GraphQLField)]
    arguments = average([len(each.args) for each in outputs])
    return {
        "__Schema.types": len(types),
        "__Schema.directives": len(schema.directives),
        "__Directive.args": average([len(each.args) for each in schema.directives]),
        "__Field.args": arguments,
        "__Type.fields": average([len(kind.fields) if is_object_type(kind) else 0 for kind in types]),
        "__Type.inputFields": average([len(kind.fields) if is_input_object_type(kind) else 0 for kind in types]),
        "__Type.enumValues": average([len(getattr(kind, "values", ())) for kind in types]),
        "__Type.interfaces": average([len(getattr(kind, "interfaces", ())) for kind in types]),
        "__Type.possibleTypes": 1,
    }
