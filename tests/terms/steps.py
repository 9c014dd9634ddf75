"""What the tests of terms do again and again."""

from __future__ import annotations

from typing import Any, Final

from stories import Story

_WHOSE: Final = """
fragment Whose on Node { ... on Customer { name } ... on CustomerGroup { groupName: name } ... on Organization { __typename } }
"""
_TERM: Final = "sourceNode { ...Whose } holder { name } version mode acceptance"
_FIELDS: Final = {
    "priceList": "value { name } priceListVersion",
    "discountPercent": "value",
    "paymentTerms": "value { label }",
}
EFFECTIVE: Final = (
    "query ($id: ID!, $currency: CurrencyCode, $asOf: Date) { customer(by: {id: $id}) {"
    " effectiveTerms(currency: $currency, asOf: $asOf) {"
    + " ".join(
        f"{name} {{ {value} source {_TERM} candidates {{ {value} source {_TERM} shadowedBy skippedReason }} }}"
        for name, value in _FIELDS.items()
    )
    + " } } }"
    + _WHOSE
)
PASSES: Final = {"view": True, "pay": True, "manage": False, "inheritTerms": True}
STOPS: Final = {**PASSES, "inheritTerms": False}


async def effective(story: Story, customer_id: str, **given: Any) -> dict[str, Any]:
    """What applies to a customer, as clients read it."""
    found: dict[str, Any] = (await story.ask(EFFECTIVE, id=customer_id, **given))["customer"]["effectiveTerms"]
    return found


def plain(value: Any) -> Any:
    """The value of a term as one text."""
    if isinstance(value, dict):
        return value.get("name") or value.get("label")
    return value.rstrip("0").rstrip(".") if value is not None else None


def whose(term: dict[str, Any]) -> str | None:
    """The name of whose term it is."""
    node = term["sourceNode"]
    return node and (node.get("name") or node.get("groupName") or node["__typename"])


def told(term: dict[str, Any]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """What applies: value, source, whose it is and by whom it comes. Then what does not: whose it is, and the two reasons."""
    holder = term["holder"] and term["holder"]["name"]
    lost = [(whose(each), each["shadowedBy"], each["skippedReason"]) for each in term["candidates"]]
    return (plain(term["value"]), term["source"], whose(term), holder), lost


async def group(story: Story, name: str, *customer_ids: str, modes: dict[str, str] | None = None, **terms: Any) -> str:
    """The id of a new group behind all others, with members and terms."""
    made: str = (await story.do("customerGroupCreate", name=name))["customerGroup"]["id"]
    if terms:
        await story.do("customerGroupTermsSet", id=made, modes=modes, **terms)
    await story.do("customerGroupMembersAdd", id=made, customerIds=customer_ids)
    return made


async def price_list(story: Story, name: str, currency: str = "USD") -> str:
    given = {"name": name, "currency": currency, "kind": "PERCENTAGE", "direction": "DOWN", "percent": "10"}
    made: str = (await story.do("priceListCreate", **given))["priceList"]["id"]
    return made


async def accept(story: Story, customer_id: str, group_id: str, field: str, acceptance: str = "FOLLOW") -> None:
    await story.do("groupTermAccept", customerId=customer_id, groupId=group_id, field=field, acceptance=acceptance)
