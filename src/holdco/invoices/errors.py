"""Why a change of an invoice is refused.

Refusal
├── InvoiceNotDraft, InvoiceNotIssued   (domain.md I1)
├── InvoiceHasAllocations               (I3)
└── PeriodLocked                        (T8)
"""

from __future__ import annotations

from datetime import date

from holdco.errors import Refusal, UserErrorCode


class InvoiceNotDraft(Refusal):
    code = UserErrorCode.INVOICE_NOT_DRAFT

    def __init__(self, number: str, status: str) -> None:
        super().__init__(f"Invoice {number} is {status.lower()}; only drafts can be issued.", field=("id",))


class InvoiceNotIssued(Refusal):
    code = UserErrorCode.INVOICE_NOT_ISSUED

    def __init__(self, number: str, status: str) -> None:
        super().__init__(f"Invoice {number} is {status.lower()}; only issued invoices can be voided.", field=("id",))


class InvoiceHasAllocations(Refusal):
    code = UserErrorCode.INVOICE_HAS_ALLOCATIONS

    def __init__(self, number: str, *, count: int) -> None:
        super().__init__(
            f"Invoice {number} has {count} payments or credits applied. Reverse them, or void with releaseAllocations: true, "
            "which gives the money back to those who paid.",
            field=("releaseAllocations",),
        )


class PeriodLocked(Refusal):
    code = UserErrorCode.PERIOD_LOCKED

    def __init__(self, day: date, locked_until: date, *, field: tuple[str, ...]) -> None:
        super().__init__(f"{day} lies in a closed period: the books are locked until {locked_until}.", field=field)
