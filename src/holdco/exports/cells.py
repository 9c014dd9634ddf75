"""How values stand in cells, so that the importer reads what was there: plain numbers, one form of dates, Zoho's words.

A text is written as it is, also where it begins with = + - or @. Spreadsheets take that for a formula; but a mark put in front
of it would come back as part of a name or of every telephone number, in the next system and in ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from holdco.payment_terms import PaymentTerms, PaymentTermsKind

_LABELS = {
    PaymentTermsKind.DUE_ON_RECEIPT: "Due on Receipt",
    PaymentTermsKind.END_OF_MONTH: "Due end of the month",
    PaymentTermsKind.END_OF_NEXT_MONTH: "Due end of next month",
}
_ADDRESS = {
    "Attention": "attention",
    "Address": "street",
    "Street2": "street2",
    "City": "city",
    "State": "state",
    "Country": "country",
    "Code": "postal_code",
    "Phone": "phone",
}


@lru_cache(10_000)
def plain(value: Decimal, places_min: int = 2) -> str:
    """No exponent, no separators; zeros behind `places_min` places are left out."""
    whole, _, digits = format(value, "f").partition(".")
    digits = digits.rstrip("0").ljust(places_min, "0")
    return f"{whole}.{digits}" if digits else whole


def boolean(value: bool) -> str:
    return "true" if value else "false"


def instant(value: datetime, like: datetime) -> str:
    """A time in the time zone of another one."""
    return value.astimezone(like.tzinfo).strftime("%Y-%m-%d %H:%M:%S")


def payment_terms(terms: PaymentTerms) -> dict[str, str]:
    """Days and label. Terms that end with a month have no number of days."""
    if terms.kind is PaymentTermsKind.NET:
        return {"Payment Terms": str(terms.net_days), "Payment Terms Label": f"Net {terms.net_days}"}
    days = "0" if terms.kind is PaymentTermsKind.DUE_ON_RECEIPT else ""
    return {"Payment Terms": days, "Payment Terms Label": _LABELS[terms.kind]}


def address(kind: str, stored: Mapping[str, Any] | None) -> dict[str, str]:
    """`kind` is Billing or Shipping."""
    return {f"{kind} {heading}": (stored or {}).get(part) or "" for heading, part in _ADDRESS.items()}
