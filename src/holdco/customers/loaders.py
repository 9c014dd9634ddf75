"""Loaders of customers, each named for its contract."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Executable

from holdco.activity import queries as activity
from holdco.activity.queries import ActivityRow
from holdco.customers import queries
from holdco.customers.queries import CustomerRow, ExternalReferenceRow, ParentAccessRow, ParentLinkRow
from holdco.loading import CountsByParent, ListByKey, ManyByKey, NestedPagesByParent, OneByKey, PagesByParent, RowByKey
from holdco.statements import Names


class CustomerById(RowByKey[UUID, CustomerRow]):
    listing = queries.LISTING


class CustomerByNumber(RowByKey[str, CustomerRow]):
    listing = queries.LISTING
    key = "number"


class CustomersByExternalId(ListByKey[str, CustomerRow]):
    """Several where systems use the same id for different customers."""

    listing = queries.LISTING

    def statement(self, names: Names) -> Executable:
        return queries.by_external_ids(names)


class AncestorsByCustomerId(ListByKey[UUID, CustomerRow]):
    """Root first, without the customer itself."""

    listing = queries.LISTING

    def statement(self, names: Names) -> Executable:
        return queries.ancestors_of(names)


class ParentAccessByCustomerId(OneByKey[UUID, ParentAccessRow]):
    """What the parent may do at a customer; None at a root."""

    row = ParentAccessRow
    statement = queries.PARENT_ACCESS


class ExternalReferencesByCustomerId(ManyByKey[UUID, ExternalReferenceRow]):
    row = ExternalReferenceRow
    statement = queries.EXTERNAL_REFERENCES


class ChildrenByCustomerId(NestedPagesByParent[CustomerRow]):
    listing = queries.LISTING
    relation = queries.CHILDREN


class ChildCountByCustomerId(CountsByParent):
    listing = queries.LISTING
    relation = queries.CHILDREN


class DescendantsByCustomerId(PagesByParent[CustomerRow]):
    listing = queries.DESCENDANTS
    relation = queries.BELOW


class DescendantCountByCustomerId(CountsByParent):
    listing = queries.DESCENDANTS
    relation = queries.BELOW


class ParentLinkById(RowByKey[UUID, ParentLinkRow]):
    listing = queries.PARENT_LINKS


class ParentLinksByCustomerId(PagesByParent[ParentLinkRow]):
    listing = queries.PARENT_LINKS
    relation = queries.HISTORY


class ParentLinkCountByCustomerId(CountsByParent):
    listing = queries.PARENT_LINKS
    relation = queries.HISTORY


class ActivityById(RowByKey[UUID, ActivityRow]):
    listing = activity.LISTING


class ActivityByCustomerId(PagesByParent[ActivityRow]):
    listing = activity.LISTING
    relation = activity.OF_CUSTOMER


class ActivityCountByCustomerId(CountsByParent):
    listing = activity.LISTING
    relation = activity.OF_CUSTOMER
