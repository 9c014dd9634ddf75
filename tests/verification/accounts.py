"""A small company whose accounts hold something of everything, and copies of it to corrupt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from directly import directly
from holdco import ids
from holdco.migrations.metadata import metadata
from stories import Story

_MANAGES = {"view": True, "pay": True, "manage": True}


@dataclass(frozen=True, slots=True)
class Accounts:
    """An organization's rows by the names that tests know them by; the ids are those that clients see."""

    engine: AsyncEngine
    organization_id: UUID
    names: Mapping[str, str]

    async def corrupt(self, statement: str) -> None:
        """Runs a statement behind Holdco's back. `:berlin` is the key of the row that is called so, `{mine}` all of this."""
        statement = statement.replace("{mine}", "organization_id = :organization_id")
        keys = {name: ids.parse(key)[1] for name, key in self.names.items() if f":{name}" in statement}
        async with directly(self.engine, self.organization_id) as connection:
            await connection.execute(text(statement), {"organization_id": self.organization_id, **keys})

    async def copy(self) -> Accounts:
        """The same rows for a new organization: keys are only unique within one."""
        copied = uuid4()
        async with directly(self.engine, self.organization_id) as connection:
            for name, table in metadata.tables.items():
                own = "id" if name == "organizations" else "organization_id"
                columns = [f'"{column.name}"' for column in table.columns if column.name != own]
                await connection.execute(
                    text(
                        f"insert into {name} ({', '.join([own, *columns])}) "
                        f"select cast(:copied as uuid), {', '.join(columns)} from {name} where {own} = :organization_id"
                    ),
                    {"copied": copied, "organization_id": self.organization_id},
                )
        return Accounts(self.engine, copied, self.names)


async def keep(engine: AsyncEngine, organization_id: UUID) -> Accounts:
    """Tells the company's story to the graph.

    hq ── berlin          invoice 235.00 of two lines with discounts, tax and shipping; 100.00 paid by hq
     └─── porto           invoice 200.00; 25.00 paid by hq (60.00 were, and taken back), 5.00 by its own credit note of 20.00;
           │              80.00 more by a payment of hq that bounced; a draft; a void invoice that it had paid itself
           └── team       invoice 50.00 paid by hq; invoice 1.234 KWD
    stranger              invoice 10.00
    """
    story = Story(asker(engine, organization_id), engine, organization_id)
    hq = await story.customer("Head office")
    berlin = await story.customer("Berlin", under=hq)
    porto = await story.customer("Porto", under=hq, access=_MANAGES)
    team = await story.customer("Team", under=porto, access={**_MANAGES, "payInvoicesFrom": "2020-01-01"})
    stranger = await story.customer("Stranger")
    made = await story.do(
        "invoiceCreate",
        customerId=berlin,
        issue=True,
        lines=[{"unitPrice": "100", "quantity": "2", "discountPercent": "10"}, {"unitPrice": "50", "taxPercent": "20"}],
        discountPercent="5",
        shippingCharge="7",
    )
    names = {
        "hq": hq,
        "berlin": berlin,
        "porto": porto,
        "team": team,
        "stranger": stranger,
        "berlin_invoice": made["invoice"]["id"],
        "porto_invoice": await story.invoice(porto, "200"),
        "team_invoice": await story.invoice(team, "50"),
        "hq_invoice": await story.invoice(hq, "40"),
        "stranger_invoice": await story.invoice(stranger, "10"),
        "dinar_invoice": await story.invoice(team, "1.234", currency="KWD"),
        "draft": await story.invoice(porto, "10", issue=False),
        "void": await story.invoice(porto, "30"),
    }
    names |= await _pay(story, names)
    return Accounts(engine, organization_id, names)


async def _pay(story: Story, names: Mapping[str, str]) -> dict[str, str]:
    def explicit(**amounts: str) -> dict[str, object]:
        lines = [{"invoiceId": names[invoice], "amount": amount} for invoice, amount in amounts.items()]
        return {"strategy": "EXPLICIT", "lines": lines}

    paid = await story.do(
        "paymentRecord",
        customerId=names["hq"],
        amount="300",
        apply=explicit(berlin_invoice="100", team_invoice="50", porto_invoice="60"),
    )
    payment = paid["payment"]["id"]
    to_berlin, to_team, taken_back = (row["id"] for row in paid["allocations"])
    reversal = (await story.do("allocationReverse", id=taken_back))["allocations"][0]["id"]
    again = await story.do("paymentApply", sourceId=payment, **explicit(porto_invoice="25"))

    bounced = await story.do("paymentRecord", customerId=names["hq"], amount="80", apply=explicit(porto_invoice="80"))
    bounce = await story.do("paymentReverse", id=bounced["payment"]["id"], reason="no funds")
    released = await story.do("paymentRecord", customerId=names["porto"], amount="30", apply=explicit(void="30"))
    release = await story.do("invoiceVoid", id=names["void"], reason="wrong", releaseAllocations=True)
    note = await story.credit_note(names["porto"], "20")
    await story.do("creditNoteApply", sourceId=note, **explicit(porto_invoice="5"))
    return {
        "payment": payment,
        "to_berlin": to_berlin,
        "to_team": to_team,
        "to_porto": again["allocations"][0]["id"],
        "taken_back": taken_back,
        "reversal": reversal,
        "bounced": bounced["payment"]["id"],
        "bounced_to_porto": bounced["allocations"][0]["id"],
        "bounce": bounce["allocations"][0]["id"],
        "note": note,
        "released": released["payment"]["id"],
        "to_void": released["allocations"][0]["id"],
        "release": release["reversals"][0]["id"],
    }
