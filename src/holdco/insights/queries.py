"""Sums up how a group, or a customer with those below it, does: statements for any number of either at once.

Whose figures they are is an array of customers, as in `payments.queries`: found once for all that is summed up, and one range of
each index, however many they are.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from holdco.customers.models import Customer
from holdco.errors import BadUserInput
from holdco.filtering import Filters
from holdco.listing import Listing, Order
from holdco.payments.queries import MEMBERS, SELF, SUBTREE, SUBTREE_IN_VIEW
from holdco.scopes import CustomerScope
from holdco.sight import seen
from holdco.sighted import told_otherwise
from holdco.terms.models import Term
from holdco.terms.precedence import EffectiveTerm, Lost, TermAcceptanceKind, TermValue
from holdco.terms.queries import value_of

MONTHS_DEFAULT = 12
MONTHS_MAX = 120
TOP_MAX = 100


class TopCustomersBy(StrEnum):
    BILLED = "BILLED"
    PAID = "PAID"
    OUTSTANDING = "OUTSTANDING"
    OVERDUE = "OVERDUE"


class Period(NamedTuple):
    """Days of the organization's calendar, both included; `today` is what is overdue counted by."""

    first: date
    last: date
    today: date

    @property
    def months(self) -> int:
        """How many it has days of."""
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1


class InsightsRow(NamedTuple):
    """What insights are about: a group by its id, or the customers of a scope (None: a group's)."""

    id: UUID
    scope: CustomerScope | None
    period: Period


class CurrencyInsightsRow(NamedTuple):
    """Amounts in minor units."""

    insights: InsightsRow
    currency: str
    invoice_count: int
    billed: int
    paid: int
    open_invoice_count: int
    outstanding: int
    overdue: int


class MonthInsightsRow(NamedTuple):
    """Amounts in minor units; `month` is its first day."""

    month: date
    currency: str
    invoice_count: int
    billed: int
    paid: int


class TopCustomerRow(NamedTuple):
    """The amount in minor units."""

    customer_id: UUID
    currency: str
    amount: int


