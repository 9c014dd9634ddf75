"""A plain model of Holdco's world: lists that are searched anew for every answer, and no figure that is kept beside another.

It follows domain.md by the shortest way, so that it can be believed by reading it. Amounts are minor units; ids are strings as
clients see them. Each `refuse_…` gives the codes with which Holdco must refuse, in their order; empty is to be done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}


def shown(amount: int, currency: str) -> str:
    """Minor units as clients see them."""
    return format(Decimal(amount).scaleb(-EXPONENTS[currency]), "f")


@dataclass(frozen=True)
class Access:
    """What a parent may do. `since`: it may not pay earlier invoices."""

    view: bool
    pay: bool
    manage: bool
    since: date | None = None

    def input(self) -> dict[str, object]:
        since = self.since.isoformat() if self.since else None
        return {"view": self.view, "pay": self.pay, "manage": self.manage, "payInvoicesFrom": since}


@dataclass
class Customer:
    id: str
    kind: str
    currency: str
    parent: Customer | None = None
    access: Access | None = None
    status: str = "ACTIVE"
    version: int = 1

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def way_up(self) -> list[Customer]:
        """Itself and its ancestors, the root last."""
        return [self] + (self.parent.way_up if self.parent else [])


@dataclass
class Invoice:
    id: str
    number: str
    customer: Customer
    currency: str
    total: int
    invoice_date: date
    due_date: date
    status: str


@dataclass
class Source:
    """A payment or a credit note."""

    id: str
    customer: Customer
    currency: str
    amount: int
    dated_on: date
    is_reversed: bool = False

    @property
    def is_payment(self) -> bool:
        return self.id.startswith("pay_")


@dataclass
class Allocation:
    id: str
    source: Source
    invoice: Invoice
    amount: int
    applied_on: date
    is_live: bool = True


@dataclass
class World:
    """Everything of one organization. `once_below` holds who was ever below whom."""

    today: date
    depth_max: int | None = None
    requires_clear: bool = False
    locked_until: date = date.min
    customers: list[Customer] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    reversals: list[str] = field(default_factory=list)
    once_below: set[tuple[str, str]] = field(default_factory=set)

    # What the ledger comes to

    def applied_to(self, invoice: Invoice) -> list[Allocation]:
        return [each for each in self.allocations if each.is_live and each.invoice is invoice]

    def applied_of(self, source: Source) -> list[Allocation]:
        return [each for each in self.allocations if each.is_live and each.source is source]

    def paid(self, invoice: Invoice) -> int:
        return sum(each.amount for each in self.applied_to(invoice))

    def balance(self, invoice: Invoice) -> int:
        return 0 if invoice.status == "VOID" else invoice.total - self.paid(invoice)

    def is_open(self, invoice: Invoice) -> bool:
        return invoice.status == "ISSUED" and self.balance(invoice) > 0

    def available(self, source: Source) -> int:
        return 0 if source.is_reversed else source.amount - sum(each.amount for each in self.applied_of(source))

    def receivables(self, customers: list[Customer]) -> list[dict[str, object]]:
        """What these customers owe and have, by currency, as the graph shows it."""
        rows = []
        for currency in sorted(EXPONENTS):
            invoices = [
                each for each in self.invoices if each.currency == currency and each.customer in customers and self.is_open(each)
            ]
            sources = [each for each in self.sources if each.currency == currency and each.customer in customers]
            outstanding = sum(self.balance(each) for each in invoices)
            overdue = sum(self.balance(each) for each in invoices if each.due_date < self.today)
            unapplied = sum(self.available(each) for each in sources if each.is_payment)
            credits_ = sum(self.available(each) for each in sources if not each.is_payment)
            if invoices or unapplied or credits_:
                figures = {
                    "outstanding": outstanding,
                    "overdue": overdue,
                    "unapplied": unapplied,
                    "openCredits": credits_,
                    "net": outstanding - unapplied - credits_,
                }
                shown_figures = {name: shown(amount, currency) for name, amount in figures.items()}
                rows.append({"currency": currency, "openInvoiceCount": len(invoices), **shown_figures})
        return rows

    # The tree

    def subtree(self, top: Customer) -> list[Customer]:
        return [each for each in self.customers if top in each.way_up]

    def depth(self, top: Customer, customer: Customer) -> int | None:
        """How far a customer is below another; None where it is not."""
        return customer.way_up.index(top) if top in customer.way_up else None

    def links_between(self, top: Customer, customer: Customer) -> Iterator[Access]:
        for each in customer.way_up[: customer.way_up.index(top)]:
            assert each.access is not None
            yield each.access

    def may_pay(self, payer: Customer, invoice: Invoice) -> bool:
        """Whether every link between them grants it, for an invoice of this date (H7, H11)."""
        return all(
            link.pay and (link.since is None or link.since <= invoice.invoice_date)
            for link in self.links_between(payer, invoice.customer)
        )

    def refuse_link(self, child: Customer, parent: Customer, access: Access) -> list[str]:
        if (access.pay or access.manage) and not access.view:
            return ["RIGHTS_INCONSISTENT"]
        if "INDIVIDUAL" in (child.kind, parent.kind):
            return ["NOT_A_BUSINESS_CUSTOMER"]
        if child in parent.way_up:
            return ["HIERARCHY_CYCLE"]
        height = max(len(each.way_up) for each in self.subtree(child)) - len(child.way_up) if child in self.customers else 0
        if self.depth_max is not None and len(parent.way_up) + height > self.depth_max:
            return ["HIERARCHY_TOO_DEEP"]
        if self.requires_clear and any(self.is_open(each) for each in self.invoices if each.customer is child):
            return ["CHILD_HAS_OPEN_INVOICES"]
        return []

    def link(self, child: Customer, parent: Customer | None, access: Access | None) -> None:
        child.parent, child.access = parent, access
        child.version += 1
        self.once_below |= {(above.id, each.id) for each in self.customers for above in each.way_up[1:]}

    def refuse_kind(self, customer: Customer, kind: str) -> list[str]:
        is_linked = customer.parent is not None or any(each.parent is customer for each in self.customers)
        return ["NOT_A_BUSINESS_CUSTOMER"] if kind == "INDIVIDUAL" and kind != customer.kind and is_linked else []

    def refuse_currency(self, customer: Customer, currency: str) -> list[str]:
        documents = [each for each in self.invoices if each.customer is customer and each.status != "DRAFT"]
        has_any = bool(documents) or any(each.customer is customer for each in self.sources)
        return ["CURRENCY_LOCKED"] if currency != customer.currency and has_any else []

    # Documents

    def refuse_date(self, day: date) -> list[str]:
        return ["PERIOD_LOCKED"] if day <= self.locked_until else []

    def refuse_invoice(self, customer: Customer, invoice_date: date, *, is_issued: bool) -> list[str]:
        if customer.status == "INACTIVE":
            return ["CUSTOMER_INACTIVE"]
        return self.refuse_date(invoice_date) if is_issued else []

    def refuse_issue(self, invoice: Invoice) -> list[str]:
        if invoice.status != "DRAFT":
            return ["INVOICE_NOT_DRAFT"]
        return self.refuse_invoice(invoice.customer, invoice.invoice_date, is_issued=True)

    def refuse_source(self, amount: int, dated_on: date) -> list[str]:
        if dated_on > self.today:
            return ["INVALID_INPUT"]
        return self.refuse_date(dated_on) or (["AMOUNT_NOT_POSITIVE"] if amount <= 0 else [])

    def refuse_void(self, invoice: Invoice, *, is_releasing: bool) -> list[str]:
        if invoice.status != "ISSUED":
            return ["INVOICE_NOT_ISSUED"]
        return ["INVOICE_HAS_ALLOCATIONS"] if self.applied_to(invoice) and not is_releasing else []

    def refuse_reversal(self, rows: list[Allocation], day: date, earliest: date = date.min) -> list[str]:
        first = max((each.applied_on for each in rows), default=earliest)
        return self.refuse_date(day) if first <= day <= self.today else ["APPLIED_ON_OUT_OF_RANGE"]

    def take_back(self, rows: list[Allocation], reversal_ids: list[str]) -> None:
        """Expects one new row of the ledger for each that is taken back."""
        assert len(rows) == len(set(reversal_ids))
        self.reversals += reversal_ids
        for each in rows:
            each.is_live = False
