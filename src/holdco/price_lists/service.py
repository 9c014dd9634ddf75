"""Creates and changes price lists (domain.md G12). Every use case takes the transaction first and commits nothing itself.

Each change makes a version. A list is never deleted, so that an invoice can always say which version priced it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.activity import service as activity
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, Refusal, Refused, StaleVersion
from holdco.ids import Kind
from holdco.items.service import UNIT_PRICE_LIMIT
from holdco.price_lists import queries, rates
from holdco.price_lists.errors import NameTaken, PercentOutOfRange
from holdco.price_lists.models import PriceList, PriceListKind, PriceListVersion
from holdco.price_lists.prices import rounding_of
from holdco.price_lists.pricing import Percentage, PriceDirection, Rounding, direction_of
from holdco.price_lists.queries import PriceListRow, PriceListVersionRow
from holdco.price_lists.rates import ItemRates
from holdco.validation import (
    PLACES_MAX,
    TEXT_LENGTH_MAX,
    Cleaner,
    cleaned,
    currency_code,
    is_exact,
    optional_text,
    required_text,
)

PERCENT_MAX: Final = {PriceDirection.UP: Decimal(1000), PriceDirection.DOWN: Decimal(100)}


def _is_active(value: bool | None, field: str) -> bool:
    if value is None:
        raise InvalidInput(f"{field} must be true or false.", field=(field,))
    return value


_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "description": lambda value, field: optional_text(value, field, length_max=TEXT_LENGTH_MAX),
    "currency": currency_code,
    "is_active": _is_active,
}
# What a list of kind PERCENTAGE has, and no list of RATES.
_PERCENTAGE_FIELDS: Final = ("direction", "percent", "rounding")


async def create(
    transaction: Transaction, *, kind: PriceListKind, values: Mapping[str, Any], given: Sequence[ItemRates] = ()
) -> UUID:
    """A new list, active, at version 1. It needs a name and a currency; of kind PERCENTAGE also a direction and a percent.

    Raises Refused with every problem at once: InvalidInput for bad values, and for what a list of this kind does not have;
    PercentOutOfRange; InvalidInput, NotFound and BracketsOverlap for rates. Then NameTaken.
    """
    fields, percentage, problems = _checked(kind, {"name": None, "currency": "", **values}, None)
    problems += await _rate_problems(transaction, kind, given)
    if problems:
        raise Refused(problems)
    price_list_id = ids.new()
    await _write(
        transaction,
        insert(PriceList).values(
            organization_id=transaction.organization_id,
            id=price_list_id,
            kind=kind,
            inactivated_at=None,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        ),
        fields,
    )
    await _begin_version(transaction, price_list_id, 1, percentage, transaction.now)
    await rates.write(transaction, price_list_id, 1, rates.first(given))
    entry = activity.about(Kind.PRICE_LIST, price_list_id, "price_list.created", name=fields["name"], currency=fields["currency"])
    await activity.record(transaction, [entry])
    return price_list_id


async def change(
    transaction: Transaction,
    price_list_id: UUID,
    *,
    values: Mapping[str, Any],
    given: Sequence[ItemRates] = (),
    version: int | None = None,
) -> None:
    """Sets the given fields and the brackets of the given items, and leaves the rest. None clears; no brackets take an item off.

    Makes one version, or none where nothing differs. Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused as
    `create`; NameTaken.
    """
    present = await _locked(transaction, price_list_id)
    if version is not None and version != present.version:
        raise StaleVersion(present.name, expected=version, found=present.version)
    kind = PriceListKind(present.kind)
    latest = await _latest(transaction, present)
    said = Percentage(latest.percent, rounding_of(latest)) if latest.percent is not None else None
    fields, percentage, problems = _checked(kind, values, said)
    problems += await _rate_problems(transaction, kind, given)
    if problems:
        raise Refused(problems)
    columns = _changed_columns(transaction, present, fields)
    rows = await rates.changed(transaction, price_list_id, given)
    names = [*columns, *_changed_names(said, percentage), *(["rates"] if any(rows) else [])]
    if not names:
        return
    number = present.version + 1
    # Clocks of servers differ: a version does not begin before the one that it follows.
    instant = max(transaction.now, latest.valid_from)
    await _write(
        transaction,
        update(PriceList)
        .where(PriceList.organization_id == transaction.organization_id, PriceList.id == price_list_id)
        .values(updated_at=transaction.now, version=number, **columns),
        columns,
    )
    await transaction.execute(
        update(PriceListVersion)
        .where(
            PriceListVersion.organization_id == transaction.organization_id,
            PriceListVersion.price_list_id == price_list_id,
            PriceListVersion.version == present.version,
        )
        .values(valid_to=instant)
    )
    await _begin_version(transaction, price_list_id, number, percentage, instant)
    await rates.write(transaction, price_list_id, number, rows)
    shown = sorted("is_active" if name == "inactivated_at" else name for name in names)
    entry = activity.about(Kind.PRICE_LIST, price_list_id, "price_list.updated", fields=shown, version=number)
    await activity.record(transaction, [entry])


class _Checked(NamedTuple):
    """What a list is to have, where nothing is wrong with it."""

    fields: dict[str, Any]
    percentage: Percentage | None
    problems: list[Refusal]


def _checked(kind: PriceListKind, values: Mapping[str, Any], said: Percentage | None) -> _Checked:
    """`said` is what a list of kind PERCENTAGE says now; None where it is new."""
    percentage_values = {name: value for name, value in values.items() if name in _PERCENTAGE_FIELDS}
    fields: dict[str, Any] = {}
    problems: list[Refusal] = []
    try:
        fields = cleaned({name: value for name, value in values.items() if name not in percentage_values}, _CLEANERS)
    except Refused as refused:
        problems += refused.refusals
    if kind is PriceListKind.RATES:
        problems += [
            InvalidInput(f"A price list of kind RATES has no {name}.", field=(name,))
            for name, value in percentage_values.items()
            if value is not None
        ]
        return _Checked(fields, None, problems)
    percentage, further = _percentage(percentage_values, said)
    return _Checked(fields, percentage, [*problems, *further])


def _percentage(values: Mapping[str, Any], said: Percentage | None) -> tuple[Percentage | None, list[Refusal]]:
    defaults: dict[str, Any] = {}
    if said is not None:
        defaults = {"direction": direction_of(said.percent), "percent": said.percent.copy_abs(), "rounding": said.rounding}
    direction, percent, rounding = ({**defaults, **values}.get(name) for name in _PERCENTAGE_FIELDS)
    problems: list[Refusal] = [
        InvalidInput(f"A price list of kind PERCENTAGE has a {name}.", field=(name,))
        for name, value in (("direction", direction), ("percent", percent))
        if value is None
    ]
    if rounding is not None:
        problems += _rounding_problems(rounding)
    if direction is None or percent is None:
        return None, problems
    most = PERCENT_MAX[direction]
    if percent > most or not is_exact(percent, limit=most + 1):
        problems.append(PercentOutOfRange(direction, most=most))
    return Percentage(percent if direction is PriceDirection.UP else -percent, rounding), problems


def _rounding_problems(rounding: Rounding) -> list[Refusal]:
    problems: list[Refusal] = []
    if not rounding.step or not is_exact(rounding.step, limit=UNIT_PRICE_LIMIT):
        problems.append(
            InvalidInput(
                f"rounding.step must be above 0 and below {UNIT_PRICE_LIMIT:f} with at most {PLACES_MAX} decimal places.",
                field=("rounding", "step"),
            )
        )
    elif not is_exact(rounding.less, limit=rounding.step):
        problems.append(
            InvalidInput(
                f"rounding.less must be from 0 to below rounding.step with at most {PLACES_MAX} decimal places.",
                field=("rounding", "less"),
            )
        )
    return problems


async def _rate_problems(transaction: Transaction, kind: PriceListKind, given: Sequence[ItemRates]) -> list[Refusal]:
    if given and kind is PriceListKind.PERCENTAGE:
        return [InvalidInput("A price list of kind PERCENTAGE has no rates.", field=("rates",))]
    return await rates.problems_of(transaction, given)


def _changed_columns(transaction: Transaction, present: PriceListRow, fields: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: value for name, value in fields.items() if name != "is_active" and getattr(present, name) != value}
    is_active = fields.get("is_active")
    if is_active is not None and is_active is not (present.inactivated_at is None):
        columns["inactivated_at"] = None if is_active else transaction.now
    return columns


def _changed_names(said: Percentage | None, wanted: Percentage | None) -> list[str]:
    if said is None or wanted is None:
        return []
    return [name for name in Percentage._fields if getattr(said, name) != getattr(wanted, name)]


async def _begin_version(
    transaction: Transaction, price_list_id: UUID, version: int, percentage: Percentage | None, instant: datetime
) -> None:
    rounding = percentage.rounding if percentage is not None else None
    await transaction.execute(
        insert(PriceListVersion).values(
            organization_id=transaction.organization_id,
            price_list_id=price_list_id,
            version=version,
            percent=percentage.percent if percentage is not None else None,
            rounding=rounding.direction if rounding is not None else None,
            rounding_step=rounding.step if rounding is not None else None,
            rounding_less=rounding.less if rounding is not None else None,
            valid_from=instant,
            valid_to=None,
            actor=transaction.actor,
        )
    )


async def _locked(transaction: Transaction, price_list_id: UUID) -> PriceListRow:
    rows = await transaction.rows(
        select(*queries.PRICE_LIST_COLUMNS.values())
        .where(PriceList.organization_id == transaction.organization_id, PriceList.id == price_list_id)
        .with_for_update(key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no price list {ids.encode(Kind.PRICE_LIST, price_list_id)}.", field=("id",))
    return PriceListRow(*rows[0])


async def _latest(transaction: Transaction, present: PriceListRow) -> PriceListVersionRow:
    """By a statement of its own: the one that waited for the lock would see the versions as they were before."""
    rows = await transaction.rows(
        select(*queries.VERSION_COLUMNS.values()).where(
            PriceListVersion.organization_id == transaction.organization_id,
            PriceListVersion.price_list_id == present.id,
            PriceListVersion.version == present.version,
        )
    )
    return PriceListVersionRow(*rows[0])


async def _write(transaction: Transaction, statement: Executable, fields: Mapping[str, Any]) -> None:
    try:
        await transaction.execute(statement)
    except IntegrityError as error:
        if constraint_of(error) == "uq_price_lists_name":
            raise NameTaken(fields["name"]) from None
        raise
