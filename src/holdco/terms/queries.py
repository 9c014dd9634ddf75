"""Reads terms: what could apply to customers, in the order of domain.md G3, and what owners say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, text

from holdco.filtering import Filters
from holdco.listing import Listing, Order, Relation
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.statements import ORGANIZATION_ID, is_key
from holdco.terms.models import Term
from holdco.terms.precedence import (
    Candidate,
    EffectiveTerms,
    PriceListTerm,
    SkippedReason,
    TermAcceptanceKind,
    TermField,
    TermMode,
    TermSource,
    TermValue,
    decide,
)

# What holds now has no end yet: who asks for the present asks for what holds then, whatever the clocks of servers say.
PRESENT: Final = datetime(9999, 12, 31, tzinfo=UTC)

# Of each customer and its ancestors the own terms and those of their groups, then the organization's. Rows hold until the
# instant that is asked for when they began before it and had not ended before it. Links are followed up to the first that
# does not pass terms on, and over that one, so that it can be told why what is found there does not apply. OFFSET keeps
# Postgres from reading all links and members of the organization instead of those of a thousand customers.
CANDIDATES = text(
    """
    with recursive lineage(customer_id, holder_id, depth, is_passed_on) as (
      select c.id, c.id, 0, true
      from customers c
      where c.organization_id = :organization_id and c.id = any(cast(:keys as uuid[]))
      union all
      select l.customer_id, p.parent_id, l.depth + 1, p.inherit_terms
      from lineage l
      cross join lateral (
        select up.parent_id, up.inherit_terms from parent_links up
        where up.organization_id = :organization_id and up.child_id = l.holder_id
          and up.valid_from < :until and (up.valid_to is null or up.valid_to >= :until)
        offset 0
      ) p
      where l.is_passed_on
    ),
    memberships as materialized (
      select l.customer_id, l.holder_id, l.depth, l.is_passed_on, m.group_id
      from lineage l
      cross join lateral (
        select now.group_id from group_members now
        where now.organization_id = :organization_id and now.customer_id = l.holder_id and now.added_at < :until
        union all
        select past.group_id from former_group_members past
        where past.organization_id = :organization_id and past.customer_id = l.holder_id
          and past.added_at < :until and past.removed_at >= :until
        offset 0
      ) m
    ),
    said as (
      select l.customer_id, l.holder_id, l.depth, l.is_passed_on, cast(null as uuid) as group_id, 0 as rank,
             t.field, t.version, t.price_list_id, t.discount_percent, t.payment_terms_kind, t.payment_terms_net_days,
             cast(null as text) as mode, cast(null as text) as acceptance, cast(null as integer) as price_list_version
      from lineage l
      cross join lateral (
        select own.* from terms own
        where own.organization_id = :organization_id and own.customer_id = l.holder_id
          and own.valid_from < :until and (own.valid_to is null or own.valid_to >= :until)
        offset 0
      ) t
      union all
      select m.customer_id, m.holder_id, m.depth, m.is_passed_on, g.id, g.rank,
             t.field, coalesce(pinned.version, t.version), coalesce(pinned.price_list_id, t.price_list_id),
             coalesce(pinned.discount_percent, t.discount_percent),
             coalesce(pinned.payment_terms_kind, t.payment_terms_kind),
             coalesce(pinned.payment_terms_net_days, t.payment_terms_net_days),
             t.mode, a.kind, a.price_list_version
      from memberships m
      join customer_groups g on g.organization_id = :organization_id and g.id = m.group_id
      join terms t on t.organization_id = :organization_id and t.group_id = g.id
           and t.valid_from < :until and (t.valid_to is null or t.valid_to >= :until)
      left join term_acceptances a on a.organization_id = :organization_id and a.customer_id = m.holder_id
           and a.group_id = g.id and a.field = t.field and t.mode = 'OPT_IN'
           and a.valid_from < :until and (a.valid_to is null or a.valid_to >= :until)
      left join terms pinned on pinned.organization_id = :organization_id and pinned.id = a.term_id
      union all
      select l.customer_id, null, 0, true, null, 0,
             t.field, t.version, t.price_list_id, t.discount_percent, t.payment_terms_kind, t.payment_terms_net_days,
             null, null, null
      from lineage l
      join terms t on t.organization_id = :organization_id and t.customer_id is null and t.group_id is null
      where l.depth = 0 and t.valid_from < :until and (t.valid_to is null or t.valid_to >= :until)
    )
    select s.customer_id, s.holder_id, s.depth, s.is_passed_on, s.group_id, s.field, s.version, s.discount_percent,
           s.payment_terms_kind, s.payment_terms_net_days, s.mode, s.acceptance,
           s.price_list_id, coalesce(s.price_list_version, v.version) as price_list_version, p.currency,
           p.inactivated_at is null or p.inactivated_at >= :until as is_active
    from said s
    left join price_lists p on p.organization_id = :organization_id and p.id = s.price_list_id
    left join price_list_versions v on v.organization_id = :organization_id and v.price_list_id = s.price_list_id
         and v.valid_from < :until and (v.valid_to is null or v.valid_to >= :until)
    order by s.customer_id, s.holder_id is null, s.depth, s.group_id is not null, s.rank, s.group_id
    """
)


class TermRow(NamedTuple):
    """What an owner says of one field."""

    field: str
    version: int
    price_list_id: UUID | None
    discount_percent: Decimal | None
    payment_terms_kind: str | None
    payment_terms_net_days: int | None
    mode: str | None

    @property
    def payment_terms(self) -> PaymentTerms | None:
        if self.payment_terms_kind is None or self.payment_terms_net_days is None:
            return None
        return PaymentTerms(PaymentTermsKind(self.payment_terms_kind), self.payment_terms_net_days)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an owner says now, by field: nothing of those that are not there."""

    by_field: Mapping[str, TermRow]

    @property
    def price_list_id(self) -> UUID | None:
        row = self.by_field.get(TermField.PRICE_LIST)
        return row.price_list_id if row is not None else None

    @property
    def discount_percent(self) -> Decimal | None:
        row = self.by_field.get(TermField.DISCOUNT_PERCENT)
        return row.discount_percent if row is not None else None

    @property
    def payment_terms(self) -> PaymentTerms | None:
        row = self.by_field.get(TermField.PAYMENT_TERMS)
        return row.payment_terms if row is not None else None

    def mode(self, field: TermField) -> TermMode | None:
        row = self.by_field.get(field)
        return TermMode(row.mode) if row is not None and row.mode is not None else None


