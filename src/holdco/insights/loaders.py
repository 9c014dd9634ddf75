"""Loaders of insights, each named for its contract. Each part is read by itself, and only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import TextClause

from holdco import money
from holdco.insights import queries
from holdco.insights.queries import (
    CurrencyInsightsRow,
    DriftingRow,
    DriftRow,
    InsightsRow,
    MonthInsightsRow,
    Period,
    TopCustomerRow,
    TopCustomersBy,
)
from holdco.loading import Loader
from holdco.paging import Page, PageRequest, page_of
from holdco.reader import Reader
from holdco.scopes import CustomerScope
from holdco.statements import KEYS
from holdco.terms.precedence import TermField
from holdco.terms.queries import CANDIDATES, PRESENT, candidates_of, effective

Value = TypeVar("Value")


class PartOfInsights(Loader[InsightsRow, Value], Generic[Value]):
    """One statement for all that have the same scope and period."""

    async def read(self, keys: list[InsightsRow]) -> list[Value]:
        alike: dict[tuple[CustomerScope | None, Period], list[UUID]] = {}
        for key in keys:
            alike.setdefault((key.scope, key.period), []).append(key.id)
        found: dict[InsightsRow, Value] = {}
        for (scope, period), owner_ids in alike.items():
            rows = await self.reader.rows(self.statement(scope), {KEYS: owner_ids, **self.parameters(period)})
            by_owner: dict[UUID, list[Any]] = {owner_id: [] for owner_id in owner_ids}
            for row in rows:
                by_owner[row[0]].append(row[1:])
            for owner_id, each in by_owner.items():
                of = InsightsRow(owner_id, scope, period)
                found[of] = self.value(of, each)
        return [found[key] for key in keys]

    def statement(self, scope: CustomerScope | None) -> TextClause:
        raise NotImplementedError

    def parameters(self, period: Period) -> dict[str, Any]:
        return {"first_day": period.first, "last_day": period.last, "today": period.today}

    def value(self, of: InsightsRow, rows: Sequence[Any]) -> Value:
        """What is found for one of them; rows are without its id."""
        raise NotImplementedError


def _whole(amounts: Iterable[Any]) -> Iterable[int]:
    """Postgres adds bigint up to numeric, so that no sum overflows; in Python both are whole numbers."""
    return map(int, amounts)


class MemberCount(PartOfInsights[int]):
    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.member_counts(scope)

    def value(self, _of: InsightsRow, rows: Sequence[Any]) -> int:
        return int(rows[0][0]) if rows else 0


class CustomerActiveCount(MemberCount):
    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.active_counts(scope)


class InsightsByCurrency(PartOfInsights[list[CurrencyInsightsRow]]):
    """In the order of their codes."""

    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.by_currency(scope)

    def value(self, of: InsightsRow, rows: Sequence[Any]) -> list[CurrencyInsightsRow]:
        return [CurrencyInsightsRow(of, currency, *_whole(amounts)) for currency, *amounts in rows]


class AverageDaysToPay(PartOfInsights[dict[str, Decimal]]):
    """By currency, to one place, halves up. A currency in which nothing was settled is left out."""

    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.days_to_pay(scope)

    def value(self, _of: InsightsRow, rows: Sequence[Any]) -> dict[str, Decimal]:
        return {currency: Decimal(money.divide_half_up(10 * days, count)).scaleb(-1) for currency, count, days in rows}


class InsightsByMonth(PartOfInsights[list[MonthInsightsRow]]):
    """The earliest first, and of a month in the order of the currencies' codes."""

    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.by_month(scope)

    def value(self, _of: InsightsRow, rows: Sequence[Any]) -> list[MonthInsightsRow]:
        return [MonthInsightsRow(month, currency, *_whole(amounts)) for month, currency, *amounts in rows]


class TopCustomers(PartOfInsights[list[TopCustomerRow]]):
    """The largest first."""

    def __init__(self, reader: Reader, by: TopCustomersBy, currency: str, limit: int) -> None:
        super().__init__(reader)
        self.by = by
        self.currency = currency
        self.limit = limit

    def statement(self, scope: CustomerScope | None) -> TextClause:
        return queries.top_customers(scope, self.by)

    def parameters(self, period: Period) -> dict[str, Any]:
        return {**super().parameters(period), "currency": self.currency, "limit": self.limit}

    def value(self, _of: InsightsRow, rows: Sequence[Any]) -> list[TopCustomerRow]:
        return [TopCustomerRow(customer_id, self.currency, int(amount)) for customer_id, amount in rows]


class DriftByGroupId(Loader[UUID, Page[DriftRow]]):
    """Terms of a group that do not apply to members as the group says, by the members' numbers: in two statements.

    One finds them; what applies instead is decided as it always is, so that this can tell nothing else.
    """

    def __init__(self, reader: Reader, request: PageRequest) -> None:
        super().__init__(reader)
        self.request = request

    async def read(self, keys: list[UUID]) -> list[Page[DriftRow]]:
        number, field = self.request.after or ("", "")
        parameters = {KEYS: keys, "number_after": number, "field_after": field, "limit": self.request.limit + 1}
        drifting = [DriftingRow(*row) for row in await self.reader.rows(queries.DRIFTING, parameters)]
        pages: dict[UUID, list[DriftRow]] = {key: [] for key in keys}
        if drifting:
            customer_ids = list({row.customer_id for row in drifting})
            found = candidates_of(await self.reader.rows(CANDIDATES, {KEYS: customer_ids, "until": PRESENT}))
            for row in drifting:
                terms = effective(found[row.customer_id], row.customer_currency).of(TermField(row.field))
                pages[row.group_id].append(queries.drift_of(row, terms))
        return [page_of(rows, self.request) for rows in pages.values()]


class DriftCountByGroupId(Loader[UUID, int]):
    async def read(self, keys: list[UUID]) -> list[int]:
        found = {row[0]: int(row[1]) for row in await self.reader.rows(queries.DRIFT_COUNTS, {KEYS: keys})}
        return [found.get(key, 0) for key in keys]
