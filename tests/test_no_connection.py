"""Where there is no connection to be had, an operation waits for one twice at most, however many fields it has."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from asking import answered
from holdco.database import create_engine
from holdco.errors import Unavailable

FIELDS = "{ a: customers { nodes { name } } b: payments { nodes { number } } c: customerGroups { nodes { name } } }"


@pytest.mark.parametrize(("is_planning", "attempts"), [(True, 2), (False, 1)])
async def test_an_operation_does_not_ask_for_a_connection_once_for_each_field(is_planning: bool, attempts: int) -> None:
    # Nobody listens there.
    unreachable = create_engine("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    tried: list[Any] = []
    event.listen(unreachable.sync_engine, "do_connect", lambda *_: tried.append(1))
    result = await answered(unreachable, uuid4(), FIELDS, {}, is_planning=is_planning)
    assert result.data is None
    assert [type(error.original_error) for error in result.errors or ()] == [Unavailable]
    assert len(tried) == attempts
    await unreachable.dispose()
