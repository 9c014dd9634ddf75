"""Insights as clients see them. They are reached from a customer or a group, which say whose figures count."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from holdco.connections import Info, NodeInterface
from holdco.customers.loaders import CustomerById
from holdco.errors import BadUserInput
from holdco.execution.fields import amount_of, load, relation, split
from holdco.groups.loaders import GroupOfAnyTimeById
from holdco.insights import loaders
from holdco.insights.queries import (
    MONTHS_MAX,
    TOP_MAX,
    CurrencyInsightsRow,
    DriftRow,
    InsightsRow,
    TopCustomerRow,
    TopCustomersBy,
)
from holdco.organizations.loaders import OrganizationById
from holdco.payment_terms import PaymentTerms
from holdco.price_lists.loaders import PriceListById
from holdco.scalars import CurrencyCode
from holdco.shapes import PaymentTermsType, payment_terms_of
from holdco.terms.precedence import PriceListTerm, SkippedReason, TermField, TermSource

if TYPE_CHECKING:
    from holdco.customers.graph import Customer
    from holdco.price_lists.graph import PriceList

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


@strawberry.type(description="The value of a term: what belongs to its field, and null for all others.")
class TermValue:
    @strawberry.field
    def discount_percent(value: Parent[Any]) -> Decimal | None:
        return value if isinstance(value, Decimal) else None

    @strawberry.field
    def payment_terms(value: Parent[Any]) -> PaymentTermsType | None:
        return payment_terms_of(value) if isinstance(value, PaymentTerms) else None

    @relation(reads=None)
    def price_list(
        rows: Parent[list[Any]], info: Info
    ) -> Annotated[PriceList, strawberry.lazy("holdco.price_lists.graph")] | None:
        return load(PriceListById, [value.id if isinstance(value, PriceListTerm) else None for value in rows])

    @strawberry.field(description="Which version of the price list.")
    def price_list_version(value: Parent[Any]) -> int | None:
        return value.version if isinstance(value, PriceListTerm) else None


@strawberry.type(description="A term of a group that does not apply to a member as the group says, and what applies instead.")
class MemberDrift:
    field: TermField
    pinned_version: int | None = strawberry.field(
        description="Of what the group said, the version at which the member stays: an older one, unless something else is wrong."
    )

    @relation(reads=None)
    def customer(rows: Parent[list[DriftRow]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])

    @strawberry.field(description="What the group says now.")
    def group_value(row: Parent[DriftRow]) -> TermValue:
        return row.group_value  # type: ignore[return-value]

    @strawberry.field(description="What applies; null where nobody says anything that could.")
    def effective_value(row: Parent[DriftRow]) -> TermValue | None:
        winner = row.effective.winner
        return winner.value if winner is not None else None  # type: ignore[return-value]

    @strawberry.field(description="Whose term applies; GROUP with this very group where the member stays at an older version.")
    def source(row: Parent[DriftRow]) -> TermSource:
        return row.effective.source

    @relation("The Customer, CustomerGroup or Organization whose term applies.", reads=None)
    def source_node(rows: Parent[list[DriftRow]], info: Info) -> NodeInterface | None:
        winners = [row.effective.winner for row in rows]
        groups = [each.group_id if each is not None else None for each in winners]
        customers = [each.holder_id if each is not None and each.group_id is None else None for each in winners]
        organization_id = info.context.organization_id
        everybody = [organization_id if each is not None and each.holder_id is None else None for each in winners]
        return split([load(CustomerById, customers), load(GroupOfAnyTimeById, groups), load(OrganizationById, everybody)])

    @strawberry.field(description="What goes before the group's term.")
    def shadowed_by(row: Parent[DriftRow]) -> TermSource | None:
        return row.lost.shadowed_by if row.lost is not None else None

    @strawberry.field(description="Why it could not apply anyway.")
    def skipped_reason(row: Parent[DriftRow]) -> SkippedReason | None:
        return row.lost.skipped_reason if row.lost is not None else None
