"""Our converters make of arguments what Strawberry's make, for every field of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.strategies import SearchStrategy
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.arguments import convert_arguments

from holdco.execution.arguments import arguments_of
from holdco.execution.plan import NotPlanned
from holdco.schema import schema

GRAPH = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)


def fields() -> Iterator[tuple[str, Any]]:
    for kind in GRAPH.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                if field.args:
                    yield f"{kind.name}.{name}", field


FIELDS = dict(fields())


def values_of(kind: GraphQLInputType) -> SearchStrategy[Any]:
    """What graphql-core hands over for a type: scalars as their Python values, of which one of each is enough."""
    if isinstance(kind, GraphQLNonNull):
        return required(kind.of_type)
    return strategies.none() | required(kind)


def required(kind: Any) -> SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        return strategies.lists(values_of(kind.of_type), max_size=2)
    if isinstance(kind, GraphQLEnumType):
        return strategies.sampled_from([value.value for value in kind.values.values()])
    if isinstance(kind, GraphQLInputObjectType):
        return objects(kind.fields)
    return strategies.sampled_from([kind.name, 1])


def objects(inputs: Any) -> SearchStrategy[dict[str, Any]]:
    """Some of those that may be left out."""
    needed = {name: values_of(each.type) for name, each in inputs.items() if isinstance(each.type, GraphQLNonNull)}
    optional = {name: values_of(each.type) for name, each in inputs.items() if name not in needed}
    return strategies.fixed_dictionaries(needed, optional=optional)


@pytest.mark.parametrize("place", FIELDS)
def test_arguments_are_converted_as_strawberry_converts_them(place: str) -> None:
    definition = FIELDS[place]
    declared = definition.extensions["strawberry-definition"]
    converter = schema.schema_converter

    @settings(max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategies.deferred(lambda: objects(definition.args)))
    def compare(values: dict[str, Any]) -> None:
        try:
            expected = convert_arguments(values, declared.arguments, converter.scalar_registry, converter.config)
        except StrawberryInputCoercionError:
            with pytest.raises(NotPlanned):
                arguments_of(schema, declared)(values)
            return
        assert arguments_of(schema, declared)(values) == expected

    compare()
