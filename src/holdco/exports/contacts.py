"""Writes customers as Zoho exports contacts: one row to a contact person, the customer's own cells on each of them.

The first row of a customer is its own. Its first contact person shares it where nothing gets lost by that: Zoho has one e-mail
address in it, which is the customer's and the person's. Behind Zoho's columns stand ours, which the importer reads again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from holdco.customers.models import CustomerStatus
from holdco.exports import cells, people
from holdco.exports.people import Named
from holdco.exports.snapshot import Snapshot
from holdco.exports.writing import Sheet
from holdco.imports.headings import normalised
from holdco.imports.progress import Watcher
from holdco.imports.values import DateFormat
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.terms.precedence import TermField

_ADDRESS: Final = ("Attention", "Address", "Street2", "City", "State", "Country", "Code", "Phone", "Fax")
ZOHO: Final = (
    "Created Time", "Last Modified Time", "Display Name", "Company Name", "Salutation", "First Name", "Last Name", "Phone",
    "Currency Code", "Notes", "Website", "Status", "Credit Limit", "Customer Sub Type",
    *(f"{kind} {part}" for kind in ("Billing", "Shipping") for part in _ADDRESS),
    "Skype Identity", "Facebook", "Twitter", "Department", "Designation", "Price List", "Payment Terms", "Payment Terms Label",
    "Last Sync Time", "Owner Name", "EmailID", "MobilePhone", "Customer ID", "Customer Name", "Contact Type",
    "Customer Address ID", "Source", "Reference ID", "Payment Reminder",
)  # fmt: skip
OURS: Final = (
    "Customer Number", "Tax ID", "Customer Role", "Discount Percent", "Parent Customer ID", "Parent Customer Name",
    "Allow Parent View", "Allow Parent Pay", "Allow Parent Manage", "Inherit Terms", "Parent Pays Invoices From",
    "Customer Group",
)  # fmt: skip

_COUNT: Final = text("select count(*) from customers where organization_id = :organization_id")
_CUSTOM: Final = text(
    """
    select distinct jsonb_object_keys(c.custom_fields) as name from customers c
    where c.organization_id = :organization_id and jsonb_typeof(c.custom_fields) = 'object'
    order by 1
    """
)
_CUSTOMERS: Final = text(
    """
    select id, number, name, company_name, kind, role, status, currency, email, phone, website, tax_id, notes,
           cast(billing_address as text) as billing_address, cast(shipping_address as text) as shipping_address,
           cast(custom_fields as text) as custom_fields, created_at, updated_at
    from customers
    where organization_id = :organization_id
    order by id
    """
)
_CONTACTS: Final = text(
    """
    select customer_id, name, email, phone, designation, department from contacts
    where organization_id = :organization_id and customer_id = any(cast(:ids as uuid[]))
    order by customer_id, id
    """
)
_LINKS: Final = text(
    """
    select child_id, parent_id, view, pay, manage, inherit_terms, pay_invoices_from from parent_links
    where organization_id = :organization_id and child_id = any(cast(:ids as uuid[])) and valid_to is null
    """
)
_GROUPS: Final = text(
    """
    select m.customer_id, g.name
    from group_members m
    join customer_groups g on g.organization_id = m.organization_id and g.id = m.group_id
    where m.organization_id = :organization_id and g.organization_id = :organization_id
      and m.customer_id = any(cast(:ids as uuid[])) and g.deleted_at is null
    order by m.customer_id, g.rank
    """
)
_TERMS: Final = text(
    """
    select t.customer_id, t.field, t.discount_percent, t.payment_terms_kind, t.payment_terms_net_days, l.name as price_list
    from terms t
    left join price_lists l on l.organization_id = :organization_id and l.id = t.price_list_id
    where t.organization_id = :organization_id and t.customer_id = any(cast(:ids as uuid[])) and t.valid_to is null
    """
)


@dataclass(slots=True)
class WrittenCustomers:
    """`custom_fields_left_out` are names that differ from others in case or punctuation only: no file can hold both."""

    customers: int = 0
    contacts: int = 0
    custom_fields_left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Belongings:
    """What belongs to the customers of a batch, by customer."""

    named: Mapping[UUID, Named]
    contacts: Mapping[UUID, Sequence[Any]]
    links: Mapping[UUID, Any]
    groups: Mapping[UUID, Sequence[str]]
    terms: Mapping[UUID, Mapping[str, str]]


async def write(snapshot: Snapshot, sheet: Sheet, dates: DateFormat, progress: Watcher) -> WrittenCustomers:
    progress.begin("Writing customers", total=(await snapshot.rows(_COUNT))[0].count)
    custom, left_out = _custom_headings([row.name for row in await snapshot.rows(_CUSTOM)])
    sheet.begin((*ZOHO, *custom, *OURS))
    written = WrittenCustomers(custom_fields_left_out=left_out)
    async for batch in snapshot.batches(_CUSTOMERS):
        belongings = await _belongings(snapshot, [customer.id for customer in batch])
        for customer in batch:
            contacts = belongings.contacts[customer.id]
            for row in _rows(_own(snapshot, customer, custom, belongings, dates), customer, contacts):
                sheet.add(row)
            written.customers += 1
            written.contacts += len(contacts)
        progress.reach(written.customers)
    return written


async def _belongings(snapshot: Snapshot, keys: Sequence[UUID]) -> _Belongings:
    links = {link.child_id: link for link in await snapshot.rows(_LINKS, ids=keys)}
    contacts = defaultdict(list)
    for contact in await snapshot.rows(_CONTACTS, ids=keys):
        contacts[contact.customer_id].append(contact)
    groups = defaultdict(list)
    for group in await snapshot.rows(_GROUPS, ids=keys):
        groups[group.customer_id].append(group.name)
    terms: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    for term in await snapshot.rows(_TERMS, ids=keys):
        terms[term.customer_id] |= _term(term)
    named = await people.named(snapshot, [*keys, *(link.parent_id for link in links.values())])
    return _Belongings(named, contacts, links, groups, terms)


def _custom_headings(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Names by heading, and those that the heading of another one would be taken for."""
    headings: dict[str, str] = {}
    seen = {normalised(heading) for heading in (*ZOHO, *OURS)}
    left_out = []
    for name in names:
        heading = f"CF.{name}"
        if not name.strip() or normalised(heading) in seen:
            left_out.append(name)
            continue
        seen.add(normalised(heading))
        headings[heading] = name
    return headings, left_out


