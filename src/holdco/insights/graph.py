"""Insights as clients see them. They are reached from a customer or a group, which say whose figures count."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Parent

from holdco.connections import Info
from holdco.customers.loaders import CustomerById
from holdco.errors import BadUserInput
from holdco.execution.fields import amount_of, load, relation
from holdco.insights import loaders
from holdco.insights.queries import (
    MONTHS_MAX,
    TOP_MAX,
    CurrencyInsightsRow,
    InsightsRow,
    TopCustomerRow,
    TopCustomersBy,
)
from holdco.scalars import CurrencyCode

if TYPE_CHECKING:
    from holdco.customers.graph import Customer

strawberry.enum(TopCustomersBy, description="By which amount customers are ranked: of the period, or for the latter two of now.")

_BILLED = "Totals of issued invoices dated in the period; void ones are left out."
_PAID = (
    "Payments and credit notes applied to their invoices in the period, whoever's money it was, by the date of each "
    "application. What was taken back counts against the date of that: it may be negative."
)


@strawberry.type(description="How they do in one currency.")
class CurrencyInsights:
    currency: CurrencyCode
    invoice_count: int = strawberry.field(description="Invoices that billed counts.")
    open_invoice_count: int = strawberry.field(description="Active invoices, now: issued with something left to pay.")

    billed: Decimal = amount_of("billed", description=_BILLED)

    paid: Decimal = amount_of("paid", description=_PAID)

    outstanding: Decimal = amount_of("outstanding", description="Balances of issued invoices, now.")

    overdue: Decimal = amount_of("overdue", description="Of that, what was due before today.")

    @relation(
        "Days from the invoice date to the day of the last application that stands, over the invoices that it settled in the "
        "period; to one place. A plain mean: each invoice counts once, whatever its amount, so that a large one does not hide "
        "how most are paid. Invoices of which something was written off were not paid, and are left out; null where none is left."
    )
    async def average_days_to_pay(rows: Parent[list[CurrencyInsightsRow]], info: Info) -> Decimal | None:
        loader = info.context.loader(loaders.AverageDaysToPay)
        if len(rows) == 1:
            # Asked object by object: together with whatever else is asked in this turn of the event loop.
            return [(await loader.load(rows[0].insights)).get(rows[0].currency)]  # type: ignore[return-value]
        found = await loader.load_level([row.insights for row in rows])
        return [found[row.insights].get(row.currency) for row in rows]  # type: ignore[return-value]


@strawberry.type(description="One month in one currency.")
class MonthInsights:
    month: date = strawberry.field(description="Its first day.")
    currency: CurrencyCode
    invoice_count: int

    billed: Decimal = amount_of("billed", description=_BILLED)

    paid: Decimal = amount_of("paid", description=_PAID)


@strawberry.type
class TopCustomer:
    currency: CurrencyCode

    amount: Decimal = amount_of("amount")

    @relation()
    def customer(
        rows: Parent[list[TopCustomerRow]], info: Info
    ) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])


@strawberry.type(
    description="How a group's members, or a customer and those below it, do. Figures of invoices count at the customer that "
    "owes them, whoever pays. Nothing is converted: one row per currency."
)
class Insights:
    @strawberry.field(name="from", description="The first day of the period.")
    def first_day(row: Parent[InsightsRow]) -> date:
        return row.period.first

    @strawberry.field(name="to", description="Its last day.")
    def last_day(row: Parent[InsightsRow]) -> date:
        return row.period.last

    @relation("Customers that count here.")
    def member_count(rows: Parent[list[InsightsRow]], info: Info) -> int:
        return load(loaders.MemberCount, rows)

    @relation("Of them, those that are ACTIVE.")
    def customer_active_count(rows: Parent[list[InsightsRow]], info: Info) -> int:
        return load(loaders.CustomerActiveCount, rows)

    @relation("Currencies in which there is anything, by their codes.")
    def by_currency(rows: Parent[list[InsightsRow]], info: Info) -> list[CurrencyInsights]:
        return load(loaders.InsightsByCurrency, rows)

    @relation(
        "Months in which there is anything, the earliest first; of the first and last no more days than the period has. "
        f"A period has at most {MONTHS_MAX} months here."
    )
    def by_month(rows: Parent[list[InsightsRow]], info: Info) -> list[MonthInsights]:
        months = max(row.period.months for row in rows)
        if months > MONTHS_MAX:
            raise BadUserInput(f"byMonth tells of at most {MONTHS_MAX} months, and from … to are {months}.")
        return load(loaders.InsightsByMonth, rows)

    @relation(f"Whose amount in a currency is largest; those with none are left out. At most {TOP_MAX}.")
    def top_customers(
        rows: Parent[list[InsightsRow]],
        info: Info,
        currency: CurrencyCode,
        by: TopCustomersBy = TopCustomersBy.BILLED,
        first: int = 10,
    ) -> list[TopCustomer]:
        if not 0 <= first <= TOP_MAX:
            raise BadUserInput(f"first must be from 0 to {TOP_MAX}, not {first}.")
        return load(loaders.TopCustomers, rows, (by, currency, first))
