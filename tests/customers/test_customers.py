"""Customers over the graph: what is kept, what is changed, what is refused (domain.md M3, X1, D4, K6)."""

from __future__ import annotations

from typing import Any

import pytest

from holdco.errors import BadUserInput
from stories import Story

WHOLE = """
query ($id: ID!) { customer(by: {id: $id}) {
  id number name companyName kind role status currency email phone website taxId notes customFields version
  billingAddress { attention street street2 city state postalCode country phone } shippingAddress { city }
  externalReferences { system externalId url }
} }
"""
FIELDS: dict[str, Any] = {
    "name": "Aldgate Networks",
    "number": "ALD-HQ",
    "companyName": "Aldgate Networks Ltd",
    "role": "HEAD_OFFICE",
    "currency": "EUR",
    "email": "Accounts@aldgate.example",
    "phone": "+44 20 7946 0000",
    "website": "https://aldgate.example",
    "taxId": "GB999999973",
    "notes": "Pays on Fridays.",
    "customFields": {"segment": "gold", "scores": [1, 2.5, None], "nested": {"ok": True}},
    "billingAddress": {
        "attention": "Accounts",
        "street": "1 Aldgate",
        "city": "London",
        "postalCode": "EC3N 1AA",
        "country": "GB",
    },
    "shippingAddress": {"city": "London"},
    "externalReferences": [
        {"system": "zoho_books", "externalId": "2503000000000012345", "url": "https://books.example/1"},
        {"system": "crm", "externalId": "A-1"},
    ],
}
NOTHING = dict.fromkeys(("street2", "state", "phone"))


async def whole(story: Story, customer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(WHOLE, id=customer_id))["customer"]
    return found


async def test_a_new_customer_has_what_was_given_and_sensible_values_for_the_rest(story: Story) -> None:
    key = await story.customer(**FIELDS)
    assert await whole(story, key) == {
        **FIELDS,
        "id": key,
        "kind": "BUSINESS",
        "status": "ACTIVE",
        "version": 1,
        "billingAddress": {**NOTHING, **FIELDS["billingAddress"]},
        "externalReferences": [
            {"system": "crm", "externalId": "A-1", "url": None},
            {"system": "zoho_books", "externalId": "2503000000000012345", "url": "https://books.example/1"},
        ],
    }


async def test_a_name_is_enough(story: Story) -> None:
    first, second = await story.customer("Aldgate Networks"), await story.customer("Aldgate Networks")
    found = await whole(story, first)
    assert [found[name] for name in ("number", "currency", "role", "email", "customFields", "billingAddress")] == [
        "CUS-000001",
        "USD",
        None,
        None,
        None,
        None,
    ]
    assert found["externalReferences"] == []
    assert (await whole(story, second))["number"] == "CUS-000002"


async def test_numbers_given_by_hand_are_passed_over(story: Story) -> None:
    await story.customer("Lisbon", number="CUS-000001")
    await story.customer("Porto", number="CUS-000002")
    assert (await whole(story, await story.customer("Faro")))["number"] == "CUS-000003"


async def test_an_update_changes_what_it_names_and_null_clears(story: Story) -> None:
    key = await story.customer(**FIELDS)
    before = await whole(story, key)
    await story.do("customerUpdate", id=key, version=1, name="Aldgate", email=None, externalReferences=[])
    assert await whole(story, key) == {
        **before,
        "name": "Aldgate",
        "email": None,
        "externalReferences": [],
        "version": 2,
    }


async def test_an_update_to_what_is_there_already_changes_nothing(story: Story) -> None:
    key = await story.customer(**FIELDS)
    before = await story.everything()
    given = {name: value for name, value in FIELDS.items() if name != "externalReferences"}
    await story.do("customerUpdate", id=key, **given)
    assert await story.everything() == before


