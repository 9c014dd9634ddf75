"""Pages by keyset cursors: complete, stable while rows come and go, and refused when a cursor is none (paging.py)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import text

from directly import directly
from holdco.errors import BadUserInput
from stories import Story

CUSTOMERS = """
query ($filter: CustomerFilter, $orderBy: [CustomerOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  found: customers(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    nodes { number } edges { cursor node { number } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
COUNTED = CUSTOMERS.replace("nodes {", "totalCount nodes {", 1)
INVOICES = """
query ($orderBy: [InvoiceOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  found: invoices(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    nodes { number } edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
BELOW = """
query ($id: ID!, $first: Int, $after: String) { customer(by: {id: $id}) {
  found: descendants(first: $first, after: $after) { nodes { number } edges { cursor } pageInfo { hasNextPage endCursor } }
} }
"""


async def page(story: Story, document: str = CUSTOMERS, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await story.ask(document, **arguments))["found"]
    return found


def numbers(found: dict[str, Any]) -> list[str]:
    return [node["number"] for node in found["nodes"]]


async def forwards(story: Story, size: int, document: str = CUSTOMERS, **arguments: Any) -> list[list[str]]:
    """All pages, by following endCursor."""
    pages: list[list[str]] = []
    after = None
    while True:
        found = await page(story, document, first=size, after=after, **arguments)
        assert found["pageInfo"]["hasPreviousPage"] == bool(pages)
        pages.append(numbers(found))
        if not found["pageInfo"]["hasNextPage"]:
            return pages
        after = found["pageInfo"]["endCursor"]


async def backwards(story: Story, size: int, document: str = CUSTOMERS, **arguments: Any) -> list[list[str]]:
    """All pages, by following startCursor from the end."""
    pages: list[list[str]] = []
    before = None
    while True:
        found = await page(story, document, last=size, before=before, **arguments)
        assert found["pageInfo"]["hasNextPage"] == bool(pages)
        pages.insert(0, numbers(found))
        if not found["pageInfo"]["hasPreviousPage"]:
            return pages
        before = found["pageInfo"]["startCursor"]


async def five(story: Story) -> list[str]:
    """Five customers; two share a name, so that an order by name has ties."""
    names = {"A1": "Lisbon", "A2": "Porto", "A3": "Faro", "A4": "Porto", "A5": "Braga"}
    for number, name in names.items():
        await story.customer(name, number=number)
    return list(names)


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


async def test_pages_in_either_direction_add_up_to_the_whole_list(story: Story) -> None:
    whole = await five(story)
    assert await forwards(story, 2) == [["A1", "A2"], ["A3", "A4"], ["A5"]]
    assert await backwards(story, 2) == [["A1"], ["A2", "A3"], ["A4", "A5"]]
    assert await forwards(story, 5) == [whole]
    assert await backwards(story, 5) == [whole]
    assert await forwards(story, 1) == [[number] for number in whole]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([{"field": "NAME"}], ["A5", "A3", "A1", "A2", "A4"]),
        ([{"field": "NAME", "direction": "DESC"}], ["A4", "A2", "A1", "A3", "A5"]),
        ([{"field": "NAME"}, {"field": "NUMBER", "direction": "DESC"}], ["A5", "A3", "A1", "A4", "A2"]),
        ([{"field": "NAME", "direction": "DESC"}, {"field": "NUMBER"}], ["A2", "A4", "A1", "A3", "A5"]),
        ([{"field": "CREATED_AT", "direction": "DESC"}], ["A5", "A4", "A3", "A2", "A1"]),
        ([{"field": "UPDATED_AT"}, {"field": "NAME"}], ["A1", "A2", "A3", "A4", "A5"]),
        ([{"field": "NUMBER"}, {"field": "NUMBER", "direction": "DESC"}], ["A1", "A2", "A3", "A4", "A5"]),
        (
            [{"field": "NAME"}, {"field": "NUMBER", "direction": "DESC"}, {"field": "NAME", "direction": "DESC"}],
            ["A5", "A3", "A1", "A4", "A2"],
        ),
        ([], ["A1", "A2", "A3", "A4", "A5"]),
    ],
)
async def test_every_order_is_total_and_pages_follow_it(story: Story, order: list[dict[str, str]], expected: list[str]) -> None:
    await five(story)
    for size in (1, 2, 5):
        assert [number for found in await forwards(story, size, orderBy=order) for number in found] == expected
        assert [number for found in await backwards(story, size, orderBy=order) for number in found] == expected


async def test_a_cursor_between_two_others_bounds_a_page_on_both_sides(story: Story) -> None:
    await five(story)
    edges = (await page(story))["edges"]
    first, last = edges[0]["cursor"], edges[-1]["cursor"]
    assert numbers(await page(story, after=first, before=last)) == ["A2", "A3", "A4"]
    assert numbers(await page(story, after=first, before=last, first=1)) == ["A2"]
    assert numbers(await page(story, after=first, before=last, last=1)) == ["A4"]
    assert numbers(await page(story, after=last, before=first)) == []


async def test_rows_that_come_and_go_meanwhile_shift_no_page(story: Story) -> None:
    await five(story)
    found = await page(story, first=2)
    await story.customer("Aveiro", number="A0")
    await story.customer("Beja", number="A25")
    seen = (await story.ask('{ customer(by: {number: "A2"}) { id } }'))["customer"]["id"]
    preview = await story.ask("query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }", id=seen)
    await story.do("customerDelete", id=seen, confirmationToken=preview["customerDeletePreview"]["confirmationToken"])
    following = await page(story, first=3, after=found["pageInfo"]["endCursor"])
    assert numbers(following) == ["A25", "A3", "A4"]


async def test_the_count_is_of_the_whole_list_whatever_the_page(story: Story) -> None:
    await five(story)
    for size in (0, 2, None):
        assert (await page(story, COUNTED, first=size))["totalCount"] == 5
    assert (await page(story, COUNTED, last=1))["totalCount"] == 5
    end = (await page(story, first=4))["pageInfo"]["endCursor"]
    assert (await page(story, COUNTED, first=4, after=end))["totalCount"] == 5
    assert (await page(story, COUNTED, filter={"name": {"eq": "Porto"}}))["totalCount"] == 2


async def test_a_page_of_nothing_tells_whether_there_is_something(story: Story) -> None:
    empty = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert await page(story) == {"nodes": [], "edges": [], "pageInfo": empty}
    await five(story)
    assert await page(story, first=0) == {"nodes": [], "edges": [], "pageInfo": {**empty, "hasNextPage": True}}


async def test_fifty_rows_come_where_nothing_is_said_and_never_more_than_two_hundred(story: Story) -> None:
    owner = await story.customer("Lisbon")
    await story.do("contactCreate", customerId=owner, name="000")
    async with directly(story.engine, story.organization_id) as connection:
        await connection.execute(
            text(
                """
                insert into contacts
                select organization_id, gen_random_uuid(), customer_id, to_char(number, 'FM000'), email, phone,
                       designation, department, created_at, updated_at, version
                from contacts cross join generate_series(1, 200) as number where organization_id = :organization_id
                """
            ),
            {"organization_id": story.organization_id},
        )
    document = "query ($id: ID!, $first: Int) { customer(by: {id: $id}) { contacts(first: $first) { nodes { name } } } }"
    for first, size in ((None, 50), (200, 200)):
        found = (await story.ask(document, id=owner, first=first))["customer"]["contacts"]["nodes"]
        assert [node["name"] for node in found] == [f"{number:03}" for number in range(size)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "first must be from 0 to 200, not -1."),
        ({"last": -1}, "last must be from 0 to 200, not -1."),
        ({"first": 201}, "first must be from 0 to 200, not 201."),
        ({"first": 2_147_483_647}, "first must be from 0 to 200, not 2147483647."),
        ({"last": 2_147_483_647}, "last must be from 0 to 200, not 2147483647."),
        ({"first": 1, "last": 1}, "Ask for first or for last, not for both."),
        ({"first": 0, "last": 0}, "Ask for first or for last, not for both."),
    ],
)
async def test_sizes_that_no_page_has_are_refused(story: Story, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadUserInput) as refused:
        await page(story, **arguments)
    assert str(refused.value) == message


async def test_a_cursor_of_another_ordering_is_refused(story: Story) -> None:
    await five(story)
    by_name = (await page(story, orderBy=[{"field": "NAME"}], first=1))["pageInfo"]["endCursor"]
    others: list[dict[str, Any]] = [
        {},
        {"orderBy": [{"field": "NAME", "direction": "DESC"}]},
        {"orderBy": [{"field": "NUMBER"}]},
    ]
    for arguments in others:
        with pytest.raises(BadUserInput, match=r"^This cursor belongs to another ordering \(name,id\), not to "):
            await page(story, after=by_name, **arguments)
    with pytest.raises(BadUserInput, match="another ordering"):
        await page(story, INVOICES, before=by_name)


# Not a fresh one: parallel workers must collect the same tests.
KEY = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("document", "order", "wrong"),
    [
        (CUSTOMERS, None, ""),
        (CUSTOMERS, None, "nonsense"),
        (CUSTOMERS, None, "é"),
        (CUSTOMERS, None, "\0"),
        (CUSTOMERS, None, "\ud800"),
        (CUSTOMERS, None, "=" * 10),
        (CUSTOMERS, None, "W" * 100_000),
        (CUSTOMERS, None, base64.urlsafe_b64encode(b"[" * 100_000).decode()),
        (CUSTOMERS, None, base64.urlsafe_b64encode(b'["number,id","\\ud800","x"]').decode()),
        (CUSTOMERS, None, cursor()),
        (CUSTOMERS, None, cursor("number,id")),
        (CUSTOMERS, None, cursor("number,id", "A1")),
        (CUSTOMERS, None, cursor("number,id", "A1", KEY, KEY)),
        (CUSTOMERS, None, cursor("number,id", "A1", "no id")),
        (CUSTOMERS, None, cursor("number,id", "A1", None)),
        (CUSTOMERS, None, cursor("number,id", "A1", [KEY])),
        (CUSTOMERS, None, cursor("number,id", 1, KEY)),
        (CUSTOMERS, None, cursor("number,id", None, KEY)),
        (CUSTOMERS, None, cursor("number,id", "a\0b", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", "2026-01-01T00:00:00", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", "2026-01-01", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", "0001-01-01T00:00:00+14:00", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", "9999-12-31T23:59:59-14:00", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", "yesterday", KEY)),
        (CUSTOMERS, "CREATED_AT", cursor("created_at,id", 0, KEY)),
        (INVOICES, "TOTAL", cursor("total,id", 2**63, KEY)),
        (INVOICES, "TOTAL", cursor("total,id", -(2**63) - 1, KEY)),
        (INVOICES, "TOTAL", cursor("total,id", 1.5, KEY)),
        (INVOICES, "TOTAL", cursor("total,id", True, KEY)),
        (INVOICES, "TOTAL", cursor("total,id", "1", KEY)),
        (INVOICES, "DUE_DATE", cursor("due_date,id", "0000-01-01", KEY)),
        (INVOICES, "DUE_DATE", cursor("due_date,id", "2026-02-30", KEY)),
        (BELOW, None, cursor("depth,id", 2**31, KEY)),
        (BELOW, None, cursor("depth,id", -(2**31) - 1, KEY)),
        (BELOW, None, cursor("depth,id", None, KEY)),
    ],
)
async def test_what_is_no_cursor_is_refused(story: Story, document: str, order: str | None, wrong: str) -> None:
    key = await story.customer("Lisbon")
    arguments: dict[str, Any] = {"orderBy": [{"field": order}]} if order is not None else {}
    with pytest.raises(BadUserInput, match="This is not a cursor") as refused:
        await story.ask(document, **({"id": key} if document is BELOW else {}), after=wrong, **arguments)
    assert len(str(refused.value)) < 200


async def test_cursors_at_the_ends_of_what_there_can_be_are_taken(story: Story) -> None:
    key = await story.customer("Lisbon")
    await story.invoice(key, "1.00")
    total = [{"field": "TOTAL"}]
    assert len(numbers(await page(story, INVOICES, orderBy=total, after=cursor("total,id", -(2**63), KEY)))) == 1
    assert numbers(await page(story, INVOICES, orderBy=total, after=cursor("total,id", 2**63 - 1, KEY))) == []
    due = [{"field": "DUE_DATE"}]
    assert len(numbers(await page(story, INVOICES, orderBy=due, after=cursor("due_date,id", "0001-01-01", KEY)))) == 1
    found = await story.ask(BELOW, id=key, after=cursor("depth,id", -(2**31), KEY))
    assert found["customer"]["found"]["nodes"] == []


async def test_each_parent_has_pages_of_its_own(story: Story) -> None:
    tops = [await story.customer(name) for name in ("Aldgate", "Bishopsgate")]
    for top, prefix in zip(tops, "AB", strict=True):
        for number in range(3):
            await story.customer(f"{prefix}{number}", number=f"{prefix}{number}", under=top)
    document = """query ($ids: [ID!]!, $after: String) { nodes(ids: $ids) { ... on Customer {
      children(first: 2, after: $after) { nodes { number } pageInfo { hasNextPage hasPreviousPage endCursor } }
    } } }"""
    found = [node["children"] for node in (await story.ask(document, ids=tops))["nodes"]]
    assert [numbers(each) for each in found] == [["A0", "A1"], ["B0", "B1"]]
    assert all(each["pageInfo"]["hasNextPage"] for each in found)
    rest = (await story.ask(document, ids=tops[:1], after=found[0]["pageInfo"]["endCursor"]))["nodes"][0]["children"]
    assert numbers(rest) == ["A2"]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
