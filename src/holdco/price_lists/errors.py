"""Why a change of a price list is refused.

Refusal
├── BracketsOverlap     two brackets of an item hold the same quantity
├── NameTaken           another price list has this name
└── PercentOutOfRange   below 0, above what the direction allows, or with more than six places
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from holdco.errors import Refusal, UserErrorCode

if TYPE_CHECKING:
    from holdco.price_lists.pricing import Bracket, PriceDirection


class BracketsOverlap(Refusal):
    code = UserErrorCode.BRACKETS_OVERLAP

    def __init__(self, item: str, lower: Bracket, upper: Bracket, *, field: Iterable[str]) -> None:
        super().__init__(
            f"{item}: the brackets {_shown(lower)} and {_shown(upper)} hold the same quantities. "
            "Each begins where the one before ends, or later.",
            field=field,
        )


class NameTaken(Refusal):
    code = UserErrorCode.NAME_TAKEN

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a price list named {name}.", field=("name",))


class PercentOutOfRange(Refusal):
    code = UserErrorCode.PERCENT_OUT_OF_RANGE

    def __init__(self, direction: PriceDirection, *, most: Decimal) -> None:
        super().__init__(
            f"The percent of a price list that goes {direction} must be from 0 to {most} with at most six decimal places.",
            field=("percent",),
        )


def _shown(bracket: Bracket) -> str:
    end = f"to below {bracket.quantity_to:f}" if bracket.quantity_to is not None else "on"
    return f"from {bracket.quantity_from:f} {end}"