async def test_changes_are_on_record_on_the_customers_page(story: Story) -> None:
    key = await story.customer("Aldgate Networks")
    await story.do("customerUpdate", id=key, companyName="Aldgate Networks Ltd", phone="1")
    await story.do("customerDeactivate", id=key)
    document = """query ($id: ID!) { customer(by: {id: $id}) {
      activity { totalCount nodes { action actor subjectId details } }
    } }"""
    found = (await story.ask(document, id=key))["customer"]["activity"]
    assert found["totalCount"] == 3
    assert [(entry["action"], entry["details"]) for entry in found["nodes"]] == [
        ("customer.deactivated", {}),
        ("customer.updated", {"fields": ["companyName", "phone"]}),
        ("customer.created", {}),
    ]
    assert {(entry["actor"], entry["subjectId"]) for entry in found["nodes"]} == {("tester", key)}


async def test_customers_are_found_by_what_other_systems_call_them_and_by_their_not_being_known_there(story: Story) -> None:
    references = [{"system": "crm", "externalId": "A-1"}, {"system": "books", "externalId": "B-1"}]
    await story.customer("Lisbon", externalReferences=references)
    await story.customer("Porto", externalReferences=[{"system": "crm", "externalId": "A-2"}])
    await story.customer("Faro")
    document = "query ($filter: CustomerFilter) { customers(filter: $filter) { totalCount nodes { name } } }"
    for condition, expected in (
        ({"eq": "A-1"}, ["Lisbon"]),
        ({"startsWith": "A-"}, ["Lisbon", "Porto"]),
        ({"in": ["B-1", "A-2"]}, ["Lisbon", "Porto"]),
        ({"in": []}, []),
        ({"eq": None}, ["Faro"]),
    ):
        found = await story.ask(document, filter={"externalId": condition})
        names = [node["name"] for node in found["customers"]["nodes"]]
        assert (names, found["customers"]["totalCount"]) == (expected, len(expected)), condition


async def test_a_customer_is_found_by_number_and_by_the_id_of_another_system(story: Story) -> None:
    key = await story.customer(**FIELDS)
    await story.customer("Lisbon", externalReferences=[{"system": "crm", "externalId": "shared"}])
    await story.customer("Porto", externalReferences=[{"system": "books", "externalId": "shared"}])
    document = "query ($by: CustomerBy!) { customer(by: $by) { id } }"
    for by in ({"number": "ALD-HQ"}, {"externalId": "2503000000000012345"}, {"id": key}):
        assert await story.ask(document, by=by) == {"customer": {"id": key}}
    for by in ({"number": "ALD-hq"}, {"number": ""}, {"externalId": "2503000000000012346"}, {"id": "cus_" + "f" * 32}):
        assert await story.ask(document, by=by) == {"customer": None}
    with pytest.raises(BadUserInput, match="shared names several customers"):
        await story.ask(document, by={"externalId": "shared"})


async def test_a_number_that_is_taken_is_refused(story: Story) -> None:
    await story.customer("Lisbon", number="ALD-1")
    other = await story.customer("Porto")
    expected = [("NUMBER_TAKEN", ["number"], "There is already a customer with the number ALD-1.")]
    assert await story.refusals("customerCreate", name="Faro", number="ALD-1") == expected
    assert await story.refusals("customerUpdate", id=other, number="ALD-1") == expected


async def test_an_id_of_another_system_belongs_to_one_customer(story: Story) -> None:
    first = [{"system": "crm", "externalId": "A-1"}, {"system": "books", "externalId": "A-1"}]
    key = await story.customer("Lisbon", externalReferences=first)
    other = await story.customer("Porto")
    both = [{"system": "crm", "externalId": "A-2"}, {"system": "crm", "externalId": "A-1"}]
    expected = [("EXTERNAL_REFERENCE_TAKEN", ["externalReferences", "1"])]
    assert await story.refused("customerCreate", name="Faro", externalReferences=both) == expected
    assert await story.refused("customerUpdate", id=other, name="Oporto", externalReferences=both) == expected
    assert await story.refused("customerUpdate", id=key, externalReferences=[first[0], first[0]]) == expected
    await story.do("customerUpdate", id=key, externalReferences=both)


