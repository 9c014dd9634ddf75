"""Checks of money: cached amounts against the ledger, the ledger against what it speaks of, totals against lines."""

from __future__ import annotations

from holdco.ids import Kind
from holdco.verification.checks import Check

INVOICE_AMOUNTS = Check(
    name="invoice-amounts",
    # domain.md K1, A5, 2.14 (1)
    claim="What was paid of an invoice is what is applied to it and stands; its balance is the rest, and 0 when it is void.",
    kind=Kind.INVOICE,
    sql="""
    with applied as (
      select invoice_id, sum(case when reverses_id is null then amount else -amount end) as amount
      from allocations where organization_id = :organization_id group by invoice_id
    )
    select i.id, figure.name, figure.found, figure.expected, i.currency
    from invoices i
    left join applied a on a.invoice_id = i.id
    cross join lateral (select coalesce(a.amount, 0) as paid, i.total - coalesce(a.amount, 0) - i.amount_written_off as rest) as s
    cross join lateral (values
      ('amountPaid', i.amount_paid, s.paid),
      ('balance', i.balance, case i.status when 'VOID' then 0 else s.rest end),
      ('paid beyond the total', greatest(-s.rest, 0), 0)
    ) as figure(name, found, expected)
    where i.organization_id = :organization_id
      and (i.amount_paid <> s.paid or i.balance <> case i.status when 'VOID' then 0 else s.rest end or s.rest < 0)
      and figure.found <> figure.expected
    """,
)

INVOICES_PAID_WHEN_ISSUED = Check(
    name="invoice-paid-when-issued",
    # domain.md A1, I3
    claim="Nothing stands applied to a draft or to a void invoice.",
    kind=Kind.INVOICE,
    sql="""
    select i.id, 'applied', sum(case when a.reverses_id is null then a.amount else -a.amount end), 0, i.currency
    from invoices i
    join allocations a on a.organization_id = i.organization_id and a.invoice_id = i.id
    where i.organization_id = :organization_id and a.organization_id = :organization_id and i.status <> 'ISSUED'
    group by i.id, i.currency
    having sum(case when a.reverses_id is null then a.amount else -a.amount end) <> 0
    """,
)

INVOICE_TOTALS = Check(
    name="invoice-totals",
    # invoices/amounts.py
    claim="An invoice's total is subtotal - discountTotal + taxTotal + shippingCharge + adjustment.",
    kind=Kind.INVOICE,
    sql="""
    select i.id, 'total', i.total, i.subtotal - i.discount_total + i.tax_total + i.shipping_charge + i.adjustment, i.currency
    from invoices i
    where i.organization_id = :organization_id
      and i.total <> i.subtotal - i.discount_total + i.tax_total + i.shipping_charge + i.adjustment
    """,
)

INVOICE_LINES = Check(
    name="invoice-lines",
    # invoices/amounts.py
    claim="The lines of an invoice add up to its subtotal, its discount and its taxes.",
    kind=Kind.INVOICE,
    sql="""
    with lines as (
      select invoice_id, sum(amount) as amount, sum(document_discount) as document_discount, sum(tax) as tax
      from invoice_lines where organization_id = :organization_id group by invoice_id
    )
    select i.id, figure.name, figure.found, figure.expected, i.currency
    from invoices i
    left join lines l on l.invoice_id = i.id
    cross join lateral (values
      ('subtotal', i.subtotal, coalesce(l.amount, 0)),
      ('discountTotal', i.discount_total, coalesce(l.document_discount, 0)),
      ('taxTotal', i.tax_total, coalesce(l.tax, 0))
    ) as figure(name, found, expected)
    where i.organization_id = :organization_id
      and (i.subtotal, i.discount_total, i.tax_total)
          is distinct from (coalesce(l.amount, 0), coalesce(l.document_discount, 0), coalesce(l.tax, 0))
      and figure.found <> figure.expected
    """,
)

PAYMENT_AMOUNTS = Check(
    name="payment-amounts",
    # domain.md K1, I6, 2.14 (2)
    claim="A payment's amount is what of it is applied and stands, and what is unapplied; of a reversed one nothing is left.",
    kind=Kind.PAYMENT,
    sql="""
    with applied as (
      select payment_id, sum(case when reverses_id is null then amount else -amount end) as amount
      from allocations where organization_id = :organization_id and payment_id is not null group by payment_id
    )
    select p.id, figure.name, figure.found, figure.expected, p.currency
    from payments p
    left join applied a on a.payment_id = p.id
    cross join lateral (values
      ('allocated', p.allocated, case p.status when 'REVERSED' then 0 else coalesce(a.amount, 0) end),
      ('unapplied', p.unapplied, case p.status when 'REVERSED' then 0 else p.amount - coalesce(a.amount, 0) end),
      ('applied of a reversed payment', case p.status when 'REVERSED' then coalesce(a.amount, 0) else 0 end, 0),
      ('applied beyond the amount', greatest(coalesce(a.amount, 0) - p.amount, 0), 0)
    ) as figure(name, found, expected)
    where p.organization_id = :organization_id and figure.found <> figure.expected
    """,
)

