"""Writes invoices with their lines: into staging tables while they are read, into the real ones in two statements."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids, money
from holdco.activity import service as activity
from holdco.activity.service import Entry
from holdco.customers.errors import NumberTaken
from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.ids import Kind
from holdco.imports.directory import SYSTEM, own_ids
from holdco.imports.invoices import ReadInvoice
from holdco.imports.problems import KEPT_MAX, Problems
from holdco.imports.staging import ActivityLog, Staging, joining, json_text
from holdco.invoices.models import InvoiceStatus

VOID_REASON: Final = "Void in Zoho"

_COLUMNS: Final = {
    "id": "uuid",
    "number": "text",
    "customer_id": "uuid",
    "status": "text",
    "currency": "text",
    "invoice_date": "date",
    "due_date": "date",
    "payment_terms_kind": "text",
    "payment_terms_net_days": "integer",
    "payment_terms_source": "text",
    "payment_terms_source_id": "uuid",
    "payment_terms_source_version": "integer",
    "bill_to": "text",
    "discount_percent": "numeric",
    "is_discount_before_tax": "boolean",
    "subtotal": "bigint",
    "discount_total": "bigint",
    "tax_total": "bigint",
    "shipping_charge": "bigint",
    "adjustment": "bigint",
    "total": "bigint",
    "amount_written_off": "bigint",
    "balance": "bigint",
    "purchase_order": "text",
    "notes": "text",
    "external_id": "text",
}
_INVOICES: Final = Staging("import_invoices", _COLUMNS)
# What the file says of every invoice of the import, kept until all payments are in.
_EXPECTED: Final = Staging(
    "import_balances", {"id": "uuid", "line": "integer", "number": "text", "currency": "text", "balance": "bigint"}
)
_LINES: Final = Staging(
    "import_invoice_lines",
    {
        "invoice_id": "uuid",
        "position": "integer",
        "description": "text",
        "item": "text",
        "quantity": "numeric",
        "unit_price": "numeric",
        "discount_percent": "numeric",
        "discount": "bigint",
        "tax_percent": "numeric",
        "tax": "bigint",
        "amount": "bigint",
        "document_discount": "bigint",
    },
)
# A void invoice has been issued and then voided, which is when its version went up.
_INSERT: Final = text(
    f"""
    insert into invoices
        (organization_id, {", ".join(_COLUMNS)}, amount_paid, source_system, issued_at, voided_at, void_reason, created_at,
         updated_at, version)
    select o.id, {", ".join("cast(s.bill_to as jsonb)" if name == "bill_to" else f"s.{name}" for name in _COLUMNS)},
           0, :system, case when s.status = 'DRAFT' then null else cast(:now as timestamptz) end,
           case when s.status = 'VOID' then cast(:now as timestamptz) end,
           case when s.status = 'VOID' then cast(:void_reason as text) end, :now, :now,
           case when s.status = 'VOID' then 2 else 1 end
    from organizations o cross join import_invoices s
    where o.id = :organization_id
    returning 1
    """  # noqa: S608 (constants of this file only)
)
_INSERT_LINES: Final = text(
    f"""
    insert into invoice_lines (organization_id, {", ".join(_LINES.columns)})
    select o.id, {", ".join(f"s.{name}" for name in _LINES.columns)}
    from organizations o cross join import_invoice_lines s
    where o.id = :organization_id
    returning 1
    """  # noqa: S608 (constants of this file only)
)

_TAKEN: Final = text(
    """
    select number from invoices where organization_id = :organization_id and number = any(cast(:numbers as text[]))
    """
)
_UNBALANCED: Final = text(
    """
    select s.line, s.number, s.currency, s.balance, i.balance
    from import_balances s
    join invoices i on i.organization_id = :organization_id and i.id = s.id
    where i.organization_id = :organization_id and s.balance <> i.balance
    order by s.line limit :limit
    """
)
_SUMS: Final = text(
    """
    select s.currency, count(*), cast(sum(i.total) as text), cast(sum(i.balance) as text)
    from import_balances s
    join invoices i on i.organization_id = :organization_id and i.id = s.id
    where i.organization_id = :organization_id and i.status = 'ISSUED'
    group by s.currency order by s.currency
    """
)


class IssuedSum(NamedTuple):
    """Amounts as people read them, in major units."""

    currency: str
    invoices: int
    total: str
    balance: str


class OpeningBalance(NamedTuple):
    """What a customer owed before its first invoice here; minor units, above zero."""

    customer_id: UUID
    customer_external_id: str
    customer_number: str
    bill_to: Mapping[str, Any]
    currency: str
    amount: int
    line: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the staging tables, and the history that goes with them."""

    invoices: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    balances: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class InvoiceLoader:
    """Makes batches of invoices, and writes them. Making one needs no database, so that both can go on at a time."""

    def __init__(self, transaction: Transaction, log: ActivityLog) -> None:
        self.created = 0
        self.lines = 0
        self.skipped = 0
        self._transaction = transaction
        self._log = log
        self._batch = Batch()
        self._bill_to: dict[UUID, tuple[Mapping[str, Any], str]] = {}
        self._first_lines: dict[str, int] = {}

    async def open(self) -> None:
        for table in (_INVOICES, _LINES, _EXPECTED):
            await table.create(self._transaction)

    async def here(self, external_ids: AbstractSet[str]) -> set[str]:
        """Those of the ids whose invoices are here already, in the other system's or our own form."""
        rows = await self._transaction.rows(
            text(
                """
                select external_id from invoices
                where organization_id = :organization_id and source_system = :system
                  and external_id = any(cast(:keys as text[]))
                union all
                select 'inv_' || replace(cast(id as text), '-', '') from invoices
                where organization_id = :organization_id and id = any(cast(:own as uuid[]))
                """
            ),
            {
                "organization_id": self._transaction.organization_id,
                "system": SYSTEM,
                "keys": list(external_ids),
                "own": list(own_ids(Kind.INVOICE, external_ids)),
            },
        )
        return {row[0] for row in rows}

    def add(self, invoice: ReadInvoice, problems: Problems) -> None:
        """Keeps an invoice to be written, with the record of its history. Adds NUMBER_TAKEN for a number twice in the file."""
        line = self._first_lines.setdefault(invoice.number, invoice.line)
        if line != invoice.line:
            sentence = f"The invoice at line {line} has the number {invoice.number} too."
            problems.add(invoice.line, sentence, column="Invoice Number", code=UserErrorCode.NUMBER_TAKEN)
            return
        computed = invoice.figures.computed
        invoice_id = ids.new()
        is_void = invoice.status is InvoiceStatus.VOID
        self._batch.invoices.append(
            (
                invoice_id,
                invoice.number,
                invoice.customer.id,
                invoice.status.value,
                invoice.currency,
                invoice.invoice_date,
                invoice.due_date,
                invoice.terms.value.kind.value,
                invoice.terms.value.net_days,
                invoice.terms.source.value,
                invoice.terms.source_id,
                invoice.terms.source_version,
                self._bill_to_text(invoice.customer.id, invoice.bill_to),
                invoice.figures.discount_percent,
                invoice.is_discount_before_tax,
                computed.subtotal,
                computed.discount_total,
                computed.tax_total,
                computed.shipping_charge,
                computed.adjustment,
                computed.total,
                invoice.written_off,
                0 if is_void else computed.total - invoice.written_off,
                invoice.purchase_order,
                invoice.notes,
                invoice.external_id,
            )
        )
        self._batch.balances.append((invoice_id, invoice.line, invoice.number, invoice.currency, invoice.balance_expected))
        for position, (texts, computed_from, amounts) in enumerate(
            zip(invoice.lines, invoice.figures.lines, computed.lines, strict=True), start=1
        ):
            self._batch.lines.append(
                (
                    invoice_id,
                    position,
                    texts.description,
                    texts.item,
                    computed_from.quantity,
                    computed_from.unit_price,
                    computed_from.discount_percent,
                    amounts.discount,
                    computed_from.tax_percent,
                    amounts.tax,
                    amounts.amount,
                    amounts.document_discount,
                )
            )
        self._count(invoice_id, invoice.customer.id, invoice.number, invoice.status, len(invoice.lines))

    def add_opening_balance(self, opening: OpeningBalance) -> None:
        """An issued invoice of one line, due today: what is owed stands where aging sees it, not on the customer (rule 9)."""
        invoice_id, today = ids.new(), self._transaction.today
        number = opening_balance_number(opening.customer_number)
        zero = Decimal(0)
        self._batch.invoices.append(
            (
                invoice_id,
                number,
                opening.customer_id,
                InvoiceStatus.ISSUED.value,
                opening.currency,
                today,
                today,
                "DUE_ON_RECEIPT",
                0,
                "DOCUMENT",
                None,
                None,
                json_text(opening.bill_to),
                zero,
                True,
                opening.amount,
                0,
                0,
                0,
                0,
                opening.amount,
                0,
                opening.amount,
                None,
                None,
                f"opening-balance:{opening.customer_external_id}",
            )
        )
        self._batch.balances.append((invoice_id, opening.line, number, opening.currency, None))
        price = money.to_decimal(opening.amount, opening.currency)
        self._batch.lines.append((invoice_id, 1, "Opening balance", None, Decimal(1), price, zero, 0, zero, 0, opening.amount, 0))
        self._count(invoice_id, opening.customer_id, number, InvoiceStatus.ISSUED, 1)

    def take(self) -> Batch:
        """What was added since the last time."""
        batch, self._batch = self._batch, Batch()
        return batch

    async def write(self, batch: Batch) -> list[tuple[int, NumberTaken]]:
        """Brings a batch in. Writes nothing of it when another invoice has one of its numbers: returns lines and refusals."""
        if not batch.invoices:
            return []
        organization_id = self._transaction.organization_id
        lines = {number: line for _, line, number, *_ in batch.balances}
        taken = await self._transaction.rows(_TAKEN, {"organization_id": organization_id, "numbers": list(lines)})
        if not taken:
            await _INVOICES.copy(self._transaction, batch.invoices)
            await _LINES.copy(self._transaction, batch.lines)
            await _EXPECTED.copy(self._transaction, batch.balances)
            await self._transaction.execute(
                _INSERT,
                {
                    "organization_id": organization_id,
                    "now": self._transaction.now,
                    "system": SYSTEM,
                    "void_reason": VOID_REASON,
                },
            )
            await self._transaction.execute(_INSERT_LINES, {"organization_id": organization_id})
            await _INVOICES.clear(self._transaction)
            await _LINES.clear(self._transaction)
            for entry in batch.entries:
                self._log.add(entry)
            await self._log.flush()
        return [(lines[number], NumberTaken("another invoice", number)) for (number,) in taken]

    async def check_balances(self, problems: Problems) -> None:
        """Adds to the problems every invoice of which the payments leave another balance than the file says."""
        async with joining(self._transaction, self.created):
            rows = await self._transaction.rows(
                _UNBALANCED, {"organization_id": self._transaction.organization_id, "limit": KEPT_MAX}
            )
        for line, number, currency, expected, balance in rows:
            left, ours = money.to_string(expected, currency), money.to_string(balance, currency)
            problems.add(
                line,
                f"The file says that {left} {currency} of {number} are left to pay, but the payments that are imported leave "
                f"{ours}. Credit notes, withheld tax and payments that were here before do not count towards it.",
                column="Balance",
            )

    async def sums(self) -> list[IssuedSum]:
        """What was issued and what is left to pay of it, one row per currency."""
        async with joining(self._transaction, self.created):
            rows = await self._transaction.rows(_SUMS, {"organization_id": self._transaction.organization_id})
        return [
            IssuedSum(currency, count, money.to_string(int(total), currency), money.to_string(int(balance), currency))
            for currency, count, total, balance in rows
        ]

    def _count(self, invoice_id: UUID, customer_id: UUID, number: str, status: InvoiceStatus, lines: int) -> None:
        self.created += 1
        self.lines += lines
        self._record(invoice_id, customer_id, "invoice.created", number=number)
        if status is not InvoiceStatus.DRAFT:
            self._record(invoice_id, customer_id, "invoice.issued", number=number)
        if status is InvoiceStatus.VOID:
            self._record(invoice_id, customer_id, "invoice.voided", number=number, reason=VOID_REASON)

    def _record(self, invoice_id: UUID, customer_id: UUID, action: str, **details: Any) -> None:
        self._batch.entries.append(activity.about(Kind.INVOICE, invoice_id, action, customer_id=customer_id, **details))

    def _bill_to_text(self, customer_id: UUID, bill_to: Mapping[str, Any]) -> str | None:
        """Invoices of a customer usually say the same of it, and stand together."""
        known = self._bill_to.get(customer_id)
        if known is None or known[0] != bill_to:
            known = self._bill_to[customer_id] = (bill_to, json_text(bill_to) or "")
        return known[1]


def opening_balance_number(customer_number: str) -> str:
    return f"OB-{customer_number}"
