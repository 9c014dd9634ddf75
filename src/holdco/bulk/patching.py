"""Changes many customers in the same way, by a handful of statements, and tells what became of each (domain.md G13).

Locks, always in this order: groups by id, the price list, customers by id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text

from holdco import ids
from holdco.activity import service as activity
from holdco.bulk.models import BulkRowResult, OverridePolicy
from holdco.customers.models import CustomerStatus
from holdco.customers.service import columns_of, not_found
from holdco.database import Transaction
from holdco.errors import InvalidInput, NotFound, Refusal, Refused, UserErrorCode
from holdco.groups import service as groups
from holdco.ids import Kind
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.terms import queries
from holdco.terms import service as terms
from holdco.terms.precedence import Lost, TermField, TermSource, decide
from holdco.terms.service import NewTerm, Owner
from holdco.terms.values import Checked, Given, Value, checked
from holdco.validation import field_name

# Each is a statement or two for every five hundred customers.
GROUPS_MAX = 20


@dataclass(frozen=True, slots=True)
class Patch:
    """What each customer becomes. What is not named stays as it is.

    `values` are columns of customers: status, role, and of custom_fields those that are set or, with None, removed; None in
    place of them removes all.
    """

    groups_add: tuple[UUID, ...] = ()
    groups_remove: tuple[UUID, ...] = ()
    terms: Mapping[TermField, Given] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.groups_add or self.groups_remove or self.terms or self.values)

    def as_json(self) -> dict[str, Any]:
        return {
            "groupsAdd": [key.hex for key in self.groups_add],
            "groupsRemove": [key.hex for key in self.groups_remove],
            "terms": {name.value: _term_as_json(value) for name, value in self.terms.items()},
            "values": dict(self.values),
        }


def patch_of(stored: Mapping[str, Any]) -> Patch:
    """From what `as_json` made."""
    return Patch(
        groups_add=tuple(map(UUID, stored["groupsAdd"])),
        groups_remove=tuple(map(UUID, stored["groupsRemove"])),
        terms={TermField(name): _term_of(TermField(name), value) for name, value in stored["terms"].items()},
        values=stored["values"],
    )


def _term_as_json(value: Given) -> Any:
    if isinstance(value, PaymentTerms):
        return {"kind": value.kind.value, "netDays": value.net_days}
    return str(value) if value is not None else None


def _term_of(name: TermField, stored: Any) -> Value | None:
    if stored is None:
        return None
    match name:
        case TermField.PRICE_LIST:
            return UUID(stored)
        case TermField.DISCOUNT_PERCENT:
            return Decimal(stored)
        case TermField.PAYMENT_TERMS:
            return PaymentTerms(PaymentTermsKind(stored["kind"]), stored["netDays"])


class Outcome(NamedTuple):
    """What became of one customer; `details` is for clients."""

    result: BulkRowResult
    code: str | None = None
    message: str | None = None
    details: Mapping[str, Any] | None = None


async def check(transaction: Transaction, patch: Patch) -> Patch:
    """The patch as it can be stored. Raises Refused with everything that nobody could do; fields are within `patch`."""
    problems: list[Refusal] = []
    values = dict(patch.values)
    if patch.is_empty:
        problems.append(InvalidInput("The patch says nothing. Say what becomes of the customers.", field=()))
    try:
        values |= columns_of(values)
    except Refused as refused:
        problems += refused.refusals
    held = await _hold(transaction, patch)
    for name, keys in (("groupsAdd", patch.groups_add), ("groupsRemove", patch.groups_remove)):
        problems += [_no_group(key, name, str(place)) for place, key in enumerate(keys) if key not in held.groups]
    both = [str(place) for place, key in enumerate(patch.groups_remove) if key in patch.groups_add]
    problems += [InvalidInput("Nobody is added to a group and removed from it.", field=("groupsRemove", place)) for place in both]
    for problem in held.terms.problems:
        problem.field = ("terms", *(problem.field or ()))
        problems.append(problem)
    if problems:
        for problem in problems:
            problem.field = ("patch", *(problem.field or ()))
        raise Refused(problems)
    return Patch(patch.groups_add, patch.groups_remove, held.terms.values, values)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is relied on until commit: the groups that there are, and the terms as they can be set."""

    groups: Collection[UUID]
    terms: Checked


_GROUPS = text(
    """
    select g.id from customer_groups g
    where g.organization_id = :organization_id and g.id = any(cast(:ids as uuid[])) and g.deleted_at is null
    order by g.id for share
    """
)


