"""Why a change of a customer or of the hierarchy is refused.

Refusal
├── NotABusinessCustomer, HierarchyCycle, HierarchyTooDeep, ChildHasOpenInvoices   (domain.md H1, H3, H4, H5)
├── RightsInconsistent, NotAChild, LinkDateNotSupported                            (H10, H6)
├── NumberTaken, ExternalReferenceTaken, CurrencyLocked, CustomerInactive          (M3, X1, D4)
├── HasTransactions, HasPassedPayments, HasChildren, HasUnappliedFunds, HasProjects   (D1, D3)
└── ConfirmationStale                                                              (D5)
"""

from __future__ import annotations

from collections.abc import Sequence

from holdco.errors import Refusal, UserErrorCode


class NotABusinessCustomer(Refusal):
    code = UserErrorCode.NOT_A_BUSINESS_CUSTOMER

    def __init__(self, name: str, *, field: tuple[str, ...]) -> None:
        super().__init__(f"{name} is an individual; only businesses can be parent or child.", field=field)


class HierarchyCycle(Refusal):
    """`path` holds the names from the customer down to the wanted parent and back to the customer."""

    code = UserErrorCode.HIERARCHY_CYCLE

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(f"This would make {path[0]} its own ancestor: {' → '.join(path)}.", field=("parentId",))


class HierarchyTooDeep(Refusal):
    code = UserErrorCode.HIERARCHY_TOO_DEEP

    def __init__(self, *, depth: int, depth_max: int) -> None:
        super().__init__(
            f"The tree would reach {depth} levels below its root; this organization allows {depth_max}.", field=("parentId",)
        )


class ChildHasOpenInvoices(Refusal):
    code = UserErrorCode.CHILD_HAS_OPEN_INVOICES

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(
            f"{name} has {count} open invoices; this organization links only customers without any.", field=("parentId",)
        )


class RightsInconsistent(Refusal):
    code = UserErrorCode.RIGHTS_INCONSISTENT

    def __init__(self) -> None:
        super().__init__("A parent that may pay or manage must also be allowed to view.", field=("access", "view"))


class NotAChild(Refusal):
    code = UserErrorCode.NOT_A_CHILD

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no parent whose access could be set. Use customerMove to give it one.", field=("id",))


class LinkDateNotSupported(Refusal):
    code = UserErrorCode.LINK_DATE_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("Links change now; leave validFrom out. Other dates are not supported.", field=("validFrom",))


class NumberTaken(Refusal):
    code = UserErrorCode.NUMBER_TAKEN

    def __init__(self, what: str, number: str) -> None:
        super().__init__(f"There is already {what} with the number {number}.", field=("number",))


class ExternalReferenceTaken(Refusal):
    code = UserErrorCode.EXTERNAL_REFERENCE_TAKEN

    def __init__(self, system: str, external_id: str, *, field: Sequence[str]) -> None:
        super().__init__(f"{external_id} of {system} already belongs to a customer.", field=field)


class CurrencyLocked(Refusal):
    code = UserErrorCode.CURRENCY_LOCKED

    def __init__(self, name: str, currency: str) -> None:
        super().__init__(f"{name} has documents in {currency}; its currency can no longer change.", field=("currency",))


class CustomerInactive(Refusal):
    code = UserErrorCode.CUSTOMER_INACTIVE

    def __init__(self, name: str, *, field: tuple[str, ...] = ("customerId",)) -> None:
        super().__init__(f"{name} is inactive; it gets no new invoices, but its open ones stay payable.", field=field)


class HasTransactions(Refusal):
    code = UserErrorCode.HAS_TRANSACTIONS

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(f"{name} has {count} invoices, payments or credit notes. Deactivate it instead.", field=("id",))


class HasPassedPayments(Refusal):
    """Money of customers above it went to invoices of customers below it, by the rights of its links."""

    code = UserErrorCode.HAS_TRANSACTIONS

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(
            f"{name} stood between payer and owner of the invoice in {count} allocations. Deactivate it instead.", field=("id",)
        )


class HasChildren(Refusal):
    code = UserErrorCode.HAS_CHILDREN

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(
            f"{name} has {count} children. Say where they go with reparentChildrenTo, or move them first.", field=("id",)
        )


class HasUnappliedFunds(Refusal):
    code = UserErrorCode.HAS_UNAPPLIED_FUNDS

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(f"{name} has money that is not applied, in {count} payments or credit notes.", field=("id",))


class HasProjects(Refusal):
    """They are the record of what was done for it, and of who had to do with that."""

    code = UserErrorCode.HAS_PROJECTS

    def __init__(self, name: str, *, count: int) -> None:
        super().__init__(f"{name} has {count} projects. Deactivate it instead.", field=("id",))


class ConfirmationStale(Refusal):
    code = UserErrorCode.CONFIRMATION_STALE

    def __init__(self) -> None:
        super().__init__("This confirms a state that has changed. Ask for the preview again.", field=("confirmationToken",))
