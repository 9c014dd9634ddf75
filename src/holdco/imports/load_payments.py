"""Writes payments and what they were applied to. Every rule of the ledger holds, checked for all rows in a few statements.

An application goes to an invoice of the payer itself, or of a customer below it over links that all grant pay, as the tree is
now (domain.md A2, H11); in the currency of the money (A3); not above what is left to pay (A4); on a day not before the money
and the invoice were there (A13). Where the file gives no day, it is the first on which both were.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from holdco import ids, money
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.customers.errors import NumberTaken
from holdco.database import Transaction
from holdco.errors import Refusal, UserErrorCode
from holdco.ids import Kind
from holdco.imports.directory import SYSTEM, own_ids
from holdco.imports.payments import Application, ReadPayment
from holdco.imports.problems import KEPT_MAX, Problems
from holdco.imports.staging import ActivityLog, Staging, joining
from holdco.imports.values import shown
from holdco.payments import errors
from holdco.payments.allocation import Strategy

_COLUMNS: Final = {
    "id": "uuid",
    "number": "text",
    "customer_id": "uuid",
    "currency": "text",
    "amount": "bigint",
    "allocated": "bigint",
    "unapplied": "bigint",
    "received_on": "date",
    "mode": "text",
    "reference": "text",
    "bank_charges": "bigint",
    "withholding_tax": "bigint",
    "notes": "text",
    "external_id": "text",
}
_PAYMENTS: Final = Staging("import_payments", _COLUMNS)
_APPLICATIONS: Final = Staging(
    "import_applications",
    {
        "id": "uuid",
        "payment_id": "uuid",
        "payer_id": "uuid",
        "currency": "text",
        "invoice_number": "text",
        "amount": "bigint",
        "applied_on": "date",
        "received_on": "date",
        "line": "integer",
    },
)
_INSERT_PAYMENTS: Final = text(
    f"""
    insert into payments (organization_id, {", ".join(_COLUMNS)}, status, source_system, created_at, version)
    select o.id, {", ".join(f"s.{name}" for name in _COLUMNS)}, 'SUCCEEDED', :system, :now, 1
    from organizations o cross join import_payments s
    where o.id = :organization_id
    returning 1
    """  # noqa: S608 (constants of this file only)
)
_TAKEN: Final = text(
    """
    select number from payments where organization_id = :organization_id and number = any(cast(:numbers as text[]))
    """
)
# The invoices before they are looked at, in the order of their ids, as every payment locks them (domain.md K2).
_LOCK: Final = text(
    """
    select i.id from invoices i
    where i.organization_id = :organization_id and i.number in (select invoice_number from import_applications)
    order by i.id for no key update
    """
)
_REFUSED: Final = text(
    """
    select a.line, a.invoice_number, a.currency, a.applied_on, a.received_on, i.status, i.currency, i.invoice_date, c.depth,
           c.pay and (c.pay_invoices_from is null or i.invoice_date >= c.pay_invoices_from), owner.name, payer.name
    from import_applications a
    left join invoices i on i.organization_id = :organization_id and i.number = a.invoice_number
    left join customer_closure c
      on c.organization_id = :organization_id and c.ancestor_id = a.payer_id and c.descendant_id = i.customer_id
    left join customers owner on owner.organization_id = :organization_id and owner.id = i.customer_id
    left join customers payer on payer.organization_id = :organization_id and payer.id = a.payer_id
    where i.id is null or c.depth is null or not c.pay or i.invoice_date < c.pay_invoices_from
       or i.currency <> a.currency or i.status <> 'ISSUED'
       or a.applied_on < i.invoice_date or (a.applied_on is null and i.invoice_date > :today)
    order by a.line limit :limit
    """
)
_EXCEEDING: Final = text(
    """
    select min(a.line), i.number, sum(a.amount), i.balance, i.currency
    from import_applications a
    join invoices i on i.organization_id = :organization_id and i.number = a.invoice_number
    where i.organization_id = :organization_id
    group by i.id, i.number, i.balance, i.currency
    having sum(a.amount) > i.balance
    order by 1 limit :limit
    """
)
# The path names the customers from the payer down to the owner, as they are now: by which right the money went (A10).
_INSERT_ALLOCATIONS: Final = text(
    """
    insert into allocations
        (organization_id, id, payment_id, credit_note_id, invoice_id, payer_id, beneficiary_id, path, currency, amount,
         applied_on, strategy, reverses_id, reason, actor, created_at)
    select o.id, a.id, a.payment_id, null, i.id, a.payer_id, i.customer_id, paths.path, a.currency, a.amount,
           coalesce(a.applied_on, greatest(a.received_on, i.invoice_date)), :strategy, null, null, :actor, :now
    from organizations o
    cross join import_applications a
    join invoices i on i.organization_id = o.id and i.number = a.invoice_number
    join (
      select pairs.payer_id, pairs.owner_id, array_agg(up.ancestor_id order by up.depth desc) as path
      from (
        select distinct a.payer_id, i.customer_id as owner_id
        from import_applications a
        join invoices i on i.organization_id = :organization_id and i.number = a.invoice_number
        where i.organization_id = :organization_id
      ) as pairs
      join customer_closure c on c.ancestor_id = pairs.payer_id and c.descendant_id = pairs.owner_id
      join customer_closure up on up.descendant_id = pairs.owner_id and up.depth <= c.depth
      where c.organization_id = :organization_id and up.organization_id = :organization_id
      group by pairs.payer_id, pairs.owner_id
    ) as paths on paths.payer_id = a.payer_id and paths.owner_id = i.customer_id
    where o.id = :organization_id and i.organization_id = :organization_id
    returning 1
    """
)
# As if the payments had come one after another: each that paid the invoice has changed it once.
_PAY: Final = text(
    """
    update invoices i
    set amount_paid = i.amount_paid + paid.amount, balance = i.balance - paid.amount, updated_at = :now,
        version = i.version + paid.payments
    from (
      select invoice_number, cast(sum(amount) as bigint) as amount, cast(count(distinct payment_id) as integer) as payments
      from import_applications group by invoice_number
    ) as paid
    where i.organization_id = :organization_id and i.number = paid.invoice_number
    """
)
_OTHERS: Final = text(
    """
    select a.payment_id, i.customer_id, a.currency, cast(sum(a.amount) as bigint)
    from import_applications a
    join invoices i on i.organization_id = :organization_id and i.number = a.invoice_number
    where i.organization_id = :organization_id and i.customer_id <> a.payer_id
    group by a.payment_id, i.customer_id, a.currency
    order by 1, 2
    """
)


class PaymentLoader:
    """Collects payments of one import; `write` brings them in."""

    def __init__(self, transaction: Transaction, log: ActivityLog, problems: Problems) -> None:
        self.created = 0
        self.skipped = 0
        self.allocations = 0
        self._transaction = transaction
        self._log = log
        self._problems = problems
        self._payments: list[tuple[Any, ...]] = []
        self._applications: list[tuple[Any, ...]] = []
        self._first_lines: dict[str, int] = {}

    async def open(self) -> None:
        await _PAYMENTS.create(self._transaction)
        await _APPLICATIONS.create(self._transaction)

    async def here(self, external_ids: AbstractSet[str]) -> set[str]:
        """Those of the ids whose payments are here already, in the other system's or our own form."""
        rows = await self._transaction.rows(
            text(
                """
                select external_id from payments
                where organization_id = :organization_id and source_system = :system
                  and external_id = any(cast(:keys as text[]))
                union all
                select 'pay_' || replace(cast(id as text), '-', '') from payments
                where organization_id = :organization_id and id = any(cast(:own as uuid[]))
                """
            ),
            {
                "organization_id": self._transaction.organization_id,
                "system": SYSTEM,
                "keys": list(external_ids),
                "own": list(own_ids(Kind.PAYMENT, external_ids)),
            },
        )
        return {row[0] for row in rows}

    def add(self, payment: ReadPayment) -> None:
        """Keeps a payment to be written, with the record of its history. Adds NUMBER_TAKEN for a number twice in the file."""
        line = self._first_lines.setdefault(payment.number, payment.line)
        if line != payment.line:
            sentence = f"The payment at line {line} has the number {payment.number} too."
            self._problems.add(payment.line, sentence, column="Payment Number", code=UserErrorCode.NUMBER_TAKEN)
            return
        payment_id = ids.new()
        allocated = payment.amount - payment.unapplied
        self.created += 1
        self.allocations += len(payment.applications)
        self._payments.append(
            (
                payment_id,
                payment.number,
                payment.customer.id,
                payment.currency,
                payment.amount,
                allocated,
                payment.unapplied,
                payment.received_on,
                payment.mode.value,
                payment.reference,
                payment.bank_charges,
                payment.withholding_tax,
                payment.notes,
                payment.external_id,
            )
        )
        self._applications.extend(_staged(payment_id, payment, application) for application in payment.applications)
        self._record(payment_id, payment, allocated)

    async def flush(self) -> None:
        """Sends what was collected into the staging tables."""
        if self._payments:
            await _PAYMENTS.copy(self._transaction, self._payments)
            await _APPLICATIONS.copy(self._transaction, self._applications)
            self._payments.clear()
            self._applications.clear()
        await self._log.flush()

    async def check(self) -> None:
        """Adds to the problems numbers that other payments here have: NUMBER_TAKEN (domain.md M3); and every application that
        the ledger would refuse. Expects the tree to be locked.
        """
        await self.flush()
        await _APPLICATIONS.analyze(self._transaction)
        organization_id = self._transaction.organization_id
        for (number,) in await self._transaction.rows(
            _TAKEN, {"organization_id": organization_id, "numbers": list(self._first_lines)}
        ):
            refusal = NumberTaken("another payment", number)
            self._problems.refuse(self._first_lines[number], refusal, column="Payment Number")
        async with joining(self._transaction, self.allocations):
            await self._check_applications(organization_id)

    async def _check_applications(self, organization_id: UUID) -> None:
        await self._transaction.execute(_LOCK, {"organization_id": organization_id})
        found = await self._transaction.rows(
            _REFUSED, {"organization_id": organization_id, "today": self._transaction.today, "limit": KEPT_MAX}
        )
        for row in found:
            self._refuse(row)
        if found:
            return
        for line, number, amount, balance, currency in await self._transaction.rows(
            _EXCEEDING, {"organization_id": organization_id, "limit": KEPT_MAX}
        ):
            refusal = errors.ExceedsInvoiceBalance(number, amount=int(amount), balance=balance, currency=currency, field=None)
            self._problems.refuse(line, refusal, column="Amount Applied to Invoice")

    async def write(self) -> None:
        organization_id = self._transaction.organization_id
        now = self._transaction.now
        await self._transaction.execute(_INSERT_PAYMENTS, {"organization_id": organization_id, "system": SYSTEM, "now": now})
        async with joining(self._transaction, self.allocations):
            await self._transaction.execute(
                _INSERT_ALLOCATIONS,
                {
                    "organization_id": organization_id,
                    "strategy": Strategy.EXPLICIT.value,
                    "actor": self._transaction.actor,
                    "now": now,
                },
            )
            await self._transaction.execute(_PAY, {"organization_id": organization_id, "now": now})
            others = await self._transaction.rows(_OTHERS, {"organization_id": organization_id})
        for payment_id, owner_id, currency, amount in others:
            # What others see of it is what went to them, and nothing else (domain.md V4).
            part = {"amount": money.to_string(amount, currency), "currency": currency}
            self._log.add(Entry("invoice.paid_by_ancestor", owner_id, ids.encode(Kind.PAYMENT, payment_id), part))
            await self._log.flush()

    def _record(self, payment_id: UUID, payment: ReadPayment, allocated: int) -> None:
        def record(action: str, **details: Any) -> None:
            self._log.add(activity.about(Kind.PAYMENT, payment_id, action, customer_id=payment.customer.id, **details))

        currency = payment.currency
        record("payment.recorded", number=payment.number, amount=money.to_string(payment.amount, currency), currency=currency)
        if payment.applications:
            record(
                "payment.allocated",
                amount=money.to_string(allocated, currency),
                currency=currency,
                invoices=len({application.invoice_number for application in payment.applications}),
                strategy=Strategy.EXPLICIT.value,
            )

    def _refuse(self, row: Sequence[Any]) -> None:
        line, number, currency, applied_on, received_on, status, found, invoice_date, depth, may_pay, owner, payer = row
        if status is None:
            self._problems.add(
                line,
                f"There is no invoice {shown(number)}. Import the invoices before, or together.",
                column="Invoice Number",
                code=UserErrorCode.NOT_FOUND,
            )
            return
        refusal: Refusal
        column = "Invoice Number"
        if depth is None:
            refusal = errors.NotADescendant(number, owner, payer, field=None)
        elif not may_pay:
            refusal = errors.ParentPayNotAllowed(number, owner, payer, field=None)
        elif found != currency:
            refusal = errors.CurrencyMismatch(number, expected=currency, found=found, field=None)
        elif status != "ISSUED":
            refusal = errors.InvoiceNotPayable(number, status, field=None)
        else:
            column = "Invoice Payment Applied Date"
            refusal = errors.AppliedOnOutOfRange(
                applied_on or invoice_date,
                earliest=max(received_on, invoice_date),
                latest=self._transaction.today,
                field=None,
            )
        self._problems.refuse(line, refusal, column=column)


def _staged(payment_id: UUID, payment: ReadPayment, application: Application) -> tuple[Any, ...]:
    return (
        ids.new(),
        payment_id,
        payment.customer.id,
        payment.currency,
        application.invoice_number,
        application.amount,
        application.applied_on,
        payment.received_on,
        application.line,
    )