async def _hold(transaction: Transaction, patch: Patch) -> _Held:
    wanted = sorted({*patch.groups_add, *patch.groups_remove})
    parameters = {"organization_id": transaction.organization_id, "ids": wanted}
    rows = await transaction.rows(_GROUPS, parameters) if wanted else ()
    return _Held({row.id for row in rows}, await checked(transaction, patch.terms))


def _no_group(group_id: UUID, *path: str) -> NotFound:
    return NotFound(f"There is no group {ids.encode(Kind.GROUP, group_id)}.", field=path)


_LOCKED = text(
    """
    select c.id, c.name, c.status, c.role, c.currency, c.custom_fields from customers c
    where c.organization_id = :organization_id and c.id = any(cast(:ids as uuid[]))
    order by c.id for no key update
    """
)
_SET = text(
    """
    update customers c
    set status = n.status, role = n.role, custom_fields = cast(n.custom_fields as jsonb),
        updated_at = :now, version = c.version + 1
    from unnest(cast(:ids as uuid[]), cast(:statuses as text[]), cast(:roles as text[]), cast(:custom_fields as text[]))
         as n(id, status, role, custom_fields)
    where c.organization_id = :organization_id and c.id = n.id
    """
)
# Of groups that are joined: what applies to their members at once, and is shadowed by what a member has of its own.
_AUTOMATIC = text(
    """
    select t.group_id, t.field from terms t
    where t.organization_id = :organization_id and t.group_id = any(cast(:ids as uuid[]))
      and t.valid_to is null and t.mode = 'AUTOMATIC'
    """
)


async def apply(
    transaction: Transaction, job_id: UUID, patch: Patch, policy: OverridePolicy, customer_ids: Sequence[UUID]
) -> dict[UUID, Outcome]:
    """Changes those customers that can be, records each, and tells what became of all.

    Inactive customers are skipped (domain.md D4), unless they become active by this.
    """
    held = await _hold(transaction, patch)
    rows = await transaction.rows(_LOCKED, {"organization_id": transaction.organization_id, "ids": list(customer_ids)})
    found = {row.id: row for row in rows}
    outcomes: dict[UUID, Outcome] = {}
    for key in customer_ids:
        outcome = _hopeless(patch, held, found.get(key), key)
        if outcome is not None:
            outcomes[key] = outcome
    kept = [key for key in found if key not in outcomes]
    if kept:
        outcomes |= await _changed(transaction, job_id, patch, policy, {key: found[key] for key in kept}, held)
    return outcomes


def _hopeless(patch: Patch, held: _Held, customer: Any, key: UUID) -> Outcome | None:
    """Why nothing is done to a customer; None where nothing stands in the way."""
    if customer is None:
        return failed(not_found(key))
    is_reviving = patch.values.get("status") == CustomerStatus.ACTIVE and customer.status == CustomerStatus.INACTIVE
    if customer.status != CustomerStatus.ACTIVE and not is_reviving:
        return Outcome(BulkRowResult.SKIPPED, UserErrorCode.CUSTOMER_INACTIVE.value, f"{customer.name} is not active.")
    gone = [group_id for group_id in (*patch.groups_add, *patch.groups_remove) if group_id not in held.groups]
    if gone:
        return failed(_no_group(gone[0]))
    if held.terms.problems:
        return failed(held.terms.problems[0])
    mismatch = held.terms.mismatch(customer.name, customer.currency)
    return failed(mismatch) if mismatch is not None else None


def failed(refusal: Refusal) -> Outcome:
    return Outcome(BulkRowResult.FAILED, refusal.code.value, str(refusal))


