"""Everything that Holdco itself may raise.

    HoldcoError               the root; `code` is stable, `str()` is a sentence that a client may read
    ├── SettingsError         the environment makes no sense; ends the start of a process
    ├── BadUserInput          a request that cannot be read: an id of another kind, a cursor of another ordering
    ├── Unauthenticated       nobody knows who asks, or not any more; told without any detail
    ├── Forbidden             who asks may not do this
    ├── Outage                the database does not answer, or not in time; the request may be sent again
    ├── Refusal               one business rule says no; carries the input field it speaks of
    │   └── …                 each feature's errors.py
    └── Refused               one or more refusals of one request; nothing was changed

A `Refusal` reaches clients as a `UserError` inside the payload of a mutation; `BadUserInput` as a GraphQL error. Whatever
else is raised is a defect, masked by the endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class UserErrorCode(StrEnum):
    """The codes of refusals: part of the contract, stable, extended only by new ones (domain.md 2)."""

    ALLOCATION_ALREADY_REVERSED = "ALLOCATION_ALREADY_REVERSED"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    APPLIED_ON_OUT_OF_RANGE = "APPLIED_ON_OUT_OF_RANGE"
    CHILD_HAS_OPEN_INVOICES = "CHILD_HAS_OPEN_INVOICES"
    CONFIRMATION_STALE = "CONFIRMATION_STALE"
    CURRENCY_LOCKED = "CURRENCY_LOCKED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    CUSTOMER_INACTIVE = "CUSTOMER_INACTIVE"
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE"
    EXCEEDS_INVOICE_BALANCE = "EXCEEDS_INVOICE_BALANCE"
    EXCEEDS_UNAPPLIED = "EXCEEDS_UNAPPLIED"
    EXTERNAL_REFERENCE_TAKEN = "EXTERNAL_REFERENCE_TAKEN"
    HAS_CHILDREN = "HAS_CHILDREN"
    HAS_TRANSACTIONS = "HAS_TRANSACTIONS"
    HAS_UNAPPLIED_FUNDS = "HAS_UNAPPLIED_FUNDS"
    HIERARCHY_CYCLE = "HIERARCHY_CYCLE"
    HIERARCHY_TOO_DEEP = "HIERARCHY_TOO_DEEP"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INVALID_INPUT = "INVALID_INPUT"
    INVOICE_HAS_ALLOCATIONS = "INVOICE_HAS_ALLOCATIONS"
    INVOICE_NOT_DRAFT = "INVOICE_NOT_DRAFT"
    INVOICE_NOT_ISSUED = "INVOICE_NOT_ISSUED"
    INVOICE_NOT_PAYABLE = "INVOICE_NOT_PAYABLE"
    LINK_DATE_NOT_SUPPORTED = "LINK_DATE_NOT_SUPPORTED"
    LINK_ENDED = "LINK_ENDED"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_A_BUSINESS_CUSTOMER = "NOT_A_BUSINESS_CUSTOMER"
    NOT_A_CHILD = "NOT_A_CHILD"
    NOT_A_DESCENDANT = "NOT_A_DESCENDANT"
    NOT_FOUND = "NOT_FOUND"
    NUMBER_TAKEN = "NUMBER_TAKEN"
    PARENT_PAY_NOT_ALLOWED = "PARENT_PAY_NOT_ALLOWED"
    PAYMENT_REVERSED = "PAYMENT_REVERSED"
    PERIOD_LOCKED = "PERIOD_LOCKED"
    PLAN_STALE = "PLAN_STALE"
    RANK_TAKEN = "RANK_TAKEN"
    RIGHTS_INCONSISTENT = "RIGHTS_INCONSISTENT"
    STALE_VERSION = "STALE_VERSION"


class HoldcoError(Exception):
    code: str = "INTERNAL_ERROR"


class SettingsError(HoldcoError):
    code = "SETTINGS"


class BadUserInput(HoldcoError):
    code = "BAD_USER_INPUT"


class Unauthenticated(HoldcoError):
    """What was shown is no token, or is not valid any more: which of these, only the log says."""

    code = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("Show a valid token: Authorization: Bearer …")


class Forbidden(HoldcoError):
    code = "FORBIDDEN"


class Outage(HoldcoError):
    """The database does not answer, or not in time. `outages.py` tells which of a driver's errors that are."""


class Unavailable(Outage):
    code = "SERVICE_UNAVAILABLE"


class StatementTimeout(Outage):
    code = "STATEMENT_TIMEOUT"


class Refusal(HoldcoError):
    """A business rule that says no. Subclasses set `code`; `field` is the path in the input, as the client wrote it."""

    code: UserErrorCode
    field: tuple[str, ...] | None

    def __init__(self, message: str, *, field: Iterable[str] | None = None) -> None:
        super().__init__(message)
        self.field = tuple(field) if field is not None else None


class Refused(HoldcoError):
    """All refusals of one request, so that a client can show every one of them at once (domain.md A4)."""

    code = "REFUSED"

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(" ".join(str(refusal) for refusal in self.refusals))


class NotFound(Refusal):
    """No such thing, or none that may be seen: the two are not told apart (domain.md V3)."""

    code = UserErrorCode.NOT_FOUND


class InvalidInput(Refusal):
    """A value that no customer, invoice or payment can have: an empty name, an unknown currency, a date that is too late."""

    code = UserErrorCode.INVALID_INPUT


class StaleVersion(Refusal):
    """Somebody else changed it since it was read (domain.md K6)."""

    code = UserErrorCode.STALE_VERSION

    def __init__(self, what: str, *, expected: int, found: int) -> None:
        super().__init__(
            f"{what} was changed meanwhile: you have version {expected}, it is at version {found}. Read it again and repeat.",
            field=("version",),
        )
