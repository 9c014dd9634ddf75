"""Loaders of payments, credit notes, allocations and receivables, each named for its contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Executable, TextClause

from holdco.customers.queries import in_scope
from holdco.database import Reader
from holdco.loading import CountsByParent, Loader, OneByKey, PagesByParent
from holdco.paging import PageRequest
from holdco.payments import queries
from holdco.payments.queries import AllocationRow, CreditNoteRow, PaymentRow, ReceivablesRow
from holdco.scopes import CustomerScope


class PaymentById(OneByKey[UUID, PaymentRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.payments_by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> PaymentRow:
        return PaymentRow(*row)


class CreditNoteById(OneByKey[UUID, CreditNoteRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.credit_notes_by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> CreditNoteRow:
        return CreditNoteRow(*row)


class AllocationById(OneByKey[UUID, AllocationRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.allocations_by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> AllocationRow:
        return AllocationRow(*row)


class ReversalByAllocationId(OneByKey[UUID, AllocationRow]):
    """The row that takes an allocation back; None while it stands."""

    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.reversals_of(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> AllocationRow:
        return AllocationRow(*row)


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

    async def batch_load_fn(self, keys: list[UUID]) -> list[list[ReceivablesRow]]:
        found: dict[UUID, list[ReceivablesRow]] = {key: [] for key in keys}
        parameters = {"organization_id": self.reader.organization_id, "customer_ids": keys, "today": self.today}
        for key, currency, *amounts in await self.reader.rows(self.sums, parameters):
            # Postgres adds bigint up to numeric, so that no sum overflows; in Python both are whole numbers.
            found[key].append(ReceivablesRow(currency, *map(int, amounts)))
        return [found[key] for key in keys]


class ConsolidatedReceivablesByCustomerId(ReceivablesByCustomerId):
    """The same of each customer with all of its descendants."""

    sums = queries.CONSOLIDATED_RECEIVABLES