async def _changed(
    transaction: Transaction,
    job_id: UUID,
    patch: Patch,
    policy: OverridePolicy,
    customers: Mapping[UUID, Any],
    held: _Held,
) -> dict[UUID, Outcome]:
    """Of customers that are locked, and that nothing stands in the way of."""
    done: dict[UUID, dict[str, list[Any]]] = {key: {} for key in customers}
    for name, group_ids, move in (
        ("groupsRemoved", patch.groups_remove, groups.release),
        ("groupsAdded", patch.groups_add, groups.enlist),
    ):
        for group_id in sorted(group_ids):
            for key in await move(transaction, group_id, list(customers)):
                done[key].setdefault(name, []).append(ids.encode(Kind.GROUP, group_id))
    promised = await _promised(transaction, patch.groups_add)
    cleared = [name for _, name in promised] if policy is OverridePolicy.CLEAR else []
    wanted = {**dict.fromkeys(cleared), **held.terms.values}
    for key, fields in (await _set_terms(transaction, wanted, list(customers))).items():
        for name in ("termsSet", "termsCleared"):
            if named := sorted(each.value for each in fields if (wanted[each] is not None) is (name == "termsSet")):
                done[key][name] = named
    new = {key: _values(patch, row) for key, row in customers.items()}
    for key, row in customers.items():
        if names := sorted(field_name(name) for name in patch.values if new[key][name] != getattr(row, name)):
            done[key]["fields"] = names
    # Membership is no field of a customer, and leaves its version alone.
    await _set(transaction, {key: new[key] for key, changes in done.items() if changes.keys() & _OF_CUSTOMER})
    changed = [key for key, changes in done.items() if changes]
    job = ids.encode(Kind.BULK_JOB, job_id)
    await activity.record(
        transaction,
        [activity.about(Kind.CUSTOMER, key, "customer.bulk_updated", customer_id=key, job=job, **done[key]) for key in changed],
    )
    shadowed = await _shadowed(transaction, customers, promised)
    return {
        key: Outcome(
            BulkRowResult.UPDATED if changes else BulkRowResult.UNCHANGED,
            details={**changes, **({"shadowed": shadowed[key]} if key in shadowed else {})} or None,
        )
        for key, changes in done.items()
    }


_OF_CUSTOMER = frozenset({"fields", "termsSet", "termsCleared"})


def _values(patch: Patch, customer: Any) -> dict[str, Any]:
    """The columns that a patch can change, as they will be."""
    given = patch.values
    new = {name: given.get(name, getattr(customer, name)) for name in ("status", "role", "custom_fields")}
    if given.get("custom_fields") is not None:
        merged = {**(customer.custom_fields or {}), **given["custom_fields"]}
        new["custom_fields"] = {name: value for name, value in merged.items() if value is not None} or None
    return new


async def _set(transaction: Transaction, new: Mapping[UUID, Mapping[str, Any]]) -> None:
    if not new:
        return
    fields = [values["custom_fields"] for values in new.values()]
    await transaction.execute(
        _SET,
        {
            "organization_id": transaction.organization_id,
            "now": transaction.now,
            "ids": list(new),
            "statuses": [values["status"] for values in new.values()],
            "roles": [values["role"] for values in new.values()],
            "custom_fields": [orjson.dumps(each).decode() if each is not None else None for each in fields],
        },
    )


async def _promised(transaction: Transaction, group_ids: Sequence[UUID]) -> set[tuple[UUID, TermField]]:
    """Which terms have which of these groups for all of their members. What a group only offers, nobody loses his own for."""
    if not group_ids:
        return set()
    parameters = {"organization_id": transaction.organization_id, "ids": list(group_ids)}
    return {(row.group_id, TermField(row.field)) for row in await transaction.rows(_AUTOMATIC, parameters)}


async def _set_terms(
    transaction: Transaction, wanted: Mapping[TermField, Value | None], customer_ids: Sequence[UUID]
) -> dict[UUID, list[TermField]]:
    """Which fields changed of each customer that any changed of."""
    if not wanted:
        return {}
    new = {name: NewTerm(value) if value is not None else None for name, value in wanted.items()}
    changed = await terms.assign(transaction, {Owner(customer_id=key): new for key in customer_ids})
    return {owner.customer_id: fields for owner, fields in changed.items() if owner.customer_id is not None}


async def _shadowed(
    transaction: Transaction, customers: Mapping[UUID, Any], promised: Collection[tuple[UUID, TermField]]
) -> dict[UUID, list[dict[str, str]]]:
    """Which terms of groups that were joined do not apply to whom, and why (domain.md G7)."""
    if not promised:
        return {}
    wanted = {name.value for _, name in promised}
    rows = await transaction.rows(queries.CANDIDATES, queries.parameters(transaction.organization_id, list(customers)))
    found: dict[UUID, list[dict[str, str]]] = {}
    for key, by_field in queries.candidates_of(row for row in rows if row.field in wanted).items():
        for name, candidates in by_field.items():
            for lost in decide(candidates, customers[key].currency).lost:
                if lost.candidate.source is TermSource.GROUP and (lost.candidate.group_id, name) in promised:
                    found.setdefault(key, []).append(_loss(name, lost))
    return found


def _loss(name: TermField, lost: Lost) -> dict[str, str]:
    assert lost.candidate.group_id is not None, "only groups' terms are looked for"
    told = {"field": name.value, "groupId": ids.encode(Kind.GROUP, lost.candidate.group_id)}
    if lost.shadowed_by is not None:
        told["shadowedBy"] = lost.shadowed_by.value
    if lost.skipped_reason is not None:
        told["skippedReason"] = lost.skipped_reason.value
    return told
