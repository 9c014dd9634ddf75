"""Plans: what a document asks of each object, worked out once and kept with the document.

A plan depends on the document and on the variables of its @skip and @include, on nothing else. graphql-core itself collects
the fields, so that fragments, aliases and merged selections mean here what they mean there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    VariableNode,
    print_ast,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from strawberry.types.field import StrawberryField

from holdco.execution.fields import COLUMN, READS, RELATION, SINGLE, WHOLE
from holdco.listing import row_type_of

# A short document can have more fields than there are atoms, by fragments that spread others twice. graphql-core follows them
# only as far as there are objects; a plan has them all.
FIELDS_MAX = 5_000


class NotPlanned(Exception):
    """A place in the document that a level at a time cannot do; the stock executor can."""


Column: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(slots=True)
class Leaf:
    """Values of a scalar or enum. `serialize` takes those that are not null; None: they are what they should be already."""

    serialize: Callable[[Sequence[Any]], Sequence[Any]] | None


@dataclass(slots=True)
class Items:
    """A list."""

    of: Shape


@dataclass(slots=True)
class Required:
    """What must not be null. A null there is an error, and errors are the stock executor's."""

    of: Shape


@dataclass(slots=True)
class Objects:
    """Objects of one type, with what is selected of them. `build` makes them from a column for each field."""

    fields: list[FieldPlan]
    build: Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]


@dataclass(slots=True)
class Abstract:
    """Objects of several types: the plan of each, found by the kind of its rows."""

    possible: list[tuple[GraphQLObjectType, Objects]]
    by_kind: dict[Any, Objects] = field(default_factory=dict)

    def of(self, value: Any) -> Objects:
        kind = row_type_of(value)
        plan = self.by_kind.get(kind)
        if plan is None:
            for possible, objects in self.possible:
                if possible.is_type_of is not None and possible.is_type_of(value, None):  # type: ignore[arg-type]
                    plan = self.by_kind[kind] = objects
                    break
            else:
                raise NotPlanned
        return plan


Shape: TypeAlias = Leaf | Items | Required | Objects | Abstract
Identity: TypeAlias = tuple[int, tuple[str, ...]]


