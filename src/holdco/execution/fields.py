"""How a field is declared once and run in two ways: for one object, or for all objects of a level.

graphql-core resolves a field for one object at a time; `run.py` for a level. A relation says which loader has what it needs,
and both ways ask that loader. A column is a leaf that is cheaper to make for many rows at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import wraps
from operator import attrgetter
from typing import Any

import strawberry
from strawberry import ID, Parent

from holdco import ids, money
from holdco.context import Context
from holdco.ids import Kind
from holdco.loading import Loader, give_way

# Keys of a field's metadata.
RELATION = "holdco.relation"
COLUMN = "holdco.column"
READS = "holdco.reads"
LOOKUP = "holdco.lookup"
SINGLE = "holdco.single"
WHOLE = "holdco.whole"

Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Load:
    """What a relation asks for: a loader, its arguments, and a key for each row; None where there is nothing to load.

    `shown` turns what the loader found for a key into what the field resolves to.
    """

    loader: type[Loader[Any, Any]]
    keys: Sequence[Hashable | None]
    arguments: tuple[Hashable, ...] = ()
    shown: Callable[[Any, Any], Any] | None = None

    async def one(self, context: Context) -> Any:
        """For the only row, together with whatever else the loader is asked for in this turn of the event loop."""
        key = self.keys[0]
        found = None if key is None else await context.loader(self.loader, *self.arguments).load(key)
        return found if self.shown is None else self.shown(found, key)

    async def level(self, context: Context, levels: int) -> list[Any]:
        """For all rows in one statement. `levels` is how often the document nests this very relation."""
        loader = context.loader(self.loader, *self.arguments)
        wanted = [key for key in self.keys if key is not None]
        found = await loader.load_level(wanted, levels) if wanted else {}
        await give_way(len(wanted))
        values = [None if key is None else found[key] for key in self.keys]
        if self.shown is None:
            return values
        return [self.shown(value, key) for value, key in zip(values, self.keys, strict=True)]


def load(
    loader: type[Loader[Any, Any]],
    keys: Sequence[Hashable | None],
    arguments: tuple[Hashable, ...] = (),
    *,
    shown: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """A Load, in the place of the field's type, which the schema reads from the function that returns it."""
    return Load(loader, keys, arguments, shown)


def split(loads: Sequence[Load]) -> Any:
    """A Split, likewise."""
    return Split(loads)


@dataclass(frozen=True, slots=True)
class Split:
    """A relation to rows of several kinds: for each row, what the first load that has a key for it finds."""

    loads: Sequence[Load]

    async def one(self, context: Context) -> Any:
        load = next((load for load in self.loads if load.keys[0] is not None), None)
        return await load.one(context) if load is not None else None

    async def level(self, context: Context, levels: int) -> list[Any]:
        found = [await load.level(context, levels) for load in self.loads]
        return [next((value for value in values if value is not None), None) for values in zip(*found, strict=True)]


def reads(*names: str, of: Any = None) -> dict[str, Any]:
    """Metadata of a field: which columns of the row its resolver needs, where it does not need all.

    `of` is the kind of row, for fields of a type that stands around one.
    """
    return {READS: (names, of)}


def single() -> dict[str, Any]:
    """Metadata of a field of the root: its resolver reads once, by one statement, whatever its arguments are."""
    return {SINGLE: True}


def whole(*kinds: Any) -> dict[str, Any]:
    """Metadata of a field of the root: its resolver looks at rows of these kinds itself, and at any column of them."""
    return {WHOLE: kinds}


def column(
    description: str | None = None, *, reads: tuple[str, ...] | None = None, of: Any = None
) -> Callable[[Callable[..., Any]], Any]:
    """Declares a field by a function from rows to values that are what clients see: quicker for many than one by one.

    As in a relation, `rows` are annotated as Parent[list[...]], and the return annotation is the field's type.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def resolve(**given: Any) -> Any:
            return function([given["rows"]])[0]

        return strawberry.field(resolver=resolve, description=description, metadata={COLUMN: function, READS: (reads, of)})

    return declare


def lookup(description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declares a field of the root by a function from arguments to the Load of one key."""

    def declare(function: Callable[..., Any]) -> Any:
        @wraps(function)
        async def resolve(**given: Any) -> Any:
            return await function(**given).one(given["info"].context)

        return strawberry.field(resolver=resolve, description=description, metadata={LOOKUP: function, **single()})

    return declare


def relation(
    description: str | None = None, *, reads: tuple[str, ...] | None = ("id",), of: Any = None
) -> Callable[[Callable[..., Any]], Any]:
    """Declares a field by a function from rows (and arguments) to a Load, a Split, or the values themselves.

    It may be async, to read what arguments need. `reads` are the columns of the rows that it needs; None says all. With `of`
    they are those of another kind of row, which it looks at itself.

    The function's `rows` are annotated as Parent[list[...]], and its return annotation is the field's type in the schema.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @wraps(function)
        async def resolve(**given: Any) -> Any:
            given["rows"] = [given["rows"]]
            context: Context = given["info"].context
            asked = function(**given)
            if inspect.isawaitable(asked):
                asked = await asked
            return await asked.one(context) if isinstance(asked, Load | Split) else asked[0]

        return strawberry.field(resolver=resolve, description=description, metadata={RELATION: function, READS: (reads, of)})

    return declare


_currency = attrgetter("currency")


def amount_of(name: str, *, description: str | None = None) -> Any:
    """Money of a row in minor units, shown in the row's currency."""
    minor_units = attrgetter(name)

    def resolve(row: Parent[Any]) -> Any:
        return money.to_decimal(minor_units(row), row.currency)

    def column(rows: Rows) -> list[str]:
        return list(map(money.to_string, map(minor_units, rows), map(_currency, rows)))

    metadata = {COLUMN: column, READS: ((name, "currency"), None)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def identifier(kind: Kind) -> Any:
    """The id of a row as clients know it."""
    prefix = kind.prefix

    def resolve(row: Parent[Any]) -> ID:
        return ID(ids.encode(kind, row.id))

    def column(rows: Rows) -> list[str]:
        return [prefix + row.id.hex for row in rows]

    return strawberry.field(resolver=resolve, metadata={COLUMN: column, READS: (("id",), None)})
