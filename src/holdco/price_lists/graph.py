"""Price lists as clients see them: types and queries. Mutations are in `mutations.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, Parent

from holdco import ids
from holdco.connections import Connection, Info, NodeInterface, list_request, listed, plain_text, related
from holdco.errors import BadUserInput
from holdco.execution.fields import identifier, load, lookup, reads, relation, single
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.items.graph import Item
from holdco.items.loaders import ItemById
from holdco.paging import request_of
from holdco.price_lists import loaders, queries
from holdco.price_lists.inputs import ItemQuantityInput, PriceListBy, PriceListFilter
from holdco.price_lists.loaders import PricedBy, QuotedRow
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.prices import rounding_of
from holdco.price_lists.pricing import PriceDirection, PriceRounding, PriceSource, direction_of
from holdco.price_lists.queries import PriceListRateRow, PriceListRow, PriceListVersionRow
from holdco.scalars import CurrencyCode

# Of one field: every list of the answer prices all of them.
PRICED_MAX = 200


@strawberry.type(
    name="PriceRoundingRule",
    description="A price goes to a multiple of `step`, then `less` is taken off: steps of 1.00 less 0.01 end in .99.",
)
class RoundingRule:
    direction: PriceRounding
    step: Decimal
    less: Decimal


@strawberry.type(description="What a price list said from one change to the next.")
class PriceListVersion:
    version: int

    @strawberry.field(description="With `direction`; null for RATES.", metadata=reads("percent"))
    def percent(row: Parent[PriceListVersionRow]) -> Decimal | None:
        return _percent(row, None)

    @strawberry.field(metadata=reads("percent"))
    def direction(row: Parent[PriceListVersionRow]) -> PriceDirection | None:
        return _direction(row, None)

    @strawberry.field(metadata=reads("rounding", "rounding_step", "rounding_less"))
    def rounding(row: Parent[PriceListVersionRow]) -> RoundingRule | None:
        return _rounding(row, None)

    valid_from: datetime
    valid_to: datetime | None = strawberry.field(description="Null for the present one.")
    actor: str = strawberry.field(description="Who made the change.")

    row_type = PriceListVersionRow


@strawberry.type(description="What one unit of an item costs from `quantityFrom` on, to below `quantityTo`.")
class PriceListRate:
    quantity_from: Decimal
    quantity_to: Decimal | None = strawberry.field(description="Null where there is no end.")
    unit_price: Decimal

    row_type = PriceListRateRow

    @relation(reads=("item_id",))
    def item(rows: Parent[list[PriceListRateRow]], info: Info) -> Item:
        return load(ItemById, [row.item_id for row in rows])


@strawberry.type(description="What one unit of an item costs when so many are bought.")
class PriceQuote:
    quantity: Decimal
    unit_price: Decimal | None = strawberry.field(description="Null where it has no price in the currency.")
    source: PriceSource = strawberry.field(description="ITEM where the price list says nothing of the item and quantity.")

    @relation("Null where there is none.", reads=None)
    def item(rows: Parent[list[QuotedRow]], info: Info) -> Item | None:
        return load(ItemById, [row.item_id for row in rows])


@strawberry.type(
    description="Other prices than the default ones, in one currency. Currency and kind never change, and no list is deleted. "
    "Only staff see price lists."
)
class PriceList(NodeInterface):
    name: str
    description: str | None
    currency: CurrencyCode
    kind: PriceListKind
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(
        description="Counts changes; invoices say which one priced them. Give it with an update to be refused if somebody was "
        "faster."
    )

    row_type = PriceListRow

    id = identifier(Kind.PRICE_LIST)

    @strawberry.field(description="An inactive one applies to nothing new.", metadata=reads("inactivated_at"))
    def is_active(row: Parent[PriceListRow]) -> bool:
        return row.inactivated_at is None

    @relation("What is added to default prices or taken off, by `direction`; null for RATES.")
    def percent(rows: Parent[list[PriceListRow]], info: Info) -> Decimal | None:
        return _present(rows, _percent)

    @relation("Null for RATES.")
    def direction(rows: Parent[list[PriceListRow]], info: Info) -> PriceDirection | None:
        return _present(rows, _direction)

    @relation("Null where prices stay as the percentage makes them.")
    def rounding(rows: Parent[list[PriceListRow]], info: Info) -> RoundingRule | None:
        return _present(rows, _rounding)

    @relation("Its history, the latest version first. Each change makes one.")
    def versions(
        rows: Parent[list[PriceListRow]], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[PriceListVersion]:
        request = request_of(queries.VERSIONS, first=first, after=after)
        return related([row.id for row in rows], loaders.VersionsByPriceListId, loaders.VersionCountByPriceListId, request)

    @relation(
        "Items in the order in which they were made, each with its brackets from below; of one item, or in another version, "
        "where that is said."
    )
    def rates(
        rows: Parent[list[PriceListRow]],
        info: Info,
        version: int | None = None,
        item_id: ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[PriceListRate]:
        conditions = [Condition("version", "eq", version) if version is not None else Condition("is_present", "eq", None)]
        if item_id is not None:
            conditions.append(Condition("item_id", "eq", ids.decode(Kind.ITEM, item_id)))
        request = request_of(queries.RATES, first=first, after=after, conditions=conditions)
        return related([row.id for row in rows], loaders.RatesByPriceListId, loaders.RateCountByPriceListId, request)

    @relation(
        f"What items cost by it, in the order of `items` (at most {PRICED_MAX}); in another version, where that is said, and "
        "nothing where there is no such version.",
        reads=("id", "version", "currency"),
    )
    def prices(
        rows: Parent[list[PriceListRow]], info: Info, items: list[ItemQuantityInput], version: int | None = None
    ) -> list[PriceQuote]:
        if len(items) > PRICED_MAX:
            raise BadUserInput(f"At most {PRICED_MAX} items are priced at once, not {len(items)}.")
        wanted = tuple((ids.decode(Kind.ITEM, each.item_id), each.quantity) for each in items)
        numbers = [row.version if version is None else version for row in rows]
        keys = [
            PricedBy(row.id, number, row.currency) if 1 <= number <= row.version else None
            for row, number in zip(rows, numbers, strict=True)
        ]
        return load(loaders.QuotesByPriceList, keys, (wanted,), shown=lambda found, _key: found or [])


def _present(rows: Sequence[PriceListRow], shown: Any) -> Any:
    return load(loaders.PresentVersionByPriceListId, [row.id for row in rows], shown=shown)


def _percent(row: PriceListVersionRow, _key: Any) -> Decimal | None:
    return row.percent.copy_abs() if row.percent is not None else None


def _direction(row: PriceListVersionRow, _key: Any) -> PriceDirection | None:
    return direction_of(row.percent) if row.percent is not None else None


def _rounding(row: PriceListVersionRow, _key: Any) -> RoundingRule | None:
    rule = rounding_of(row)
    return RoundingRule(direction=rule.direction, step=rule.step, less=rule.less) if rule is not None else None


@strawberry.type
class PriceListQueries:
    @lookup("A price list by id or name; null where there is none.")
    def price_list(info: Info, by: PriceListBy) -> PriceList | None:
        if by.id is not None:
            return load(loaders.PriceListById, [ids.decode(Kind.PRICE_LIST, by.id.value)])
        return load(loaders.PriceListByName, [plain_text(by.name.value) if by.name is not None else ""])

    @strawberry.field(description="By name.", metadata=single())
    async def price_lists(
        self,
        info: Info,
        filter: PriceListFilter | None = None,  # noqa: A002 (the name that clients write)
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[PriceList]:
        return await listed(info, queries.LISTING, list_request(queries.LISTING, filter, None, first, after, last, before))
