"""What the wall between organizations asks of the server of databases, before any table: a role, and functions without leaks.

Several databases may be migrated at once, and what is theirs in common must be made only once.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from holdco.errors import SettingsError
from holdco.tenancy import APPLICATION_ROLE

_IS_THERE = text("select exists (select from pg_roles where rolname = :role)")
_MAY_MAKE = text("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")

# Another database's migration may have come first. It waits here until that has committed, and then has nothing to do.
_MAKE = f"""
do $$ begin
  create role {APPLICATION_ROLE} nologin;
exception when duplicate_object or unique_violation then null;
end $$
"""

# Postgres 15 asks who may make roles, later ones who administers this one. Who may not grant it is told when it is missed:
# an owner whose login the server does not use has no need of it.
_JOIN = f"""
do $$ begin
  if not pg_has_role('{APPLICATION_ROLE}', 'member') or current_setting('server_version_num')::int >= 160000
     and not pg_has_role('{APPLICATION_ROLE}', 'set') then
    execute format('grant {APPLICATION_ROLE} to %I', current_user);
  end if;
exception when insufficient_privilege or unique_violation or internal_error then null;
end $$
"""

# Policies are checked before anything that might tell of a row, in an error for example; so an index serves a filter only when
# its function is marked as one that never does. These two are not, and serve "contains" and e-mail addresses: without the mark
# such a filter reads all customers of its organization. Only a superuser may say so, and a restored dump does not know it.
_MARK = """
do $$ begin
  alter function pg_catalog.texticlike(text, text) leakproof;
  alter function pg_catalog.lower(text) leakproof;
exception when insufficient_privilege then null;
end $$
"""


def mark_functions(connection: Connection) -> None:
    """Where this login may. Commits."""
    connection.exec_driver_sql(_MARK)
    connection.commit()


def ensure_role(connection: Connection) -> None:
    """Makes the role where it is missing, and lets the login of this connection act as it. Commits, so that nobody waits long.

    Raises SettingsError when it is missing and this login must not make it.
    """
    if not connection.execute(_IS_THERE, {"role": APPLICATION_ROLE}).scalar_one():
        if not connection.execute(_MAY_MAKE).scalar_one():
            raise SettingsError(
                f"The server acts as the role {APPLICATION_ROLE}, which does not exist, and this login must not make roles. "
                f"Let an administrator run `create role {APPLICATION_ROLE} nologin` on this server; then try again."
            )
        connection.exec_driver_sql(_MAKE)
    connection.exec_driver_sql(_JOIN)
    connection.commit()
