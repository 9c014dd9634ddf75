"""Sets the terms of customers, of groups and of the organization (domain.md G2 to G4).

What is not given stays as it is; of a customer None inherits, of all others it takes away.

Every use case takes the transaction first and commits nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.customers import service as customers
from holdco.database import Transaction
from holdco.errors import InvalidInput, Refusal, Refused
from holdco.groups import service as groups
from holdco.ids import Kind
from holdco.organizations import service as organizations
from holdco.terms.precedence import TermField, TermMode
from holdco.terms.service import NewTerm, Owner, assign, present
from holdco.terms.values import PATHS, Given, Value, checked
from holdco.validation import field_name


class CustomersSet(NamedTuple):
    """Which fields changed of each customer that any changed of, and why others were left alone."""

    changed: dict[UUID, list[TermField]]
    refused: dict[UUID, Refusal]


async def set_for_customers(
    transaction: Transaction, customer_ids: Sequence[UUID], given: Mapping[TermField, Given]
) -> CustomersSet:
    """Sets the same terms of any number of customers, in eight statements at most; each customer is changed or refused alone.

    Locks the customers in the order of their ids, counts up the version of each that changes and records it on its page.
    `refused` has NotFound for a customer that does not exist, CurrencyMismatch for one that the price list is not for (G9).
    Raises Refused with every problem of the values themselves, and has changed nothing then: see `values.checked`.
    """
    found = {row.id: row for row in await transaction.rows(_LOCKED, _keys(transaction, customer_ids))}
    check = await checked(transaction, given)
    if check.problems:
        raise Refused(check.problems)
    refused: dict[UUID, Refusal] = {}
    for key in customer_ids:
        row = found.get(key)
        refusal = customers.not_found(key) if row is None else check.mismatch(row.name, row.currency)
        if refusal is not None:
            refused[key] = refusal
    kept = [key for key in found if key not in refused]
    return CustomersSet(await _assign(transaction, kept, check.values), refused)


async def set_for_customer(
    transaction: Transaction, customer_id: UUID, given: Mapping[TermField, Given], *, version: int | None = None
) -> None:
    """Sets a customer's own terms: a value, even 0, overrides what it would inherit (G4).

    Raises, in this order: NotFound; StaleVersion (K6); Refused with every problem of the values, CurrencyMismatch among them.
    """
    customer = await customers.locked(transaction, customer_id, version=version)
    check = await checked(transaction, given)
    mismatch = check.mismatch(customer.name, customer.currency)
    if problems := [*check.problems, *([mismatch] if mismatch is not None else [])]:
        raise Refused(problems)
    await _assign(transaction, [customer_id], check.values)


async def set_for_organization(transaction: Transaction, given: Mapping[TermField, Given], *, version: int | None = None) -> None:
    """Sets the terms of all who have none from elsewhere. Every organization has payment terms.

    Raises, in this order: StaleVersion (K6); Refused with every problem of the values, InvalidInput for payment terms of None.
    """
    await organizations.locked(transaction, version=version)
    check = await checked(transaction, given)
    problems = check.problems
    if check.values.get(TermField.PAYMENT_TERMS, ...) is None:
        path = PATHS[TermField.PAYMENT_TERMS]
        problems = [*problems, InvalidInput("paymentTerms cannot be empty: every invoice is due some day.", field=path)]
    if problems:
        raise Refused(problems)
    changed = await assign(transaction, {Owner(): _terms(check.values)})
    if fields := changed.get(Owner()):
        await organizations.touch(transaction)
        entry = activity.about(
            Kind.ORGANIZATION, transaction.organization_id, "organization.terms_changed", fields=names_of(fields)
        )
        await activity.record(transaction, [entry])


async def set_for_group(
    transaction: Transaction,
    group_id: UUID,
    given: Mapping[TermField, Given],
    modes: Mapping[TermField, TermMode],
    *,
    version: int | None = None,
) -> None:
    """Sets what a group offers and how its members use it (domain.md G2). A new term is AUTOMATIC where no mode is given.

    Who had accepted a term that is taken away has accepted nothing any more. Raises, in this order: NotFound; StaleVersion
    (K6); Refused with every problem of the values, InvalidInput for a mode of a term that the group does not set.
    """
    await groups.locked(transaction, group_id, version=version)
    check = await checked(transaction, given)
    owner = Owner(group_id=group_id)
    wanted = {field: NewTerm(value) if value is not None else None for field, value in check.values.items()}
    before = await present(transaction, owner)
    terms: dict[TermField, NewTerm | None] = {}
    problems = list(check.problems)
    for field in TermField:
        term = wanted[field] if field in wanted else before.get(field)
        mode = modes.get(field)
        if term is not None:
            usual = before[field].mode if field in before else TermMode.AUTOMATIC
            terms[field] = term._replace(mode=mode or usual)
        elif field in wanted:
            terms[field] = None
        if term is None and mode is not None and not isinstance(given.get(field), Refusal):
            name = field_name(field.lower())
            problems.append(InvalidInput(f"The group sets no {name} that could have a mode.", field=("modes", name)))
    if problems:
        raise Refused(problems)
    changed = (await assign(transaction, {owner: terms})).get(owner)
    if not changed:
        return
    taken_away = [field for field in changed if terms[field] is None]
    if taken_away:
        await transaction.execute(
            _END_ACCEPTANCES,
            {
                "organization_id": transaction.organization_id,
                "group_id": group_id,
                "fields": taken_away,
                "now": transaction.now,
            },
        )
    await groups.touch(transaction, group_id)
    await activity.record(transaction, [activity.about(Kind.GROUP, group_id, "group.terms_changed", fields=names_of(changed))])


def names_of(fields: Iterable[TermField]) -> list[str]:
    """As records of activity name them."""
    return sorted(field_name(field.lower()) for field in fields)


_END_ACCEPTANCES = text(
    """
    update term_acceptances set valid_to = greatest(cast(:now as timestamptz), valid_from)
    where organization_id = :organization_id and group_id = :group_id and field = any(cast(:fields as text[]))
      and valid_to is null
    """
)
_LOCKED = text(
    """
    select id, name, currency from customers
    where organization_id = :organization_id and id = any(cast(:keys as uuid[]))
    order by id for no key update
    """
)
_TOUCH = text(
    """
    update customers set version = version + 1, updated_at = :now
    where organization_id = :organization_id and id = any(cast(:keys as uuid[]))
    """
)


def _keys(transaction: Transaction, customer_ids: Sequence[UUID]) -> dict[str, object]:
    return {"organization_id": transaction.organization_id, "keys": list(customer_ids)}


def _terms(values: Mapping[TermField, Value | None]) -> dict[TermField, NewTerm | None]:
    return {field: NewTerm(value) if value is not None else None for field, value in values.items()}


async def _assign(
    transaction: Transaction, customer_ids: Sequence[UUID], values: Mapping[TermField, Value | None]
) -> dict[UUID, list[TermField]]:
    """Of customers that are locked."""
    terms = _terms(values)
    assigned = await assign(transaction, {Owner(customer_id=key): terms for key in customer_ids})
    changed = {owner.customer_id: fields for owner, fields in assigned.items() if owner.customer_id is not None}
    if changed:
        await transaction.execute(_TOUCH, {**_keys(transaction, list(changed)), "now": transaction.now})
        await activity.record(transaction, [_entry(key, fields) for key, fields in changed.items()])
    return changed


def _entry(customer_id: UUID, fields: Iterable[TermField]) -> Entry:
    action = "customer.terms_changed"
    return activity.about(Kind.CUSTOMER, customer_id, action, customer_id=customer_id, fields=names_of(fields))
