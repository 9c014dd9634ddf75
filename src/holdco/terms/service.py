"""Says what terms customers, groups and the organization have, and what applies to a customer (domain.md G1 to G9).

Every use case takes the transaction first and commits nothing itself. Terms are not changed: one ends and the next begins.
Whoever sets terms holds the lock of their owners' rows, so that there is one open row for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.database import Transaction
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.terms import queries
from holdco.terms.precedence import EffectiveTerms, TermField, TermMode


class Owner(NamedTuple):
    """Of a term: a customer, a group, or with neither the organization."""

    customer_id: UUID | None = None
    group_id: UUID | None = None


class NewTerm(NamedTuple):
    """A value of the field, the price list by its id; `mode` for a group's."""

    value: UUID | Decimal | PaymentTerms
    mode: TermMode | None = None


async def resolve(
    transaction: Transaction, asked: Sequence[tuple[UUID, str]], *, until: datetime = queries.PRESENT
) -> dict[tuple[UUID, str], EffectiveTerms]:
    """What applies to documents of each customer in a currency, by one statement."""
    customer_ids = list(dict.fromkeys(customer_id for customer_id, _ in asked))
    rows = await transaction.rows(queries.CANDIDATES, queries.parameters(transaction.organization_id, customer_ids, until))
    found = queries.candidates_of(rows)
    return {(key, currency): queries.effective(found.get(key, {}), currency) for key, currency in asked}


_LATEST = text(
    """
    select distinct on (t.customer_id, t.group_id, t.field)
           t.id, t.customer_id, t.group_id, t.field, t.version, t.price_list_id, t.discount_percent, t.payment_terms_kind,
           t.payment_terms_net_days, t.mode, t.valid_from, t.valid_to
    from terms t
    where t.organization_id = :organization_id and t.field = any(cast(:fields as text[]))
      and (t.customer_id = any(cast(:customer_ids as uuid[])) or t.group_id = any(cast(:group_ids as uuid[]))
           or cast(:is_organization as boolean) and t.customer_id is null and t.group_id is null)
    order by t.customer_id, t.group_id, t.field, t.version desc
    """
)
_END = text(
    """
    update terms t set valid_to = ended.at
    from unnest(cast(:ids as uuid[]), cast(:instants as timestamptz[])) as ended(id, at)
    where t.organization_id = :organization_id and t.id = ended.id
    """
)
_BEGIN = text(
    """
    insert into terms (organization_id, id, customer_id, group_id, field, version, price_list_id, discount_percent,
                       payment_terms_kind, payment_terms_net_days, mode, valid_from, valid_to, actor)
    select o.id, n.id, n.customer_id, n.group_id, n.field, n.version, n.price_list_id, n.discount_percent,
           n.payment_terms_kind, n.payment_terms_net_days, n.mode, n.valid_from, null, :actor
    from organizations o
    cross join unnest(cast(:ids as uuid[]), cast(:customer_ids as uuid[]), cast(:group_ids as uuid[]), cast(:fields as text[]),
                      cast(:versions as integer[]), cast(:price_list_ids as uuid[]), cast(:discount_percents as numeric[]),
                      cast(:payment_terms_kinds as text[]), cast(:payment_terms_net_days as integer[]), cast(:modes as text[]),
                      cast(:instants as timestamptz[]))
               as n(id, customer_id, group_id, field, version, price_list_id, discount_percent, payment_terms_kind,
                    payment_terms_net_days, mode, valid_from)
    where o.id = :organization_id
    returning id
    """
)


async def assign(
    transaction: Transaction, given: Mapping[Owner, Mapping[TermField, NewTerm | None]]
) -> dict[Owner, list[TermField]]:
    """Sets the fields that are given for each owner and leaves all others; None says nothing any more. Two or three statements.

    Returns which fields changed. Values are checked, and the owners' rows locked, by the caller.
    """
    latest = await _latest(transaction, list(given), {field for values in given.values() for field in values})
    ended: list[tuple[UUID, datetime]] = []
    begun: list[_Beginning] = []
    changed: dict[Owner, list[TermField]] = {}
    for owner, values in given.items():
        for field, new in values.items():
            row = latest.get((owner, field))
            is_open = row is not None and row.valid_to is None
            if (_as_new(row) if is_open else None) == new:
                continue
            # Clocks of servers differ: what follows does not begin before what it follows.
            instant = max(transaction.now, row.valid_from, row.valid_to or row.valid_from) if row else transaction.now
            if row is not None and is_open:
                ended.append((row.id, instant))
            if new is not None:
                begun.append(_Beginning(owner, field, (row.version if row else 0) + 1, new, instant))
            changed.setdefault(owner, []).append(field)
    await _write(transaction, ended, begun)
    return changed


async def present(transaction: Transaction, owner: Owner) -> dict[TermField, NewTerm]:
    """What an owner says now."""
    rows = await _latest(transaction, [owner], TermField)
    return {field: _as_new(row) for (_, field), row in rows.items() if row.valid_to is None}


async def _latest(
    transaction: Transaction, owners: Sequence[Owner], fields: Iterable[TermField]
) -> dict[tuple[Owner, TermField], Any]:
    """The last row of each owner and field, ended or not."""
    rows = await transaction.rows(
        _LATEST,
        {
            "organization_id": transaction.organization_id,
            "fields": sorted(fields),
            "customer_ids": [owner.customer_id for owner in owners if owner.customer_id is not None],
            "group_ids": [owner.group_id for owner in owners if owner.group_id is not None],
            "is_organization": Owner() in owners,
        },
    )
    return {(Owner(row.customer_id, row.group_id), TermField(row.field)): row for row in rows}


class _Beginning(NamedTuple):
    owner: Owner
    field: TermField
    version: int
    term: NewTerm
    instant: datetime


def _as_new(row: Any) -> NewTerm:
    """An open row as what was given for it."""
    value: UUID | Decimal | PaymentTerms
    if row.price_list_id is not None:
        value = row.price_list_id
    elif row.payment_terms_kind is not None:
        value = PaymentTerms(PaymentTermsKind(row.payment_terms_kind), row.payment_terms_net_days)
    else:
        value = row.discount_percent
    return NewTerm(value, TermMode(row.mode) if row.mode is not None else None)


async def _write(transaction: Transaction, ended: Sequence[tuple[UUID, datetime]], begun: Sequence[_Beginning]) -> None:
    if ended:
        await transaction.execute(
            _END,
            {
                "organization_id": transaction.organization_id,
                "ids": [key for key, _ in ended],
                "instants": [instant for _, instant in ended],
            },
        )
    if begun:
        values = [new.term.value for new in begun]
        terms = [value if isinstance(value, PaymentTerms) else None for value in values]
        await transaction.execute(
            _BEGIN,
            {
                "organization_id": transaction.organization_id,
                "actor": transaction.actor,
                "ids": [ids.new() for _ in begun],
                "customer_ids": [new.owner.customer_id for new in begun],
                "group_ids": [new.owner.group_id for new in begun],
                "fields": [new.field.value for new in begun],
                "versions": [new.version for new in begun],
                "price_list_ids": [value if isinstance(value, UUID) else None for value in values],
                "discount_percents": [value if isinstance(value, Decimal) else None for value in values],
                "payment_terms_kinds": [term.kind.value if term else None for term in terms],
                "payment_terms_net_days": [term.net_days if term else None for term in terms],
                "modes": [new.term.mode.value if new.term.mode else None for new in begun],
                "instants": [new.instant for new in begun],
            },
        )
