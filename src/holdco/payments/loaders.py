"""Loaders of payments, credit notes, allocations and receivables, each named for its contract."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import TextClause

from holdco.customers.queries import in_scope
from holdco.loading import CountsByParent, Loader, OneByKey, PagesByParent, RowByKey
from holdco.paging import PageRequest
from holdco.payments import queries
from holdco.payments.queries import AllocationRow, CreditNoteRow, PayerNameRow, PaymentRow, ReceivablesRow
from holdco.reader import Reader
from holdco.scopes import CustomerScope
from holdco.statements import KEYS


class PaymentById(RowByKey[UUID, PaymentRow]):
    listing = queries.LISTING


class PaymentByNumber(RowByKey[str, PaymentRow]):
    listing = queries.LISTING
    key = "number"


class CreditNoteById(RowByKey[UUID, CreditNoteRow]):
    listing = queries.CREDIT_NOTES


class AllocationById(RowByKey[UUID, AllocationRow]):
    listing = queries.ALLOCATIONS


class ReversalByAllocationId(RowByKey[UUID, AllocationRow]):
    """The row that takes an allocation back; None while it stands."""

    listing = queries.ALLOCATIONS
    key = "reverses_id"


class PayerNameByAllocationId(OneByKey[UUID, PayerNameRow]):
    row = PayerNameRow
    statement = queries.PAYER_NAMES


class PaymentsByScope(PagesByParent[PaymentRow]):
    """The payments of a customer, or of those below it as well."""

    listing = queries.LISTING

    def __init__(self, reader: Reader, request: PageRequest, scope: CustomerScope) -> None:
        super().__init__(reader, request)
        self.relation = in_scope(queries.PAYMENTS.customer_id, scope)


class PaymentCountByScope(CountsByParent):
    listing = queries.LISTING

    def __init__(self, reader: Reader, request: PageRequest, scope: CustomerScope) -> None:
        super().__init__(reader, request)
        self.relation = in_scope(queries.PAYMENTS.customer_id, scope)


class CreditNotesByCustomerId(PagesByParent[CreditNoteRow]):
    listing = queries.CREDIT_NOTES
    relation = queries.CREDIT_NOTES_OF_CUSTOMER


class CreditNoteCountByCustomerId(CountsByParent):
    listing = queries.CREDIT_NOTES
    relation = queries.CREDIT_NOTES_OF_CUSTOMER


class AllocationsByInvoiceId(PagesByParent[AllocationRow]):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_INVOICE


class AllocationCountByInvoiceId(CountsByParent):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_INVOICE


class AllocationsByPaymentId(PagesByParent[AllocationRow]):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_PAYMENT


class AllocationCountByPaymentId(CountsByParent):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_PAYMENT


class AllocationsByCreditNoteId(PagesByParent[AllocationRow]):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_CREDIT_NOTE


class AllocationCountByCreditNoteId(CountsByParent):
    listing = queries.ALLOCATIONS
    relation = queries.ALLOCATIONS_OF_CREDIT_NOTE


class ReceivablesByCustomerId(Loader[UUID, list[ReceivablesRow]]):
    """What each customer alone owes: one row per currency, in the order of their codes."""

    sums: ClassVar[TextClause] = queries.RECEIVABLES

    def __init__(self, reader: Reader, today: date) -> None:
        super().__init__(reader)
        self.today = today

    async def read(self, keys: list[UUID]) -> list[list[ReceivablesRow]]:
        found: dict[UUID, list[ReceivablesRow]] = {key: [] for key in keys}
        parameters = {KEYS: keys, "today": self.today}
        for key, currency, *amounts in await self.reader.rows(self.sums, parameters):
            # Postgres adds bigint up to numeric, so that no sum overflows; in Python both are whole numbers.
            found[key].append(ReceivablesRow(currency, *map(int, amounts)))
        return [found[key] for key in keys]


class ConsolidatedReceivablesByCustomerId(ReceivablesByCustomerId):
    """The same of each customer with all of its descendants."""

    sums = queries.CONSOLIDATED_RECEIVABLES


class ConsolidatedReceivablesByGroupId(ReceivablesByCustomerId):
    """The same of the members of each group, without what is below them."""

    sums = queries.GROUP_RECEIVABLES
