"""Reads price lists: the rows, their order, how they are found, their versions and rates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, bindparam, exists, or_, select

from holdco.filtering import Elsewhere, Filters, OrganizationId
from holdco.listing import Listing, Order, Relation
from holdco.price_lists.models import PriceList, PriceListRate, PriceListVersion
from holdco.statements import ORGANIZATION_ID, is_key

_LISTS = PriceList.__table__.c
_VERSIONS = PriceListVersion.__table__.c
_RATES = PriceListRate.__table__.c


class PriceListRow(NamedTuple):
    id: UUID
    name: str
    description: str | None
    currency: str
    kind: str
    inactivated_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class PriceListVersionRow(NamedTuple):
    """`percent` is below zero where it is taken off."""

    version: int
    percent: Decimal | None
    rounding: str | None
    rounding_step: Decimal | None
    rounding_less: Decimal | None
    valid_from: datetime
    valid_to: datetime | None
    actor: str


class PriceListRateRow(NamedTuple):
    item_id: UUID
    quantity_from: Decimal
    quantity_to: Decimal | None
    unit_price: Decimal


def _is_active(_organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    return _LISTS.inactivated_at.is_(None) if value else _LISTS.inactivated_at.is_not(None)


def _is_present(_organization_id: OrganizationId, _operator: str, _value: Any) -> ColumnElement[bool]:
    return _RATES.version_to.is_(None)


def _holds_in(organization_id: OrganizationId, _operator: str, value: Any) -> ColumnElement[bool]:
    """In a version that there is: what is there at present would otherwise be found for every number above."""
    version = bindparam(value.name, type_=Integer)
    is_there = exists().where(
        _VERSIONS.organization_id == organization_id,
        _VERSIONS.price_list_id == _RATES.price_list_id,
        _VERSIONS.version == version,
    )
    return and_(_RATES.version_from <= version, or_(_RATES.version_to.is_(None), _RATES.version_to > version), is_there)


PRICE_LIST_COLUMNS: dict[str, ColumnElement[Any]] = {name: _LISTS[name] for name in PriceListRow._fields}

LISTING: Listing[PriceListRow] = Listing(
    row=PriceListRow,
    columns=PRICE_LIST_COLUMNS,
    organization=_LISTS.organization_id,
    filters=Filters({"name": _LISTS.name, "currency": _LISTS.currency, "is_active": _is_active}),
    order_default=(Order("name"),),
)

VERSION_COLUMNS: dict[str, ColumnElement[Any]] = {name: _VERSIONS[name] for name in PriceListVersionRow._fields}

# The latest first.
VERSIONS: Listing[PriceListVersionRow] = Listing(
    row=PriceListVersionRow,
    columns=VERSION_COLUMNS,
    organization=_VERSIONS.organization_id,
    filters=Filters({}),
    order_default=(Order("version", descending=True),),
    key="version",
)
HISTORY = Relation(parent=_VERSIONS.price_list_id)

# Items in the order in which they were made, each with its brackets from below.
RATES: Listing[PriceListRateRow] = Listing(
    row=PriceListRateRow,
    columns={name: _RATES[name] for name in PriceListRateRow._fields},
    organization=_RATES.organization_id,
    filters=Filters({"item_id": _RATES.item_id, "is_present": _is_present, "version": Elsewhere(_holds_in)}),
    order_default=(Order("item_id"),),
    key="quantity_from",
)
ON_LIST = Relation(parent=_RATES.price_list_id)

# What each list says now.
PRESENT = select(_VERSIONS.price_list_id, *VERSION_COLUMNS.values()).where(
    _VERSIONS.organization_id == ORGANIZATION_ID, is_key(_VERSIONS.price_list_id), _VERSIONS.valid_to.is_(None)
)
