"""Reads payments from their export: one row to each invoice that a payment was applied to (domain.md 4, Customer_Payment.csv).

Who paid which invoice, how much and when is kept as it stands there (rule 5). Bank charges and withheld tax are noted with
the payment and change neither its amount nor what was applied (domain.md X5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from holdco import money
from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.imports import values
from holdco.imports.directory import Known, Lookup
from holdco.imports.headings import Aliases, Columns, normalised
from holdco.imports.problems import Problems
from holdco.imports.reading import Record, Sheet
from holdco.imports.rows import Row, differing
from holdco.imports.values import DateFormat, Remembered
from holdco.payments.models import PaymentMode
from holdco.validation import TEXT_LENGTH_MAX


class PaymentCells(NamedTuple):
    """The payment's own cells first, then those of an application, from `invoice_number`."""

    payment_id: str
    number: str
    received_on: str
    customer_id: str
    customer_name: str
    mode: str
    notes: str
    amount: str
    unapplied: str
    bank_charges: str
    reference: str
    currency: str
    invoice_number: str
    applied: str
    applied_on: str
    withholding_tax: str


HEADINGS: Final[Aliases] = {
    "payment_id": ("CustomerPayment ID", "Payment ID"),
    "number": ("Payment Number",),
    "received_on": ("Date", "Payment Date"),
    "customer_id": ("CustomerID", "Customer ID", "Contact ID"),
    "customer_name": ("Customer Name", "Display Name"),
    "mode": ("Mode", "Payment Mode"),
    "notes": ("Description", "Notes"),
    "amount": ("Amount",),
    "unapplied": ("Unused Amount",),
    "bank_charges": ("Bank Charges",),
    "reference": ("Reference Number", "Reference#"),
    "currency": ("Currency Code", "Currency"),
    "invoice_number": ("Invoice Number", "Invoice#"),
    "applied": ("Amount Applied to Invoice", "Invoice Payment Applied Amount"),
    "applied_on": ("Invoice Payment Applied Date",),
    "withholding_tax": ("Withholding Tax Amount",),
}

_OWN: Final = PaymentCells._fields.index("invoice_number")
_MODES: Final = {
    "check": PaymentMode.CHECK,
    "cheque": PaymentMode.CHECK,
    "cash": PaymentMode.CASH,
    "creditcard": PaymentMode.CREDIT_CARD,
    "banktransfer": PaymentMode.BANK_TRANSFER,
    "bankremittance": PaymentMode.BANK_REMITTANCE,
    "autotransaction": PaymentMode.AUTO_TRANSACTION,
    "other": PaymentMode.OTHER,
    "others": PaymentMode.OTHER,
    "": PaymentMode.OTHER,
}


class Application(NamedTuple):
    """So much of a payment on one invoice; `applied_on` is None where the file does not say when."""

    line: int
    invoice_number: str
    amount: int
    applied_on: date | None


@dataclass(frozen=True, slots=True)
class ReadPayment:
    """A payment that can be recorded, if its invoices take it. Amounts are minor units."""

    line: int
    external_id: str
    number: str
    customer: Known
    currency: str
    amount: int
    unapplied: int
    received_on: date
    mode: PaymentMode
    reference: str | None
    bank_charges: int
    withholding_tax: int
    notes: str | None
    applications: Sequence[Application]


def columns_of(sheet: Sheet) -> Columns[PaymentCells]:
    """Raises FileRefused."""
    return Columns(
        sheet,
        PaymentCells,
        HEADINGS,
        required=[
            ("number",),
            ("received_on",),
            ("customer_id", "customer_name"),
            ("amount",),
            ("invoice_number",),
            ("applied",),
        ],
    )


