"""Makes documents that fit the schema and ask for what the demo company has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)
from hypothesis import strategies as st

from holdco.schema import schema

GRAPH: Final = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)

_LEVELS: Final = 5
_PAGES: Final = (None, 0, 1, 2, 7, 50, 200)
# Fields of the root that need arguments, and such that find something.
_FINDING: Final = {
    "customer": '(by: { number: "ALD-HQ" })',
    "invoice": '(by: { number: "INV-0003" })',
    "payment": '(by: { number: "PAY-0001" })',
    "customerGroup": '(by: { name: "Direct" })',
}


@dataclass
class Made:
    """A document and the variables that it is to be sent with."""

    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    names: int = 0

    @property
    def given(self) -> str:
        return f"({', '.join(self.definitions)})" if self.definitions else ""


@st.composite
def documents(draw: st.DrawFn, ids: list[str]) -> tuple[str, dict[str, Any]]:
    """A query and its variables; `ids` are those of things that there are."""
    made = Made()
    root = GRAPH.query_type
    assert root is not None
    selection = _Selecting(draw, made, ids).of(root, _LEVELS)
    return f"query {made.given} {{ {selection} }} {' '.join(made.fragments)}", made.variables


@dataclass
class _Selecting:
    draw: st.DrawFn
    made: Made
    ids: list[str]

    def of(self, kind: Any, levels: int) -> str:
        if is_abstract_type(kind):
            possible = [each for each in GRAPH.get_possible_types(kind) if is_object_type(each)]
            chosen = self.draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3, unique=True))
            return "__typename " + " ".join(f"... on {each.name} {{ {self.of(each, levels)} }}" for each in chosen)
        names = sorted(name for name, each in kind.fields.items() if self._is_chosen(kind, name, each, levels))
        if not names:
            return "__typename"
        # Trees are reckoned in another way than everything else: there should be many.
        names += [name for name in names if name in {"customer", "children", "nodes", "edges"}] * 8
        selected = [
            self._field(name, kind.fields[name], levels, is_root=kind is GRAPH.query_type)
            for name in self.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        ]
        return " ".join(self._spread(kind, each) for each in selected)

    def _is_chosen(self, kind: GraphQLObjectType, name: str, each: GraphQLField, levels: int) -> bool:
        named = get_named_type(each.type)
        if is_leaf_type(named):
            # The objects of a JSON value are one value.
            return named.name != "JSON" and levels < _LEVELS
        is_found = kind is GRAPH.query_type and (name in _FINDING or name == "nodes")
        return levels > 0 and (is_found or not any(map(is_required_argument, each.args.values())))

    def _field(self, name: str, each: GraphQLField, levels: int, *, is_root: bool) -> str:
        named = get_named_type(each.type)
        if is_leaf_type(named):
            # Types disagree about what stands under one name, such as a status.
            return f"{name}{self._name()}: {name}"
        if name == "nodes" and "ids" in each.args:
            arguments = f"(ids: [{' '.join(self.draw(st.lists(st.sampled_from(self.ids), max_size=4)))}])"
        else:
            arguments = _FINDING[name] if is_root and name in _FINDING else self._page(each)
        # A connection has no more levels than the list that it is.
        inner = levels if named.name.endswith(("Connection", "Edge")) else levels - 1
        return f"{name}{self._name()}: {name}{arguments} {{ {self.of(named, inner)} }}"

    def _page(self, each: GraphQLField) -> str:
        sizes = [name for name in ("first", "last") if name in each.args]
        if not sizes or self.draw(st.booleans()):
            return ""
        size = self.draw(st.sampled_from(_PAGES))
        written = "null" if size is None else str(size)
        way = self.draw(st.sampled_from(["literal", "variable", "default"]))
        if way != "literal":
            variable = f"page{self._name()}"
            if way == "default":
                self.made.definitions.append(f"${variable}: Int = {written}")
            else:
                self.made.definitions.append(f"${variable}: Int = 1")
                self.made.variables[variable] = size
            written = f"${variable}"
        return f"({self.draw(st.sampled_from(sizes))}: {written})"

    def _spread(self, kind: GraphQLObjectType, selected: str) -> str:
        """As it is, behind a condition, or from a fragment."""
        way = self.draw(st.sampled_from(["plain", "plain", "inline", "fragment", "condition", "twice"]))
        if way == "plain":
            return selected
        if way == "inline":
            return f"... on {kind.name} {{ {selected} }}"
        if way == "condition":
            variable = f"shown{self._name()}"
            self.made.definitions.append(f"${variable}: Boolean!")
            self.made.variables[variable] = self.draw(st.booleans())
            return f"... @include(if: ${variable}) {{ {selected} }} __typename"
        name = f"F{self._name()}"
        self.made.fragments.append(f"fragment {name} on {kind.name} {{ {selected} }}")
        return f"...{name}" if way == "fragment" else f"...{name} {selected}"

    def _name(self) -> int:
        self.made.names += 1
        return self.made.names