async def test_a_currency_is_fixed_once_there_is_a_document(story: Story) -> None:
    expected = [("CURRENCY_LOCKED", ["currency"])]
    billed, paying, credited, drafting = [await story.customer(name) for name in ("Lisbon", "Porto", "Faro", "Braga")]
    await story.invoice(billed, "10.00")
    await story.payment(paying, "10.00")
    await story.credit_note(credited, "10.00")
    await story.invoice(drafting, "10.00", issue=False)
    for key in (billed, paying, credited):
        assert await story.refused("customerUpdate", id=key, currency="EUR") == expected
        await story.do("customerUpdate", id=key, currency="USD")
    changed = await story.do("customerUpdate", id=drafting, currency="EUR")
    assert changed["customer"]["currency"] == "EUR"


async def test_a_stale_version_changes_nothing(story: Story) -> None:
    key = await story.customer("Aldgate Networks")
    await story.do("customerUpdate", id=key, phone="1")
    assert await story.refusals("customerUpdate", id=key, version=1, phone="2") == [
        (
            "STALE_VERSION",
            ["version"],
            "Aldgate Networks was changed meanwhile: you have version 1, it is at version 2. Read it again and repeat.",
        )
    ]
    assert await story.refused("customerUpdate", id=key, version=3, phone="2") == [("STALE_VERSION", ["version"])]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": ""}, [["name"]]),
        ({"name": " \t "}, [["name"]]),
        ({"name": "x" * 201}, [["name"]]),
        ({"name": "x" * 5000, "number": ""}, [["name"], ["number"]]),
        ({"name": "a\0b"}, [["name"]]),
        ({"name": "a\ud800b"}, [["name"]]),
        ({"email": "no address"}, [["email"]]),
        ({"email": "a@"}, [["email"]]),
        ({"companyName": "x" * 201, "taxId": "\0", "phone": "x" * 201}, [["companyName"], ["phone"], ["taxId"]]),
        ({"notes": "x" * 10_001}, [["notes"]]),
        ({"customFields": [1]}, [["customFields"]]),
        ({"customFields": "text"}, [["customFields"]]),
        ({"billingAddress": {"postalCode": "\0"}}, [["billingAddress", "postalCode"]]),
        ({"shippingAddress": {"street2": "x" * 201}}, [["shippingAddress", "street2"]]),
        ({"externalReferences": [{"system": "crm", "externalId": " "}]}, [["externalReferences", "0", "externalId"]]),
        ({"externalReferences": [{"system": "", "externalId": "1"}]}, [["externalReferences", "0", "system"]]),
        (
            {"externalReferences": [{"system": "a", "externalId": "1"}, {"system": "b", "externalId": "1", "url": "\0"}]},
            [["externalReferences", "1", "url"]],
        ),
        ({"externalReferences": [{"system": "crm", "externalId": str(n)} for n in range(101)]}, [["externalReferences"]]),
    ],
)
async def test_values_that_no_customer_can_have_are_refused_all_at_once(
    story: Story, fields: dict[str, Any], expected: list[list[str]]
) -> None:
    key = await story.customer("Lisbon")
    refusals = [("INVALID_INPUT", field) for field in expected]
    assert await story.refused("customerCreate", **{"name": "Porto", **fields}) == refusals
    assert await story.refused("customerUpdate", id=key, **fields) == refusals


@pytest.mark.parametrize("field", ["name", "number", "kind", "currency", "status"])
async def test_what_a_customer_cannot_be_without_is_not_cleared(story: Story, field: str) -> None:
    key = await story.customer("Lisbon")
    assert await story.refused("customerUpdate", id=key, **{field: None}) == [("INVALID_INPUT", [field])]


async def test_a_customer_does_not_become_merged_by_saying_so(story: Story) -> None:
    key = await story.customer("Lisbon")
    assert await story.refused("customerUpdate", id=key, status="MERGED") == [("INVALID_INPUT", ["status"])]


async def test_updates_of_customers_that_are_not_there_are_refused(story: Story) -> None:
    for wrong in ("cus_" + "0" * 32, "inv_" + "0" * 32, "", "nonsense"):
        assert await story.refused("customerUpdate", id=wrong, name="Lisbon") == [("NOT_FOUND", ["id"])]
