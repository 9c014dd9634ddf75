"""Over which links money goes, and from when on: every link of the path must grant pay (domain.md A2, H7 to H12)."""

from __future__ import annotations

import pytest

from stories import PAYS, SEES, Story, explicit


def at(index: int, name: str) -> list[str]:
    return ["lines", str(index), name]


async def test_a_childs_money_pays_neither_its_parent_nor_its_sibling(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    lisbon, porto = await story.customer("Lisbon", under=top), await story.customer("Porto", under=top)
    up, sideways = await story.invoice(top, "10.00"), await story.invoice(porto, "10.00")
    source, credit = await story.payment(lisbon, "100.00"), await story.credit_note(lisbon, "100.00")
    expected = [("NOT_A_DESCENDANT", at(0, "invoiceId")), ("NOT_A_DESCENDANT", at(1, "invoiceId"))]
    lines = explicit((up, "10.00"), (sideways, "10.00"))
    assert await story.refused("paymentApply", sourceId=source, **lines) == expected
    assert await story.refused("creditNoteApply", sourceId=credit, **lines) == expected
    assert await story.applied(source) == []
    assert await story.refused("paymentApply", sourceId=source, scope="CUSTOMERS", customerIds=[lisbon, porto, top]) == [
        ("NOT_A_DESCENDANT", ["customerIds", "1"]),
        ("NOT_A_DESCENDANT", ["customerIds", "2"]),
    ]


async def test_a_middle_company_that_refuses_pay_keeps_the_grandparent_out_but_not_itself(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    middle = await story.customer("Iberia", under=top, access=SEES)
    team = await story.customer("Lisbon", under=middle, access=PAYS)
    invoice = await story.invoice(team, "10.00")
    from_top, from_middle = await story.payment(top, "10.00"), await story.payment(middle, "10.00")
    assert await story.refused("paymentApply", sourceId=from_top, **explicit((invoice, "10.00"))) == [
        ("PARENT_PAY_NOT_ALLOWED", at(0, "invoiceId"))
    ]
    payload = await story.do("paymentApply", sourceId=from_top)
    assert (payload["allocations"], payload["skipped"]) == (
        [],
        [{"code": "PARENT_PAY_NOT_ALLOWED", "customer": {"id": team}}],
    )
    assert await story.applied(from_middle) == [(invoice, "10.00")]


async def test_a_right_that_is_taken_away_is_gone_at_once_for_everything_below(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    invoice, source = await story.invoice(team, "10.00"), await story.payment(top, "10.00")
    await story.do("customerParentAccessSet", id=city, access=SEES)
    assert await story.refused("paymentApply", sourceId=source, **explicit((invoice, "10.00"))) == [
        ("PARENT_PAY_NOT_ALLOWED", at(0, "invoiceId"))
    ]
    await story.do("customerParentAccessSet", id=city, access=PAYS)
    assert await story.applied(source) == [(invoice, "10.00")]


async def test_a_link_has_ended_only_for_those_who_were_above_while_it_held(story: Story) -> None:
    group = await story.customer("Holding")
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    team = await story.customer("Wireless", under=city)
    invoice = await story.invoice(team, "10.00")
    await story.move(city, None)
    await story.move(top, group)
    line = explicit((invoice, "10.00"))
    for payer, code in ((top, "LINK_ENDED"), (group, "NOT_A_DESCENDANT"), (city, None)):
        source = await story.payment(payer, "10.00")
        if code is None:
            assert await story.applied(source, **line) == [(invoice, "10.00")]
        else:
            assert await story.refused("paymentApply", sourceId=source, **line) == [(code, at(0, "invoiceId"))]


async def test_a_link_that_ended_before_the_branch_grew_a_team_never_reached_that_team(story: Story) -> None:
    top = await story.customer("Aldgate Networks")
    city = await story.customer("Lisbon", under=top)
    await story.move(city, None)
    team = await story.customer("Wireless", under=city)
    invoice, source = await story.invoice(team, "10.00"), await story.payment(top, "10.00")
    assert await story.refused("paymentApply", sourceId=source, **explicit((invoice, "10.00"))) == [
        ("NOT_A_DESCENDANT", at(0, "invoiceId"))
    ]


async def test_invoices_from_before_a_link_are_paid_only_where_the_link_says_so(story: Story) -> None:
    top, city = await story.customer("Aldgate Networks"), await story.customer("Lisbon")
    team = await story.customer("Wireless", under=city)
    old = await story.invoice(city, "10.00", invoiceDate="2026-01-31")
    new = await story.invoice(city, "20.00", invoiceDate="2026-02-01")
    deep = await story.invoice(team, "30.00", invoiceDate="2026-01-31")
    await story.move(city, top, access={**PAYS, "payInvoicesFrom": "2026-02-01"})
    source = await story.payment(top, "100.00", receivedOn="2026-03-01")
    expected = [("PARENT_PAY_NOT_ALLOWED", at(0, "invoiceId")), ("PARENT_PAY_NOT_ALLOWED", at(1, "invoiceId"))]
    assert await story.refused("paymentApply", sourceId=source, **explicit((old, "10.00"), (deep, "30.00"))) == expected
    payload = await story.do("paymentApply", sourceId=source)
    assert [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]] == [(new, "20.00")]
    assert sorted(skipped["customer"]["id"] for skipped in payload["skipped"]) == sorted([city, team])
    await story.move(city, top, access=PAYS)
    assert await story.applied(source, strategy="SMALLEST_FIRST") == [(old, "10.00"), (deep, "30.00")]


async def test_a_refusal_inside_a_subtree_stays_one_when_the_subtree_moves(story: Story) -> None:
    iberia = await story.customer("Iberia")
    lisbon = await story.customer("Lisbon", under=iberia, access=SEES)
    team = await story.customer("Wireless", under=lisbon)
    at_lisbon, at_team = await story.invoice(lisbon, "10.00"), await story.invoice(team, "20.00")
    top = await story.customer("Aldgate Networks")
    await story.move(iberia, top)
    source = await story.payment(top, "100.00")
    assert await story.refused("paymentApply", sourceId=source, **explicit((at_lisbon, "10.00"), (at_team, "20.00"))) == [
        ("PARENT_PAY_NOT_ALLOWED", at(0, "invoiceId")),
        ("PARENT_PAY_NOT_ALLOWED", at(1, "invoiceId")),
    ]
    assert await story.applied(source) == []
    assert len(await story.applied(await story.payment(lisbon, "100.00"))) == 2


@pytest.mark.parametrize(
    ("upper", "lower"),
    [("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-02-01"), (None, "2026-03-01"), ("2026-03-01", None)],
)
@pytest.mark.parametrize("is_built_from_the_top", [True, False])
async def test_the_latest_date_on_the_path_says_from_when_invoices_are_paid(
    story: Story, upper: str | None, lower: str | None, *, is_built_from_the_top: bool
) -> None:
    top, middle, team = [await story.customer(name) for name in ("Aldgate Networks", "Iberia", "Lisbon")]
    before = await story.invoice(team, "10.00", invoiceDate="2026-02-28")
    after = await story.invoice(team, "20.00", invoiceDate="2026-03-01")
    links = [(middle, top, upper), (team, middle, lower)]
    for child, parent, start in links if is_built_from_the_top else reversed(links):
        await story.move(child, parent, access={**PAYS, "payInvoicesFrom": start})
    source = await story.payment(top, "100.00")
    assert await story.applied(source) == [(after, "20.00")]
    assert await story.refused("paymentApply", sourceId=source, **explicit((before, "10.00"))) == [
        ("PARENT_PAY_NOT_ALLOWED", at(0, "invoiceId"))
    ]
