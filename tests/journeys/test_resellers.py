"""The founding document's reseller: it joins its group and has the right prices and terms at once (domain.md SA33 to SA44)."""

from __future__ import annotations

from typing import Any

from catalogue import item, net
from stories import Story

INVOICE = """query ($id: ID!) { invoice(by: {id: $id}) {
  status dueDate subtotal discountTotal total
  lines { item unitPrice unitPriceSource amount }
  terms {
    priceList { value { name } version source sourceNode { ... on CustomerGroup { name } } }
    discountPercent { value source sourceNode { ... on CustomerGroup { name } ... on Customer { name } } }
    paymentTerms { value { label } source sourceNode { ... on CustomerGroup { name } } }
  }
} }"""
EFFECTIVE = """query ($id: ID!) { customer(by: {id: $id}) { effectiveTerms {
  discountPercent { value source candidates {
    value source shadowedBy skippedReason sourceNode { ... on CustomerGroup { name } }
  } }
} } }"""


class Resellers:
    """A seller of switches and cables, and its group of resellers, who pay 20 % less for what is on their list."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.items: dict[str, str] = {}
        self.price_list = self.group = ""

    async def open(self) -> None:
        self.items = {
            "Switch": await item(self.story, "Switch", EUR="250.00", USD="275.00"),
            "Cable": await item(self.story, "Cable", EUR="3.33", USD="3.65"),
        }
        fields = {"currency": "EUR", "kind": "PERCENTAGE", "direction": "DOWN", "percent": "20"}
        self.price_list = (await self.story.do("priceListCreate", name="Reseller prices", **fields))["priceList"]["id"]
        self.group = (await self.story.do("customerGroupCreate", name="Resellers"))["customerGroup"]["id"]
        terms = {"priceListId": self.price_list, "discountPercent": "12.5", "paymentTerms": net(45)}
        modes = {"priceList": "AUTOMATIC", "discountPercent": "AUTOMATIC", "paymentTerms": "AUTOMATIC"}
        await self.story.do("customerGroupTermsSet", id=self.group, **terms, modes=modes)

    async def invoice(self, customer_id: str) -> str:
        lines = [{"itemId": self.items["Switch"], "quantity": "2"}, {"itemId": self.items["Cable"], "quantity": "10"}]
        given = {"customerId": customer_id, "lines": lines, "invoiceDate": "2026-01-31", "issue": True}
        made: str = (await self.story.do("invoiceCreate", **given))["invoice"]["id"]
        return made

    async def shown(self, invoice_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.story.ask(INVOICE, id=invoice_id))["invoice"]
        return found

    async def figures(self, customer_id: str) -> tuple[str, str, str]:
        """Subtotal, total and due date of a new invoice."""
        found = await self.shown(await self.invoice(customer_id))
        return found["subtotal"], found["total"], found["dueDate"]


async def test_a_new_reseller_gets_its_prices_discount_and_due_date_from_its_group_and_nobody_types_them(story: Story) -> None:
    resellers = Resellers(story)
    await resellers.open()
    newcomer = await story.customer("Porto Networks", currency="EUR")
    # 2 x 250.00 + 10 x 3.33, net 30 as everybody.
    assert await resellers.figures(newcomer) == ("533.30", "533.30", "2026-03-02")

    await story.do("customerGroupMembersAdd", id=resellers.group, customerIds=[newcomer])
    first = await resellers.invoice(newcomer)
    of_group = {"source": "GROUP", "sourceNode": {"name": "Resellers"}}
    before = await resellers.shown(first)
    # 2 x 200.00 + 10 x 2.664, less 12.5 %, 45 days from the last of January.
    assert before == {
        "status": "ISSUED",
        "dueDate": "2026-03-17",
        "subtotal": "426.64",
        "discountTotal": "53.33",
        "total": "373.31",
        "lines": [
            {"item": "Switch", "unitPrice": "200.000000", "unitPriceSource": "PRICE_LIST", "amount": "400.00"},
            {"item": "Cable", "unitPrice": "2.664000", "unitPriceSource": "PRICE_LIST", "amount": "26.64"},
        ],
        "terms": {
            "priceList": {"value": {"name": "Reseller prices"}, "version": 1, **of_group},
            "discountPercent": {"value": "12.500000", **of_group},
            "paymentTerms": {"value": {"label": "Net 45"}, **of_group},
        },
    }

    await story.do("priceListUpdate", id=resellers.price_list, direction="DOWN", percent="30")
    await story.do("customerGroupTermsSet", id=resellers.group, discountPercent="10", paymentTerms=net(60))
    # 2 x 175.00 + 10 x 2.331, less 10 %, 60 days.
    assert await resellers.figures(newcomer) == ("373.31", "335.98", "2026-04-01")
    assert await resellers.shown(first) == before

    # In a currency of its own a customer has default prices: nothing is converted.
    abroad = await story.customer("Boston Networks", currency="USD")
    await story.do("customerGroupMembersAdd", id=resellers.group, customerIds=[abroad])
    assert await resellers.figures(abroad) == ("586.50", "527.85", "2026-04-01")


async def test_what_a_group_offers_waits_until_a_member_accepts_it(story: Story) -> None:
    resellers = Resellers(story)
    await resellers.open()
    member = await story.customer("Porto Networks", currency="EUR")
    await story.do("customerGroupMembersAdd", id=resellers.group, customerIds=[member])
    await story.do("customerGroupTermsSet", id=resellers.group, modes={"discountPercent": "OPT_IN"})
    assert await resellers.figures(member) == ("426.64", "426.64", "2026-03-17")
    given = {"customerId": member, "groupId": resellers.group, "field": "DISCOUNT_PERCENT"}
    await story.do("groupTermAccept", **given, acceptance="FOLLOW")
    assert await resellers.figures(member) == ("426.64", "373.31", "2026-03-17")
    await story.do("customerGroupTermsSet", id=resellers.group, discountPercent="50")
    assert await resellers.figures(member) == ("426.64", "213.32", "2026-03-17")


async def test_a_customers_own_discount_of_zero_goes_before_its_groups_and_the_answer_says_so(story: Story) -> None:
    resellers = Resellers(story)
    await resellers.open()
    member = await story.customer("Porto Networks", currency="EUR")
    await story.do("customerGroupMembersAdd", id=resellers.group, customerIds=[member])
    await story.do("customerTermsSet", id=member, discountPercent="0")
    found = await resellers.shown(await resellers.invoice(member))
    assert (found["discountTotal"], found["total"]) == ("0.00", "426.64")
    assert found["terms"]["discountPercent"] == {
        "value": "0.000000",
        "source": "CUSTOMER",
        "sourceNode": {"name": "Porto Networks"},
    }
    effective = (await story.ask(EFFECTIVE, id=member))["customer"]["effectiveTerms"]["discountPercent"]
    assert (effective["value"], effective["source"]) == ("0.000000", "CUSTOMER")
    assert effective["candidates"] == [
        {
            "value": "12.500000",
            "source": "GROUP",
            "shadowedBy": "CUSTOMER",
            "skippedReason": None,
            "sourceNode": {"name": "Resellers"},
        }
    ]
