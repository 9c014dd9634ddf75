"""Lists of 100,000 rates: what is asked of a few items looks at those alone, also where Postgres knows nothing of so many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.price_lists import prices, rates


async def nodes_of(engine: AsyncEngine, statement: TextClause, **parameters: str) -> list[dict[str, Any]]:
    """Of the plan that a connection keeps for a statement, whatever is bound to it; `parameters` are their types."""
    names = list(parameters)
    written = re.sub(r"(?<!:):(\w+)", lambda match: f"${names.index(match[1]) + 1}", statement.text)
    given = ", ".join("null" for _ in names)
    async with directly(engine) as connection:
        await connection.execute(text("set local plan_cache_mode = force_generic_plan"))
        # Of a table of a few rows, all are read.
        await connection.execute(text("set local enable_seqscan = off"))
        await connection.exec_driver_sql(f"prepare kept ({', '.join(parameters.values())}) as {written}")
        explained = (await connection.exec_driver_sql(f"explain (format json) execute kept ({given})")).scalar_one()
        await connection.exec_driver_sql("deallocate kept")
    plan = explained if isinstance(explained, list) else json.loads(explained)
    return list(_nodes(plan[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


def scans(nodes: list[dict[str, Any]], table: str) -> list[str]:
    """By what each read of a table finds its rows."""
    found = [node for node in nodes if node.get("Relation Name") == table and node["Node Type"].endswith("Scan")]
    return [node.get("Index Cond") or node.get("Recheck Cond") or "" for node in found]


async def test_brackets_that_end_are_found_by_their_keys(engine: AsyncEngine) -> None:
    nodes = await nodes_of(
        engine,
        rates._END,  # noqa: SLF001 (its plan is the point)
        organization_id="uuid",
        price_list_id="uuid",
        version="integer",
        item_ids="uuid[]",
        quantities_from="numeric[]",
        versions_from="integer[]",
        quantities_to="numeric[]",
        unit_prices="numeric[]",
    )
    assert [node["Conflict Resolution"] for node in nodes if node.get("Relation Name") == "price_list_rates"] == ["UPDATE"]
    assert scans(nodes, "price_list_rates") == []


async def test_prices_of_items_are_looked_up_item_by_item(engine: AsyncEngine) -> None:
    nodes = await nodes_of(
        engine,
        prices._PRICED,  # noqa: SLF001 (its plan is the point)
        organization_id="uuid",
        item_ids="uuid[]",
        currencies="text[]",
        price_list_ids="uuid[]",
        versions="integer[]",
    )
    for table, column in (("items", "id"), ("item_prices", "item_id"), ("price_list_rates", "item_id")):
        (condition,) = scans(nodes, table)
        assert f"({column} = w.item_id)" in condition
