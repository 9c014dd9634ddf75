"""Payment terms that stood in columns of customers and organizations are rows of `terms` afterwards, since they were made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alembic import command
from sqlalchemy import Connection, text

from directly import directly
from holdco.migrations.roles import ensure_role
from holdco.migrations.upgrade import configuration, newest, upgrade
from migrations.test_upgrade import empty, engine_of

MADE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)
WITH_TERMS, WITHOUT = UUID(int=11), UUID(int=12)

_ORGANIZATION = text(
    """
    insert into organizations (id, name, timezone, currency, payment_terms_kind, payment_terms_net_days, link_policy,
                               created_at, updated_at, version)
    values (:id, 'Aldgate Supplies', 'UTC', 'EUR', 'NET', 14, 'ALLOW', :made, :made, 1)
    """
)
_CUSTOMER = text(
    """
    insert into customers (organization_id, id, number, name, kind, status, currency, payment_terms_kind,
                           payment_terms_net_days, created_at, updated_at, version)
    values (:organization_id, :id, :number, :number, 'BUSINESS', 'ACTIVE', 'EUR', :kind, :net_days, :made, :made, 1)
    """
)
_TERMS = text(
    """
    select customer_id, group_id, field, version, payment_terms_kind, payment_terms_net_days, mode, valid_from, valid_to
    from terms order by customer_id nulls first
    """
)


def _to_the_wall(connection: Connection) -> None:
    ensure_role(connection)
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "2026_11_22_wall")
    connection.commit()


async def test_payment_terms_of_every_organization_survive_the_move(server_url: Callable[[str | None], Any]) -> None:
    async with empty(server_url) as url, engine_of(url) as engine:
        async with engine.connect() as connection:
            await connection.run_sync(_to_the_wall)
        for organization_id in (FIRST, SECOND):
            async with directly(engine, organization_id) as connection:
                await connection.execute(_ORGANIZATION, {"id": organization_id, "made": MADE})
                for key, kind, net_days in ((WITH_TERMS, "END_OF_MONTH", 0), (WITHOUT, None, None)):
                    values = {"id": key, "number": str(key), "kind": kind, "net_days": net_days, "made": MADE}
                    await connection.execute(_CUSTOMER, {"organization_id": organization_id, **values})
        assert await upgrade(engine) == ("2026_11_22_wall", newest())
        for organization_id in (FIRST, SECOND):
            async with directly(engine, organization_id) as connection:
                assert [tuple(row) for row in await connection.execute(_TERMS)] == [
                    (None, None, "PAYMENT_TERMS", 1, "NET", 14, None, MADE, None),
                    (WITH_TERMS, None, "PAYMENT_TERMS", 1, "END_OF_MONTH", 0, None, MADE, None),
                ]
