"""What the tests of groups do again and again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from conftest import Execute
from holdco.context import Context

GROUP = "id name rank description version"
CREATE = f"""
mutation ($input: CustomerGroupCreateInput!) {{
  customerGroupCreate(input: $input) {{ customerGroup {{ {GROUP} }} userErrors {{ code message field }} }}
}}
"""
UPDATE = CREATE.replace("GroupCreate", "GroupUpdate")
MEMBERS_ADD = CREATE.replace("GroupCreateInput", "GroupMembersInput").replace("GroupCreate", "GroupMembersAdd")
MEMBERS_REMOVE = MEMBERS_ADD.replace("MembersAdd", "MembersRemove")
CUSTOMER_CREATE = "mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"


async def ask(execute: Execute, document: str, **variables: Any) -> Any:
    """The answer to an operation of one field."""
    (answer,) = (await execute(document, **variables)).values()
    return answer


async def create(execute: Execute, name: str, **fields: Any) -> dict[str, Any]:
    payload = await ask(execute, CREATE, input={"name": name, **fields})
    assert payload["userErrors"] == []
    group: dict[str, Any] = payload["customerGroup"]
    return group


async def customer(execute: Execute, name: str) -> str:
    payload = await ask(execute, CUSTOMER_CREATE, input={"name": name})
    return str(payload["customer"]["id"])


async def refusals(execute: Execute, document: str, **fields: Any) -> list[tuple[str, list[str]]]:
    """Codes and fields of a mutation that must be refused."""
    payload = await ask(execute, document, input=fields)
    assert payload["customerGroup"] is None
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def stored(context: Context) -> list[Any]:
    """Everything that a mutation of groups writes, to compare before and after."""
    statements = [
        "select * from customer_groups where organization_id = :key order by id",
        "select * from group_members where organization_id = :key order by group_id, customer_id",
        "select * from activity where organization_id = :key order by id",
    ]
    async with context.transaction() as transaction:
        key = {"key": context.organization_id}
        return [await transaction.rows(text(statement), key) for statement in statements]


async def recorded(context: Context, action: str) -> list[tuple[Any, ...]]:
    """Customer, subject and details of what was done, in order."""
    async with context.transaction() as transaction:
        rows = await transaction.rows(
            text(
                "select customer_id, subject_id, details from activity"
                " where organization_id = :key and actor = :actor and action = :action order by id"
            ),
            {"key": context.organization_id, "actor": context.viewer.actor, "action": action},
        )
    return [tuple(row) for row in rows]