def period_of(first: date | None, last: date | None, today: date) -> Period:
    """Until today, and from the first day of the month with which the period has twelve. Raises BadUserInput."""
    last = last or today
    if first is None:
        # Months since the year 0. Before the first year there is none to begin with.
        months = max(12, last.year * 12 + last.month - MONTHS_DEFAULT)
        first = date(months // 12, months % 12 + 1, 1)
    if first > last:
        raise BadUserInput(f"from must not be after to: {first} is after {last}.")
    return Period(first, last, today)


_CHILDREN = SUBTREE.replace("given.id\n", "given.id and c.depth = 1\n")
_CHILDREN_IN_VIEW = SUBTREE_IN_VIEW.replace("given.id and", "given.id and c.depth = 1 and")

# Whose figures count, and of those whose client users see. Groups are not told to client users at all (domain.md G10); what
# `sighted` makes of their statements would tell of the members that are seen.
_OWNERS = {
    None: (MEMBERS, None),
    CustomerScope.SELF: (SELF, SELF),
    CustomerScope.DIRECT_CHILDREN: (_CHILDREN, _CHILDREN_IN_VIEW),
    CustomerScope.SUBTREE: (SUBTREE, SUBTREE_IN_VIEW),
}

# Each of these reads one table for the customers of `p.owner_ids`, none of whom a client user does not see; nor does it see
# drafts, which count nowhere, and it sees what was applied to invoices that it sees (domain.md V4).
_ISSUED = """i.organization_id = :organization_id and i.customer_id = any(p.owner_ids)
            and i.invoice_date between :first_day and :last_day and i.status = 'ISSUED'"""
_OPEN = """i.organization_id = :organization_id and i.customer_id = any(p.owner_ids)
            and i.status = 'ISSUED' and i.balance > 0"""
_APPLIED = """a.organization_id = :organization_id and a.beneficiary_id = any(p.owner_ids)
            and a.applied_on between :first_day and :last_day"""
# What is taken back counts against the day on which that was done, so that no figure of a past period changes (domain.md T1).
_PAID = "sum(case when a.reverses_id is null then a.amount else -a.amount end)"


def _with_owners(scope: CustomerScope | None, statement: str) -> TextClause:
    def written(owners: str, seen_only: str) -> str:
        return f"""
        with parents as materialized (
          select given.id, {owners} as owner_ids from unnest(cast(:keys as uuid[])) as given(id) where {seen_only}
        )
        {statement}
        """  # noqa: S608 (constants of this file and of payments.queries)

    owners, owners_seen = _OWNERS[scope]
    made = text(written(owners, "true"))
    return made if owners_seen is None else told_otherwise(made, written(owners_seen, seen("given.id")))


@cache
def member_counts(scope: CustomerScope | None) -> TextClause:
    return _with_owners(scope, "select p.id, cardinality(p.owner_ids) from parents p")


@cache
def active_counts(scope: CustomerScope | None) -> TextClause:
    return _with_owners(
        scope,
        """select p.id, (
          select count(*) from customers m
          where m.organization_id = :organization_id and m.id = any(p.owner_ids) and m.status = 'ACTIVE'
        )
        from parents p""",
    )


@cache
def by_currency(scope: CustomerScope | None) -> TextClause:
    """One row for each and currency with anything in it."""
    return _with_owners(
        scope,
        f"""select p.id, s.currency, sum(s.invoice_count), sum(s.billed), sum(s.paid), sum(s.open_invoice_count),
               sum(s.outstanding), sum(s.overdue)
        from parents p
        cross join lateral (
          select i.currency, count(*) as invoice_count, sum(i.total) as billed, 0::numeric as paid, 0 as open_invoice_count,
                 0::numeric as outstanding, 0::numeric as overdue
          from invoices i
          where {_ISSUED}
          group by i.currency
          union all
          select a.currency, 0, 0, {_PAID}, 0, 0, 0
          from allocations a
          where {_APPLIED}
          group by a.currency having {_PAID} <> 0
          union all
          select i.currency, 0, 0, 0, count(*), sum(i.balance), sum(case when i.due_date < :today then i.balance else 0 end)
          from invoices i
          where {_OPEN}
          group by i.currency
        ) s
        group by p.id, s.currency order by p.id, s.currency""",  # noqa: S608 (constants)
    )


@cache
def days_to_pay(scope: CustomerScope | None) -> TextClause:
    """How many invoices were settled, and in how many days together. It takes longer than all that `by_currency` tells.

    An invoice is settled on the day of the last money that stands on it. What was given up of it was not paid, and no date
    tells when that was done.
    """
    return _with_owners(
        scope,
        """select p.id, s.currency, s.settled_count, s.days
        from parents p
        cross join lateral (
          select i.currency, count(*) as settled_count, sum(settled.day - i.invoice_date) as days
          from (
            select a.invoice_id, max(a.applied_on) as day
            from allocations a
            where a.organization_id = :organization_id and a.beneficiary_id = any(p.owner_ids)
              and a.applied_on >= :first_day and a.reverses_id is null
              and not exists (
                select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id
              )
            group by a.invoice_id
          ) settled
          join invoices i on i.organization_id = :organization_id and i.id = settled.invoice_id
          where i.status = 'ISSUED' and i.balance = 0 and i.amount_written_off = 0 and settled.day <= :last_day
          group by i.currency
        ) s""",
    )


@cache
def by_month(scope: CustomerScope | None) -> TextClause:
    """One row for each, month and currency with anything in it."""

    def month(day: str) -> str:
        return f"cast(date_trunc('month', cast({day} as timestamp)) as date)"

    return _with_owners(
        scope,
        f"""select p.id, s.month, s.currency, sum(s.invoice_count), sum(s.billed), sum(s.paid)
        from parents p
        cross join lateral (
          select {month("i.invoice_date")} as month, i.currency, count(*) as invoice_count, sum(i.total) as billed,
                 0::numeric as paid
          from invoices i
          where {_ISSUED}
          group by 1, i.currency
          union all
          select {month("a.applied_on")}, a.currency, 0, 0, {_PAID}
          from allocations a
          where {_APPLIED}
          group by 1, a.currency having {_PAID} <> 0
        ) s
        group by p.id, s.month, s.currency order by p.id, s.month, s.currency""",  # noqa: S608 (constants)
    )


_AMOUNTS = {
    TopCustomersBy.BILLED: ("i.customer_id", "sum(i.total)", "invoices i", _ISSUED),
    TopCustomersBy.PAID: ("a.beneficiary_id", _PAID, "allocations a", _APPLIED),
    TopCustomersBy.OUTSTANDING: ("i.customer_id", "sum(i.balance)", "invoices i", _OPEN),
    TopCustomersBy.OVERDUE: ("i.customer_id", "sum(i.balance)", "invoices i", f"{_OPEN} and i.due_date < :today"),
}


@cache
def top_customers(scope: CustomerScope | None, by: TopCustomersBy) -> TextClause:
    """The largest first; of equal ones the customer that was there first."""
    customer, amount, table, condition = _AMOUNTS[by]
    return _with_owners(
        scope,
        f"""select p.id, s.customer_id, s.amount
        from parents p
        cross join lateral (
          select {customer} as customer_id, {amount} as amount
          from {table}
          where {condition} and currency = :currency
          group by {customer} having {amount} > 0
          order by amount desc, customer_id limit :limit
        ) s
        order by p.id, s.amount desc, s.customer_id""",  # noqa: S608 (constants)
    )


class DriftRow(NamedTuple):
    """A term of a group that does not apply to a member as the group says; `lost` is it among what does not apply at all."""

    number: str
    field: str
    customer_id: UUID
    group_value: TermValue
    effective: EffectiveTerm
    lost: Lost | None
    pinned_version: int | None


_CUSTOMERS = Customer.__table__.c

# For cursors: by number, and of a customer by field.
DRIFT: Listing[DriftRow] = Listing(
    row=DriftRow,
    columns={"number": _CUSTOMERS.number, "field": Term.__table__.c.field},
    organization=_CUSTOMERS.organization_id,
    filters=Filters({}),
    order_default=(Order("number"),),
    key="field",
)


class DriftingRow(NamedTuple):
    """What `DRIFTING` selects: the member, and what the group says."""

    group_id: UUID
    number: str
    customer_id: UUID
    customer_currency: str
    field: str
    discount_percent: Decimal | None
    payment_terms_kind: str | None
    payment_terms_net_days: int | None
    price_list_id: UUID | None
    price_list_version: int | None
    currency: str | None
    is_active: bool


# Of the groups that are asked about, what they say now, and which groups that say something of the field go before them.
_SAID = """with said as materialized (
      select t.group_id, t.id as term_id, t.field, t.mode, t.discount_percent, t.payment_terms_kind, t.payment_terms_net_days,
             t.price_list_id, v.version as price_list_version, l.currency, l.inactivated_at is null as is_active,
             array(
               select bt.group_id
               from terms bt
               join customer_groups bg on bg.organization_id = :organization_id and bg.id = bt.group_id
               where bt.organization_id = :organization_id and bt.group_id is not null and bt.field = t.field
                 and bt.valid_to is null and bg.rank < g.rank
             ) as better_ids
      from terms t
      join customer_groups g on g.organization_id = :organization_id and g.id = t.group_id
      left join price_lists l on l.organization_id = :organization_id and l.id = t.price_list_id
      left join price_list_versions v on v.organization_id = :organization_id and v.price_list_id = t.price_list_id
           and v.valid_to is null
      where t.organization_id = :organization_id and t.group_id = any(cast(:keys as uuid[])) and t.valid_to is null
    )"""

# Members to whom what `s` says does not apply, or not at its present version, for documents in their own currency: as
# `terms.precedence` decides, which a test holds it against. A price list in another currency, or an inactive one, applies to
# nobody, and goes before nothing.
_DRIFTING = """group_members m
      join customers c on c.organization_id = :organization_id and c.id = m.customer_id
      left join term_acceptances a on a.organization_id = :organization_id and a.customer_id = m.customer_id
           and a.group_id = s.group_id and a.field = s.field and a.valid_to is null and s.mode = 'OPT_IN'
      where m.organization_id = :organization_id and m.group_id = s.group_id and (
        s.mode = 'OPT_IN' and (
          a.kind is null
          or a.kind = 'PINNED' and (a.term_id <> s.term_id or a.price_list_version <> s.price_list_version)
        )
        or s.price_list_id is not null and (s.currency <> c.currency or not s.is_active)
        or exists (
          select from terms own
          left join price_lists ol on ol.organization_id = :organization_id and ol.id = own.price_list_id
          where own.organization_id = :organization_id and own.customer_id = m.customer_id and own.field = s.field
            and own.valid_to is null
            and (own.price_list_id is null or ol.currency = c.currency and ol.inactivated_at is null)
        )
        or s.better_ids <> '{}' and exists (
          select from group_members bm
          join terms bt on bt.organization_id = :organization_id and bt.group_id = bm.group_id and bt.field = s.field
               and bt.valid_to is null
          left join term_acceptances ba on ba.organization_id = :organization_id and ba.customer_id = bm.customer_id
               and ba.group_id = bm.group_id and ba.field = bt.field and ba.valid_to is null
          left join terms pinned on pinned.organization_id = :organization_id and pinned.id = ba.term_id
               and bt.mode = 'OPT_IN'
          left join price_lists bl on bl.organization_id = :organization_id
               and bl.id = coalesce(pinned.price_list_id, bt.price_list_id)
          where bm.organization_id = :organization_id and bm.customer_id = m.customer_id and bm.group_id = any(s.better_ids)
            and (bt.mode = 'AUTOMATIC' or ba.kind is not null)
            and (bt.price_list_id is null or bl.currency = c.currency and bl.inactivated_at is null)
        )
      )"""

DRIFTING = text(
    f"""{_SAID}
    select page.*
    from (select distinct group_id from said) given
    cross join lateral (
      select s.group_id, c.number, c.id, c.currency as customer_currency, s.field, s.discount_percent, s.payment_terms_kind,
             s.payment_terms_net_days, s.price_list_id, s.price_list_version, s.currency, s.is_active
      from said s
      cross join {_DRIFTING}
        and s.group_id = given.group_id and (c.number, s.field) > (:number_after, :field_after)
      order by c.number, s.field limit :limit
    ) page
    order by page.group_id, page.number, page.field"""  # noqa: S608 (constants)
)
DRIFT_COUNTS = text(
    f"""{_SAID}
    select s.group_id, sum(drifting.members)
    from said s
    cross join lateral (select count(*) as members from {_DRIFTING}) drifting
    group by s.group_id"""  # noqa: S608 (constants)
)


def drift_of(row: DriftingRow, terms: EffectiveTerm) -> DriftRow:
    """What of `terms`, which apply to the member, has to do with what the group says."""
    lost = next((each for each in terms.lost if each.candidate.group_id == row.group_id and each.candidate.depth == 0), None)
    candidate = lost.candidate if lost is not None else terms.winner
    assert candidate is not None, "the group says something of the field"
    return DriftRow(
        number=row.number,
        field=row.field,
        customer_id=row.customer_id,
        group_value=value_of(row),  # type: ignore[arg-type]  # it has all columns of a value
        effective=terms,
        lost=lost,
        pinned_version=candidate.version if candidate.acceptance is TermAcceptanceKind.PINNED else None,
    )