_TERMS = Term.__table__.c


def _of(owner: ColumnElement[UUID], *conditions: ColumnElement[bool]) -> Select[Any]:
    """The owner, then a `TermRow`, of what it says now."""
    return select(owner, *(_TERMS[name] for name in TermRow._fields)).where(
        _TERMS.organization_id == ORGANIZATION_ID, _TERMS.valid_to.is_(None), *conditions
    )


OF_GROUPS: Final = _of(_TERMS.group_id, is_key(_TERMS.group_id))
OF_CUSTOMERS: Final = _of(_TERMS.customer_id, is_key(_TERMS.customer_id))
OF_ORGANIZATION: Final = _of(_TERMS.organization_id, _TERMS.customer_id.is_(None), _TERMS.group_id.is_(None))


class CandidateRow(NamedTuple):
    """What `CANDIDATES` selects."""

    customer_id: UUID
    holder_id: UUID | None
    depth: int
    is_passed_on: bool
    group_id: UUID | None
    field: str
    version: int
    discount_percent: Decimal | None
    payment_terms_kind: str | None
    payment_terms_net_days: int | None
    mode: str | None
    acceptance: str | None
    price_list_id: UUID | None
    price_list_version: int | None
    currency: str | None
    is_active: bool


def parameters(organization_id: UUID, customer_ids: list[UUID], until: datetime = PRESENT) -> dict[str, Any]:
    return {"organization_id": organization_id, "keys": customer_ids, "until": until}


