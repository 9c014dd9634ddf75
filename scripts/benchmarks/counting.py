"""Counts the SQL statements that reach asyncpg, whoever sends them: SQLAlchemy, a pool, or code that calls asyncpg itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from asyncpg.connection import Connection

# Methods of the protocol whose first argument is a statement that they execute.
_EXECUTING = {"query", "bind_execute", "bind_execute_many", "bind", "copy_in", "copy_out"}
_TRANSACTION_WORDS = ("BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK")


class _CountingProtocol:
    """In front of a connection's protocol, through which everything goes that the connection executes.

    Higher up there is more than one way: a prepared statement, as SQLAlchemy keeps them, passes by `Connection.fetch` and by
    asyncpg's query loggers. Preparing is no statement; a cursor is one, however often it is fetched from.
    """

    def __init__(self, protocol: Any, statements: list[str]) -> None:
        self._protocol = protocol
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._protocol, name)
        return partial(self._count, method) if name in _EXECUTING else method

    def _count(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        # Its text, or the state of a prepared one.
        statement = arguments[0] if arguments else named["state"]
        text = statement if isinstance(statement, str) else statement.query
        if not text.upper().startswith(_TRANSACTION_WORDS):
            self._statements.append(text)
        return method(*arguments, **named)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements of all connections that are opened in the block, BEGIN, COMMIT and ROLLBACK left out.

    What a new connection asks for itself is among them: clear the list when it is warm.
    """
    statements: list[str] = []
    initialize = Connection.__init__

    def initialize_and_count(connection: Any, protocol: Any, *arguments: Any, **named: Any) -> None:
        initialize(connection, protocol, *arguments, **named)
        connection._protocol = _CountingProtocol(protocol, statements)  # noqa: SLF001 (it has no other name)

    with patch.object(Connection, "__init__", initialize_and_count):
        yield statements
