"""Creates, changes and deletes contacts. Every use case takes the transaction first and commits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from holdco import ids
from holdco.activity import service as activity
from holdco.contacts import queries
from holdco.contacts.errors import DeletionNotConfirmed
from holdco.contacts.models import Contact
from holdco.contacts.queries import ContactRow
from holdco.customers import queries as customer_queries
from holdco.customers import service as customers
from holdco.database import Transaction
from holdco.errors import NotFound, StaleVersion
from holdco.ids import Kind
from holdco.validation import Cleaner, cleaned, email_address, optional_text, required_text

_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "email": email_address,
    "phone": optional_text,
    "designation": optional_text,
    "department": optional_text,
}


async def create(
    transaction: Transaction, *, customer_id: UUID, values: Mapping[str, Any], contact_id: UUID | None = None
) -> UUID:
    """A new contact at a customer; only the name is needed, and there may be any number of them (domain.md 1.2, SB19).

    `contact_id` is for demo data whose ids examples name.

    Raises, in this order: NotFound for the customer; Refused with InvalidInput for each bad value.
    """
    await customers.keep(transaction, [customer_id], field_of=lambda _: ("customerId",))
    fields = cleaned({"name": None, **values}, _CLEANERS)
    contact_id = contact_id or ids.new()
    await transaction.execute(
        insert(Contact).values(
            organization_id=transaction.organization_id,
            id=contact_id,
            customer_id=customer_id,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        )
    )
    await activity.record(
        transaction,
        [activity.about(Kind.CONTACT, contact_id, "contact.created", customer_id=customer_id, name=fields["name"])],
    )
    return contact_id


async def change(transaction: Transaction, contact_id: UUID, *, values: Mapping[str, Any], version: int | None = None) -> None:
    """Sets the given fields and leaves all others; None clears.

    Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused with InvalidInput for each bad value.
    """
    contact = await locked(transaction, contact_id)
    if version is not None and version != contact.version:
        raise StaleVersion(contact.name, expected=version, found=contact.version)
    fields = cleaned(values, _CLEANERS)
    changed = {name: value for name, value in fields.items() if getattr(contact, name) != value}
    if not changed:
        return
    await transaction.execute(
        update(Contact)
        .where(Contact.organization_id == transaction.organization_id, Contact.id == contact_id)
        .values(updated_at=transaction.now, version=Contact.version + 1, **changed)
    )
    await activity.record(
        transaction,
        [activity.about(Kind.CONTACT, contact_id, "contact.updated", customer_id=contact.customer_id, fields=sorted(changed))],
    )


async def remove(transaction: Transaction, contact_id: UUID, *, is_confirmed: bool) -> None:
    """Deletes a contact for good. Raises, in this order: NotFound; DeletionNotConfirmed."""
    contact = await locked(transaction, contact_id)
    if not is_confirmed:
        customer = (await transaction.rows(customer_queries.by_ids(transaction.organization_id, [contact.customer_id])))[0]
        raise DeletionNotConfirmed(contact.name, customer_name=customer.name)
    await transaction.execute(
        delete(Contact).where(Contact.organization_id == transaction.organization_id, Contact.id == contact_id)
    )
    await activity.record(
        transaction,
        [activity.about(Kind.CONTACT, contact_id, "contact.deleted", customer_id=contact.customer_id, name=contact.name)],
    )


async def locked(transaction: Transaction, contact_id: UUID) -> ContactRow:
    """A contact that nobody else can change until commit. Raises NotFound."""
    rows = await transaction.rows(
        select(*queries.CONTACT_COLUMNS.values())
        .where(Contact.organization_id == transaction.organization_id, Contact.id == contact_id)
        .with_for_update(key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no contact {ids.encode(Kind.CONTACT, contact_id)}.", field=("id",))
    return ContactRow(*rows[0])
