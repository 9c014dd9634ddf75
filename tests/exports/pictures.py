"""What an organization has, with nothing in it that another one could not have as well: numbers and names instead of ids."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly

_STANDING = "a.reverses_id is null and not exists (select from allocations r where r.reverses_id = a.id)"
# What credit notes have paid is not imported: it is left to pay again.
_CREDITS = f"""
    coalesce(
      (select sum(a.amount) from allocations a where a.invoice_id = i.id and a.credit_note_id is not null and {_STANDING}), 0
    )
"""

PARTS: Final = {
    "customers": """
        select c.number, c.name, c.company_name, c.kind, c.role, c.status, c.currency, c.email, c.phone, c.website, c.tax_id,
               c.billing_address, c.shipping_address, c.notes, c.custom_fields, p.number
        from customers c left join customers p on p.id = c.parent_id
    """,
    "contacts": """
        select c.number, t.name, t.email, t.phone, t.designation, t.department
        from contacts t join customers c on c.id = t.customer_id
    """,
    "links": """
        select c.number, p.number, l.view, l.pay, l.manage, l.inherit_terms, l.pay_invoices_from
        from parent_links l join customers c on c.id = l.child_id join customers p on p.id = l.parent_id
        where l.valid_to is null
    """,
    "closure": """
        select c.number, p.number, x.depth, x.view, x.pay, x.manage, x.pay_invoices_from
        from customer_closure x join customers c on c.id = x.descendant_id join customers p on p.id = x.ancestor_id
    """,
    "memberships": """
        select c.number, g.name
        from group_members m join customers c on c.id = m.customer_id join customer_groups g on g.id = m.group_id
    """,
    "terms": """
        select c.number, t.field, l.name, t.discount_percent, t.payment_terms_kind, t.payment_terms_net_days
        from terms t join customers c on c.id = t.customer_id left join price_lists l on l.id = t.price_list_id
        where t.valid_to is null
    """,
    "invoices": f"""
        select i.number, c.number, i.status, i.currency, i.invoice_date, i.due_date, i.payment_terms_kind,
               i.payment_terms_net_days, i.bill_to, i.discount_percent, i.is_discount_before_tax, i.subtotal, i.discount_total,
               i.tax_total, i.shipping_charge, i.adjustment, i.total, i.amount_written_off, i.amount_paid - {_CREDITS},
               i.balance + {_CREDITS}, i.purchase_order, i.notes
        from invoices i join customers c on c.id = i.customer_id
    """,
    "lines": """
        select i.number, l.position, l.description, l.item, l.quantity, l.unit_price, l.discount_percent, l.discount,
               l.tax_percent, l.tax, l.amount, l.document_discount
        from invoice_lines l join invoices i on i.id = l.invoice_id
    """,
    "payments": """
        select p.number, c.number, p.currency, p.amount, p.allocated, p.unapplied, p.received_on, p.mode, p.reference,
               p.bank_charges, p.withholding_tax, p.notes
        from payments p join customers c on c.id = p.customer_id where p.status <> 'REVERSED'
    """,
    "applications": f"""
        select p.number, i.number, payer.number, owner.number, a.currency, a.amount, a.applied_on
        from allocations a
        join payments p on p.id = a.payment_id join invoices i on i.id = a.invoice_id
        join customers payer on payer.id = a.payer_id join customers owner on owner.id = a.beneficiary_id
        where {_STANDING}
    """,
    "price lists": """
        select l.name, l.description, l.currency, l.kind, l.inactivated_at is null, v.percent, v.rounding, v.rounding_step,
               v.rounding_less
        from price_lists l join price_list_versions v on v.price_list_id = l.id and v.version = l.version
    """,
    "rates": """
        select l.name, i.name, i.sku, i.description, i.unit, i.status, r.quantity_from, r.quantity_to, r.unit_price,
               p.unit_price
        from price_list_rates r
        join price_lists l on l.id = r.price_list_id join items i on i.id = r.item_id
        left join item_prices p on p.item_id = i.id and p.currency = l.currency
        where r.version_from <= l.version and (r.version_to is null or r.version_to > l.version)
    """,
}


async def picture(engine: AsyncEngine, organization_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Every part, as the owner of the tables sees the one organization."""
    async with directly(engine, organization_id) as connection:
        found = {name: (await connection.execute(text(statement))).all() for name, statement in PARTS.items()}
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}
