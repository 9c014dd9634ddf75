"""Writes new customers with their contacts, places in the tree and groups, as the services would one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from holdco import ids
from holdco.activity import service as activity
from holdco.customers import hierarchy
from holdco.customers.errors import NumberTaken
from holdco.database import Transaction
from holdco.groups import service as groups
from holdco.groups.models import CustomerGroup
from holdco.ids import Kind
from holdco.imports import directory, numbers, own_terms, parents
from holdco.imports.contacts import NewCustomer, ReadContacts
from holdco.imports.parents import Link
from holdco.imports.problems import Problems
from holdco.imports.staging import ActivityLog, Staging, json_text

REASON = "Imported from Zoho"

_FIELDS = {
    "company_name": "text",
    "kind": "text",
    "role": "text",
    "status": "text",
    "currency": "text",
    "email": "text",
    "phone": "text",
    "website": "text",
    "tax_id": "text",
    "billing_address": "text",
    "shipping_address": "text",
    "notes": "text",
    "custom_fields": "text",
}
_JSON = {"billing_address", "shipping_address", "custom_fields"}
_CUSTOMERS = Staging(
    "import_customers",
    {"id": "uuid", "number": "text", "name": "text", "parent_id": "uuid", "external_id": "text", **_FIELDS},
)
_CONTACTS = Staging(
    "import_contacts",
    {
        "id": "uuid",
        "customer_id": "uuid",
        "name": "text",
        "email": "text",
        "phone": "text",
        "designation": "text",
        "department": "text",
    },
)
_LINKS = Staging(
    "import_links",
    {
        "id": "uuid",
        "child_id": "uuid",
        "parent_id": "uuid",
        "may_view": "boolean",
        "may_pay": "boolean",
        "may_manage": "boolean",
        "pay_invoices_from": "date",
        "inherit_terms": "boolean",
    },
)
_CLOSURE = Staging(
    "import_closure",
    {
        "ancestor_id": "uuid",
        "descendant_id": "uuid",
        "depth": "integer",
        "may_view": "boolean",
        "may_pay": "boolean",
        "may_manage": "boolean",
        "pay_invoices_from": "date",
    },
)
# A new customer with a parent has been created and then linked: two versions.
_INSERT_CUSTOMERS = text(
    f"""
    insert into customers
        (organization_id, id, number, name, {", ".join(_FIELDS)}, parent_id, created_at, updated_at, version)
    select o.id, s.id, s.number, s.name,
           {", ".join(f"cast(s.{name} as jsonb)" if name in _JSON else f"s.{name}" for name in _FIELDS)},
           s.parent_id, :now, :now, case when s.parent_id is null then 1 else 2 end
    from organizations o cross join import_customers s
    where o.id = :organization_id
    returning 1
    """  # noqa: S608 (constants of this file only)
)
_INSERT_REFERENCES = text(
    """
    insert into external_references (organization_id, system, external_id, customer_id, url)
    select o.id, :system, s.external_id, s.id, null
    from organizations o cross join import_customers s
    where o.id = :organization_id
    returning 1
    """
)
_INSERT_CONTACTS = text(
    """
    insert into contacts
        (organization_id, id, customer_id, name, email, phone, designation, department, created_at, updated_at, version)
    select o.id, s.id, s.customer_id, s.name, s.email, s.phone, s.designation, s.department, :now, :now, 1
    from organizations o cross join import_contacts s
    where o.id = :organization_id
    returning 1
    """
)
_INSERT_LINKS = text(
    """
    insert into parent_links
        (organization_id, id, child_id, parent_id, valid_from, valid_to, view, pay, manage, pay_invoices_from, inherit_terms,
         actor, reason)
    select o.id, s.id, s.child_id, s.parent_id, :now, null, s.may_view, s.may_pay, s.may_manage, s.pay_invoices_from,
           s.inherit_terms, :actor, :reason
    from organizations o cross join import_links s
    where o.id = :organization_id
    returning 1
    """
)
_INSERT_CLOSURE = text(
    """
    insert into customer_closure
        (organization_id, ancestor_id, descendant_id, depth, view, pay, manage, pay_invoices_from)
    select o.id, s.ancestor_id, s.descendant_id, s.depth, s.may_view, s.may_pay, s.may_manage, s.pay_invoices_from
    from organizations o cross join import_closure s
    where o.id = :organization_id
    returning 1
    """
)


@dataclass(slots=True)
class LoadedCustomers:
    created: int = 0
    skipped: int = 0
    contacts: int = 0
    linked: int = 0
    groups_created: int = 0
    memberships: int = 0


async def load(
    transaction: Transaction, read: ReadContacts, log: ActivityLog, problems: Problems
) -> tuple[LoadedCustomers, dict[UUID, NewCustomer]]:
    """Writes the customers that are not here yet, unless something is wrong with any. Returns them by their new ids.

    Expects the exclusive lock of the tree where any has a parent. Adds to the problems: NUMBER_TAKEN for a number that
    another customer has, in the file or here (domain.md M3); the refusals of `parents.links` and of `own_terms.price_lists`.
    """
    here = await _here(transaction, list(read.customers))
    new = {ids.new(): customer for external_id, customer in read.customers.items() if external_id not in here}
    links = await parents.links(transaction, new, mentioned=read.external_ids, names_mentioned=read.names, problems=problems)
    given = await _given_numbers(transaction, new, problems)
    price_lists = await own_terms.price_lists(transaction, new.values(), problems)
    loaded = LoadedCustomers(created=len(new), skipped=len(here), linked=len(links))
    if problems.count:
        return loaded, {}
    await numbers.fill(transaction, new.values(), given=given)
    await _write_customers(transaction, new, links)
    await _write_links(transaction, links)
    loaded.contacts = await _write_contacts(transaction, new, log)
    await _record(new, links, log)
    await own_terms.write(transaction, new, price_lists)
    await _write_groups(transaction, new, loaded)
    return loaded, new


async def _here(transaction: Transaction, external_ids: Sequence[str]) -> set[str]:
    """Those that customers here have, in the other system or as our own ids: an export has these where there are no others."""
    own = directory.own_ids(Kind.CUSTOMER, external_ids)
    rows = await transaction.rows(
        text(
            """
            select external_id from external_references
            where organization_id = :organization_id and system = :system and external_id = any(cast(:keys as text[]))
            union all
            select 'cus_' || replace(cast(id as text), '-', '') from customers
            where organization_id = :organization_id and id = any(cast(:own as uuid[]))
            """
        ),
        {"organization_id": transaction.organization_id, "system": directory.SYSTEM, "keys": external_ids, "own": list(own)},
    )
    return {row[0] for row in rows}


async def _given_numbers(transaction: Transaction, new: Mapping[UUID, NewCustomer], problems: Problems) -> set[str]:
    """The numbers that the file gives to new customers; each must be new."""
    first: dict[str, int] = {}
    for customer in new.values():
        if customer.number is None:
            continue
        line = first.setdefault(customer.number, customer.line)
        if line != customer.line:
            problems.add(
                customer.line,
                f"The customer at line {line} has the number {customer.number} too.",
                column="Customer Number",
                code=NumberTaken.code,
            )
    for number in await numbers.taken(transaction, list(first)):
        problems.refuse(first[number], NumberTaken("a customer", number), column="Customer Number")
    return set(first)


async def _write_customers(transaction: Transaction, new: Mapping[UUID, NewCustomer], links: Sequence[Link]) -> None:
    parent_ids = {link.child_id: link.parent_id for link in links}
    await _CUSTOMERS.create(transaction)
    await _CUSTOMERS.copy(
        transaction,
        (
            (key, customer.number, customer.name, parent_ids.get(key), customer.external_id, *_columns(customer.fields))
            for key, customer in new.items()
        ),
    )
    parameters = {"organization_id": transaction.organization_id, "now": transaction.now}
    await transaction.execute(_INSERT_CUSTOMERS, parameters)
    await transaction.execute(_INSERT_REFERENCES, {"organization_id": transaction.organization_id, "system": directory.SYSTEM})
    await hierarchy.add_nodes(transaction, list(new))


def _columns(fields: Mapping[str, Any]) -> list[Any]:
    return [json_text(fields[name]) if name in _JSON else fields[name] for name in _FIELDS]


async def _write_links(transaction: Transaction, links: Sequence[Link]) -> None:
    if not links:
        return
    await _LINKS.create(transaction)
    await _LINKS.copy(
        transaction,
        ((ids.new(), link.child_id, link.parent_id, *link.rights) for link in links),
    )
    await transaction.execute(
        _INSERT_LINKS,
        {
            "organization_id": transaction.organization_id,
            "now": transaction.now,
            "actor": transaction.actor,
            "reason": REASON,
        },
    )
    await _CLOSURE.create(transaction)
    await _CLOSURE.copy(transaction, parents.closure(links, await parents.above(transaction, links)))
    await transaction.execute(_INSERT_CLOSURE, {"organization_id": transaction.organization_id})


async def _write_contacts(transaction: Transaction, new: Mapping[UUID, NewCustomer], log: ActivityLog) -> int:
    rows = [(ids.new(), key, *contact) for key, customer in new.items() for contact in customer.contacts.values()]
    await _CONTACTS.create(transaction)
    await _CONTACTS.copy(transaction, rows)
    await transaction.execute(_INSERT_CONTACTS, {"organization_id": transaction.organization_id, "now": transaction.now})
    for contact_id, customer_id, name, *_ in rows:
        log.add(activity.about(Kind.CONTACT, contact_id, "contact.created", customer_id=customer_id, name=name))
        await log.flush()
    return len(rows)


async def _record(new: Mapping[UUID, NewCustomer], links: Sequence[Link], log: ActivityLog) -> None:
    for key in new:
        log.add(activity.about(Kind.CUSTOMER, key, "customer.created", customer_id=key))
        await log.flush()
    for link in links:
        details = {
            "view": link.rights.view,
            "pay": link.rights.pay,
            "manage": link.rights.manage,
            "inheritTerms": link.rights.inherit_terms,
            # Links are made from the top down: nothing is below a child yet.
            "affected": 1,
            "parentId": ids.encode(Kind.CUSTOMER, link.parent_id),
        }
        for page in (link.child_id, link.parent_id):
            log.add(activity.about(Kind.CUSTOMER, link.child_id, "customer.parent_linked", customer_id=page, **details))
        await log.flush()


async def _write_groups(transaction: Transaction, new: Mapping[UUID, NewCustomer], loaded: LoadedCustomers) -> None:
    """Groups that are missing are made, behind all others in rank, in the order in which the file names them."""
    members: defaultdict[str, list[UUID]] = defaultdict(list)
    for key, customer in new.items():
        for name in customer.groups:
            members[name].append(key)
    if not members:
        return
    table = CustomerGroup.__table__.c
    rows = await transaction.rows(
        select(table.name, table.id).where(table.organization_id == transaction.organization_id, table.deleted_at.is_(None))
    )
    here = {row[0]: row[1] for row in rows}
    for name, customer_ids in members.items():
        if name not in here:
            here[name] = await groups.create(transaction, values={"name": name})
            loaded.groups_created += 1
        loaded.memberships += len(await groups.add_members(transaction, here[name], customer_ids))
