"""Makes requests that fit the schema and mean harm: for every field of the graph, arguments of every kind, most of them wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from holdco.schema import schema

GRAPH: Final = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)

HOSTILE_TEXTS: Final = [
    "", " ", "\0", "a\0b", "\ud800", "a\udfffb", "x" * 201, "x" * 5000, "'; drop table customers; --", "%", "_", "\\", "\\0",
    "${x}", "é", "\u202e", "\U0001f511", "\U0010ffff", "null", "NaN", "undefined", "{}", "[]", "\n", "\r\n", "0", "-1", "1e999",
    "../../etc/passwd", "W10", "WyJpZCJd", "cus_", "cus_" + "0" * 32, "cus_" + "F" * 32, "inv_" + "0" * 32, "pay_" + "0" * 31,
]  # fmt: skip
_DECIMALS: Final = [
    "0", "-0", "1", "-1", "0.01", "-0.01", "0.001", "0.0000001", "9" * 20, "-" + "9" * 20, "92233720368547758.07",
    "92233720368547758.08", "9223372036854775807", "9223372036854775808", "99999999999999999999.999999999999", "100",
    "100.000001", "999.999999", "1000",
]  # fmt: skip
_DATES: Final = ["0001-01-01", "0001-01-02", "1969-12-31", "2026-01-31", "2026-11-22", "9998-12-31", "9999-12-30", "9999-12-31"]
_INSTANTS: Final = ["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00.000001+14:00"]
_INTEGERS: Final = [0, 1, -1, 2, 50, 200, 201, 2_147_483_647, -2_147_483_648]
_CURRENCIES: Final = ["USD", "EUR", "JPY", "KWD"]

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@dataclass(frozen=True, repr=False)
class Target:
    """A field with arguments: at the root, or of the nodes of a type."""

    operation: str
    type_name: str
    field: str
    arguments: Mapping[str, GraphQLArgument]
    document: str

    def __repr__(self) -> str:
        return f"{self.type_name}.{self.field}"


def targets() -> Iterator[Target]:
    """Every field with arguments that the graph has."""
    for operation, root in (("query", GRAPH.query_type), ("mutation", GRAPH.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if field.args:
                yield Target(operation, root.name, name, field.args, _document(operation, root, name, "{}"))
    for kind in GRAPH.type_map.values():
        if isinstance(kind, GraphQLObjectType) and any(interface.name == "Node" for interface in kind.interfaces):
            around = f"nodes(ids: $nodes) {{{{ ... on {kind.name} {{{{ {{}} }}}}}}}}"
            for name, field in kind.fields.items():
                if field.args:
                    yield Target("query", kind.name, name, field.args, _document("query", kind, name, around))


def _document(operation: str, owner: GraphQLObjectType, name: str, around: str) -> str:
    field = owner.fields[name]
    variables = [f"${argument}: {given.type}" for argument, given in field.args.items()]
    if "$nodes" in around:
        variables.append("$nodes: [ID!]!")
    given = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    kind = get_named_type(field.type)
    selection = "" if is_leaf_type(kind) else f" {{ {_selection(kind)} }}"
    return f"{operation} ({', '.join(variables)}) {{ {around.format(f'{name}({given}){selection}')} }}"


def _selection(kind: Any) -> str:
    """Enough to make the field do its work."""
    fields = getattr(kind, "fields", {})
    asked = ["__typename"]
    if "userErrors" in fields:
        asked.append("userErrors { code message field }")
    if "totalCount" in fields:
        asked.append("totalCount nodes { __typename } pageInfo { endCursor }")
    return " ".join(asked)


@dataclass(frozen=True)
class Arguments:
    """Makes the arguments of a target. `known` are ids that exist, by the name of their type."""

    target: Target
    known: Mapping[str, list[str]]

    def variables(self) -> SearchStrategy[dict[str, Any]]:
        arguments = self._fields(self.target.arguments)
        nodes = self.known.get(self.target.type_name)
        return arguments if nodes is None else arguments.map(lambda given: {**given, "nodes": nodes})

    def _fields(self, fields: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]) -> SearchStrategy[dict[str, Any]]:
        needed = {name: self._value(name, each.type) for name, each in fields.items() if isinstance(each.type, GraphQLNonNull)}
        others = {name: self._value(name, each.type) for name, each in fields.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=others)

    def _value(self, name: str, kind: Any) -> SearchStrategy[Any]:
        if isinstance(kind, GraphQLNonNull):
            return self._present(name, kind.of_type)
        return st.one_of(st.none(), *[self._present(name, kind)] * 3)

    def _present(self, name: str, kind: Any) -> SearchStrategy[Any]:
        if isinstance(kind, GraphQLList):
            return st.lists(self._value(name, kind.of_type), max_size=3)
        if isinstance(kind, GraphQLEnumType):
            return st.sampled_from(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.is_one_of:
                only = [st.fixed_dictionaries({each: self._present(each, field.type)}) for each, field in kind.fields.items()]
                return st.one_of(*only)
            return self._fields(kind.fields)
        if kind.name == "ID":
            # Mostly what exists and belongs there, or nothing would get far.
            return st.one_of(*[st.sampled_from(self._fitting(name))] * 6, st.sampled_from(self._every()), TEXTS)
        return LEAVES[kind.name]

    def _every(self) -> list[str]:
        return [key for keys in self.known.values() for key in keys]

    def _fitting(self, name: str) -> list[str]:
        """Ids of the type that an argument's name speaks of; for a plain `id` the type that the field's name begins with."""
        speaking = self.target.field if name == "id" else name
        if speaking == "sourceId":
            return self.known["Payment"] + self.known["CreditNote"]
        if speaking.startswith("parent"):
            return self.known["Customer"]
        fitting = [kind for kind in self.known if speaking.lower().startswith(kind.lower())]
        return self.known[max(fitting, key=len)] if fitting else self._every()


TEXTS: Final = st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=20)
LEAVES: Final[dict[str, SearchStrategy[Any]]] = {
    "String": st.uuids().map(str) | TEXTS,
    "Int": st.sampled_from(_INTEGERS),
    "Boolean": st.booleans(),
    "Decimal": st.sampled_from(_DECIMALS),
    "Date": st.sampled_from(_DATES),
    "DateTime": st.sampled_from(_INSTANTS),
    "CurrencyCode": st.sampled_from(_CURRENCIES),
    "JSON": _JSON,
}
