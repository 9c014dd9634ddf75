"""Reads invoices from their export: one row to a line of an invoice, the invoice's own cells on each of them (rule 3).

The file's totals are the debt and must add up (see `figures`). Statuses are Zoho's: draft and what waits for approval become
drafts, everything sent is issued, void is void. A balance below the total is checked against the payments that come with the
file; without them the import is refused, because nobody could tell any more who paid (rule 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from holdco import money
from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.imports import figures, values
from holdco.imports.directory import Known, Lookup
from holdco.imports.figures import Figures, FiguresRefused, GivenInvoice, GivenLine
from holdco.imports.headings import Columns, normalised
from holdco.imports.invoice_columns import InvoiceCells
from holdco.imports.problems import CellRefused, Problems
from holdco.imports.reading import Record
from holdco.imports.rows import Fields, Row, differing
from holdco.imports.values import DateFormat, Remembered
from holdco.invoices.models import InvoiceStatus
from holdco.invoices.snapshots import Snapshot, payment_terms_of
from holdco.payment_terms import PaymentTerms, PaymentTermsKind, TermsRefused, due_date
from holdco.validation import TEXT_LENGTH_MAX

_OWN: Final = InvoiceCells._fields.index("item_name")
_BILLING: Final = slice(InvoiceCells._fields.index("billing_attention"), _OWN)
_OWN_AMOUNTS: Final = Fields(
    InvoiceCells,
    *(
        "adjustment",
        "round_off",
        "shipping_charge",
        "shipping_tax",
        "discount_amount",
        "subtotal",
        "total",
        "write_off",
        "credits_applied",
        "balance",
    ),
)
_LINE_AMOUNTS: Final = Fields(InvoiceCells, "item_total", "line_discount_amount", "tax_amount", "tax2_amount")
_FACTORS: Final = Fields(InvoiceCells, "unit_price", "quantity")
_PERCENTS: Final = Fields(InvoiceCells, "line_discount", "tax_percent", "tax2_percent")
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_STATUSES: Final = {
    "draft": InvoiceStatus.DRAFT,
    "pendingapproval": InvoiceStatus.DRAFT,
    "approved": InvoiceStatus.DRAFT,
    "sent": InvoiceStatus.ISSUED,
    "viewed": InvoiceStatus.ISSUED,
    "unpaid": InvoiceStatus.ISSUED,
    "overdue": InvoiceStatus.ISSUED,
    "partiallypaid": InvoiceStatus.ISSUED,
    "paid": InvoiceStatus.ISSUED,
    "closed": InvoiceStatus.ISSUED,
    "void": InvoiceStatus.VOID,
}
_SETTLED: Final = frozenset({"paid", "closed"})


class LineTexts(NamedTuple):
    item: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class ReadInvoice:
    """An invoice that can be recorded. Amounts are minor units; `lines` go with those of `figures`.

    `balance_expected` is what the file says is left to pay, None where it does not say.
    """

    line: int
    external_id: str
    number: str
    customer: Known
    status: InvoiceStatus
    currency: str
    invoice_date: date
    due_date: date
    terms: Snapshot[PaymentTerms]
    bill_to: Mapping[str, Any]
    is_discount_before_tax: bool
    figures: Figures
    written_off: int
    balance_expected: int | None
    purchase_order: str | None
    notes: str | None
    lines: Sequence[LineTexts]


class _Paid(NamedTuple):
    """Minor units. `credited` is what credit notes have paid; `balance` what is left to pay, None where it is not said."""

    written_off: int
    credited: int
    balance: int | None


class InvoiceReader:
    """Makes invoices of rows. What is wrong is told in the row where it stands.

    `credited` is what credit notes have paid, by currency.
    """

    def __init__(
        self,
        transaction: Transaction,
        columns: Columns[InvoiceCells],
        dates: DateFormat,
        problems: Problems,
        *,
        has_payments: bool,
    ) -> None:
        self.credited: Counter[str] = Counter()
        self._transaction = transaction
        self._columns = columns
        self._dates = dates.read
        self._problems = problems
        self._has_payments = has_payments
        self._amounts = Remembered(values.amounts)
        self._numbers = Remembered[Decimal].with_empty(values.number)
        self._percents = Remembered[Decimal].with_empty(values.percent)
        self._statuses = Remembered(lambda text: values.chosen(text, _STATUSES))
        self._terms: dict[tuple[str, str], PaymentTerms | None] = {}

    def rows(self, records: Sequence[Record]) -> list[Row[InvoiceCells]]:
        return [Row(self._columns, record.line, self._columns.read(record.cells), self._problems) for record in records]

    def read(self, rows: Sequence[Row[InvoiceCells]], lookup: Lookup) -> ReadInvoice | None:
        """None where something is wrong with the invoice, or where its customer is in a contacts file with errors."""
        row = rows[0]
        self._check_rows(rows)
        external_id = row.optional("invoice_id", values.identifier)
        number = row.required("number", values.limited)
        status = row.required("status", self._statuses)
        invoice_date = row.required("invoice_date", self._dates)
        customer = lookup.find(row)
        currency = row.optional("currency", values.currency) or (customer.currency if customer is not None else None)
        if currency is None:
            return None
        given, paid = self._given(rows, currency)
        texts = (row.kept("purchase_order"), row.kept("notes", TEXT_LENGTH_MAX))
        lines = [LineTexts(each.kept("item_name"), each.kept("item_description", TEXT_LENGTH_MAX)) for each in rows]
        found = self._reconciled(rows, given)
        if found is None or status is None or invoice_date is None or number is None or not all(each.is_sound for each in rows):
            return None
        expected = self._balance_expected(row, status, currency, found.computed.total, paid)
        self._check_period(row, status, invoice_date)
        if customer is None:
            return None
        timing = self._timing(row, customer, invoice_date)
        if timing is None or not row.is_sound:
            return None
        terms, due = timing
        return ReadInvoice(
            line=row.line,
            external_id=external_id or number,
            number=number,
            customer=customer,
            status=status,
            currency=currency,
            invoice_date=invoice_date,
            due_date=due,
            terms=terms,
            bill_to=_bill_to(row, customer),
            is_discount_before_tax=given.is_discount_before_tax,
            figures=found,
            written_off=paid.written_off,
            balance_expected=expected,
            purchase_order=texts[0],
            notes=texts[1],
            lines=lines,
        )

    def _check_rows(self, rows: Sequence[Row[InvoiceCells]]) -> None:
        """All rows of an invoice say the same of it."""
        first = rows[0]
        own = first.cells[:_OWN]
        for row in rows[1:]:
            if row.cells[:_OWN] == own:
                continue
            index = differing(own, row.cells[:_OWN])
            if index is not None:
                row.refuse(
                    f"{values.shown(row.cells[index])} differs from the row of the same invoice at line {first.line}, which has "
                    f"{values.shown(own[index])}.",
                    InvoiceCells._fields[index],
                )

    def _given(self, rows: Sequence[Row[InvoiceCells]], currency: str) -> tuple[GivenInvoice, _Paid]:
        """The figures, and what the file says of their payment."""
        row = rows[0]
        own = row.each(_OWN_AMOUNTS, self._amounts[currency])
        adjustment, round_off, shipping_charge, shipping_tax, discount_amount, subtotal, total, written_off, credited, balance = (
            own
        )
        if shipping_tax:
            row.refuse(
                "A tax on the shipping charge cannot be kept. Make the shipping a row of its own with its tax.", "shipping_tax"
            )
        given = GivenInvoice(
            line=row.line,
            currency=currency,
            lines=[self._given_line(each, currency) for each in rows],
            discount_percent=row.optional("discount_percent", self._percents) or _ZERO,
            discount_amount=discount_amount or 0,
            is_discount_before_tax=row.optional("is_discount_before_tax", values.boolean) is not False,
            shipping_charge=shipping_charge or 0,
            adjustment=(adjustment or 0) + (round_off or 0),
            subtotal=subtotal,
            total=total,
        )
        return given, _Paid(written_off or 0, credited or 0, balance)

    def _given_line(self, row: Row[InvoiceCells], currency: str) -> GivenLine:
        cells = row.cells
        item_total, discount_amount, tax, tax2 = row.each(_LINE_AMOUNTS, self._amounts[currency])
        unit_price, quantity = row.each(_FACTORS, self._numbers)
        discount, tax_percent, tax2_percent = row.each(_PERCENTS, self._percents)
        if unit_price is None and row.is_sound:
            if item_total is None or quantity is not None:
                row.refuse("This row has no price.", "unit_price")
            else:
                unit_price = money.to_decimal(item_total, currency)
        if cells.is_tax_inclusive and (tax_percent or tax) and row.optional("is_tax_inclusive", values.boolean):
            row.refuse("Prices that include a tax cannot be kept yet. Export the prices without it.", "is_tax_inclusive")
        return GivenLine(
            line=row.line,
            quantity=_ONE if quantity is None else quantity,
            unit_price=unit_price or _ZERO,
            discount=discount or _ZERO,
            is_discount_percent=cells.line_discount.endswith("%"),
            discount_amount=discount_amount or 0,
            item_total=item_total,
            tax_percent=(tax_percent or _ZERO) + (tax2_percent or _ZERO),
            tax=None if tax is None and tax2 is None else (tax or 0) + (tax2 or 0),
        )

    def _reconciled(self, rows: Sequence[Row[InvoiceCells]], given: GivenInvoice) -> Figures | None:
        """Not tried where a figure could not be read: it would only be told twice."""
        if not all(row.is_sound for row in rows):
            return None
        try:
            return figures.reconciled(given)
        except FiguresRefused as problem:
            next(row for row in rows if row.line == problem.line).refuse(str(problem), problem.field)
            return None

    def _balance_expected(
        self, row: Row[InvoiceCells], status: InvoiceStatus, currency: str, total: int, paid: _Paid
    ) -> int | None:
        """What is left to pay here, None where the file says nothing. A void invoice owes nothing.

        That is what the file says is left, and what credit notes have paid: they are not imported.
        """
        if not 0 <= paid.written_off <= total:
            row.refuse("The amount that was written off is not between nothing and the total.", "write_off")
            return None
        if not 0 <= paid.credited <= total - paid.written_off:
            row.refuse("What credit notes have paid is not between nothing and what was to pay.", "credits_applied")
            return None
        if status is InvoiceStatus.VOID:
            return None
        balance = 0 if paid.balance is None and normalised(row.cells.status) in _SETTLED else paid.balance
        open_amount = total - paid.written_off
        if balance is not None and paid.credited:
            self.credited[currency] += paid.credited
            balance += paid.credited
        if balance is None or balance == open_amount:
            return balance
        shown, whole = money.to_string(balance, currency), money.to_string(open_amount, currency)
        if status is InvoiceStatus.DRAFT or not 0 <= balance < open_amount:
            row.refuse(f"{shown} {currency} left to pay does not go with {whole} to pay in all.", "balance")
        elif not self._has_payments:
            row.refuse(
                f"{shown} of {whole} {currency} are left to pay, but not who paid the rest, and it is not made up here. Give the "
                "export of payments too: --payments Customer_Payment.csv.",
                "balance",
            )
        return balance

    def _check_period(self, row: Row[InvoiceCells], status: InvoiceStatus, invoice_date: date) -> None:
        locked_until = self._transaction.organization.locked_until
        if status is not InvoiceStatus.DRAFT and locked_until is not None and invoice_date <= locked_until:
            row.refuse(
                f"{invoice_date} lies in a closed period: the books are locked until {locked_until}.",
                "invoice_date",
                UserErrorCode.PERIOD_LOCKED,
            )

    def _timing(self, row: Row[InvoiceCells], customer: Known, invoice_date: date) -> tuple[Snapshot[PaymentTerms], date] | None:
        """The file's terms, else those that apply to the customer; the file's due date, else what the terms make it."""
        due = row.optional("due_date", self._dates)
        try:
            terms = self._read_terms(row.cells.terms_days, row.cells.terms_label)
        except CellRefused as problem:
            row.refuse(str(problem), "terms_label")
            return None
        if not row.is_sound:
            return None
        if terms is None and due is not None and (row.cells.terms_label or row.cells.terms_days):
            # Terms of the organization's own making, which the file knows by name only: the due date says what they were.
            terms = PaymentTerms(PaymentTermsKind.NET, max((due - invoice_date).days, 0))
        taken = Snapshot(terms) if terms is not None else payment_terms_of(customer.payment_terms)
        try:
            due = due or due_date(invoice_date, taken.value)
        except TermsRefused as problem:
            row.refuse(str(problem), "due_date")
            return None
        if due < invoice_date:
            row.refuse(f"The due date {due} is before the invoice date {invoice_date}.", "due_date")
            return None
        return taken, due

    def _read_terms(self, days: str, label: str) -> PaymentTerms | None:
        if (days, label) not in self._terms:
            self._terms[days, label] = values.payment_terms(days, label)
        return self._terms[days, label]


def _bill_to(row: Row[InvoiceCells], customer: Known) -> dict[str, Any]:
    """Who was billed, as the document says it, else as the customer is today (domain.md I8)."""
    address = row.address("billing") if any(row.cells[_BILLING]) else None
    return {
        "name": row.kept("customer_name") or customer.name,
        "company_name": row.kept("company_name") or customer.company_name,
        "tax_id": customer.tax_id,
        "address": address or customer.billing_address,
    }
