"""Creates and changes customers. Where a customer stands in the hierarchy is changed in `move.py`.

Every use case takes the transaction first and commits nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import hierarchy, move, queries
from holdco.customers.errors import CurrencyLocked, ExternalReferenceTaken, NotABusinessCustomer, NumberTaken
from holdco.customers.models import Customer, CustomerKind, CustomerRole, CustomerStatus, ExternalReference
from holdco.customers.queries import CustomerRow
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, Refused, StaleVersion
from holdco.filtering import any_of
from holdco.ids import Kind
from holdco.organizations.numbering import Series, next_number
from holdco.validation import (
    TEXT_LENGTH_MAX,
    Cleaner,
    cleaned,
    currency_code,
    email_address,
    field_name,
    member_of,
    optional_text,
    required_text,
)

EXTERNAL_REFERENCES_MAX = 100
_CUSTOMERS = Customer.__table__.c


class Reference(NamedTuple):
    """The same customer in another system."""

    system: str
    external_id: str
    url: str | None = None


class Parent(NamedTuple):
    id: UUID
    rights: hierarchy.Rights


def _long_text(value: str | None, field: str) -> str | None:
    return optional_text(value, field, length_max=TEXT_LENGTH_MAX)


def _address(value: Mapping[str, str | None] | None, field: str) -> dict[str, str] | None:
    parts = {name: optional_text(part, f"{field}.{field_name(name)}") for name, part in (value or {}).items()}
    return {name: part for name, part in parts.items() if part} or None


def _json_object(value: object, field: str) -> object:
    if value is not None and not isinstance(value, dict):
        raise InvalidInput(f"{field} must be a JSON object.", field=(field,))
    return value


def _status(value: str | None, field: str) -> CustomerStatus:
    status = member_of(CustomerStatus, value or "", field)
    if status is CustomerStatus.MERGED:
        raise InvalidInput("A customer becomes MERGED by a merge, not by an update.", field=(field,))
    return status


_CLEANERS: Mapping[str, Cleaner] = {
    "number": required_text,
    "name": required_text,
    "company_name": optional_text,
    "kind": lambda value, field: member_of(CustomerKind, value or "", field),
    "role": lambda value, field: None if value is None else member_of(CustomerRole, value, field),
    "status": _status,
    "currency": lambda value, field: currency_code(value or "", field),
    "email": email_address,
    "phone": optional_text,
    "website": optional_text,
    "tax_id": optional_text,
    "billing_address": _address,
    "shipping_address": _address,
    "notes": _long_text,
    "custom_fields": _json_object,
}


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the table keeps them. Raises Refused with every problem at once."""
    return cleaned(values, _CLEANERS)


async def create(
    transaction: Transaction,
    *,
    values: Mapping[str, Any],
    references: Sequence[Reference] = (),
    parent: Parent | None = None,
    customer_id: UUID | None = None,
) -> UUID:
    """A new customer, at a root or under a parent.

    `values` are those of `columns_of`; only the name is needed. `customer_id` is for demo data whose ids examples name.
    Raises, in this order: Refused with InvalidInput for each bad value; NumberTaken; the refusals of `move.link`; InvalidInput
    and ExternalReferenceTaken for references.
    """
    fields = {"kind": CustomerKind.BUSINESS, "status": CustomerStatus.ACTIVE, **columns_of({"name": None, **values})}
    if parent is not None:
        await transaction.lock_exclusive()
    fields.setdefault("currency", transaction.organization.currency)
    if fields.get("number") is None:
        fields["number"] = await next_number(transaction, Series.CUSTOMER, _CUSTOMERS.number)
    customer_id = customer_id or ids.new()
    await _write(
        transaction,
        insert(Customer).values(
            organization_id=transaction.organization_id,
            id=customer_id,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        ),
        number=fields["number"],
    )
    await hierarchy.add_nodes(transaction, [customer_id])
    await activity.record(transaction, [activity.about(Kind.CUSTOMER, customer_id, "customer.created", customer_id=customer_id)])
    if parent is not None:
        await move.link(transaction, child_id=customer_id, parent_id=parent.id, rights=parent.rights)
    await _set_references(transaction, customer_id, references)
    return customer_id


