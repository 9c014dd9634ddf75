"""The tree over the graph: links, moves, rights, and what is refused (domain.md 2.2)."""

from __future__ import annotations

from conftest import Execute

CREATE = "mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } userErrors { code } } }"


async def create(execute: Execute, name: str) -> str:
    made = await execute(CREATE, input={"name": name})
    assert made["customerCreate"]["userErrors"] == []
    identifier: str = made["customerCreate"]["customer"]["id"]
    return identifier


async def test_a_new_customer_is_the_root_of_its_own_tree(execute: Execute) -> None:
    key = await create(execute, "Aldgate Networks")
    data = await execute(
        "query ($id: ID!) { customer(by: {id: $id}) { depth parent { id } root { id } ancestors { id } } }", id=key
    )
    assert data["customer"] == {"depth": 0, "parent": None, "root": {"id": key}, "ancestors": []}