CREDIT_NOTE_AMOUNTS = Check(
    name="credit-note-amounts",
    # domain.md K1, I7, 2.14 (3)
    claim="A credit note's total is what of it is applied and stands, and what remains.",
    kind=Kind.CREDIT_NOTE,
    sql="""
    with applied as (
      select credit_note_id, sum(case when reverses_id is null then amount else -amount end) as amount
      from allocations where organization_id = :organization_id and credit_note_id is not null group by credit_note_id
    )
    select n.id, figure.name, figure.found, figure.expected, n.currency
    from credit_notes n
    left join applied a on a.credit_note_id = n.id
    cross join lateral (values
      ('allocated', n.allocated, coalesce(a.amount, 0)),
      ('remaining', n.remaining, n.total - coalesce(a.amount, 0)),
      ('applied beyond the total', greatest(coalesce(a.amount, 0) - n.total, 0), 0)
    ) as figure(name, found, expected)
    where n.organization_id = :organization_id and figure.found <> figure.expected
    """,
)

ALLOCATION_ENDS = Check(
    name="allocation-ends",
    # domain.md A3, A10, 2.14 (6)
    claim="An allocation has the currency and owner of its money as payer, and those of its invoice as beneficiary.",
    kind=Kind.ALLOCATION,
    sql="""
    select a.id, figure.name, figure.found, figure.expected, figure.unit
    from allocations a
    left join payments p
      on p.organization_id = a.organization_id and p.organization_id = :organization_id and p.id = a.payment_id
    left join credit_notes n
      on n.organization_id = a.organization_id and n.organization_id = :organization_id and n.id = a.credit_note_id
    left join invoices i
      on i.organization_id = a.organization_id and i.organization_id = :organization_id and i.id = a.invoice_id
    cross join lateral (values
      ('currency of the money', a.currency, coalesce(p.currency, n.currency), null),
      ('currency of the invoice', a.currency, i.currency, null),
      ('payer', cast(a.payer_id as text), cast(coalesce(p.customer_id, n.customer_id) as text), 'cus'),
      ('beneficiary', cast(a.beneficiary_id as text), cast(i.customer_id as text), 'cus'),
      ('first of the path', cast(a.path[1] as text), cast(a.payer_id as text), 'cus'),
      ('last of the path', cast(a.path[array_upper(a.path, 1)] as text), cast(a.beneficiary_id as text), 'cus')
    ) as figure(name, found, expected, unit)
    where a.organization_id = :organization_id
      and (a.currency, a.currency, a.payer_id, a.beneficiary_id, a.path[1], a.path[array_upper(a.path, 1)])
          is distinct from (coalesce(p.currency, n.currency), i.currency, coalesce(p.customer_id, n.customer_id),
                            i.customer_id, a.payer_id, a.beneficiary_id)
      and figure.found is distinct from figure.expected
    """,
)

REVERSALS = Check(
    name="reversals",
    # domain.md A10
    claim="A reversal takes back, whole and once, an allocation that is no reversal itself.",
    kind=Kind.ALLOCATION,
    sql="""
    select r.id, figure.name, figure.found, figure.expected, figure.unit
    from allocations r
    left join allocations a
      on a.organization_id = r.organization_id and a.organization_id = :organization_id and a.id = r.reverses_id
    cross join lateral (values
      ('amount', cast(r.amount as text), cast(a.amount as text), r.currency),
      ('currency', r.currency, a.currency, null),
      ('payment', cast(r.payment_id as text), cast(a.payment_id as text), 'pay'),
      ('creditNote', cast(r.credit_note_id as text), cast(a.credit_note_id as text), 'crn'),
      ('invoice', cast(r.invoice_id as text), cast(a.invoice_id as text), 'inv'),
      ('reverses, of what it takes back', cast(a.reverses_id as text), null, 'alc')
    ) as figure(name, found, expected, unit)
    where r.organization_id = :organization_id and r.reverses_id is not null
      and figure.found is distinct from figure.expected
    union all
    select reverses_id, 'times that it was taken back', cast(count(*) as text), '1', null
    from allocations where organization_id = :organization_id and reverses_id is not null
    group by reverses_id having count(*) > 1
    """,
)

RIGHT_TO_PAY = Check(
    name="right-to-pay",
    # domain.md A2, H7, H11, 2.14 (5). A customer over which money went is never deleted, nor are its links.
    claim="Whoever paid for another customer was above it when it did, over links that all granted pay for that invoice.",
    kind=Kind.ALLOCATION,
    sql="""
    select a.id, 'pay from cus_' || replace(cast(step.parent_id as text), '-', '')
                 || ' to cus_' || replace(cast(step.child_id as text), '-', ''), 'not granted', 'granted', null
    from allocations a
    join invoices i on i.organization_id = a.organization_id and i.id = a.invoice_id
    cross join lateral unnest(a.path[1:array_upper(a.path, 1) - 1], a.path[2:]) as step(parent_id, child_id)
    where a.organization_id = :organization_id and i.organization_id = :organization_id and a.reverses_id is null
      and not exists (
        select from parent_links l
        where l.organization_id = :organization_id and l.child_id = step.child_id and l.parent_id = step.parent_id and l.pay
          and l.valid_from <= a.created_at and (l.valid_to is null or a.created_at <= l.valid_to)
          and (l.pay_invoices_from is null or i.invoice_date >= l.pay_invoices_from)
      )
    """,
)

CHECKS = (
    INVOICE_AMOUNTS,
    INVOICES_PAID_WHEN_ISSUED,
    INVOICE_TOTALS,
    INVOICE_LINES,
    PAYMENT_AMOUNTS,
    CREDIT_NOTE_AMOUNTS,
    ALLOCATION_ENDS,
    REVERSALS,
    RIGHT_TO_PAY,
)