async def change(
    transaction: Transaction,
    customer_id: UUID,
    *,
    values: Mapping[str, Any],
    references: Sequence[Reference] | None = None,
    version: int | None = None,
) -> None:
    """Sets the given fields and leaves all others; None clears. `references`, where given, replaces them all.

    Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused with InvalidInput; NotABusinessCustomer when a
    linked customer would become an individual (H1); CurrencyLocked (X1); NumberTaken; InvalidInput and ExternalReferenceTaken
    for references.
    """
    if "currency" in values:
        # Nobody records the first payment of a customer whose currency is changing.
        await transaction.lock_exclusive()
    elif "kind" in values:
        # Nobody becomes parent or child of a customer that is becoming an individual.
        await transaction.lock_shared()
    customer = await locked(transaction, customer_id, version=version)
    fields = columns_of(values)
    changed = {name: value for name, value in fields.items() if getattr(customer, name) != value}
    if changed.get("kind") is CustomerKind.INDIVIDUAL and await _is_linked(transaction, customer):
        raise NotABusinessCustomer(customer.name, field=("kind",))
    if "currency" in changed and await has_documents(transaction, customer_id):
        raise CurrencyLocked(customer.name, customer.currency)
    if changed or references is not None:
        await touch(transaction, customer_id, **changed)
        if references is not None:
            await transaction.execute(
                delete(ExternalReference).where(
                    ExternalReference.organization_id == transaction.organization_id,
                    ExternalReference.customer_id == customer_id,
                )
            )
            await _set_references(transaction, customer_id, references)
        names = sorted(field_name(name) for name in [*changed, *(["external_references"] if references is not None else [])])
        await activity.record(
            transaction,
            [activity.about(Kind.CUSTOMER, customer_id, "customer.updated", customer_id=customer_id, fields=names)],
        )


async def deactivate(
    transaction: Transaction, customer_id: UUID, *, is_cascading: bool = False, version: int | None = None
) -> list[UUID]:
    """Ends new business with a customer; open invoices stay payable (domain.md D4). Children stay active unless asked (H13).

    Returns the ids of those that were active until now. Raises NotFound, StaleVersion.
    """
    if is_cascading:
        # One after the other: subtrees overlap, and their rows are not locked in any order.
        await transaction.lock_exclusive()
    await locked(transaction, customer_id, version=version)
    candidates = await hierarchy.subtree_ids(transaction, customer_id) if is_cascading else [customer_id]
    result = await transaction.execute(
        update(Customer)
        .where(
            Customer.organization_id == transaction.organization_id,
            any_of(_CUSTOMERS.id, candidates),
            Customer.status == CustomerStatus.ACTIVE,
        )
        .values(status=CustomerStatus.INACTIVE.value, updated_at=transaction.now, version=Customer.version + 1)
        .returning(_CUSTOMERS.id)
    )
    deactivated = [row[0] for row in result.all()]
    await activity.record(
        transaction, [activity.about(Kind.CUSTOMER, key, "customer.deactivated", customer_id=key) for key in deactivated]
    )
    return deactivated


async def locked(
    transaction: Transaction, customer_id: UUID, *, version: int | None = None, is_ending: bool = False
) -> CustomerRow:
    """A customer that nobody else can change until commit; with `is_ending` nobody can even refer to it.

    Raises NotFound, StaleVersion.
    """
    rows = await transaction.rows(
        select(*queries.CUSTOMER_COLUMNS.values())
        .where(Customer.organization_id == transaction.organization_id, Customer.id == customer_id)
        .with_for_update(key_share=not is_ending)
    )
    if not rows:
        raise not_found(customer_id)
    customer = CustomerRow(*rows[0])
    if version is not None and version != customer.version:
        raise StaleVersion(customer.name, expected=version, found=customer.version)
    return customer


