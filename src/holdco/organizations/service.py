"""Makes the organization and changes its settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database, ids
from holdco.activity import service as activity
from holdco.database import Transaction
from holdco.errors import InvalidInput, StaleVersion
from holdco.ids import Kind
from holdco.organizations import queries
from holdco.organizations.models import LinkPolicy, Organization
from holdco.organizations.queries import OrganizationRow
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.validation import Cleaner, cleaned, currency_code, field_name, member_of, required_text

Value = TypeVar("Value")

NAME_DEFAULT = "My organization"
PAYMENT_TERMS_DEFAULT = PaymentTerms(PaymentTermsKind.NET, 30)

# Files that belong to one machine, not places that another machine would know.
_NOT_PLACES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_PLACES)


def _timezone(value: str | None, field: str) -> str:
    name = required_text(value, field)
    if name not in _timezones():
        raise InvalidInput(f"{name[:60]!r} is not a time zone. Write it as Europe/Lisbon or UTC (IANA).", field=(field,))
    return name


def _depth_max(value: int | None, field: str) -> int | None:
    if value is not None and value < 1:
        raise InvalidInput(f"{field} must be 1 or more, not {value}; null allows any depth.", field=(field,))
    return value


def _given(value: Value | None, field: str) -> Value:
    if value is None:
        raise InvalidInput(f"{field} cannot be empty.", field=(field,))
    return value


_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "timezone": _timezone,
    "currency": lambda value, field: currency_code(_given(value, field), field),
    "hierarchy_depth_max": _depth_max,
    "link_policy": lambda value, field: member_of(LinkPolicy, _given(value, field), field),
    "locked_until": lambda value, _field: value,
}


# What decides about others' dates and links: whoever is under way has finished, and whoever comes later knows the new settings.
_RELIED_ON = frozenset({"timezone", "hierarchy_depth_max", "link_policy", "locked_until"})


# Text, because terms are a feature above this one; an organization has payment terms from its first moment.
_PAYMENT_TERMS = text(
    """
    insert into terms (organization_id, id, field, version, payment_terms_kind, payment_terms_net_days, valid_from, actor)
    values (:organization_id, :id, 'PAYMENT_TERMS', 1, :kind, :net_days, :now, 'Holdco')
    """
)


async def ensure(engine: AsyncEngine, organization_id: UUID) -> None:
    """Makes the organization when it is missing, with settings that suit most; leaves it as it is otherwise."""
    now = datetime.now(UTC)
    async with engine.begin() as connection:
        await database.act_for(connection, organization_id)
        made = await connection.execute(
            insert(Organization)
            .values(
                id=organization_id,
                name=NAME_DEFAULT,
                timezone="UTC",
                currency="USD",
                hierarchy_depth_max=None,
                link_policy=LinkPolicy.ALLOW.value,
                locked_until=None,
                created_at=now,
                updated_at=now,
                version=1,
            )
            .on_conflict_do_nothing()
            .returning(Organization.id)
        )
        if made.first() is not None:
            await connection.execute(
                _PAYMENT_TERMS,
                {
                    "organization_id": organization_id,
                    "id": ids.new(),
                    "kind": PAYMENT_TERMS_DEFAULT.kind.value,
                    "net_days": PAYMENT_TERMS_DEFAULT.net_days,
                    "now": now,
                },
            )


async def exists(engine: AsyncEngine, organization_id: UUID) -> bool:
    async with engine.connect() as connection:
        await database.act_for(connection, organization_id)
        found = await connection.execute(select(Organization.id).where(Organization.id == organization_id))
        return found.first() is not None


async def change(transaction: Transaction, *, values: Mapping[str, Any], version: int | None = None) -> None:
    """Sets the given settings and leaves all others.

    What exists stays as it is: a lower depth breaks no tree (domain.md H4).
    Raises, in this order: StaleVersion (K6); Refused with InvalidInput for each bad value; InvalidInput for a period that
    has not ended (T8).
    """
    if _RELIED_ON & values.keys():
        await transaction.lock_exclusive()
    organization = await locked(transaction, version=version)
    fields = cleaned(values, _CLEANERS)
    changed = {name: value for name, value in fields.items() if getattr(organization, name) != value}
    if not changed:
        return
    _check_period(transaction, changed.get("locked_until"))
    await touch(transaction, **changed)
    names = sorted(field_name(name) for name in changed)
    await activity.record(
        transaction, [activity.about(Kind.ORGANIZATION, transaction.organization_id, "organization.updated", fields=names)]
    )


def _check_period(transaction: Transaction, locked_until: date | None) -> None:
    """Locking today would refuse everything that is entered now."""
    if locked_until is not None and locked_until >= transaction.today:
        raise InvalidInput(
            f"Only a period that has ended can be locked: lockedUntil must be before today, {transaction.today}.",
            field=("lockedUntil",),
        )


async def touch(transaction: Transaction, **changed: Any) -> None:
    """Writes settings and counts the version up."""
    await transaction.execute(
        update(Organization)
        .where(Organization.id == transaction.organization_id)
        .values(updated_at=transaction.now, version=Organization.version + 1, **changed)
    )


async def locked(transaction: Transaction, *, version: int | None = None) -> OrganizationRow:
    """The organization, which nobody else can change until commit. Raises StaleVersion.

    The transaction's own settings were read without a lock, and may be older than these.
    """
    rows = await transaction.rows(
        select(*queries.ORGANIZATION_COLUMNS.values())
        .where(Organization.id == transaction.organization_id)
        .with_for_update(key_share=True)
    )
    organization = OrganizationRow._make([*rows[0], transaction.now])
    if version is not None and version != organization.version:
        raise StaleVersion(organization.name, expected=version, found=organization.version)
    return organization
