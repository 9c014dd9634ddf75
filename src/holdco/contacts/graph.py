"""Contacts as clients see them. They are reached through their customer and through `node`; mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import Parent

from holdco.connections import Info, NodeInterface
from holdco.contacts.queries import ContactRow
from holdco.customers.graph import Customer
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import identifier, load, relation
from holdco.ids import Kind


@strawberry.type(description="A person at a customer whose details are kept and who has no login.")
class Contact(NodeInterface):
    name: str
    email: str | None
    phone: str | None
    designation: str | None = strawberry.field(description="What the person is there: Head of accounts.")
    department: str | None
    created_at: datetime
    updated_at: datetime
    version: int = strawberry.field(description="Counts changes; give it with an update to be refused if somebody was faster.")

    row_type = ContactRow

    id = identifier(Kind.CONTACT)

    @relation(reads=("customer_id",))
    def customer(rows: Parent[list[ContactRow]], info: Info) -> Customer:
        return load(CustomerById, [row.customer_id for row in rows])