async def keep(transaction: Transaction, customer_ids: Sequence[UUID], *, field_of: Callable[[int], tuple[str, ...]]) -> None:
    """Nobody deletes these customers until commit.

    Raises Refused with NotFound for each that does not exist; `field_of` tells which field has the one at a position.
    """
    rows = await transaction.rows(
        select(_CUSTOMERS.id)
        .where(_CUSTOMERS.organization_id == transaction.organization_id, any_of(_CUSTOMERS.id, customer_ids))
        .order_by(_CUSTOMERS.id)
        .with_for_update(read=True, key_share=True)
    )
    found = {row[0] for row in rows}
    unknown = [not_found(key, field=field_of(position)) for position, key in enumerate(customer_ids) if key not in found]
    if unknown:
        raise Refused(unknown)


def not_found(customer_id: UUID, *, field: tuple[str, ...] = ("id",)) -> NotFound:
    return NotFound(f"There is no customer {ids.encode(Kind.CUSTOMER, customer_id)}.", field=field)


async def touch(transaction: Transaction, customer_id: UUID, **changed: Any) -> None:
    """Writes columns of one customer and counts its version up. Raises NumberTaken."""
    await _write(
        transaction,
        update(Customer)
        .where(Customer.organization_id == transaction.organization_id, Customer.id == customer_id)
        .values(updated_at=transaction.now, version=Customer.version + 1, **changed),
        number=changed.get("number"),
    )


async def has_documents(transaction: Transaction, customer_id: UUID) -> bool:
    """Whether there ever was an issued invoice, a payment or a credit note (domain.md X1)."""
    # Text, because customers do not import the features above them; their tables are one schema all the same.
    rows = await transaction.rows(
        text(
            """
            select exists (select from invoices where organization_id = :organization_id and customer_id = :customer_id
                           and status <> 'DRAFT')
                or exists (select from payments where organization_id = :organization_id and customer_id = :customer_id)
                or exists (select from credit_notes where organization_id = :organization_id and customer_id = :customer_id)
            """
        ),
        {"organization_id": transaction.organization_id, "customer_id": customer_id},
    )
    return bool(rows[0][0])


async def _is_linked(transaction: Transaction, customer: CustomerRow) -> bool:
    if customer.parent_id is not None:
        return True
    rows = await transaction.rows(
        select(exists().where(Customer.organization_id == transaction.organization_id, Customer.parent_id == customer.id))
    )
    return bool(rows[0][0])


async def _set_references(transaction: Transaction, customer_id: UUID, references: Sequence[Reference]) -> None:
    if len(references) > EXTERNAL_REFERENCES_MAX:
        raise InvalidInput(
            f"A customer has at most {EXTERNAL_REFERENCES_MAX} external references.", field=("externalReferences",)
        )
    rows = []
    for index, reference in enumerate(references):
        path = f"externalReferences.{index}"
        system = required_text(reference.system, f"{path}.system")
        external_id = required_text(reference.external_id, f"{path}.externalId")
        rows.append((system, external_id, optional_text(reference.url, f"{path}.url", length_max=2000), path))
    # In one order everywhere: two customers that want the same references at once wait for one another, but not in a circle.
    for system, external_id, url, path in sorted(rows, key=lambda row: row[:2]):
        try:
            await transaction.execute(
                insert(ExternalReference).values(
                    organization_id=transaction.organization_id,
                    system=system,
                    external_id=external_id,
                    customer_id=customer_id,
                    url=url,
                )
            )
        except IntegrityError:
            raise ExternalReferenceTaken(system, external_id, field=path.split(".")) from None


async def _write(transaction: Transaction, statement: Any, *, number: str | None) -> None:
    try:
        await transaction.execute(statement)
    except IntegrityError as error:
        if constraint_of(error) == "uq_customers_number" and number is not None:
            raise NumberTaken("a customer", number) from None
        raise
