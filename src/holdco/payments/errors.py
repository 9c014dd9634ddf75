"""Why money is not applied. Every refusal leaves everything as it was.

Refusal
├── InvoiceNotPayable, CurrencyMismatch                                            (domain.md A1, A3)
├── NotADescendant, CustomerNotBelow, LinkEnded, ParentPayNotAllowed               (A2, H7, H9)
├── AmountNotPositive, DuplicateInvoice, ExceedsInvoiceBalance, ExceedsUnapplied   (A4)
├── AppliedOnOutOfRange, PlanStale                                                 (A13, A6)
├── AllocationAlreadyReversed, PaymentReversed                                     (A10, I6)
└── ExternalPaymentTaken                                                           (K5)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from holdco import money
from holdco.errors import Refusal, UserErrorCode

Field = Sequence[str] | None


class InvoiceNotPayable(Refusal):
    code = UserErrorCode.INVOICE_NOT_PAYABLE

    def __init__(self, number: str, status: str, *, field: Field) -> None:
        why = "has nothing left to pay" if status == "ISSUED" else f"is {status.lower()}"
        super().__init__(f"Invoice {number} {why}.", field=field)


class NotADescendant(Refusal):
    code = UserErrorCode.NOT_A_DESCENDANT

    def __init__(self, number: str, owner: str, payer: str, *, field: Field) -> None:
        super().__init__(
            f"Invoice {number} belongs to {owner}, which is not below {payer}. Money goes to its owner's invoices or downwards.",
            field=field,
        )


class CustomerNotBelow(Refusal):
    code = UserErrorCode.NOT_A_DESCENDANT

    def __init__(self, name: str, *, field: Field) -> None:
        super().__init__(f"{name} is not below the payer. Money goes to its owner's invoices or downwards.", field=field)


class LinkEnded(Refusal):
    code = UserErrorCode.LINK_ENDED

    def __init__(self, number: str, owner: str, payer: str, *, field: Field) -> None:
        super().__init__(f"Invoice {number} belongs to {owner}, which is no longer below {payer}.", field=field)


class ParentPayNotAllowed(Refusal):
    code = UserErrorCode.PARENT_PAY_NOT_ALLOWED

    def __init__(self, number: str, owner: str, payer: str, *, field: Field) -> None:
        super().__init__(
            f"{payer} may not pay invoice {number} of {owner}: not every link between them grants pay for it.", field=field
        )


class CurrencyMismatch(Refusal):
    code = UserErrorCode.CURRENCY_MISMATCH

    def __init__(self, number: str, *, expected: str, found: str, field: Field) -> None:
        super().__init__(f"Invoice {number} is in {found}, the money in {expected}. It is never converted.", field=field)


class AmountNotPositive(Refusal):
    code = UserErrorCode.AMOUNT_NOT_POSITIVE

    def __init__(self, *, field: Field) -> None:
        super().__init__("An amount must be greater than zero.", field=field)


class DuplicateInvoice(Refusal):
    code = UserErrorCode.DUPLICATE_INVOICE

    def __init__(self, number: str, *, field: Field) -> None:
        super().__init__(f"Invoice {number} stands in this request more than once. Add the amounts up.", field=field)


class ExceedsInvoiceBalance(Refusal):
    code = UserErrorCode.EXCEEDS_INVOICE_BALANCE

    def __init__(self, number: str, *, amount: int, balance: int, currency: str, field: Field) -> None:
        super().__init__(
            f"{money.to_string(amount, currency)} {currency} is more than is left to pay of invoice {number}: "
            f"{money.to_string(balance, currency)} {currency}.",
            field=field,
        )


class ExceedsUnapplied(Refusal):
    code = UserErrorCode.EXCEEDS_UNAPPLIED

    def __init__(self, *, amount: int, available: int, currency: str, field: Field) -> None:
        super().__init__(
            f"{money.to_string(amount, currency)} {currency} is more than there is to apply: "
            f"{money.to_string(available, currency)} {currency}.",
            field=field,
        )


class AppliedOnOutOfRange(Refusal):
    code = UserErrorCode.APPLIED_ON_OUT_OF_RANGE

    def __init__(self, day: date, *, earliest: date, latest: date, field: Field) -> None:
        super().__init__(
            f"{day} is no date for this application: it must lie between {earliest}, when the money and the invoices were "
            f"there, and {latest}, today.",
            field=field,
        )


class PlanStale(Refusal):
    code = UserErrorCode.PLAN_STALE

    def __init__(self) -> None:
        super().__init__("The world has changed since this preview. Ask for a new one and confirm that.", field=("planHash",))


class AllocationAlreadyReversed(Refusal):
    code = UserErrorCode.ALLOCATION_ALREADY_REVERSED

    def __init__(self, *, is_reversal: bool, field: Field) -> None:
        super().__init__(
            "This row is itself a reversal." if is_reversal else "This allocation has been reversed already.", field=field
        )


class PaymentReversed(Refusal):
    code = UserErrorCode.PAYMENT_REVERSED

    def __init__(self, number: str, *, field: Field) -> None:
        super().__init__(f"Payment {number} has been reversed; it has no money left.", field=field)


class ExternalPaymentTaken(Refusal):
    code = UserErrorCode.EXTERNAL_REFERENCE_TAKEN

    def __init__(self, system: str, external_id: str) -> None:
        super().__init__(f"Payment {external_id} of {system} has been recorded already.", field=("externalId",))
