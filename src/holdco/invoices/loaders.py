"""Loaders of invoices, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from holdco.customers.queries import in_scope
from holdco.invoices import queries
from holdco.invoices.drift import Draft, TermDrift, drifts
from holdco.invoices.queries import InvoiceLineRow, InvoiceRow
from holdco.loading import CountsByParent, Loader, ManyByKey, PagesByParent, RowByKey
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


class TermsDriftByDraft(Loader[Draft, list[TermDrift]]):
    """Staff's: a client user sees no draft."""

    async def read(self, keys: list[Draft]) -> list[list[TermDrift]]:
        found = await drifts(self.reader.rows, self.reader.organization_id, keys)
        return [found[key.id] for key in keys]


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
