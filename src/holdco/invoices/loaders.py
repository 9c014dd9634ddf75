"""Loaders of invoices, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.customers.queries import in_scope
from holdco.invoices import queries
from holdco.invoices.queries import InvoiceLineRow, InvoiceRow
from holdco.loading import CountsByParent, ManyByKey, PagesByParent, RowByKey
from holdco.paging import PageRequest
from holdco.reader import Reader
from holdco.scopes import CustomerScope


class InvoiceById(RowByKey[UUID, InvoiceRow]):
    listing = queries.LISTING


class InvoiceByNumber(RowByKey[str, InvoiceRow]):
    listing = queries.LISTING
    key = "number"


class LinesByInvoiceId(ManyByKey[UUID, InvoiceLineRow]):
    row = InvoiceLineRow
    statement = queries.LINES


class InvoicesByScope(PagesByParent[InvoiceRow]):
    """The invoices of a customer, or of those below it as well."""

    listing = queries.LISTING

    def __init__(self, reader: Reader, request: PageRequest, scope: CustomerScope) -> None:
        super().__init__(reader, request)
        self.relation = in_scope(queries.INVOICES.customer_id, scope)


class InvoiceCountByScope(CountsByParent):
    listing = queries.LISTING

    def __init__(self, reader: Reader, request: PageRequest, scope: CustomerScope) -> None:
        super().__init__(reader, request)
        self.relation = in_scope(queries.INVOICES.customer_id, scope)