def candidates_of(rows: Any) -> dict[UUID, dict[TermField, list[Candidate]]]:
    """By customer and field, in the order of G3. A customer of whom nothing was found is left out."""
    found: dict[UUID, dict[TermField, list[Candidate]]] = {}
    for given in rows:
        row = CandidateRow(*given)
        candidate = _candidate(row)
        found.setdefault(row.customer_id, {}).setdefault(candidate.field, []).append(candidate)
    return found


def effective(candidates: Mapping[TermField, list[Candidate]], currency: str) -> EffectiveTerms:
    """What applies to documents of a customer in a currency."""
    return EffectiveTerms(
        price_list=decide(candidates.get(TermField.PRICE_LIST, ()), currency),
        discount_percent=decide(candidates.get(TermField.DISCOUNT_PERCENT, ()), currency),
        payment_terms=decide(candidates.get(TermField.PAYMENT_TERMS, ()), currency),
    )


class GroupTermRow(NamedTuple):
    """What a group said of one field, from one instant to another."""

    id: UUID
    field: str
    version: int
    price_list_id: UUID | None
    discount_percent: Decimal | None
    payment_terms_kind: str | None
    payment_terms_net_days: int | None
    mode: str
    valid_from: datetime
    valid_to: datetime | None
    actor: str


GROUP_TERMS: Listing[GroupTermRow] = Listing(
    row=GroupTermRow,
    columns={name: _TERMS[name] for name in GroupTermRow._fields},
    organization=_TERMS.organization_id,
    filters=Filters({}),
    order_default=(Order("valid_from", descending=True),),
)
HISTORY = Relation(parent=_TERMS.group_id)


class Shadowed(NamedTuple):
    """A term of a group that does not apply to a member, and why: what goes before it, or what keeps it from applying."""

    customer_id: UUID
    field: TermField
    shadowed_by: TermSource | None
    skipped_reason: SkippedReason | None


def shadowed(customer_id: UUID, terms: EffectiveTerms, group_id: UUID) -> list[Shadowed]:
    """Of the terms of a group that a customer is in itself, those that do not apply to it (domain.md G7)."""
    return [
        Shadowed(customer_id, field, lost.shadowed_by, lost.skipped_reason)
        for field in TermField
        for lost in terms.of(field).lost
        if lost.candidate.group_id == group_id and lost.candidate.depth == 0
    ]


def value_of(row: CandidateRow) -> TermValue:
    if row.price_list_id is not None and row.price_list_version is not None and row.currency is not None:
        return PriceListTerm(row.price_list_id, row.price_list_version, row.currency, row.is_active)
    if row.payment_terms_kind is not None and row.payment_terms_net_days is not None:
        return PaymentTerms(PaymentTermsKind(row.payment_terms_kind), row.payment_terms_net_days)
    assert row.discount_percent is not None, "the table lets no term be without a value"
    return row.discount_percent


def _candidate(row: CandidateRow) -> Candidate:
    mode = TermMode(row.mode) if row.mode is not None else None
    acceptance = TermAcceptanceKind(row.acceptance) if row.acceptance is not None else None
    return Candidate(
        field=TermField(row.field),
        source=_source(row),
        value=value_of(row),
        version=row.version,
        holder_id=row.holder_id,
        group_id=row.group_id,
        depth=row.depth,
        mode=mode,
        acceptance=acceptance,
        is_accepted=mode is not TermMode.OPT_IN or acceptance is not None,
        is_passed_on=row.is_passed_on,
    )


def _source(row: CandidateRow) -> TermSource:
    if row.holder_id is None:
        return TermSource.ORGANIZATION
    if row.depth > 0:
        return TermSource.ANCESTOR
    return TermSource.GROUP if row.group_id is not None else TermSource.CUSTOMER
