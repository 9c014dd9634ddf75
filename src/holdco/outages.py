"""Which errors of the drivers mean that the database is away or too slow, rather than that we made a mistake."""

from __future__ import annotations

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from holdco.errors import Outage, StatementTimeout, Unavailable

log = structlog.get_logger(__name__)

# What may hide an outage. Everything that is caught here has to be asked (`outage_of`), for most of it is none.
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, DisconnectionError, PoolTimeout, OSError)

_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    DisconnectionError,
    PoolTimeout,
    # Sockets, and attempts to connect that took too long.
    OSError,
)


def cause_of(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy wraps it, twice."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def is_unavailable(cause: BaseException) -> bool:
    """Whether this error of a driver says that the database is away, or lets nobody in."""
    # asyncpg says InterfaceError both of a connection that is lost and of one that is misused.
    is_lost = isinstance(cause, asyncpg.InterfaceError) and "closed" in str(cause)
    return is_lost or isinstance(cause, _UNAVAILABLE)


def outage_of(error: BaseException) -> Outage | None:
    """The outage that a driver's error stands for, which is logged; None for any other error."""
    cause = cause_of(error)
    if isinstance(cause, asyncpg.QueryCanceledError):
        log.warning("a statement was cancelled by the database", reason=str(cause))
        return StatementTimeout("A statement took longer than the database allows. Ask for less at once, or try again later.")
    if is_unavailable(cause):
        log.warning("the database is not available", reason=f"{type(cause).__name__}: {cause}")
        return Unavailable("The database cannot be reached at the moment. Try again in a few seconds.")
    return None