class PaymentReader:
    """Makes payments of rows. `modes` counts words for the way of payment that are not known here."""

    def __init__(self, transaction: Transaction, columns: Columns[PaymentCells], dates: DateFormat, problems: Problems) -> None:
        self.modes: Counter[str] = Counter()
        self._transaction = transaction
        self._columns = columns
        self._dates = dates.read
        self._problems = problems
        self._amounts = Remembered(values.amounts)

    def rows(self, records: Sequence[Record]) -> list[Row[PaymentCells]]:
        return [Row(self._columns, record.line, self._columns.read(record.cells), self._problems) for record in records]

    def read(self, rows: Sequence[Row[PaymentCells]], lookup: Lookup) -> ReadPayment | None:
        """None where something is wrong with the payment, or where its payer is in a contacts file with errors."""
        row = rows[0]
        self._check_rows(rows)
        external_id = row.optional("payment_id", values.identifier)
        number = row.required("number", values.limited)
        received_on = row.required("received_on", self._dates)
        customer = lookup.find(row)
        currency = row.optional("currency", values.currency) or (customer.currency if customer is not None else None)
        if currency is None:
            return None
        read = self._amounts[currency]
        amount = row.required("amount", read)
        if amount is not None and amount <= 0:
            row.refuse("An amount must be greater than zero.", "amount", UserErrorCode.AMOUNT_NOT_POSITIVE)
        if received_on is not None:
            self._check_day(row, received_on, "received_on")
        applications = [each for each in (self._application(line, currency, received_on) for line in rows) if each is not None]
        withheld = sum(line.optional("withholding_tax", read) or 0 for line in rows)
        bank_charges = row.optional("bank_charges", read) or 0
        if withheld < 0 or bank_charges < 0:
            row.refuse("Bank charges and withheld tax cannot be below zero.", "bank_charges")
        unapplied = self._unapplied(rows, currency, amount, applications)
        reference, notes = row.kept("reference"), row.kept("notes", TEXT_LENGTH_MAX)
        if (
            customer is None
            or number is None
            or received_on is None
            or amount is None
            or unapplied is None
            or not all(each.is_sound for each in rows)
        ):
            return None
        return ReadPayment(
            line=row.line,
            external_id=external_id or number,
            number=number,
            customer=customer,
            currency=currency,
            amount=amount,
            unapplied=unapplied,
            received_on=received_on,
            mode=self._mode(row.cells.mode),
            reference=reference,
            bank_charges=bank_charges,
            withholding_tax=withheld,
            notes=notes,
            applications=applications,
        )

    def _check_rows(self, rows: Sequence[Row[PaymentCells]]) -> None:
        first = rows[0]
        own = first.cells[:_OWN]
        for row in rows[1:]:
            index = differing(own, row.cells[:_OWN])
            if index is not None:
                row.refuse(
                    f"{values.shown(row.cells[index])} differs from the row of the same payment at line {first.line}, which has "
                    f"{values.shown(own[index])}.",
                    PaymentCells._fields[index],
                )

    def _application(self, row: Row[PaymentCells], currency: str, received_on: date | None) -> Application | None:
        """None for a row without an invoice: money that came in advance."""
        amount = row.optional("applied", self._amounts[currency])
        applied_on = row.optional("applied_on", self._dates)
        if not row.cells.invoice_number:
            if amount:
                row.refuse("An amount is applied, but the row does not say to which invoice.", "invoice_number")
            return None
        if amount is None or amount <= 0:
            if row.is_sound:
                row.refuse(
                    "What is applied to an invoice must be greater than zero.", "applied", UserErrorCode.AMOUNT_NOT_POSITIVE
                )
            return None
        if applied_on is not None:
            self._check_day(row, applied_on, "applied_on")
            if received_on is not None and applied_on < received_on:
                row.refuse(
                    f"The money came on {received_on} and cannot have been applied on {applied_on}.",
                    "applied_on",
                    UserErrorCode.APPLIED_ON_OUT_OF_RANGE,
                )
        return Application(row.line, row.cells.invoice_number, amount, applied_on)

    def _check_day(self, row: Row[PaymentCells], day: date, field: str) -> None:
        """Not after today (domain.md A13), not in a closed period (T8)."""
        locked_until = self._transaction.organization.locked_until
        if day > self._transaction.today:
            row.refuse(
                f"{day} lies in the future; today is {self._transaction.today}.", field, UserErrorCode.APPLIED_ON_OUT_OF_RANGE
            )
        elif locked_until is not None and day <= locked_until:
            row.refuse(
                f"{day} lies in a closed period: the books are locked until {locked_until}.", field, UserErrorCode.PERIOD_LOCKED
            )

    def _unapplied(
        self, rows: Sequence[Row[PaymentCells]], currency: str, amount: int | None, applications: Sequence[Application]
    ) -> int | None:
        """What is left of the payment. The file's own figure must agree: refunds, for one, are not in it."""
        row = rows[0]
        stated = row.optional("unapplied", self._amounts[currency])
        if amount is None or not all(each.is_sound for each in rows):
            return None
        applied = sum(application.amount for application in applications)
        unapplied = amount - applied
        shown, gone, left = (money.to_string(figure, currency) for figure in (amount, applied, unapplied))
        if unapplied < 0:
            row.refuse(f"{gone} {currency} are applied, but only {shown} came in.", "amount", UserErrorCode.EXCEEDS_UNAPPLIED)
            return None
        if stated is not None and stated != unapplied:
            row.refuse(
                f"The file says {money.to_string(stated, currency)} {currency}, but of {shown} the rows of this payment apply "
                f"{gone}, which leaves {left}.",
                "unapplied",
            )
            return None
        return unapplied

    def _mode(self, text: str) -> PaymentMode:
        mode = _MODES.get(normalised(text))
        if mode is None:
            self.modes[text] += 1
            return PaymentMode.OTHER
        return mode
