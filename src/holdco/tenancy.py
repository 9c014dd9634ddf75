"""For which organization a connection acts: what row level security compares every row with (`holdco.organization_id`).

A transaction says it in the round trip that opens it, and only for itself. A single SELECT has no transaction; for it the
session is set, which costs a round trip only where the connection last served another organization. It never answers with
another's rows, because

- what a connection is set for is kept with the connection (the pool's `info`, which a new connection does not inherit), and
  written down only after Postgres has confirmed it: what fails between leaves a connection that is thrown away or set anew;
- a transaction forgets it first and, in the round trip that ends it, sets the session to nobody: whatever its statements did to
  the setting is over with it;
- a transaction that somebody else begins by SQLAlchemy, and who does not say for whom, acts for nobody and sees no row.

The setting belongs to a session of Postgres, so a pooler between must give each client a session of its own, as LISTEN needs
it too. A session's setting does not reach the workers of a cluster: a single SELECT would find nothing there.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, PoolProxiedConnection

# Whom the server acts as, whichever login it connects with: it owns nothing and bypasses nothing.
APPLICATION_ROLE = "holdco_app"

_SETTING = "holdco.organization_id"


async def act_for(pooled: PoolProxiedConnection, organization_id: UUID) -> None:
    """For statements outside of transactions. When it raises, the connection must be invalidated."""
    if pooled.info.get(_SETTING) == organization_id:
        return
    pooled.info.pop(_SETTING, None)
    connection: Any = pooled.driver_connection
    await connection.execute(f"set {_SETTING} = '{organization_id}'")
    pooled.info[_SETTING] = organization_id


async def begin(pooled: PoolProxiedConnection, organization_id: UUID, modes: str = "") -> None:
    """A transaction with these modes, for this organization. When it raises, the connection must be invalidated."""
    pooled.info.pop(_SETTING, None)
    connection: Any = pooled.driver_connection
    # No SET LOCAL: in one string with BEGIN a cluster would send it to its workers twice (distributed.md 2.3).
    await connection.execute(f"begin {modes}; select set_tenant('{organization_id}')")


async def commit(pooled: PoolProxiedConnection) -> None:
    await _end(pooled, "commit")


async def rollback(pooled: PoolProxiedConnection) -> None:
    await _end(pooled, "rollback")


async def _end(pooled: PoolProxiedConnection, how: str) -> None:
    connection: Any = pooled.driver_connection
    await connection.execute(f"{how}; set {_SETTING} = ''")


def act_for_nobody(connection: Connection) -> None:
    """For SQLAlchemy's `begin`: who takes a connection from the pool does not inherit for whom it answered last."""
    if _SETTING in connection.info:
        connection.exec_driver_sql(f"select set_config('{_SETTING}', '', true)")
