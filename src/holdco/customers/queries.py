"""Reads customers: the rows, what may be filtered and ordered, and the statements that loaders and services share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, Uuid, and_, column, exists, select, table

from holdco.customers.models import Customer, CustomerClosure, ExternalReference, ParentLink
from holdco.filtering import Elsewhere, Filters, OrganizationId, any_of, compare
from holdco.listing import Listing, Order, Relation
from holdco.scopes import CustomerScope
from holdco.statements import ORGANIZATION_ID, STATEMENTS_MAX, Names, is_key

_CUSTOMERS = Customer.__table__.c
_CLOSURE = CustomerClosure.__table__.c
_LINKS = ParentLink.__table__.c
# Groups are a feature above this one; their tables are one schema with ours all the same.
_MEMBERS = table("group_members", *(column(name, Uuid) for name in ("organization_id", "group_id", "customer_id"))).c


class CustomerRow(NamedTuple):
    id: UUID
    number: str
    name: str
    company_name: str | None
    kind: str
    role: str | None
    status: str
    currency: str
    email: str | None
    phone: str | None
    website: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None
    shipping_address: dict[str, Any] | None
    notes: str | None
    custom_fields: dict[str, Any] | None
    parent_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class ParentLinkRow(NamedTuple):
    id: UUID
    child_id: UUID
    parent_id: UUID
    valid_from: datetime
    valid_to: datetime | None
    view: bool
    pay: bool
    manage: bool
    pay_invoices_from: Any
    inherit_terms: bool
    actor: str
    reason: str | None


class ParentAccessRow(NamedTuple):
    view: bool
    pay: bool
    manage: bool
    pay_invoices_from: Any
    inherit_terms: bool | None


class ExternalReferenceRow(NamedTuple):
    system: str
    external_id: str
    url: str | None


CUSTOMER_COLUMNS: dict[str, ColumnElement[Any]] = {name: _CUSTOMERS[name] for name in CustomerRow._fields}


def _is_root(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return _CUSTOMERS.parent_id.is_(None) if value else _CUSTOMERS.parent_id.is_not(None)


def _external_id(organization_id: OrganizationId, operator: str, value: Any) -> ColumnElement[bool]:
    reference = ExternalReference.__table__.c
    referred = exists().where(reference.organization_id == organization_id, reference.customer_id == _CUSTOMERS.id)
    # No row says that there is none: null means that no other system knows the customer.
    return ~referred if value is None else referred.where(compare(reference.external_id, operator, value))


def _email(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return compare(_CUSTOMERS.email, "eq" if value is None else "eq_ignoring_case", value)


def _group_id(organization_id: OrganizationId, operator: str, value: Any) -> ColumnElement[bool]:
    """Null means that it is in no group."""
    is_member = exists().where(_MEMBERS.organization_id == organization_id, _MEMBERS.customer_id == _CUSTOMERS.id)
    return ~is_member if value is None else is_member.where(compare(_MEMBERS.group_id, operator, value))


FILTERS = Filters(
    {
        "id": _CUSTOMERS.id,
        "number": _CUSTOMERS.number,
        "name": _CUSTOMERS.name,
        "email": Elsewhere(_email),
        "kind": _CUSTOMERS.kind,
        "role": _CUSTOMERS.role,
        "status": _CUSTOMERS.status,
        "currency": _CUSTOMERS.currency,
        "parent_id": _CUSTOMERS.parent_id,
        "is_root": _is_root,
        "external_id": Elsewhere(_external_id),
        "group_id": Elsewhere(_group_id),
        "created_at": _CUSTOMERS.created_at,
        "updated_at": _CUSTOMERS.updated_at,
        "depth": _CLOSURE.depth,
    }
)

LISTING: Listing[CustomerRow] = Listing(
    row=CustomerRow,
    columns=CUSTOMER_COLUMNS,
    organization=_CUSTOMERS.organization_id,
    filters=FILTERS,
    order_default=(Order("number"),),
)

# More than of other lists: nothing hangs below a row here, and whoever asks wants a whole tree.
DESCENDANTS_PAGE_SIZE_MAX = 500

DESCENDANTS: Listing[CustomerRow] = Listing(
    row=CustomerRow,
    columns={
        **CUSTOMER_COLUMNS,
        # The closure's own columns, in the order of its index, so that a page is a range of it.
        "depth": _CLOSURE.depth,
        "id": _CLOSURE.descendant_id,
    },
    organization=_CUSTOMERS.organization_id,
    filters=FILTERS,
    order_default=(Order("depth"),),
)

PARENT_LINKS: Listing[ParentLinkRow] = Listing(
    row=ParentLinkRow,
    columns={name: _LINKS[name] for name in ParentLinkRow._fields},
    organization=_LINKS.organization_id,
    filters=Filters({}),
    order_default=(Order("valid_from", descending=True),),
)

CHILDREN = Relation(parent=_CUSTOMERS.parent_id, below=("customers",))
BELOW = Relation(
    parent=_CLOSURE.ancestor_id,
    joined=CustomerClosure.__table__,
    # Not `depth > 0`: Postgres would begin to read there, and not behind the cursor, which is further down the same index.
    on=and_(_CLOSURE.descendant_id == _CUSTOMERS.id, _CLOSURE.depth != 0),
    organization=_CLOSURE.organization_id,
    below=("customer_closure", "customers"),
)
HISTORY = Relation(parent=_LINKS.child_id)


@cache
def in_scope(owner: Column[UUID], scope: CustomerScope) -> Relation:
    """What belongs to a customer by the column `owner`, or to the customers that the scope reaches from it."""
    if scope is CustomerScope.SELF:
        return Relation(parent=owner, below=(owner.table.name,))
    reached = _CLOSURE.descendant_id == owner
    return Relation(
        parent=_CLOSURE.ancestor_id,
        joined=CustomerClosure.__table__,
        on=and_(reached, _CLOSURE.depth == 1) if scope is CustomerScope.DIRECT_CHILDREN else reached,
        organization=_CLOSURE.organization_id,
        below=("customer_closure", owner.table.name),
    )


def by_ids(organization_id: UUID, keys: Sequence[UUID]) -> Select[Any]:
    return select(_CUSTOMERS.id.label("key"), *CUSTOMER_COLUMNS.values()).where(
        _CUSTOMERS.organization_id == organization_id, any_of(_CUSTOMERS.id, keys)
    )


_REFERENCES = ExternalReference.__table__.c


@lru_cache(STATEMENTS_MAX)
def by_external_ids(names: Names) -> Select[Any]:
    """More than one for an id that several systems use; the caller decides what that means."""
    found = (
        select(_REFERENCES.external_id, _REFERENCES.customer_id)
        .where(_REFERENCES.organization_id == ORGANIZATION_ID, is_key(_REFERENCES.external_id))
        .distinct()
        .subquery("found")
    )
    return (
        select(found.c.external_id.label("key"), *(CUSTOMER_COLUMNS[name] for name in names))
        .join_from(found, Customer.__table__, _CUSTOMERS.id == found.c.customer_id)
        .where(_CUSTOMERS.organization_id == ORGANIZATION_ID)
    )


@lru_cache(STATEMENTS_MAX)
def ancestors_of(names: Names) -> Select[Any]:
    """Root first; the customer itself is not among them."""
    return (
        select(_CLOSURE.descendant_id.label("key"), *(CUSTOMER_COLUMNS[name] for name in names))
        .join_from(CustomerClosure.__table__, Customer.__table__, _CUSTOMERS.id == _CLOSURE.ancestor_id)
        .where(
            _CLOSURE.organization_id == ORGANIZATION_ID,
            _CUSTOMERS.organization_id == ORGANIZATION_ID,
            is_key(_CLOSURE.descendant_id),
            _CLOSURE.depth > 0,
        )
        .order_by(_CLOSURE.descendant_id, _CLOSURE.depth.desc())
    )


# Client users see the closure and no link: what is passed on to them is not theirs to know.
PARENT_ACCESS = (
    select(_CLOSURE.descendant_id, _CLOSURE.view, _CLOSURE.pay, _CLOSURE.manage, _CLOSURE.pay_invoices_from, _LINKS.inherit_terms)
    .join_from(
        CustomerClosure.__table__,
        ParentLink.__table__,
        and_(_LINKS.organization_id == ORGANIZATION_ID, _LINKS.child_id == _CLOSURE.descendant_id, _LINKS.valid_to.is_(None)),
        isouter=True,
    )
    .where(_CLOSURE.organization_id == ORGANIZATION_ID, is_key(_CLOSURE.descendant_id), _CLOSURE.depth == 1)
)

EXTERNAL_REFERENCES = (
    select(_REFERENCES.customer_id, _REFERENCES.system, _REFERENCES.external_id, _REFERENCES.url)
    .where(_REFERENCES.organization_id == ORGANIZATION_ID, is_key(_REFERENCES.customer_id))
    .order_by(_REFERENCES.system, _REFERENCES.external_id)
)
