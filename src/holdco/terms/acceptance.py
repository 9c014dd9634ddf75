"""Members choose what their group offers (OPT_IN): they follow it, or stay at what it says now (domain.md G2).

Every use case takes the transaction first and commits nothing itself. Locks: the group, then its customer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import service as customers
from holdco.customers.queries import CustomerRow
from holdco.database import Transaction
from holdco.errors import NotFound
from holdco.groups import service as groups
from holdco.ids import Kind
from holdco.terms.errors import CurrencyMismatch, NotAMember, PriceListInactive, TermNotOffered
from holdco.terms.precedence import TermAcceptanceKind, TermField, TermMode
from holdco.validation import field_name

# Whether the customer is a member, and what the group says of the field.
_OFFER = text(
    """
    select exists (
             select from group_members m
             where m.organization_id = :organization_id and m.group_id = :group_id and m.customer_id = :customer_id
           ) as is_member,
           t.id as term_id, t.mode, p.name as price_list, p.currency, p.version as price_list_version,
           p.inactivated_at is null as is_active
    from organizations o
    left join terms t on t.organization_id = :organization_id and t.group_id = :group_id and t.field = :field
         and t.valid_to is null
    left join price_lists p on p.organization_id = :organization_id and p.id = t.price_list_id
    where o.id = :organization_id
    """
)
# Of all times: what follows does not begin before it.
_LAST = text(
    """
    select a.id, a.kind, a.term_id, a.price_list_version, a.valid_from, a.valid_to
    from term_acceptances a
    where a.organization_id = :organization_id and a.customer_id = :customer_id and a.group_id = :group_id and a.field = :field
    order by a.valid_to desc nulls first, a.valid_from desc
    limit 1
    """
)
_END = text(
    "update term_acceptances set valid_to = :instant where organization_id = :organization_id and id = :id and valid_to is null"
)
_BEGIN = text(
    """
    insert into term_acceptances
        (organization_id, id, customer_id, group_id, field, kind, term_id, price_list_version, valid_from, valid_to, actor)
    values (:organization_id, :id, :customer_id, :group_id, :field, :kind, :term_id, :price_list_version, :instant, null, :actor)
    """
)


class Choice(NamedTuple):
    """What a customer may accept of a group, or decline."""

    customer_id: UUID
    group_id: UUID
    field: TermField


async def accept(transaction: Transaction, choice: Choice, kind: TermAcceptanceKind) -> None:
    """From now on the customer uses the term: as the group says it from time to time (FOLLOW), or now (PINNED).

    Accepting again replaces what was accepted before. Raises, in this order: NotFound for the group, then for the customer;
    NotAMember; TermNotOffered for a term that the group does not set or does not leave to choice; CurrencyMismatch and
    PriceListInactive for a price list that would not apply (G9, G12).
    """
    customer, offer = await _offered(transaction, choice)
    if offer.currency is not None:
        if offer.currency != customer.currency:
            raise CurrencyMismatch(customer.name, expected=customer.currency, found=offer.currency, field=("field",))
        if not offer.is_active:
            raise PriceListInactive(offer.price_list, field=("field",))
    is_pinned = kind is TermAcceptanceKind.PINNED
    pinned = (offer.term_id, offer.price_list_version) if is_pinned else (None, None)
    last = await _last(transaction, choice)
    if last is not None and last.valid_to is None and (last.kind, last.term_id, last.price_list_version) == (kind, *pinned):
        return
    instant = await _end(transaction, last)
    await transaction.execute(
        _BEGIN,
        {
            **_key(transaction, choice),
            "id": ids.new(),
            "kind": kind,
            "term_id": pinned[0],
            "price_list_version": pinned[1],
            "instant": instant,
            "actor": transaction.actor,
        },
    )
    await _record(transaction, choice, "customer.term_accepted", acceptance=kind.value)


async def decline(transaction: Transaction, choice: Choice) -> None:
    """From now on the customer does not use the term; where it does not, nothing changes.

    Raises, in this order: NotFound for the group, then for the customer; NotAMember; TermNotOffered.
    """
    await _offered(transaction, choice)
    last = await _last(transaction, choice)
    if last is not None and last.valid_to is None:
        await _end(transaction, last)
        await _record(transaction, choice, "customer.term_declined")


async def _offered(transaction: Transaction, choice: Choice) -> tuple[CustomerRow, Any]:
    group = await groups.locked(transaction, choice.group_id, field=("groupId",))
    try:
        customer = await customers.locked(transaction, choice.customer_id)
    except NotFound:
        raise customers.not_found(choice.customer_id, field=("customerId",)) from None
    (offer,) = await transaction.rows(_OFFER, _key(transaction, choice))
    if not offer.is_member:
        raise NotAMember(customer.name, group.name)
    if offer.mode != TermMode.OPT_IN:
        raise TermNotOffered(group.name)
    return customer, offer


async def _last(transaction: Transaction, choice: Choice) -> Any:
    rows = await transaction.rows(_LAST, _key(transaction, choice))
    return rows[0] if rows else None


async def _end(transaction: Transaction, last: Any) -> datetime:
    """Ends an open acceptance. Returns when the next can begin: clocks of servers differ, and intervals follow one another."""
    if last is None:
        return transaction.now
    instant: datetime = max(transaction.now, last.valid_to or last.valid_from)
    if last.valid_to is None:
        await transaction.execute(_END, {"organization_id": transaction.organization_id, "id": last.id, "instant": instant})
    return instant


def _key(transaction: Transaction, choice: Choice) -> dict[str, Any]:
    return {"organization_id": transaction.organization_id, **choice._asdict()}


async def _record(transaction: Transaction, choice: Choice, action: str, **details: Any) -> None:
    entry = activity.about(
        Kind.CUSTOMER,
        choice.customer_id,
        action,
        customer_id=choice.customer_id,
        groupId=ids.encode(Kind.GROUP, choice.group_id),
        field=field_name(choice.field.lower()),
        **details,
    )
    await activity.record(transaction, [entry])
