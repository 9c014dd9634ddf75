"""Contacts: people at a customer, kept, changed and deleted with a confirmation (domain.md 1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from conftest import Execute
from holdco import ids
from holdco.contacts import service
from holdco.context import Context
from holdco.customers import service as customers
from holdco.ids import Kind
from holdco.organizations.service import ensure
from holdco.viewer import StaffRole, Viewer
from waiting import until_somebody_waits

Counting = Callable[[], Any]

CONTACT = "id name email phone designation department version customer { id name }"
CREATE = f"""
mutation ($input: ContactCreateInput!) {{
  contactCreate(input: $input) {{ contact {{ {CONTACT} }} userErrors {{ code message field }} }}
}}
"""
UPDATE = CREATE.replace("Create", "Update").replace("contactCreate", "contactUpdate")
DELETE = """
mutation ($input: ContactDeleteInput!) {
  contactDelete(input: $input) { deletedContactId userErrors { code message field } }
}
"""


async def ask(execute: Execute, document: str, **variables: Any) -> Any:
    """The answer to an operation of one field."""
    (answer,) = (await execute(document, **variables)).values()
    return answer


async def create(execute: Execute, customer_id: str, name: str, **fields: Any) -> dict[str, Any]:
    payload = await ask(execute, CREATE, input={"customerId": customer_id, "name": name, **fields})
    assert payload["userErrors"] == []
    contact: dict[str, Any] = payload["contact"]
    return contact


async def refusals(execute: Execute, document: str, **fields: Any) -> list[tuple[str, list[str]]]:
    payload = await ask(execute, document, input=fields)
    assert payload["contact"] is None
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def stored(context: Context) -> list[Any]:
    """Everything that a mutation of contacts writes, to compare before and after."""
    async with context.transaction() as transaction:
        key = {"key": context.organization_id}
        return [
            *await transaction.rows(text("select * from contacts where organization_id = :key order by id"), key),
            *await transaction.rows(text("select * from activity where organization_id = :key order by id"), key),
        ]


@pytest.fixture
async def customer_id(execute: Execute) -> str:
    document = 'mutation { customerCreate(input: {name: "Aldgate Networks"}) { customer { id } } }'
    return str((await ask(execute, document))["customer"]["id"])


async def test_a_contact_has_what_was_given(execute: Execute, customer_id: str) -> None:
    contact = await create(
        execute,
        customer_id,
        " Ada Park ",
        email=" ada@aldgate.example ",
        phone="+44 20 7946 0000",
        designation="Head of accounts",
        department="",
    )
    assert contact == {
        "id": contact["id"],
        "name": "Ada Park",
        "email": "ada@aldgate.example",
        "phone": "+44 20 7946 0000",
        "designation": "Head of accounts",
        "department": None,
        "version": 1,
        "customer": {"id": customer_id, "name": "Aldgate Networks"},
    }


async def test_contacts_of_a_customer_come_by_name_page_by_page(execute: Execute, customer_id: str) -> None:
    for name in ("Noor", "Ada", "Mei"):
        await create(execute, customer_id, name)
    page = """
    query ($id: ID!, $after: String) { customer(by: {id: $id}) {
      contacts(first: 2, after: $after) { totalCount nodes { name } pageInfo { hasNextPage endCursor } }
    } }
    """
    first = (await ask(execute, page, id=customer_id))["contacts"]
    assert ([node["name"] for node in first["nodes"]], first["totalCount"]) == (["Ada", "Mei"], 3)
    assert first["pageInfo"]["hasNextPage"] is True
    rest = (await ask(execute, page, id=customer_id, after=first["pageInfo"]["endCursor"]))["contacts"]
    assert ([node["name"] for node in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (["Noor"], False)


async def test_namesakes_are_paged_one_by_one(execute: Execute, customer_id: str) -> None:
    made = [(await create(execute, customer_id, "Ada Park"))["id"] for _ in range(3)]
    page = """
    query ($id: ID!, $after: String) { customer(by: {id: $id}) {
      contacts(first: 1, after: $after) { nodes { id } pageInfo { endCursor } }
    } }
    """
    seen, after = [], None
    for _ in made:
        contacts = (await ask(execute, page, id=customer_id, after=after))["contacts"]
        seen += [node["id"] for node in contacts["nodes"]]
        after = contacts["pageInfo"]["endCursor"]
    assert seen == made


async def test_an_update_changes_what_it_names_and_nothing_else(execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Ada Park", email="ada@aldgate.example", phone="1")
    changed = await ask(
        execute, UPDATE, input={"id": contact["id"], "version": 1, "name": "Ada Park-Hale", "phone": None, "department": "IT"}
    )
    expected = contact | {"name": "Ada Park-Hale", "phone": None, "department": "IT", "version": 2}
    assert changed == {"contact": expected, "userErrors": []}


async def test_an_update_to_what_is_there_already_leaves_version_and_record_alone(
    context: Context, execute: Execute, customer_id: str
) -> None:
    contact = await create(execute, customer_id, "Ada Park", phone="1")
    before = await stored(context)
    unchanged = await ask(execute, UPDATE, input={"id": contact["id"], "name": "Ada Park", "phone": " 1 "})
    assert unchanged == {"contact": contact, "userErrors": []}
    assert await stored(context) == before


async def test_a_contact_is_deleted_only_with_a_confirmation(context: Context, execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Ada Park")
    kept = await create(execute, customer_id, "Mei")
    before = await stored(context)
    for unconfirmed in ({"id": contact["id"]}, {"id": contact["id"], "confirm": False}):
        assert await ask(execute, DELETE, input=unconfirmed) == {
            "deletedContactId": None,
            "userErrors": [
                {
                    "code": "INVALID_INPUT",
                    "message": "This would delete the contact Ada Park of Aldgate Networks for good."
                    " Repeat it with confirm: true.",
                    "field": ["confirm"],
                }
            ],
        }
    assert await stored(context) == before
    deleted = await ask(execute, DELETE, input={"id": contact["id"], "confirm": True})
    assert deleted == {"deletedContactId": contact["id"], "userErrors": []}
    listed = await ask(execute, f'{{ customer(by: {{id: "{customer_id}"}}) {{ contacts {{ nodes {{ id }} }} }} }}')
    assert listed == {"contacts": {"nodes": [{"id": kept["id"]}]}}
    again = await ask(execute, DELETE, input={"id": contact["id"], "confirm": True})
    assert [(error["code"], error["field"]) for error in again["userErrors"]] == [("NOT_FOUND", ["id"])]


async def test_what_happens_to_a_contact_shows_on_the_page_of_its_customer(execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Ada Park")
    await ask(execute, UPDATE, input={"id": contact["id"], "phone": "1", "email": "ada@aldgate.example"})
    await ask(execute, DELETE, input={"id": contact["id"], "confirm": True})
    document = f'{{ customer(by: {{id: "{customer_id}"}}) {{ activity(first: 3) {{ nodes {{ action subjectId details }} }} }} }}'
    shown = (await ask(execute, document))["activity"]["nodes"]
    assert shown == [
        {"action": "contact.deleted", "subjectId": contact["id"], "details": {"name": "Ada Park"}},
        {"action": "contact.updated", "subjectId": contact["id"], "details": {"fields": ["email", "phone"]}},
        {"action": "contact.created", "subjectId": contact["id"], "details": {"name": "Ada Park"}},
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "  "}, [["name"]]),
        ({"name": "x" * 201, "email": "ada"}, [["name"], ["email"]]),
        ({"name": "Ada", "email": "ada park@aldgate.example", "phone": "1\0"}, [["email"], ["phone"]]),
        ({"name": "Ada", "designation": "x" * 201, "department": "\ud800"}, [["designation"], ["department"]]),
    ],
)
async def test_values_that_no_contact_can_have_are_all_refused(
    context: Context, execute: Execute, customer_id: str, fields: dict[str, Any], expected: list[list[str]]
) -> None:
    contact = await create(execute, customer_id, "Mei")
    before = await stored(context)
    refused = [("INVALID_INPUT", field) for field in expected]
    assert await refusals(execute, CREATE, customerId=customer_id, **fields) == refused
    assert await refusals(execute, UPDATE, id=contact["id"], **fields) == refused
    assert await stored(context) == before


async def test_a_contact_keeps_a_name(context: Context, execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Mei")
    before = await stored(context)
    assert await refusals(execute, UPDATE, id=contact["id"], name=None) == [("INVALID_INPUT", ["name"])]
    assert await stored(context) == before


async def test_an_update_of_a_version_that_is_gone_changes_nothing(context: Context, execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Ada Park")
    await ask(execute, UPDATE, input={"id": contact["id"], "phone": "1"})
    before = await stored(context)
    assert await refusals(execute, UPDATE, id=contact["id"], version=1, phone="2") == [("STALE_VERSION", ["version"])]
    assert await stored(context) == before


async def test_unknown_and_foreign_ids_are_not_found_alike(context: Context, execute: Execute, customer_id: str) -> None:
    other = Context(context.engine, Viewer(ids.new(), "Olaf", StaffRole.ADMIN))
    await ensure(context.engine, other.organization_id)
    async with other.transaction() as transaction:
        foreign_customer_id = await customers.create(transaction, values={"name": "Elsewhere"})
        foreign_contact_id = await service.create(transaction, customer_id=foreign_customer_id, values={"name": "Olaf"})
    before = await stored(context)
    for wrong in (ids.encode(Kind.CUSTOMER, ids.new()), ids.encode(Kind.CUSTOMER, foreign_customer_id), "Aldgate"):
        assert await refusals(execute, CREATE, customerId=wrong, name="Ada") == [("NOT_FOUND", ["customerId"])]
    for wrong in (ids.encode(Kind.CONTACT, ids.new()), ids.encode(Kind.CONTACT, foreign_contact_id), customer_id):
        assert await refusals(execute, UPDATE, id=wrong, name="Ada") == [("NOT_FOUND", ["id"])]
        deleted = await ask(execute, DELETE, input={"id": wrong, "confirm": True})
        assert [(error["code"], error["field"]) for error in deleted["userErrors"]] == [("NOT_FOUND", ["id"])]
    foreign = ids.encode(Kind.CONTACT, foreign_contact_id)
    assert await ask(execute, "query ($id: ID!) { node(id: $id) { id } }", id=foreign) is None
    assert await stored(context) == before
    async with other.transaction() as transaction:
        kept = await transaction.rows(
            text("select name from contacts where organization_id = :key"), {"key": other.organization_id}
        )
    assert [row[0] for row in kept] == ["Olaf"]


async def test_contacts_are_deleted_with_their_customer(context: Context, execute: Execute, customer_id: str) -> None:
    await create(execute, customer_id, "Ada Park")
    preview = await ask(execute, f'{{ customerDeletePreview(id: "{customer_id}") {{ contactCount confirmationToken }} }}')
    assert preview["contactCount"] == 1
    document = "mutation ($input: CustomerDeleteInput!) { customerDelete(input: $input) { deletedContactCount } }"
    token = preview["confirmationToken"]
    deleted = await ask(execute, document, input={"id": customer_id, "confirmationToken": token})
    assert deleted == {"deletedContactCount": 1}
    async with context.transaction() as transaction:
        left = await transaction.rows(
            text("select count(*) from contacts where organization_id = :key"), {"key": context.organization_id}
        )
    assert left[0][0] == 0


async def test_contacts_of_many_customers_take_one_statement(counting: Counting, execute: Execute, customer_id: str) -> None:
    document = 'mutation { customerCreate(input: {name: "Aldgate Oslo"}) { customer { id } } }'
    for key in (customer_id, (await ask(execute, document))["customer"]["id"]):
        await create(execute, key, "Ada")
        await create(execute, key, "Mei")
    with counting() as issued:
        listed = await ask(execute, "{ customers { nodes { contacts { nodes { name customer { name } } } } } }")
    assert [[contact["name"] for contact in node["contacts"]["nodes"]] for node in listed["nodes"]] == [["Ada", "Mei"]] * 2
    # The customers and their contacts; whose these are is known by then.
    assert len(issued) == 2


async def test_a_customer_that_is_deleted_meanwhile_gets_no_contact(context: Context, execute: Execute, customer_id: str) -> None:
    async with context.transaction() as transaction:
        await transaction.execute(
            text("delete from customers where organization_id = :organization_id and id = :id"),
            {"organization_id": context.organization_id, "id": ids.decode(Kind.CUSTOMER, customer_id)},
        )
        creating = asyncio.create_task(refusals(execute, CREATE, customerId=customer_id, name="Ada Park"))
        await until_somebody_waits(context.engine)
    assert await creating == [("NOT_FOUND", ["customerId"])]


async def test_a_contact_is_found_by_its_id_alone(execute: Execute, customer_id: str) -> None:
    contact = await create(execute, customer_id, "Ada Park")
    document = "query ($id: ID!) { node(id: $id) { id ... on Contact { name customer { id } } } }"
    assert await ask(execute, document, id=contact["id"]) == {
        "id": contact["id"],
        "name": "Ada Park",
        "customer": {"id": customer_id},
    }
    await ask(execute, DELETE, input={"id": contact["id"], "confirm": True})
    assert await ask(execute, document, id=contact["id"]) is None


async def test_contacts_are_found_by_what_they_are_whatever_their_customer(execute: Execute, customer_id: str) -> None:
    document = 'mutation { customerCreate(input: {name: "Aldgate Oslo"}) { customer { id } } }'
    other_id = (await ask(execute, document))["customer"]["id"]
    ada = (await create(execute, customer_id, "Ada Park", email="Ada@aldgate.example"))["id"]
    mei = (await create(execute, other_id, "Mei Lund"))["id"]
    ola = (await create(execute, other_id, "Ola Park"))["id"]
    found_by = "query ($filter: ContactFilter) { contacts(filter: $filter) { totalCount nodes { id } } }"
    for given, expected in (
        ({}, [ada, mei, ola]),
        ({"customerId": {"eq": other_id}}, [mei, ola]),
        ({"email": {"eq": "ada@ALDGATE.example"}}, [ada]),
        ({"email": {"eq": None}}, [mei, ola]),
        ({"name": {"contains": "park"}, "customerId": {"eq": other_id}}, [ola]),
        ({"id": {"in": [mei]}}, [mei]),
    ):
        found = await ask(execute, found_by, filter=given)
        assert ([node["id"] for node in found["nodes"]], found["totalCount"]) == (expected, len(expected)), given
    assert await ask(execute, "query ($id: ID!) { contact(id: $id) { name } }", id=mei) == {"name": "Mei Lund"}
    assert await ask(execute, "query ($id: ID!) { contact(id: $id) { name } }", id="con_" + "0" * 32) is None


async def test_who_keeps_a_copy_reads_on_from_the_last_change(execute: Execute, customer_id: str) -> None:
    made = [await create(execute, customer_id, name) for name in ("Ada", "Mei", "Ola")]
    changes = """
    query ($after: String) {
      contacts(orderBy: [{field: UPDATED_AT}], after: $after) { nodes { name } pageInfo { endCursor } }
    }
    """
    copied = await ask(execute, changes)
    assert [node["name"] for node in copied["nodes"]] == ["Ada", "Mei", "Ola"]
    await ask(execute, UPDATE, input={"id": made[1]["id"], "phone": "1"})
    changed = await ask(execute, changes, after=copied["pageInfo"]["endCursor"])
    assert [node["name"] for node in changed["nodes"]] == ["Mei"]


async def test_a_customer_has_as_many_contacts_as_it_needs(execute: Execute, customer_id: str) -> None:
    """More than a page holds, several in a request."""
    one = 'contactCreate(input: {customerId: "%s", name: "%s"}) { userErrors { code } }'
    for start in range(0, 210, 30):
        fields = " ".join(f"c{number}: {one % (customer_id, f'Contact {number:03}')}" for number in range(start, start + 30))
        assert set(map(str, (await execute(f"mutation {{ {fields} }}")).values())) == {"{'userErrors': []}"}
    page = """
    query ($id: ID!, $after: String) { customer(by: {id: $id}) {
      contacts(first: 200, after: $after) { totalCount nodes { name } pageInfo { endCursor hasNextPage } }
    } }
    """
    first = (await ask(execute, page, id=customer_id))["contacts"]
    rest = (await ask(execute, page, id=customer_id, after=first["pageInfo"]["endCursor"]))["contacts"]
    names = [node["name"] for node in [*first["nodes"], *rest["nodes"]]]
    assert (names, first["totalCount"]) == ([f"Contact {number:03}" for number in range(210)], 210)
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