@dataclass(slots=True)
class FieldPlan:
    """One field of the objects at one place, and how it gets its values: a column of them at once, a value for each row, or a
    relation. A field of the root has none of these: its resolver is called.
    """

    key: str
    shape: Shape
    column: Column | None = None
    value: Callable[[Any], Any] | None = None
    relation: Callable[..., Any] | None = None
    definition: GraphQLField | None = None
    node: FieldNode | None = None
    strawberry_field: StrawberryField | None = None
    # The same relation with the same arguments, wherever it stands in the document.
    identity: Identity = (0, ())
    # The identities of all relations at and below the objects that this field leads to.
    below: frozenset[Identity] = frozenset()
    levels: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for at the root, and of each kind of row which columns; of kinds that are not named, all.

    `is_single` says that one statement finds everything, `is_large` that there are lists within lists.
    """

    root: Objects
    columns: Mapping[Any, frozenset[str]]
    is_single: bool
    is_large: bool


class Planner:
    """Plans one operation, with the executor that graphql-core would run it with."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._graph = executor.schema
        self._executor = executor
        self._columns: dict[Any, set[str] | None] = {}
        self._size = 0

    def plan(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Plan:
        """Raises NotPlanned, also for more than FIELDS_MAX fields."""
        root = self._objects(kind, grouped)
        relations = [each for each in root.fields if each.column is None]
        is_single = len(relations) == 1 and _is_single(relations[0])
        columns = {kind: frozenset(names) for kind, names in self._columns.items() if names is not None}
        return Plan(root, columns, is_single, _list_depth(root) > 1)

    def _objects(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Objects:
        self._size += len(grouped)
        if self._size > FIELDS_MAX:
            raise NotPlanned
        fields = [self._field(kind, key, details) for key, details in grouped.items()]
        return Objects(fields, _builder(tuple(grouped)))

    def _note_columns(self, kind: GraphQLObjectType, declared: StrawberryField) -> None:
        """What a field needs of its row. One set for all places of the document that show this kind of row."""
        self._columns |= dict.fromkeys(declared.metadata.get(WHOLE, ()))
        names, of = declared.metadata.get(READS, (None, None))
        row_type = of or getattr(kind.extensions["strawberry-definition"].origin, "row_type", None)
        if row_type is None:
            return
        if names is None and declared.base_resolver is None:
            names = (declared.python_name,)
        known = self._columns.setdefault(row_type, set())
        if names is None or known is None:
            self._columns[row_type] = None
        else:
            known.update(names)

    def _field(self, kind: GraphQLObjectType, key: str, details: FieldDetailsList) -> FieldPlan:
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            return FieldPlan(key, Leaf(None), column=_constant(kind.name))
        definition = self._graph.get_field(kind, name)
        if definition is None or name.startswith("__") or any(detail.defer_usage for detail in details):
            raise NotPlanned
        declared: StrawberryField = definition.extensions["strawberry-definition"]
        if declared.extensions:
            # What stands around a resolver, permissions above all, would not be asked.
            raise NotPlanned
        plan = FieldPlan(key, self._shape(definition.type, details), definition=definition, node=node, strawberry_field=declared)
        self._note_columns(kind, declared)
        self._add_source(plan, declared, is_root=kind is self._graph.query_type)
        if plan.column is None and plan.value is None:
            arguments = tuple(sorted(print_ast(argument) for argument in node.arguments or ()))
            plan.identity = (id(declared), arguments)
            plan.levels = 1 + _nesting(plan.shape, plan.identity)
        plan.below = frozenset(_identities(plan.shape))
        return plan

    def _add_source(self, plan: FieldPlan, declared: StrawberryField, *, is_root: bool) -> None:
        if is_root:
            return
        column: Column | None = declared.metadata.get(COLUMN)
        if column is not None:
            plan.column = column
            return
        plan.relation = declared.metadata.get(RELATION)
        if plan.relation is not None:
            return
        resolver: Any = declared.base_resolver
        if resolver is None:
            plan.value = attrgetter(declared.python_name)
        elif declared.is_async or resolver.info_parameter is not None or declared.arguments or resolver.parent_parameter is None:
            raise NotPlanned
        else:
            plan.value = resolver.wrapped_func
        if plan.value is not None and _is_leaf(plan.shape):
            plan.column = _leaf_column(plan.value, plan.shape)

    def _shape(self, kind: GraphQLOutputType, details: FieldDetailsList) -> Shape:
        if isinstance(kind, GraphQLNonNull):
            return Required(self._shape(kind.of_type, details))
        if isinstance(kind, GraphQLList):
            return Items(self._shape(kind.of_type, details))
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            return Leaf(serializer(kind))
        if isinstance(kind, GraphQLObjectType):
            return self._objects(kind, self._collected(kind, details))
        assert isinstance(kind, GraphQLInterfaceType | GraphQLUnionType)
        return Abstract(
            [(each, self._objects(each, self._collected(each, details))) for each in self._graph.get_possible_types(kind)]
        )

    def _collected(self, kind: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet:
        return self._executor.collect_subfields(kind, details).grouped_field_set


Builder: TypeAlias = Callable[[Sequence[Sequence[Any]]], list[dict[str, Any]]]

# Code is kept, and costs a compilation: more keys than this are in documents that were made to be large.
_WRITTEN_MAX = 100


def _builder(keys: tuple[str, ...]) -> Builder:
    """Makes dicts with these keys from columns."""
    if not keys:
        return lambda _: []
    if len(keys) > _WRITTEN_MAX:
        return lambda columns: [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]
    return _written(keys)


@lru_cache(500)
def _written(keys: tuple[str, ...]) -> Builder:
    """The keys are written into the code, as one would by hand: that takes a third of the time of dict(zip(keys, values))."""
    values = [f"value_{index}" for index in range(len(keys))]
    pairs = ", ".join(f"{key!r}: {value}" for key, value in zip(keys, values, strict=True))
    source = f"lambda columns: [{{{pairs}}} for {', '.join(values)}, in zip(*columns)]"
    build: Builder = eval(source)  # noqa: S307 (keys are names of GraphQL)
    return build


# What the database gives in the form that clients see, or what orjson writes as the scalar would.
_AS_THEY_ARE = frozenset({"String", "ID", "CurrencyCode", "JSON", "Date", "DateTime"})


def serializer(kind: GraphQLScalarType | GraphQLEnumType) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """graphql-core's own, but for strings, times, and enums that the database keeps as their names."""
    if kind.name in _AS_THEY_ARE:
        return None
    if kind.name == "Int":
        return _ints
    one = kind.coerce_output_value
    if isinstance(kind, GraphQLEnumType):
        one = {value.value: name for name, value in kind.values.items()}.__getitem__
    return lambda values: list(map(one, values))


def serialized(serialize: Callable[[Sequence[Any]], Sequence[Any]], values: Sequence[Any]) -> Sequence[Any]:
    """Nulls stay where they are."""
    if None not in values:
        return serialize(values)
    live = iter(serialize([value for value in values if value is not None]))
    return [None if value is None else next(live) for value in values]


def _list_depth(objects: Objects) -> int:
    """How many lists stand within one another."""
    depths = [_is_list(each.shape) + max(map(_list_depth, _objects_in(each.shape)), default=0) for each in objects.fields]
    return max(depths, default=0)


def _is_list(shape: Shape) -> bool:
    return isinstance(shape, Items) or (isinstance(shape, Required) and isinstance(shape.of, Items))


def _ints(values: Sequence[Any]) -> Sequence[Any]:
    """graphql-core asks of every number whether it might be something else; those of the database are numbers."""
    if set(map(type, values)) == {int} and min(values) >= -(2**31) and max(values) < 2**31:
        return values
    return [GraphQLInt.coerce_output_value(value) for value in values]


def _is_single(relation: FieldPlan) -> bool:
    declared = relation.strawberry_field
    return not relation.below and declared is not None and declared.metadata.get(SINGLE, False)


def _constant(value: str) -> Column:
    return lambda rows: [value] * len(rows)


def _is_leaf(shape: Shape) -> bool:
    return isinstance(shape, Leaf) or (isinstance(shape, Required) and isinstance(shape.of, Leaf))


def _leaf_column(value: Callable[[Any], Any], shape: Shape) -> Column:
    """The values of a leaf, serialized, with the null check that its type asks for."""
    is_required = isinstance(shape, Required)
    leaf = shape.of if isinstance(shape, Required) else shape
    assert isinstance(leaf, Leaf)
    serialize = leaf.serialize

    def column(rows: Sequence[Any]) -> Sequence[Any]:
        values = list(map(value, rows))
        if is_required and None in values:
            raise NotPlanned
        if serialize is None:
            return values
        return serialized(serialize, values)

    return column


def _objects_in(shape: Shape) -> list[Objects]:
    while isinstance(shape, Required | Items):
        shape = shape.of
    if isinstance(shape, Objects):
        return [shape]
    return [objects for _, objects in shape.possible] if isinstance(shape, Abstract) else []


def _identities(shape: Shape) -> set[Identity]:
    found: set[Identity] = set()
    for objects in _objects_in(shape):
        for each in objects.fields:
            found |= each.below
            if each.column is None and each.value is None:
                found.add(each.identity)
    return found


def _nesting(shape: Shape, identity: Identity) -> int:
    """How many times in a row the relation stands below itself, reached over connections only."""
    deepest = 0
    for objects in _objects_in(shape):
        for each in objects.fields:
            if each.relation is not None:
                if each.identity == identity:
                    deepest = max(deepest, each.levels)
            elif each.value is not None:
                deepest = max(deepest, _nesting(each.shape, identity))
    return deepest


def skipping_variables(node: Any, fragments: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables of @skip and @include: what a plan depends on beside the document."""
    found: set[str] = set()
    pending = [node, *fragments.values()]
    while pending:
        part = pending.pop()
        for directive in getattr(part, "directives", None) or ():
            if directive.name.value in {"skip", "include"}:
                found |= {a.value.name.value for a in directive.arguments if isinstance(a.value, VariableNode)}
        selection = getattr(part, "selection_set", None)
        pending += selection.selections if selection is not None else ()
    return tuple(sorted(found))
