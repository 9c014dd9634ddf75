"""Relay connections, filters and refusals as types of the graph, shared by all features."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry import ID
from strawberry.types import Info as StrawberryInfo

from holdco.context import Context
from holdco.errors import BadUserInput, InvalidInput, NotFound, Refusal, Refused, UserErrorCode
from holdco.execution.fields import load, relation
from holdco.filtering import Condition
from holdco.ids import Kind, decode
from holdco.listing import Listing, Order, row_type_of
from holdco.loading import CountOfAll, CountsByParent, Loader, PagesByParent, page_of_all
from holdco.paging import Page, PageRequest, request_of
from holdco.validation import is_text

Info = StrawberryInfo[Context, None]
Node = TypeVar("Node")
Row = TypeVar("Row")

strawberry.enum(UserErrorCode, description="Why a mutation was refused. Codes are stable.")
for _value in cast("Any", UserErrorCode).__strawberry_definition__.values:
    _value.description = UserErrorCode[_value.name].meaning


@strawberry.interface(name="Node", description="Anything with an id that `node(id:)` finds again.")
class NodeInterface:
    @strawberry.field
    def id(row: strawberry.Parent[Any]) -> ID:
        raise NotImplementedError

    # What rows of the type are, which is how its objects are told from those of other types.
    row_type: ClassVar[Any] = None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return row_type_of(row) is cls.row_type


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(slots=True)
class Listed(Generic[Row]):
    """What a connection field resolves to: a page, and who counts the whole list if anybody asks."""

    page: Page[Row]
    counts: type[Loader[Any, int]]
    key: Any
    arguments: tuple[Any, ...]

    @property
    def size(self) -> int:
        return len(self.page.rows)


@dataclass(slots=True)
class EdgeRow(Generic[Row]):
    page: Page[Row]
    node: Row

    @property
    def cursor(self) -> str:
        return self.page.cursor(self.node)


@strawberry.type
class Edge(Generic[Node]):
    node: Node
    cursor: str


@strawberry.type(description="One page of a list (Relay's cursor connections), with `nodes` beside `edges`.")
class Connection(Generic[Node]):
    @strawberry.field
    def nodes(root: strawberry.Parent[Any]) -> list[Node]:
        rows: list[Node] = root.page.rows
        return rows

    @strawberry.field
    def edges(root: strawberry.Parent[Any]) -> list[Edge[Node]]:
        return [EdgeRow(root.page, row) for row in root.page.rows]  # type: ignore[misc]

    @strawberry.field
    def page_info(root: strawberry.Parent[Any]) -> PageInfo:
        return page_info(root.page)

    @relation("How many there are in all, counted only when asked for.", reads=None)
    async def total_count(rows: strawberry.Parent[list[Any]], info: Info) -> int:
        return await counted(rows, info.context)


def related(
    parent_ids: Sequence[UUID],
    pages: type[PagesByParent[Any]],
    counts: type[CountsByParent],
    request: PageRequest,
    *arguments: Hashable,
) -> Any:
    """A connection from each parent. Whatever the loaders take beside the request, such as a scope, follows it."""
    counted_by = (uncut(request), *arguments)
    return load(
        pages, parent_ids, (request, *arguments), shown=lambda page, parent_id: Listed(page, counts, parent_id, counted_by)
    )


async def counted(rows: Sequence[Listed[Any]], context: Context) -> Any:
    """`totalCount` of connections, one statement for all that the same loader counts."""
    counts: list[int] = [0] * len(rows)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault((row.counts, row.arguments), []).append(index)
    for (kind, arguments), indexes in groups.items():
        loader = context.loader(kind, *arguments)
        if len(indexes) == 1:
            counts[indexes[0]] = await loader.load(rows[indexes[0]].key)
            continue
        found = await loader.load_level([rows[index].key for index in indexes])
        for index in indexes:
            counts[index] = found[rows[index].key]
    return counts


async def listed(info: Info, listing: Listing[Any], request: PageRequest) -> Any:
    """A connection from the root of the graph."""
    page = await page_of_all(info.context.reader, listing, request)
    return Listed(page, CountOfAll, "all", (listing, uncut(request)))


def uncut(request: PageRequest) -> PageRequest:
    """What `totalCount` counts: the same list whatever the page, so that all pages share one count."""
    return request._replace(limit=0, backwards=False, after=None, before=None, orders=())


def page_info(page: Page[Any]) -> PageInfo:
    rows = page.rows
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursor(rows[0]) if rows else None,
        end_cursor=page.cursor(rows[-1]) if rows else None,
    )


@strawberry.enum
class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


def orders_of(given: Sequence[Any] | None) -> list[Order]:
    """From a list of inputs `{field, direction}`, where the values of the enum `field` are names of a row."""
    return [Order(entry.field.value, entry.direction is OrderDirection.DESC) for entry in given or ()]


class Conditional(Protocol):
    """A filter as clients write it."""

    def conditions(self) -> list[Condition]: ...


def list_request(
    listing: Listing[Any],
    filter: Conditional | None,  # noqa: A002 (the name that clients write)
    order_by: Sequence[Any] | None,
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
) -> PageRequest:
    """What a field with a filter, an ordering and a page asks of a listing. Raises BadUserInput, as `paging.request_of`."""
    return request_of(
        listing,
        first=first,
        after=after,
        last=last,
        before=before,
        orders=orders_of(order_by),
        conditions=filter.conditions() if filter is not None else (),
    )


@strawberry.input(description="Conditions on a text; all given ones must hold.")
class TextFilter:
    eq: strawberry.Maybe[str | None] = None
    in_: strawberry.Maybe[list[str]] = strawberry.field(name="in", default=None)
    contains: strawberry.Maybe[str] = strawberry.field(default=None, description="Anywhere in it, upper and lower case alike.")


@strawberry.input(description="Conditions on a number, reference or id; all given ones must hold.")
class CodeFilter:
    eq: strawberry.Maybe[str | None] = None
    in_: strawberry.Maybe[list[str]] = strawberry.field(name="in", default=None)
    starts_with: strawberry.Maybe[str] = None


@strawberry.input
class EmailFilter:
    eq: strawberry.Maybe[str | None] = strawberry.field(default=None, description="Upper and lower case alike.")


@strawberry.input
class DateFilter:
    eq: strawberry.Maybe[date] = None
    gte: strawberry.Maybe[date] = None
    lte: strawberry.Maybe[date] = None
    gt: strawberry.Maybe[date] = None
    lt: strawberry.Maybe[date] = None


@strawberry.input
class DateTimeFilter:
    gte: strawberry.Maybe[datetime] = None
    lt: strawberry.Maybe[datetime] = None


@strawberry.input
class IdFilter:
    eq: strawberry.Maybe[ID | None] = None
    in_: strawberry.Maybe[list[ID]] = strawberry.field(name="in", default=None)


def conditions_of(given: Any, kinds: dict[str, Kind] | None = None) -> list[Condition]:
    """Reads a filter input. A plain value means `eq`. `kinds` tells which id each IdFilter takes. Raises BadUserInput."""
    conditions = []
    for field in dataclasses.fields(given) if given is not None else ():
        value = getattr(given, field.name)
        if value is None:
            continue
        value = value.value if isinstance(value, strawberry.Some) else value
        if not dataclasses.is_dataclass(value):
            conditions.append(Condition(field.name, "eq", _plain(value)))
            continue
        for comparison in dataclasses.fields(value):
            some = getattr(value, comparison.name)
            if some is not None:
                conditions.append(
                    Condition(field.name, comparison.name.rstrip("_"), _operand(some.value, (kinds or {}).get(field.name)))
                )
    return conditions


def _operand(value: Any, kind: Kind | None) -> Any:
    if isinstance(value, list):
        return tuple(_operand(entry, kind) for entry in value)
    if kind is not None and value is not None:
        return decode(kind, value)
    return _plain(value)


def plain_text(value: str) -> str:
    """Text that Postgres can compare with. Raises BadUserInput."""
    if not is_text(value):
        raise BadUserInput("A text cannot contain a zero character or half of a surrogate pair.")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return plain_text(value)
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    return value.value if isinstance(value, Enum) else value


@strawberry.type(description="One reason why a mutation changed nothing.")
class UserError:
    code: UserErrorCode
    message: str
    field: list[str] | None = strawberry.field(description="The path of the input that it speaks of.")


def user_errors(refusals: Iterable[Refusal]) -> list[UserError]:
    return [
        UserError(
            code=refusal.code,
            message=str(refusal),
            field=list(refusal.field) if refusal.field is not None else None,
        )
        for refusal in refusals
    ]


Payload = TypeVar("Payload")


async def attempt(payload: Callable[..., Payload], use_case: Callable[[], Awaitable[Payload]]) -> Payload:
    """Runs a use case; what it refuses becomes the payload's `userErrors`, and by then everything has been undone."""
    try:
        return await use_case()
    except Refusal as refusal:
        return payload(user_errors=user_errors([refusal]))
    except Refused as refused:
        return payload(user_errors=user_errors(refused.refusals))


def input_id(kind: Kind, text: str, *field: str) -> UUID:
    """The key of an id in a mutation's input. Raises a Refusal that names the field."""
    try:
        return decode(kind, text)
    except BadUserInput as problem:
        raise NotFound(str(problem), field=field) from None


def input_ids(kind: Kind, texts: Sequence[str], field: str, *, within: tuple[str, ...] = (), most: int) -> list[UUID]:
    """The keys of a list of ids in a mutation's input; `within` leads from an entry of the list to its id.

    Raises InvalidInput for too many; Refused with NotFound for each that cannot be an id of this kind.
    """
    if len(texts) > most:
        what = kind.noun + "s"
        raise InvalidInput(f"A request takes at most {most} {what}, not {len(texts)}. Send them in several.", field=(field,))
    keys: list[UUID] = []
    problems: list[NotFound] = []
    for position, text in enumerate(texts):
        try:
            keys.append(input_id(kind, text, field, str(position), *within))
        except NotFound as problem:
            problems.append(problem)
    if problems:
        raise Refused(problems)
    return keys
