"""Which term applies, by the table of domain.md G3: own, groups in rank order, nearest ancestor over passing links,
the organization, none. And why each other one does not (G5, G9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from stories import Story
from terms.steps import PASSES, STOPS, accept, effective, group, price_list, told

Whose = tuple[Any, ...]


@dataclass(frozen=True)
class Said:
    """Who says which discount: a branch below an office below a head office, each with groups; `first` goes before `second`."""

    own: str | None = None
    first: str | None = None
    second: str | None = None
    office: str | None = None
    office_group: str | None = None
    head: str | None = None
    head_group: str | None = None
    organization: str | None = None
    first_mode: str = "AUTOMATIC"
    accepted: str | None = None
    office_passes: bool = True
    head_passes: bool = True


async def tell(story: Story, said: Said) -> str:
    """Makes them. Returns the branch."""
    head = await story.customer("Head")
    office = await story.customer("Office", under=head, access=PASSES if said.head_passes else STOPS)
    branch = await story.customer("Branch", under=office, access=PASSES if said.office_passes else STOPS)
    for key, percent in ((branch, said.own), (office, said.office), (head, said.head)):
        if percent is not None:
            await story.do("customerTermsSet", id=key, discountPercent=percent)
    of = (("First", branch, said.first), ("Second", branch, said.second))
    of += (("Office group", office, said.office_group), ("Head group", head, said.head_group))
    for name, key, percent in of:
        if percent is not None:
            modes = {"discountPercent": said.first_mode if name == "First" else "AUTOMATIC"}
            made = await group(story, name, key, discountPercent=percent, modes=modes)
            if name == "First" and said.accepted is not None:
                await accept(story, key, made, "DISCOUNT_PERCENT", said.accepted)
    if said.organization is not None:
        await story.do("organizationTermsSet", discountPercent=said.organization)
    return branch


BY_OWN = ("CUSTOMER", None)
NOT_PASSED = (None, "TERMS_NOT_PASSED_ON")


@pytest.mark.parametrize(
    ("said", "applies", "lost"),
    [
        (Said(), (None, "NONE", None, None), []),
        (Said(organization="1"), ("1", "ORGANIZATION", "Organization", None), []),
        (
            Said(head="2", organization="1"),
            ("2", "ANCESTOR", "Head", "Head"),
            [("Organization", "ANCESTOR", None)],
        ),
        (
            Said(office="3", head="2", head_group="2.5"),
            ("3", "ANCESTOR", "Office", "Office"),
            [("Head", "ANCESTOR", None), ("Head group", "ANCESTOR", None)],
        ),
        (
            Said(office_group="3.5", head="2"),
            ("3.5", "ANCESTOR", "Office group", "Office"),
            [("Head", "ANCESTOR", None)],
        ),
        (
            Said(office="3", office_group="3.5"),
            ("3", "ANCESTOR", "Office", "Office"),
            [("Office group", "ANCESTOR", None)],
        ),
        # Passed on by one link and not by the next: what stands above that one is told, and what stands further up is not.
        (
            Said(head="2", office_group="3.5", head_passes=False, organization="1"),
            ("3.5", "ANCESTOR", "Office group", "Office"),
            [("Head", *NOT_PASSED), ("Organization", "ANCESTOR", None)],
        ),
        (
            Said(head="2", head_passes=False, organization="1"),
            ("1", "ORGANIZATION", "Organization", None),
            [("Head", *NOT_PASSED)],
        ),
        (
            Said(office="3", office_group="3.5", head="2", office_passes=False),
            (None, "NONE", None, None),
            [("Office", *NOT_PASSED), ("Office group", *NOT_PASSED)],
        ),
        # Of two groups the rank decides, not which one gives more.
        (
            Said(first="4", second="40", office="3"),
            ("4", "GROUP", "First", "Branch"),
            [("Second", "GROUP", None), ("Office", "GROUP", None)],
        ),
        (Said(second="40", office="3"), ("40", "GROUP", "Second", "Branch"), [("Office", "GROUP", None)]),
        # A group before the office's own term: membership is nearer than the parent.
        (Said(first="0", office="3"), ("0", "GROUP", "First", "Branch"), [("Office", "GROUP", None)]),
        (
            Said(first="4", second="40", first_mode="OPT_IN"),
            ("40", "GROUP", "Second", "Branch"),
            [("First", None, "NOT_ACCEPTED")],
        ),
        (
            Said(first="4", second="40", first_mode="OPT_IN", accepted="FOLLOW"),
            ("4", "GROUP", "First", "Branch"),
            [("Second", "GROUP", None)],
        ),
        (
            Said(first="4", second="40", first_mode="OPT_IN", accepted="PINNED"),
            ("4", "GROUP", "First", "Branch"),
            [("Second", "GROUP", None)],
        ),
        # An override of 0 % is an override (G4).
        (
            Said(own="0", first="4", second="40", office="3", organization="1"),
            ("0", "CUSTOMER", "Branch", "Branch"),
            [("First", *BY_OWN), ("Second", *BY_OWN), ("Office", *BY_OWN), ("Organization", *BY_OWN)],
        ),
        (
            Said(own="7", first="4", first_mode="OPT_IN"),
            ("7", "CUSTOMER", "Branch", "Branch"),
            [("First", None, "NOT_ACCEPTED")],
        ),
    ],
)
async def test_the_first_that_can_apply_does(story: Story, said: Said, applies: Whose, lost: list[Whose]) -> None:
    branch = await tell(story, said)
    assert told((await effective(story, branch))["discountPercent"]) == (applies, lost)


async def test_a_price_list_of_another_currency_is_passed_over_and_never_converted(story: Story) -> None:
    branch = await story.customer("Branch")
    dollars, euros = await price_list(story, "Dollars"), await price_list(story, "Euros", "EUR")
    await group(story, "First", branch, priceListId=euros)
    await story.do("organizationTermsSet", priceListId=dollars)
    mismatch = (None, "CURRENCY_MISMATCH")
    found = (await effective(story, branch))["priceList"]
    assert told(found) == (("Dollars", "ORGANIZATION", "Organization", None), [("First", *mismatch)])
    found = (await effective(story, branch, currency="EUR"))["priceList"]
    assert told(found) == (("Euros", "GROUP", "First", "Branch"), [("Organization", *mismatch)])
    found = (await effective(story, branch, currency="JPY"))["priceList"]
    assert told(found) == ((None, "NONE", None, None), [("First", *mismatch), ("Organization", *mismatch)])


async def test_an_inactive_price_list_is_passed_over(story: Story) -> None:
    branch = await story.customer("Branch")
    old, new = await price_list(story, "Old"), await price_list(story, "New")
    await story.do("customerTermsSet", id=branch, priceListId=old)
    await group(story, "First", branch, priceListId=new)
    await story.do("priceListUpdate", id=old, isActive=False)
    found = (await effective(story, branch))["priceList"]
    assert told(found) == (("New", "GROUP", "First", "Branch"), [("Branch", None, "PRICE_LIST_INACTIVE")])


async def test_each_term_is_decided_for_itself(story: Story) -> None:
    branch = await story.customer("Branch")
    await story.do("customerTermsSet", id=branch, paymentTerms={"kind": "NET", "netDays": 7})
    listed = await price_list(story, "Reseller prices")
    terms = {"priceListId": listed, "discountPercent": "12.5", "paymentTerms": {"kind": "NET", "netDays": 45}}
    await group(story, "Resellers", branch, **terms)
    found = await effective(story, branch)
    assert told(found["priceList"]) == (("Reseller prices", "GROUP", "Resellers", "Branch"), [])
    assert told(found["discountPercent"]) == (("12.5", "GROUP", "Resellers", "Branch"), [])
    lost = [("Resellers", *BY_OWN), ("Organization", *BY_OWN)]
    assert told(found["paymentTerms"]) == (("Net 7", "CUSTOMER", "Branch", "Branch"), lost)


async def test_a_new_parent_and_a_changed_link_count_at_once(story: Story) -> None:
    branch, head = await story.customer("Branch"), await story.customer("Head")
    await story.do("customerTermsSet", id=head, discountPercent="2")
    await story.move(branch, head, access=STOPS)
    assert told((await effective(story, branch))["discountPercent"]) == ((None, "NONE", None, None), [("Head", *NOT_PASSED)])
    await story.do("customerParentAccessSet", id=branch, access=PASSES)
    assert told((await effective(story, branch))["discountPercent"]) == (("2", "ANCESTOR", "Head", "Head"), [])
    await story.move(branch, None)
    assert told((await effective(story, branch))["discountPercent"]) == ((None, "NONE", None, None), [])
