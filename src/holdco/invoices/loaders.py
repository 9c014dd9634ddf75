"""Loaders of invoices, each named for its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from holdco.customers.queries import in_scope
from holdco.database import Reader
from holdco.invoices import queries
from holdco.invoices.queries import InvoiceLineRow, InvoiceRow
from holdco.loading import CountsByParent, ManyByKey, OneByKey, PagesByParent
from holdco.paging import PageRequest
from holdco.scopes import CustomerScope


class InvoiceById(OneByKey[UUID, InvoiceRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> InvoiceRow:
        return InvoiceRow(*row)


class LinesByInvoiceId(ManyByKey[UUID, InvoiceLineRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.lines_of(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> InvoiceLineRow:
        return InvoiceLineRow(*row)


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
