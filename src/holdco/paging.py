"""Pages of lists by keyset cursors: what a client asks for, and what it gets.

A cursor holds the values by which the last row was ordered, and the name of that ordering; the next page starts behind it,
however many rows came or went meanwhile, and costs the same on the last page as on the first.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, ColumnElement

from holdco.errors import BadUserInput
from holdco.filtering import Condition
from holdco.listing import Listing, Order

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200

# What columns hold, and no exponents: a short one could stand for a number that fills the memory.
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,12})?", re.ASCII)

Row = TypeVar("Row")


class PageRequest(NamedTuple):
    """What a client asks of a connection. Hashable: it is part of the identity of the loader that answers it.

    `after` and `before` are decoded: the values of the ordering's columns, the id last.
    """

    limit: int
    backwards: bool
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None
    orders: tuple[Order, ...]
    conditions: tuple[Condition, ...]


@dataclass(slots=True)
class Page(Generic[Row]):
    rows: Sequence[Row]
    has_next: bool
    has_previous: bool
    orders: tuple[Order, ...]

    def cursor(self, row: Row) -> str:
        return encode_cursor(self.orders, row)


def request_of(
    listing: Listing[Any],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    orders: Sequence[Order] = (),
    conditions: Sequence[Condition] = (),
    size_max: int = PAGE_SIZE_MAX,
) -> PageRequest:
    """Reads a connection's arguments. Raises BadUserInput for a size out of range or a cursor of another ordering."""
    if first is not None and last is not None:
        raise BadUserInput("Ask for first or for last, not for both.")
    limit = last if last is not None else first if first is not None else PAGE_SIZE
    name = "last" if last is not None else "first"
    if not 0 <= limit <= size_max:
        raise BadUserInput(f"{name} must be from 0 to {size_max}, not {limit}.")
    complete = _complete(listing, orders)
    return PageRequest(
        limit,
        last is not None,
        decode_cursor(listing, complete, after) if after is not None else None,
        decode_cursor(listing, complete, before) if before is not None else None,
        complete,
        tuple(conditions),
    )


def _complete(listing: Listing[Any], orders: Sequence[Order]) -> tuple[Order, ...]:
    """The ordering made total by the key, so that no row is skipped or shown twice. A column counts where it is named first."""
    by_name: dict[str, Order] = {}
    for order in orders:
        by_name.setdefault(order.name, order)
    chosen = tuple(by_name.values()) or listing.order_default
    if any(order.name == listing.key for order in chosen):
        return chosen
    return (*chosen, Order(listing.key, chosen[-1].descending))


def _fingerprint(orders: Sequence[Order]) -> str:
    return ",".join(f"-{order.name}" if order.descending else order.name for order in orders)


def encode_cursor(orders: Sequence[Order], row: Any) -> str:
    values = [_fingerprint(orders), *(getattr(row, order.name) for order in orders)]
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).rstrip(b"=").decode()


def decode_cursor(listing: Listing[Any], orders: Sequence[Order], cursor: str) -> tuple[Any, ...]:
    """Raises BadUserInput for anything that is not a cursor of this ordering."""
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        fingerprint, *values = values
        if fingerprint != _fingerprint(orders):
            raise BadUserInput(f"This cursor belongs to another ordering ({fingerprint}), not to {_fingerprint(orders)}.")
        columns = [listing.columns[order.name] for order in orders]
        return tuple(_value(column, value) for column, value in zip(columns, values, strict=True))
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise BadUserInput("This is not a cursor. Take it from pageInfo.endCursor or from an edge.") from None


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    return Decimal(text)


_FROM_TEXT: Mapping[type, Callable[[str], Any]] = {UUID: UUID, Decimal: _decimal}


def _value(column: ColumnElement[Any], value: Any) -> Any:
    """What the column can be compared with. Cursors come from outside: anybody can make one up."""
    kind = column.type.python_type
    if kind is date:
        return date.fromisoformat(value)
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    if kind in _FROM_TEXT:
        if not isinstance(value, str):
            raise TypeError
        return _FROM_TEXT[kind](value)
    if type(value) is not kind:
        raise TypeError
    if kind is int:
        limit = 2**63 if isinstance(column.type, BigInteger) else 2**31
        if not -limit <= value < limit:
            raise ValueError
    if kind is str and "\0" in value:
        raise ValueError
    return value


def page_of(rows: Sequence[Row], request: PageRequest) -> Page[Row]:
    """Cuts the extra row off. What lies on the side that one came from is known only by the cursor that was given."""
    is_more = len(rows) > request.limit
    kept = rows[: request.limit] if is_more else rows
    if request.backwards:
        return Page(kept[::-1], request.before is not None, is_more, request.orders)
    return Page(kept, is_more, request.after is not None, request.orders)
