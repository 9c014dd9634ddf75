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
from typing import Self


class UserErrorCode(StrEnum):
    """The codes of refusals and what they mean: part of the contract, stable, extended only by new ones (domain.md 2)."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    ALLOCATION_ALREADY_REVERSED = (
        "ALLOCATION_ALREADY_REVERSED",
        "The allocation was reversed before, or is itself a reversal.",
    )
    ALREADY_CLIENT_USER = "ALREADY_CLIENT_USER", "The contact is a client user already: invite that one again."
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE", "An amount is zero or less."
    APPLIED_ON_OUT_OF_RANGE = (
        "APPLIED_ON_OUT_OF_RANGE",
        "The date is before the money or an invoice was there, or in the future.",
    )
    BRACKETS_OVERLAP = (
        "BRACKETS_OVERLAP",
        "Two brackets of an item hold the same quantity: each begins where the one before ends, or later.",
    )
    CHILD_HAS_OPEN_INVOICES = (
        "CHILD_HAS_OPEN_INVOICES",
        "Only customers without open invoices are linked in this organization.",
    )
    CLIENT_USER_DEACTIVATED = "CLIENT_USER_DEACTIVATED", "Nobody invites a deactivated client user: reactivate it first."
    CONFIRMATION_STALE = "CONFIRMATION_STALE", "What the token confirms has changed since: ask for the preview again."
    CURRENCY_LOCKED = "CURRENCY_LOCKED", "The customer has documents in its currency, which therefore stays."
    CURRENCY_MISMATCH = (
        "CURRENCY_MISMATCH",
        "Money and invoice, or price list and customer, differ in currency.",
    )
    CUSTOMER_INACTIVE = "CUSTOMER_INACTIVE", "The customer is inactive and gets no new invoices; its open ones stay payable."
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE", "One invoice stands in the request more than once: add the amounts up."
    EMAIL_TAKEN = "EMAIL_TAKEN", "Another client user has this e-mail address, in whatever case it is written."
    EXCEEDS_INVOICE_BALANCE = "EXCEEDS_INVOICE_BALANCE", "The amount is more than is left to pay of the invoice."
    EXCEEDS_UNAPPLIED = "EXCEEDS_UNAPPLIED", "The amount is more than is left of the payment or credit note."
    EXTERNAL_REFERENCE_TAKEN = "EXTERNAL_REFERENCE_TAKEN", "Something else has this id of the other system already."
    FORBIDDEN = "FORBIDDEN", "The role, or the right over another customer, does not go so far."
    GROUP_HAS_MEMBERS = "GROUP_HAS_MEMBERS", "The group has members: say which group they go to, or remove them first."
    HAS_CHILDREN = "HAS_CHILDREN", "The customer has children: say where they go, or move them first."
    HAS_PROJECTS = "HAS_PROJECTS", "The customer has projects, which are kept: deactivate it instead."
    HAS_TRANSACTIONS = "HAS_TRANSACTIONS", "The customer has documents, or money has passed through it: deactivate it instead."
    HAS_UNAPPLIED_FUNDS = "HAS_UNAPPLIED_FUNDS", "The customer has money that is not applied to anything yet."
    HIERARCHY_CYCLE = "HIERARCHY_CYCLE", "The customer would become its own ancestor."
    HIERARCHY_TOO_DEEP = "HIERARCHY_TOO_DEEP", "The tree would have more levels than this organization allows."
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED", "The key belongs to a request with other input: use a new key."
    IDENTITY_TAKEN = "IDENTITY_TAKEN", "Whoever logs in like this is another client user already."
    INVALID_INPUT = "INVALID_INPUT", "A value is none that can be kept: empty, too long, out of range, or not confirmed."
    INVITATION_NOT_VALID = "INVITATION_NOT_VALID", "The invitation is unknown, expired, used or ended: ask for a new one."
    INVOICE_HAS_ALLOCATIONS = (
        "INVOICE_HAS_ALLOCATIONS",
        "Money is applied to the invoice: reverse that, or release it while voiding.",
    )
    INVOICE_NOT_DRAFT = "INVOICE_NOT_DRAFT", "Only a draft can be issued, and this invoice is none any more."
    INVOICE_NOT_ISSUED = "INVOICE_NOT_ISSUED", "Only an issued invoice can be voided, and this one is not."
    INVOICE_NOT_PAYABLE = "INVOICE_NOT_PAYABLE", "The invoice is a draft, void, or has nothing left to pay."
    ITEM_INACTIVE = "ITEM_INACTIVE", "The item is inactive and goes on no new line."
    LINK_DATE_NOT_SUPPORTED = (
        "LINK_DATE_NOT_SUPPORTED",
        "Links change now and at no other date: leave it out.",
    )
    LINK_ENDED = "LINK_ENDED", "The invoice's customer is no longer below the payer."
    NAME_TAKEN = "NAME_TAKEN", "Another group, or another price list, has this name."
    NOT_A_BUSINESS_CUSTOMER = (
        "NOT_A_BUSINESS_CUSTOMER",
        "Only businesses can be parent or child; this one is an individual.",
    )
    NOT_A_CHILD = "NOT_A_CHILD", "The customer has no parent whose access could be set."
    NOT_A_DESCENDANT = (
        "NOT_A_DESCENDANT",
        "Money goes to its owner's invoices or downwards, and this is neither.",
    )
    NOT_AT_CUSTOMER = "NOT_AT_CUSTOMER", "Who is put to a project belongs to its customer or to one above it."
    NOT_DONE = "NOT_DONE", "The database does not take this change of this one customer; the server's log tells why."
    NOT_A_MEMBER = "NOT_A_MEMBER", "The customer is not in the group."
    NOT_FOUND = "NOT_FOUND", "There is no such thing, or none that may be seen."
    NUMBER_TAKEN = "NUMBER_TAKEN", "Another customer, invoice or payment has this number."
    PARENT_PAY_NOT_ALLOWED = "PARENT_PAY_NOT_ALLOWED", "Not every link between the payer and the invoice's customer grants pay."
    PAYMENT_REVERSED = "PAYMENT_REVERSED", "The payment has been reversed and has no money left."
    PERCENT_OUT_OF_RANGE = (
        "PERCENT_OUT_OF_RANGE",
        "A percentage is below 0, above 100 (1000 where prices go up), or has more than six places.",
    )
    PERIOD_LOCKED = "PERIOD_LOCKED", "The date lies in a period whose books are closed."
    PLAN_STALE = "PLAN_STALE", "The preview that is confirmed no longer holds: ask for a new one."
    PRICE_LIST_INACTIVE = "PRICE_LIST_INACTIVE", "The price list is inactive and is given to nobody any more."
    PRICE_MISSING = "PRICE_MISSING", "The item has no price in the currency of the invoice: give one with the line."
    RANK_TAKEN = "RANK_TAKEN", "Another group has this rank."
    RIGHTS_INCONSISTENT = "RIGHTS_INCONSISTENT", "A parent that may pay or manage must be allowed to view as well."
    SKU_TAKEN = "SKU_TAKEN", "Another item has this SKU."
    STALE_VERSION = "STALE_VERSION", "It was changed since it was read: read it again and repeat."
    TERM_NOT_OFFERED = "TERM_NOT_OFFERED", "The group does not leave this term to its members' choice."


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
