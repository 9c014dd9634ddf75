"""Arguments as resolvers take them, by converters that are made once per field.

Strawberry converts by looking at the types of every field of every input again, which for one customer by its id takes as long
as reading it. What these converters make is what `strawberry.types.arguments.convert_arguments` makes; what they do not know is
left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any
from weakref import WeakKeyDictionary

from strawberry import Schema, Some
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from holdco.execution.plan import NotPlanned

Converter = Callable[[Any], Any]
Arguments = Callable[[Mapping[str, Any]], dict[str, Any]]

_KEPT: WeakKeyDictionary[StrawberryField, Arguments] = WeakKeyDictionary()


def arguments_of(schema: Schema, field: StrawberryField) -> Arguments:
    """From values by the names that clients write to keyword arguments. Raises NotPlanned for a null that is refused."""
    made = _KEPT.get(field)
    if made is None:
        made = _KEPT[field] = _arguments(schema, field)
    return made


def _arguments(schema: Schema, field: StrawberryField) -> Arguments:
    convert = schema.config.name_converter
    try:
        each = [(convert.from_argument(one), one.python_name, _converter(schema, one.type)) for one in field.arguments]
    except (NotPlanned, RecursionError):
        converter = schema.schema_converter
        return lambda given: convert_arguments(given, field.arguments, converter.scalar_registry, converter.config)  # type: ignore[arg-type]
    return lambda given: {python: make(given[name]) for name, python, make in each if name in given}


def _converter(schema: Schema, kind: Any) -> Converter:
    """Raises NotPlanned for a type that is not known here."""
    if isinstance(kind, LazyType):
        return _converter(schema, kind.resolve_type())
    if isinstance(kind, StrawberryMaybe):
        return _maybe(_converter(schema, kind.of_type), is_nullable=isinstance(kind.of_type, StrawberryOptional))
    if isinstance(kind, StrawberryOptional):
        inner = _converter(schema, kind.of_type)
        return lambda value: None if value is None else inner(value)
    if isinstance(kind, StrawberryList):
        item = _converter(schema, kind.of_type)
        return lambda values: [item(value) for value in values]
    if has_object_definition(kind):
        return _input(schema, kind)
    if isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind) or kind in schema.schema_converter.scalar_registry:
        return _as_it_is
    raise NotPlanned


def _as_it_is(value: Any) -> Any:
    return value


def _maybe(inner: Converter, *, is_nullable: bool) -> Converter:
    def make(value: Any) -> Any:
        if value is None and not is_nullable:
            raise NotPlanned
        return Some(inner(value))

    return make


def _input(schema: Schema, kind: Any) -> Converter:
    definition = kind.__strawberry_definition__
    if definition.from_input is not None:
        raise NotPlanned
    convert = schema.config.name_converter
    fields = [
        (convert.from_field(field), field.python_name, _converter(schema, field.resolve_type(type_definition=definition)))
        for field in definition.fields
    ]
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def make(value: Any) -> Any:
        return kind(**absent | {python: inner(value[name]) for name, python, inner in fields if name in value})

    return make
