"""Organizations with a bit of everything, made by chance and the graph."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from directly import directly
from groups.steps import create
from stories import Story

# What is no harm in a database may be one in a file, or in a spreadsheet.
TEXTS = (
    "=1+1", "+44 20 7946 0001", "-12", "@home", "Smith & Sons, Ltd", 'The "Firm"', "two\nlines", "carriage\r\nreturn",
    "tab\there", "O'Neil; Partner", "日本電気", "0042", "2520018000000073005", "1E5", "semi;colon", "null", "e\u0301t\u00e9",
    "a  b",
)  # fmt: skip
CURRENCIES = ("USD", "USD", "JPY", "KWD")
UNITS = {"USD": 2, "JPY": 0, "KWD": 3}


class Company:
    """Tells a story of one organization; the same chance tells the same story."""

    def __init__(self, story: Story, chance: Random) -> None:
        self.story = story
        self.chance = chance
        self.today = date.min
        self.customers: list[dict[str, Any]] = []

    async def grow(self) -> None:
        self.today = date.fromisoformat(await self.story.today())
        await self._price_lists()
        await self._customers()
        await self._groups()
        invoices = [await self._invoice() for _ in range(14)]
        for _ in range(6):
            await self._payment()
        await self._credit_and_take_back(invoices)
        async with directly(self.story.engine, self.story.organization_id) as connection:
            await connection.execute(
                text("update parent_links set inherit_terms = true where organization_id = :o and manage"),
                {"o": self.story.organization_id},
            )

    def some_text(self) -> str | None:
        return self.chance.choice((None, "plain", *TEXTS))

    def decimal(self, largest: int, places: int) -> str:
        return f"{self.chance.randrange(1, largest * 10**places) / 10**places:.{places}f}"

    def day(self) -> str:
        return (self.today - timedelta(days=self.chance.randrange(1, 90))).isoformat()

    async def _price_lists(self) -> None:
        items = []
        for sku in ("R-1", "2520018000000073005", None):
            made = await self.story.do(
                "itemCreate",
                name=f"Item {sku}",
                sku=sku,
                description=self.some_text(),
                unit="pcs",
                prices=[{"currency": "USD", "unitPrice": self.decimal(900, 4)}],
            )
            items.append(made["item"]["id"])
        rates = [
            {"itemId": items[0], "brackets": [{"unitPrice": "12.5"}]},
            {"itemId": items[1], "brackets": [
                {"quantityFrom": "0", "quantityTo": "2.5", "unitPrice": "9"},
                {"quantityFrom": "2.5", "quantityTo": "10", "unitPrice": "8.0035"},
                {"quantityFrom": "20", "unitPrice": "7"},
            ]},
            {"itemId": items[2], "brackets": [{"quantityFrom": "1", "unitPrice": "0"}]},
        ]  # fmt: skip
        await self.story.do(
            "priceListCreate", name="=Volume", currency="USD", kind="RATES", rates=rates, description="two\nlines"
        )
        roundings: tuple[dict[str, str] | None, ...] = (
            None, {"step": "1", "less": "0.01"}, {"direction": "UP", "step": "0.2", "less": "0.03"},
        )  # fmt: skip
        for number, rounding in enumerate(roundings):
            made = await self.story.do(
                "priceListCreate",
                name=f"Percent {number}",
                currency=("USD", "JPY", "USD")[number],
                kind="PERCENTAGE",
                direction=("UP", "DOWN", "DOWN")[number],
                percent=self.decimal(99, 3),
                rounding=rounding,
            )
        await self.story.do("priceListUpdate", id=made["priceList"]["id"], isActive=False)

    async def _customers(self) -> None:
        lists = {
            row["name"]: row["id"]
            for row in (await self.story.ask("{ priceLists { nodes { id name } } }"))["priceLists"]["nodes"]
        }
        for number in range(9):
            currency = self.chance.choice(CURRENCIES)
            kind = self.chance.choice(("BUSINESS", "BUSINESS", "BUSINESS", "INDIVIDUAL"))
            parents = [customer for customer in self.customers if customer["kind"] == "BUSINESS"]
            parent = self.chance.choice(parents) if parents and kind == "BUSINESS" and self.chance.random() < 0.7 else None
            address = {"street": self.some_text(), "city": "Leeds", "postalCode": "LS1"} if self.chance.random() < 0.5 else None
            view = self.chance.random() < 0.8
            access = {
                "view": view,
                "pay": view and self.chance.random() < 0.8,
                "manage": view and self.chance.random() < 0.4,
                "payInvoicesFrom": self.chance.choice((None, None, (self.today - timedelta(days=200)).isoformat())),
            }
            made = await self.story.do(
                "customerCreate",
                name=self.chance.choice(TEXTS),
                number=self.chance.choice((None, f"={number}")),
                kind=kind,
                role=self.chance.choice((None, "HEAD_OFFICE", "BUSINESS_UNIT")),
                currency=currency,
                companyName=self.some_text(),
                email=self.chance.choice((None, f"c{number}@example.com")),
                phone=self.some_text(),
                taxId=self.some_text(),
                notes=self.some_text(),
                billingAddress=address,
                shippingAddress=address if self.chance.random() < 0.5 else None,
                customFields=self.chance.choice((None, {"Region": "North", "cost": "=A1"}, {"Region": "South"})),
                externalReferences=[{"system": "zoho_books", "externalId": f"252001800000007300{number}"}]
                if self.chance.random() < 0.5
                else None,
                parent={"id": parent["id"], "access": access} if parent else None,
            )
            customer = {**made["customer"], "kind": kind, "currency": currency}
            self.customers.append(customer)
            await self._terms(customer, lists)
            for person in range(self.chance.randrange(4)):
                await self.story.contact(
                    customer["id"],
                    self.chance.choice(TEXTS) + f" {person}",
                    email=self.chance.choice((None, f"c{number}@example.com", f"p{person}@example.com")),
                    phone=self.some_text(),
                    designation=self.some_text(),
                )
        await self.story.do("customerDeactivate", id=self.customers[-1]["id"])

    async def _terms(self, customer: dict[str, Any], lists: dict[str, str]) -> None:
        terms: dict[str, Any] = {}
        if customer["currency"] == "USD" and self.chance.random() < 0.5:
            terms["priceListId"] = lists[self.chance.choice(("=Volume", "Percent 0"))]
        if self.chance.random() < 0.5:
            terms["discountPercent"] = self.chance.choice(("0", "12.5", "0.000001", "100"))
        if self.chance.random() < 0.6:
            kind = self.chance.choice(("NET", "DUE_ON_RECEIPT", "END_OF_MONTH", "END_OF_NEXT_MONTH"))
            terms["paymentTerms"] = {"kind": kind, **({"netDays": 45} if kind == "NET" else {})}
        if terms:
            await self.story.do("customerTermsSet", id=customer["id"], **terms)

    async def _groups(self) -> None:
        for name in ("Resellers", "=Direct", "日本"):
            group = (await create(self.story.ask, name))["id"]
            members = [customer["id"] for customer in self.customers if self.chance.random() < 0.5]
            await self.story.do("customerGroupMembersAdd", id=group, customerIds=[*members, self.customers[0]["id"]])

    async def _invoice(self) -> dict[str, Any]:
        customer = self.chance.choice(self.customers[:-1])
        currency = self.chance.choice((customer["currency"], "USD"))
        places = UNITS[currency]
        lines = [
            {
                "item": self.some_text(),
                "description": self.some_text(),
                "quantity": self.decimal(20, self.chance.choice((0, 2))),
                "unitPrice": self.decimal(500, self.chance.choice((0, places, 4))),
                "taxPercent": self.chance.choice(("0", "0", "20", "7.25")),
                **self.chance.choice(({}, {"discountPercent": "12.5"}, {"discountAmount": "0" if not places else "0.1"})),
            }
            for _ in range(self.chance.randrange(1, 5))
        ]
        return await self.story.do(
            "invoiceCreate",
            customerId=customer["id"],
            currency=currency,
            invoiceDate=self.day(),
            lines=lines,
            discountPercent=self.chance.choice(("0", "0", "5", "33.333333")),
            isDiscountBeforeTax=self.chance.random() < 0.5,
            shippingCharge=self.chance.choice(("0", "3")),
            adjustment=self.chance.choice(("0", "1", "0")),
            purchaseOrder=self.some_text(),
            notes=self.some_text(),
            issue=self.chance.random() < 0.8,
        )

    async def _payment(self) -> None:
        customer = self.chance.choice(self.customers[:-1])
        currency = self.chance.choice((customer["currency"], "USD"))
        await self.story.do(
            "paymentRecord",
            customerId=customer["id"],
            amount=self.decimal(5000, UNITS[currency]),
            currency=currency,
            receivedOn=self.day(),
            mode=self.chance.choice(("CHECK", "CASH", "CREDIT_CARD", "BANK_REMITTANCE", "AUTO_TRANSACTION", "OTHER")),
            reference=self.some_text(),
            notes=self.some_text(),
            bankCharges=self.chance.choice(("0", "2")),
            withholdingTax=self.chance.choice(("0", "1")),
            apply={"strategy": self.chance.choice(("OLDEST_DUE_FIRST", "PROPORTIONAL"))},
        )

    async def _credit_and_take_back(self, invoices: list[dict[str, Any]]) -> None:
        """What no file keeps: a credit note that pays, an application that is taken back, a payment that is, a void invoice."""
        customer = self.customers[0]
        owed = await self.story.invoice(customer["id"], "70", currency="USD")
        note = await self.story.credit_note(customer["id"], "50", currency="USD", reason="=Late")
        await self.story.do("creditNoteApply", sourceId=note, strategy="EXPLICIT", lines=[{"invoiceId": owed, "amount": "30"}])
        lines = {"strategy": "EXPLICIT", "lines": [{"invoiceId": owed, "amount": "10"}]}
        paid = await self.story.do("paymentRecord", customerId=customer["id"], amount="10", currency="USD", apply=lines)
        await self.story.do("allocationReverse", id=paid["allocations"][0]["id"])
        wrong = await self.story.payment(customer["id"], "5", currency="USD")
        await self.story.do("paymentReverse", id=wrong, reason="Bounced")
        drafts = [made["invoice"] for made in invoices if made["invoice"]["status"] == "ISSUED"]
        await self.story.do("invoiceVoid", id=drafts[0]["id"], reason="=Twice", releaseAllocations=True)