def _own(
    snapshot: Snapshot, customer: Any, custom: Mapping[str, str], belongings: _Belongings, dates: DateFormat
) -> dict[str, str | None]:
    """The customer's own cells."""
    fields = _json(customer.custom_fields)
    named = belongings.named[customer.id]
    return {
        "Created Time": cells.instant(customer.created_at, snapshot.now),
        "Last Modified Time": cells.instant(customer.updated_at, snapshot.now),
        "Display Name": customer.name,
        "Company Name": customer.company_name,
        "Phone": customer.phone,
        "Currency Code": customer.currency,
        "Notes": customer.notes,
        "Website": customer.website,
        "Status": "Active" if customer.status == CustomerStatus.ACTIVE else "Inactive",
        "Customer Sub Type": customer.kind.lower(),
        **cells.address("Billing", _json(customer.billing_address)),
        **cells.address("Shipping", _json(customer.shipping_address)),
        **belongings.terms[customer.id],
        "EmailID": customer.email,
        "Customer ID": named.external_id,
        "Customer Name": customer.name,
        "Contact Type": "customer",
        **{heading: _custom_text(fields.get(name)) for heading, name in custom.items()},
        "Customer Number": customer.number,
        "Tax ID": customer.tax_id,
        "Customer Role": customer.role,
        **_parent(belongings.links.get(customer.id), belongings.named, dates),
        "Customer Group": "; ".join(belongings.groups[customer.id]),
    }


def _json(stored: str | None) -> dict[str, Any]:
    return orjson.loads(stored) if stored is not None else {}


def _custom_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()


def _parent(link: Any, named: Mapping[UUID, Named], dates: DateFormat) -> dict[str, str]:
    if link is None:
        return {}
    since: date | None = link.pay_invoices_from
    return {
        "Parent Customer ID": named[link.parent_id].external_id,
        "Parent Customer Name": named[link.parent_id].name,
        "Allow Parent View": cells.boolean(link.view),
        "Allow Parent Pay": cells.boolean(link.pay),
        "Allow Parent Manage": cells.boolean(link.manage),
        "Inherit Terms": cells.boolean(link.inherit_terms),
        "Parent Pays Invoices From": dates.text(since) if since is not None else "",
    }


def _term(term: Any) -> dict[str, str]:
    match term.field:
        case TermField.PRICE_LIST:
            return {"Price List": term.price_list}
        case TermField.DISCOUNT_PERCENT:
            return {"Discount Percent": cells.plain(term.discount_percent)}
        case _:
            return cells.payment_terms(PaymentTerms(PaymentTermsKind(term.payment_terms_kind), term.payment_terms_net_days))


def _rows(own: Mapping[str, str | None], customer: Any, contacts: Sequence[Any]) -> Iterator[Mapping[str, str | None]]:
    shared = next((contact for contact in contacts if _shares(customer, contact)), None)
    if shared is None:
        yield own
    else:
        mobile = shared.phone if shared.phone != customer.phone else None
        yield {**own, **_person(shared), "Phone": customer.phone, "MobilePhone": mobile}
    for contact in contacts:
        if contact is not shared:
            yield {**own, **_person(contact), "EmailID": contact.email, "Phone": contact.phone}


def _shares(customer: Any, contact: Any) -> bool:
    """Whether a contact can stand in the customer's own row: an empty cell of one would be read as the other's."""
    return contact.email == customer.email and (contact.phone is None) == (customer.phone is None)


def _person(contact: Any) -> dict[str, str | None]:
    """Zoho has two names. Put together with a space they are the contact's again."""
    first, _, last = contact.name.rpartition(" ")
    if first != first.strip():
        first, last = "", contact.name
    return {
        "First Name": first,
        "Last Name": last,
        "Designation": contact.designation,
        "Department": contact.department,
    }
