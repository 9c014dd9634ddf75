"""Tokens that are made outside of the graph: by the command line, and for whoever starts `holdco dev`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database, ids
from holdco.access import queries
from holdco.access import service as access
from holdco.access.queries import AccessTokenRow
from holdco.access.service import Issued
from holdco.activity import service as activity
from holdco.authentication.denials import Denied
from holdco.authentication.tokens import AccessTokens
from holdco.client_users.models import ClientUser, ClientUserCustomer, InvitationState, ProjectScope
from holdco.customers.models import Customer
from holdco.database import Transaction
from holdco.errors import BadUserInput, InvalidInput, NotFound
from holdco.ids import Kind
from holdco.validation import email_address
from holdco.viewer import ClientUserRole, StaffRole

DEV_FILE: Final = "dev-tokens.json"
DEV_DAYS: Final = 30

_CUSTOMERS: Final = Customer.__table__.c
_USERS: Final = ClientUser.__table__.c


class DevTokens(NamedTuple):
    """What `holdco dev` prints."""

    staff: str
    client_user: str


async def for_client_user(
    transaction: Transaction,
    *,
    customer: str,
    role: ClientUserRole,
    email: str,
    name: str | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """A token of the client user with this e-mail address, who has the role at the customer from now on.

    Whoever gives it out vouches for the person: one that there is not is made, and one that was invited becomes active.

    Raises, in this order: InvalidInput for the address; NotFound for the customer, by number or id; InvalidInput for a client
    user who was deactivated, and as `access.service.create`.
    """
    address = email_address(email)
    if address is None:
        raise InvalidInput("A client user has an e-mail address: give --email.", field=("email",))
    customer_id = await _customer(transaction, customer)
    user_id = await _active_user(transaction, address, name)
    await transaction.execute(
        upsert(ClientUserCustomer)
        .values(
            organization_id=transaction.organization_id,
            client_user_id=user_id,
            customer_id=customer_id,
            role=role,
            added_at=transaction.now,
            actor=transaction.actor,
        )
        .on_conflict_do_update(constraint="pk_client_user_customers", set_={"role": role, "actor": transaction.actor})
    )
    entry = activity.about(Kind.CLIENT_USER, user_id, "client_user.customer_added", customer_id=customer_id, role=role)
    await activity.record(transaction, [entry])
    return await access.create(transaction, name=name or address, client_user_id=user_id, expires_at=expires_at)


async def _customer(transaction: Transaction, text: str) -> UUID:
    try:
        key: UUID | None = ids.decode(Kind.CUSTOMER, text)
    except BadUserInput:
        key = None
    rows = await transaction.rows(
        select(_CUSTOMERS.id)
        .where(_CUSTOMERS.organization_id == transaction.organization_id, or_(_CUSTOMERS.id == key, _CUSTOMERS.number == text))
        .with_for_update(read=True, key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no customer {text}.", field=("customer",))
    found: UUID = rows[0].id
    return found


async def _active_user(transaction: Transaction, email: str, name: str | None) -> UUID:
    rows = await transaction.rows(
        select(_USERS.id, _USERS.state)
        .where(_USERS.organization_id == transaction.organization_id, func.lower(_USERS.email) == email.lower())
        .with_for_update(key_share=True)
    )
    if not rows:
        return await _new_user(transaction, email, name)
    user_id: UUID = rows[0].id
    if rows[0].state == InvitationState.DEACTIVATED:
        raise InvalidInput(f"The client user {email} was deactivated.", field=("email",))
    if rows[0].state != InvitationState.ACTIVE:
        await transaction.execute(
            update(ClientUser)
            .where(_USERS.organization_id == transaction.organization_id, _USERS.id == user_id)
            .values(state=InvitationState.ACTIVE, updated_at=transaction.now, version=ClientUser.version + 1)
        )
        await activity.record(transaction, [activity.about(Kind.CLIENT_USER, user_id, "client_user.activated")])
    return user_id


async def _new_user(transaction: Transaction, email: str, name: str | None) -> UUID:
    user_id = ids.new()
    await transaction.execute(
        insert(ClientUser).values(
            organization_id=transaction.organization_id,
            id=user_id,
            name=name or email,
            email=email,
            state=InvitationState.ACTIVE,
            project_scope=ProjectScope.ALL,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
        )
    )
    await activity.record(transaction, [activity.about(Kind.CLIENT_USER, user_id, "client_user.created", name=name or email)])
    return user_id


async def listed(transaction: Transaction) -> Sequence[AccessTokenRow]:
    """All tokens of the organization, the newest first."""
    columns = queries.LISTING.columns
    rows = await transaction.rows(
        select(*columns.values())
        .where(queries.LISTING.organization == transaction.organization_id)
        .order_by(columns["id"].desc())
    )
    return [AccessTokenRow(*row) for row in rows]


async def dev_tokens(engine: AsyncEngine, organization_id: UUID, folder: Path, *, customer: str) -> DevTokens:
    """An administrator's token, and one of a client user of a customer, made once and kept where only the owner reads it.

    They are made again when they are not good any more. Where there is no such customer the second is empty.
    """
    file = folder / DEV_FILE
    kept = DevTokens(**orjson.loads(file.read_bytes())) if file.exists() else None
    if kept is not None and await _are_good(engine, organization_id, kept):
        return kept
    expires_at = datetime.now(UTC) + timedelta(days=DEV_DAYS)
    async with database.begin(engine, organization_id=organization_id, actor="holdco dev") as transaction:
        staff = await access.create(transaction, name="Developer", role=StaffRole.ADMIN, expires_at=expires_at)
        try:
            user = await for_client_user(
                transaction,
                customer=customer,
                role=ClientUserRole.ADMIN,
                email="head-office@aldgate.example",
                name="Head office",
                expires_at=expires_at,
            )
        except NotFound:
            user = None
    made = DevTokens(staff.text, user.text if user is not None else "")
    _keep(file, made._asdict())
    return made


async def _are_good(engine: AsyncEngine, organization_id: UUID, kept: DevTokens) -> bool:
    tokens = AccessTokens(engine)
    for text in filter(None, kept):
        try:
            identity, _ = await tokens.identity(text)
        except Denied:
            return False
        # The folder may have been used with another database or organization.
        if identity.viewer.organization_id != organization_id:
            return False
    return True


def _keep(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(orjson.dumps(content))
    partial.rename(file)
