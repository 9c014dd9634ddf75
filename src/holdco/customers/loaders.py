"""Loaders of customers, each named for its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from holdco.activity import queries as activity
from holdco.activity.queries import ActivityRow
from holdco.customers import queries
from holdco.customers.queries import CustomerRow, DescendantRow, ExternalReferenceRow, ParentAccessRow, ParentLinkRow
from holdco.loading import CountsByParent, ManyByKey, NestedPagesByParent, OneByKey, PagesByParent


class CustomerById(OneByKey[UUID, CustomerRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> CustomerRow:
        return CustomerRow(*row)


class AncestorsByCustomerId(ManyByKey[UUID, CustomerRow]):
    """Root first, without the customer itself."""

    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.ancestors_of(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> CustomerRow:
        return CustomerRow(*row)


class ParentAccessByCustomerId(OneByKey[UUID, ParentAccessRow]):
    """What the parent may do at a customer; None at a root."""

    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.parent_access_of(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> ParentAccessRow:
        return ParentAccessRow(*row)


class ExternalReferencesByCustomerId(ManyByKey[UUID, ExternalReferenceRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.external_references_of(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> ExternalReferenceRow:
        return ExternalReferenceRow(*row)


class ChildrenByCustomerId(NestedPagesByParent[CustomerRow]):
    listing = queries.LISTING
    relation = queries.CHILDREN


class ChildCountByCustomerId(CountsByParent):
    listing = queries.LISTING
    relation = queries.CHILDREN


class DescendantsByCustomerId(PagesByParent[DescendantRow]):
    listing = queries.DESCENDANTS
    relation = queries.BELOW


class DescendantCountByCustomerId(CountsByParent):
    listing = queries.DESCENDANTS
    relation = queries.BELOW


class ParentLinkById(OneByKey[UUID, ParentLinkRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return queries.parent_links_by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> ParentLinkRow:
        return ParentLinkRow(*row)


class ParentLinksByCustomerId(PagesByParent[ParentLinkRow]):
    listing = queries.PARENT_LINKS
    relation = queries.HISTORY


class ParentLinkCountByCustomerId(CountsByParent):
    listing = queries.PARENT_LINKS
    relation = queries.HISTORY


class ActivityById(OneByKey[UUID, ActivityRow]):
    def statement(self, keys: Sequence[UUID]) -> Executable:
        return activity.by_ids(self.reader.organization_id, keys)

    def build(self, row: Sequence[Any]) -> ActivityRow:
        return ActivityRow(*row)


class ActivityByCustomerId(PagesByParent[ActivityRow]):
    listing = activity.LISTING
    relation = activity.OF_CUSTOMER


class ActivityCountByCustomerId(CountsByParent):
    listing = activity.LISTING
    relation = activity.OF_CUSTOMER
