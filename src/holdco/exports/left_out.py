"""What an organization has that its files cannot hold, or that the importer does not bring back: counted, and told.

A sentence for each, by the file that would be the place for it. `{count}` is how many there are; what there is none of is not
told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import TextClause, text

from holdco.exports.snapshot import Snapshot
from holdco.imports.directory import SYSTEM


class LeftOut(NamedTuple):
    file: str
    sentence: str
    statement: TextClause


_STANDING = """
    a.organization_id = :organization_id and a.reverses_id is null
    and not exists (select from allocations r where r.organization_id = :organization_id and r.reverses_id = a.id)
"""
LEFT_OUT: Final = (
    LeftOut(
        "contacts",
        "Client users ({count}) are not in the file: who logs in is invited anew.",
        text("select count(*) from client_users where organization_id = :organization_id"),
    ),
    LeftOut(
        "contacts",
        "Contacts ({count}) with the name and e-mail address of another one of their customer are imported as one.",
        text(
            """
            select cast(coalesce(sum(twins.count - 1), 0) as bigint) from (
              select count(*) from contacts where organization_id = :organization_id
              group by customer_id, name, email having count(*) > 1
            ) as twins
            """
        ),
    ),
    LeftOut(
        "contacts",
        "Custom fields that are no texts (of {count} customers) stand as JSON in their cells, and are imported as texts.",
        text(
            """
            select count(*) from customers c
            where c.organization_id = :organization_id and jsonb_typeof(c.custom_fields) = 'object'
              and exists (select from jsonb_each(c.custom_fields) as field where jsonb_typeof(field.value) <> 'string')
            """
        ),
    ),
    LeftOut(
        "contacts",
        "References to other systems ({count}) are not in the file.",
        text("select count(*) from external_references where organization_id = :organization_id and system <> :system"),
    ),
    LeftOut(
        "contacts",
        "Of groups ({count}) the file has names and members; their ranks, descriptions and terms are not in it.",
        text("select count(*) from customer_groups where organization_id = :organization_id and deleted_at is null"),
    ),
    LeftOut(
        "contacts",
        "Groups without members ({count}) are not in the file.",
        text(
            """
            select count(*) from customer_groups g
            where g.organization_id = :organization_id and g.deleted_at is null and not exists (
              select from group_members m where m.organization_id = :organization_id and m.group_id = g.id
            )
            """
        ),
    ),
    LeftOut(
        "contacts",
        "Groups with a semicolon in their names ({count}) are imported as several.",
        text(
            """
            select count(*) from customer_groups
            where organization_id = :organization_id and deleted_at is null and name like '%;%'
            """
        ),
    ),
    LeftOut(
        "contacts",
        "Acceptances of what groups offer ({count}) are not in the file.",
        text("select count(*) from term_acceptances where organization_id = :organization_id and valid_to is null"),
    ),
    LeftOut(
        "invoices",
        "Invoices that credit notes have paid, in part or in whole ({count}): credit notes are not imported, so that much more "
        "of them is left to pay where the file is imported.",
        text(
            f"""
            select count(distinct a.invoice_id) from allocations a where a.credit_note_id is not null and {_STANDING}
            """  # noqa: S608 (constants of this file only)
        ),
    ),
    LeftOut(
        "invoices",
        "Void invoices ({count}) are in the file without the day and the reason.",
        text("select count(*) from invoices where organization_id = :organization_id and status = 'VOID'"),
    ),
    LeftOut(
        "invoices",
        "Invoices with terms or prices of a customer, a group or a price list ({count}): the values are in the file, where they "
        "came from is not.",
        text(
            """
            select count(*) from invoices
            where organization_id = :organization_id
              and (payment_terms_source in ('CUSTOMER', 'GROUP', 'ANCESTOR')
                   or discount_source in ('CUSTOMER', 'GROUP', 'ANCESTOR') or price_list_id is not null)
            """
        ),
    ),
    LeftOut(
        "payments",
        "Reversed payments ({count}) are not in the file, which knows only money that came in.",
        text("select count(*) from payments where organization_id = :organization_id and status = 'REVERSED'"),
    ),
    LeftOut(
        "payments",
        "Applications of payments that were taken back ({count}) are not in the file.",
        text(
            """
            select count(*) from allocations a
            join payments p on p.organization_id = :organization_id and p.id = a.payment_id
            where a.organization_id = :organization_id and p.organization_id = :organization_id and a.reverses_id is not null
              and p.status <> 'REVERSED'
            """
        ),
    ),
    LeftOut(
        "payments",
        "Applications to invoices that the payer could not pay any more ({count}), because links have changed, are in the file, "
        "but it cannot be imported with them.",
        text(
            f"""
            select count(*) from allocations a
            join invoices i on i.organization_id = :organization_id and i.id = a.invoice_id
            where {_STANDING} and i.organization_id = :organization_id and a.payment_id is not null and not exists (
              select from customer_closure c
              where c.organization_id = :organization_id and c.ancestor_id = a.payer_id and c.descendant_id = a.beneficiary_id
                and c.pay and (c.pay_invoices_from is null or i.invoice_date >= c.pay_invoices_from)
            )
            """  # noqa: S608 (constants of this file only)
        ),
    ),
    LeftOut(
        "credit_notes",
        "Credit notes ({count}) are in a file for others: `holdco import zoho` does not read it.",
        text("select count(*) from credit_notes where organization_id = :organization_id"),
    ),
    LeftOut(
        "price_lists",
        "Earlier versions of price lists ({count}) are not in the file.",
        text("select count(*) from price_list_versions where organization_id = :organization_id and valid_to is not null"),
    ),
    LeftOut(
        "price_lists",
        "Items that stand in no list of rates ({count}) are not in the file.",
        text(
            """
            select count(*) from items i
            where i.organization_id = :organization_id and not exists (
              select from price_list_rates r
              join price_lists l on l.organization_id = :organization_id and l.id = r.price_list_id
              where r.organization_id = :organization_id and l.organization_id = :organization_id and r.item_id = i.id
                and r.version_from <= l.version and (r.version_to is null or r.version_to > l.version)
            )
            """
        ),
    ),
    LeftOut(
        "price_lists",
        "Default prices in currencies that no price list of the item has ({count}) are not in the file.",
        text(
            """
            select count(*) from item_prices p
            where p.organization_id = :organization_id
              and exists (
                select from price_list_rates r where r.organization_id = :organization_id and r.item_id = p.item_id
              )
              and not exists (
                select from price_list_rates r
                join price_lists l on l.organization_id = :organization_id and l.id = r.price_list_id
                where r.organization_id = :organization_id and l.organization_id = :organization_id and r.item_id = p.item_id
                  and l.currency = p.currency
              )
            """
        ),
    ),
)


async def told(snapshot: Snapshot, files: Iterable[str]) -> list[str]:
    """The sentences that are true of an organization and of these files."""
    asked = set(files)
    counts = [(each, (await snapshot.rows(each.statement, system=SYSTEM))[0][0]) for each in LEFT_OUT if each.file in asked]
    return [each.sentence.format(count=f"{count:,}") for each, count in counts if count]
