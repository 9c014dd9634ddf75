"""Who one is, what one may do, and the tokens of an organization, as the graph tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from authentication.people import client_user
from authentication.test_access_tokens import ask
from conftest import Client
from holdco import ids
from holdco.ids import Kind
from holdco.organizations import service as organizations
from holdco.viewer import ClientUserRole, StaffRole
from operations.serving import served, settings_of
from stories import Story
from tokens import bearer, issue

VIEWER = "{ viewer { kind name role permissions customers { role customer { number } } } }"
TOKENS = "{ accessTokens { totalCount nodes { id name role clientUserId createdBy expiresAt revokedAt } } }"
CREATE = """
mutation ($input: AccessTokenCreateInput!) {
  accessTokenCreate(input: $input) {
    token accessToken { id name role clientUserId expiresAt } userErrors { code message field }
  }
}
"""
REVOKE = "mutation ($id: ID!) { accessTokenRevoke(input: {id: $id}) { accessToken { id } userErrors { code field } } }"
PERMISSIONS = {
    StaffRole.BILLING: ["VIEW", "MANAGE_CONTACTS", "MANAGE_INVOICES", "RECORD_MONEY", "APPLY_MONEY"],
    StaffRole.SALES: [
        "VIEW",
        "MANAGE_CUSTOMERS",
        "MANAGE_CONTACTS",
        "MANAGE_PROJECTS",
        "MANAGE_GROUPS",
        "MANAGE_TERMS",
        "MANAGE_PRICES",
    ],
    StaffRole.READ_ONLY: ["VIEW"],
}


async def answered(client: Client, token: str, document: str, **variables: Any) -> Any:
    request = {"query": document, "variables": variables}
    return (await client.http.post("/graphql", json=request, headers=bearer(token))).json()


@pytest.mark.parametrize("role", PERMISSIONS)
async def test_staff_reads_its_role_and_what_that_allows(
    client: Client, engine: AsyncEngine, organization_id: UUID, role: StaffRole
) -> None:
    token = (await issue(engine, organization_id, role=role)).text
    viewer = {"kind": "STAFF", "name": "tester", "role": role.value, "permissions": PERMISSIONS[role], "customers": []}
    assert await answered(client, token, VIEWER) == {"data": {"viewer": viewer}}


async def test_a_client_user_reads_its_customers_and_its_role_at_each(client: Client, engine: AsyncEngine, story: Story) -> None:
    for number in ("ALD", "CAS", "NOR"):
        await story.customer(number, number=number)
    margaret = "margaret@aldgate.example"
    _, token = await client_user(engine, story.organization_id, "ALD", role=ClientUserRole.VIEWER, email=margaret)
    await client_user(engine, story.organization_id, "CAS", role=ClientUserRole.PAYER, email=margaret.upper())
    viewer = (await answered(client, token.text, VIEWER))["data"]["viewer"]
    assert {each["customer"]["number"]: each["role"] for each in viewer.pop("customers")} == {"ALD": "VIEWER", "CAS": "PAYER"}
    expected = {"kind": "CLIENT_USER", "name": margaret, "role": None, "permissions": ["VIEW", "APPLY_MONEY"]}
    assert viewer == expected


async def test_an_administrator_makes_lists_and_revokes_tokens(client: Client, engine: AsyncEngine, story: Story) -> None:
    await story.customer("Aldgate", number="ALD")
    user_id, _ = await client_user(engine, story.organization_id, "ALD", email="margaret@aldgate.example")
    user = ids.encode(Kind.CLIENT_USER, user_id)
    ends = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    robot = (await client(CREATE, input={"name": " Robot ", "role": "BILLING", "expiresAt": ends}))["accessTokenCreate"]
    phone = (await client(CREATE, input={"name": "Phone", "clientUserId": user}))["accessTokenCreate"]
    assert (robot["userErrors"], phone["userErrors"]) == ([], [])
    shown = {"name": "Robot", "role": "BILLING", "clientUserId": None, "expiresAt": ends}
    assert {**shown, "id": robot["accessToken"]["id"]} == robot["accessToken"]
    assert (phone["accessToken"]["role"], phone["accessToken"]["clientUserId"]) == (None, user)
    assert (await answered(client, robot["token"], VIEWER))["data"]["viewer"]["name"] == "Robot"
    assert (await answered(client, phone["token"], VIEWER))["data"]["viewer"]["kind"] == "CLIENT_USER"
    listed = (await client(TOKENS))["accessTokens"]
    # The newest first; the other two are those that let the test in.
    assert [token["name"] for token in listed["nodes"] if token["name"] in {"Phone", "Robot"}] == ["Phone", "Robot"]
    assert listed["totalCount"] == 4
    assert (await client(REVOKE, id=phone["accessToken"]["id"]))["accessTokenRevoke"]["userErrors"] == []
    nodes = (await client(TOKENS))["accessTokens"]["nodes"]
    assert [token["name"] for token in nodes if token["revokedAt"] is not None] == ["Phone"]


async def test_a_token_that_cannot_be_made_is_not_made(client: Client, story: Story) -> None:
    before = await story.everything()
    nobody = ids.encode(Kind.CLIENT_USER, uuid4())
    past = "2020-01-01T00:00:00Z"
    for given, code, field in (
        ({"name": " ", "role": "ADMIN"}, "INVALID_INPUT", ["name"]),
        ({"name": "Robot"}, "INVALID_INPUT", ["role"]),
        ({"name": "Robot", "role": "ADMIN", "clientUserId": nobody}, "INVALID_INPUT", ["role"]),
        ({"name": "Robot", "role": "ADMIN", "expiresAt": past}, "INVALID_INPUT", ["expiresAt"]),
        ({"name": "Robot", "clientUserId": nobody}, "NOT_FOUND", ["clientUserId"]),
        ({"name": "Robot", "clientUserId": "cus_1"}, "NOT_FOUND", ["clientUserId"]),
    ):
        refused = (await client(CREATE, input=given))["accessTokenCreate"]
        assert (refused["token"], refused["accessToken"]) == (None, None)
        assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [(code, field)]
    gone = await client(REVOKE, id=ids.encode(Kind.ACCESS_TOKEN, uuid4()))
    assert gone["accessTokenRevoke"] == {"accessToken": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    assert await story.everything() == before


@pytest.mark.parametrize("role", [StaffRole.BILLING, StaffRole.SALES, StaffRole.READ_ONLY, ClientUserRole.ADMIN])
async def test_nobody_but_an_administrator_sees_or_changes_tokens(
    client: Client, engine: AsyncEngine, story: Story, role: StaffRole | ClientUserRole
) -> None:
    await story.customer("Aldgate", number="ALD")
    if isinstance(role, StaffRole):
        token = await issue(engine, story.organization_id, role=role)
    else:
        _, token = await client_user(engine, story.organization_id, "ALD", role=role, email="margaret@aldgate.example")
    own = ids.encode(Kind.ACCESS_TOKEN, token.id)
    before = await story.everything()
    answer = await answered(client, token.text, TOKENS)
    assert (answer["data"], [error["extensions"]["code"] for error in answer["errors"]]) == (None, ["FORBIDDEN"])
    answer = await answered(client, token.text, "query ($id: ID!) { node(id: $id) { id } }", id=own)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    written = [row for row in await story.everything() if row not in before]
    assert [(table, '"access.denied"' in row) for table, row in written] == [("activity", True)]


async def test_tokens_of_another_organization_are_not_there(
    client: Client, engine: AsyncEngine, database_url: str, story: Story
) -> None:

    other = uuid4()
    await organizations.ensure(engine, other)
    foreign = await issue(engine, other, role=StaffRole.ADMIN)
    refused = await client(REVOKE, id=ids.encode(Kind.ACCESS_TOKEN, foreign.id))
    assert [error["code"] for error in refused["accessTokenRevoke"]["userErrors"]] == ["NOT_FOUND"]
    assert (await client(TOKENS))["accessTokens"]["totalCount"] == 1
    async with served(settings_of(database_url, story.organization_id)) as server:
        assert (await ask(server, f"Bearer {foreign.text}")).status_code == 200
