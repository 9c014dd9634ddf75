"""Ids on the wire: what they look like, that they come back as they went, and that no other text passes for one (ids.py)."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdco import ids
from holdco.errors import BadUserInput
from holdco.ids import Kind
from stories import Story

KEY = UUID("01900000-0000-7000-8000-00000000abcd")


@given(st.sampled_from(Kind), st.uuids())
def test_an_id_comes_back_as_it_went(kind: Kind, key: UUID) -> None:
    text = ids.encode(kind, key)
    assert ids.parse(text) == (kind, key)
    assert ids.decode(kind, text) == key


def test_an_id_tells_its_kind_to_a_reader() -> None:
    assert ids.encode(Kind.CUSTOMER, KEY) == "cus_0190000000007000800000000000abcd"
    kinds = ["act", "alc", "con", "crn", "cus", "grp", "inv", "itm", "job", "lnk", "org", "pay", "prj", "prl", "tok", "usr"]
    assert sorted(kind.value for kind in Kind) == kinds


def test_ids_made_later_sort_later() -> None:
    made = [ids.new() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert {key.version for key in made} == {7}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cus",
        "cus_",
        "_" + "0" * 32,
        "cus_" + "0" * 31,
        "cus_" + "0" * 33,
        "cus_" + "A" * 32,
        "cus_" + "g" * 32,
        "CUS_" + "0" * 32,
        "xyz_" + "0" * 32,
        " cus_" + "0" * 32,
        "cus_" + "0" * 32 + "\n",
        "cus_" + "\u0660" * 32,
        "cus_" + str(KEY),
        str(KEY),
        "cus-" + "0" * 32,
        "cus_{" + "0" * 30 + "}",
        "\0",
        "\ud800",
        "x" * 100_000,
    ],
)
def test_what_is_no_id_is_refused_with_a_short_sentence(text: str) -> None:
    with pytest.raises(BadUserInput, match=r"is not an id\. Ids look like cus_0{32}\.$") as refused:
        ids.parse(text)
    assert len(str(refused.value)) < 200


def test_an_id_of_another_kind_is_refused_and_both_kinds_are_named() -> None:
    with pytest.raises(BadUserInput) as refused:
        ids.decode(Kind.CUSTOMER, ids.encode(Kind.CREDIT_NOTE, KEY))
    assert str(refused.value) == (
        "crn_0190000000007000800000000000abcd is the id of a credit note, where the id of a customer (cus_…) is needed."
    )


@given(st.text())
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        kind, key = ids.parse(text)
    except BadUserInput:
        return
    assert ids.encode(kind, key) == text


async def test_everything_is_found_again_by_its_id_and_in_the_order_asked_for(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    contact = (await story.do("contactCreate", customerId=top, name="Ruth Okafor"))["contact"]["id"]
    document = 'mutation { customerGroupCreate(input: {name: "Direct"}) { customerGroup { id } } }'
    group = (await story.ask(document))["customerGroupCreate"]["customerGroup"]["id"]
    invoice, payment = await story.invoice(city, "10.00"), await story.payment(top, "10.00")
    credit = await story.credit_note(top, "5.00")
    allocation = (await story.do("paymentApply", sourceId=payment))["allocations"][0]["id"]
    link = await story.ask(
        "query ($id: ID!) { customer(by: {id: $id}) { hierarchyHistory { nodes { id } } activity(first: 1) { nodes { id } } } }",
        id=city,
    )
    others = [link["customer"][name]["nodes"][0]["id"] for name in ("hierarchyHistory", "activity")]
    organization = (await story.ask("{ organization { id } }"))["organization"]["id"]
    every = [top, city, contact, group, invoice, payment, credit, allocation, *others, organization]
    found = await story.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=every)
    assert [node["id"] for node in found["nodes"]] == every
    assert [node["__typename"] for node in found["nodes"]] == [
        "Customer",
        "Customer",
        "Contact",
        "CustomerGroup",
        "Invoice",
        "Payment",
        "CreditNote",
        "Allocation",
        "ParentLink",
        "Activity",
        "Organization",
    ]
    for key in every:
        assert (await story.ask("query ($id: ID!) { node(id: $id) { id } }", id=key))["node"] == {"id": key}


async def test_what_belongs_to_another_organization_is_not_there(story: Story) -> None:
    left_out = {Kind.ORGANIZATION, Kind.ACCESS_TOKEN, Kind.CLIENT_USER}
    unknown = [ids.encode(kind, ids.new()) for kind in Kind if kind not in left_out]
    found = await story.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=unknown)
    assert found["nodes"] == [None] * len(unknown)


async def test_at_most_two_hundred_ids_are_looked_up_at_once(story: Story) -> None:
    key = await story.customer("Lisbon")
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert len((await story.ask(document, ids=[key] * 200))["nodes"]) == 200
    assert await story.ask(document, ids=[]) == {"nodes": []}
    with pytest.raises(BadUserInput, match="At most 200 ids can be looked up at once, not 201"):
        await story.ask(document, ids=[key] * 201)
    with pytest.raises(BadUserInput, match="is not an id"):
        await story.ask(document, ids=[key, "nonsense"])
