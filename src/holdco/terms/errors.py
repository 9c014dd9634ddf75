"""Why a change of terms is refused.

Refusal
├── PercentOutOfRange    a discount that is none (domain.md G2)
├── PriceListInactive    an inactive price list is given to nobody (G12)
├── CurrencyMismatch     a price list of another currency than the customer's (G9)
├── NotAMember           only members accept what a group offers (G2)
└── TermNotOffered       the group does not set the term, or sets it for all (G2)
"""

from __future__ import annotations

from decimal import Decimal

from holdco.errors import Refusal, UserErrorCode


class PercentOutOfRange(Refusal):
    code = UserErrorCode.PERCENT_OUT_OF_RANGE

    def __init__(self, percent: Decimal, *, field: tuple[str, ...]) -> None:
        super().__init__(f"A discount is 0 to 100 percent with at most six places, not {percent:f}.", field=field)


class PriceListInactive(Refusal):
    code = UserErrorCode.PRICE_LIST_INACTIVE

    def __init__(self, name: str, *, field: tuple[str, ...]) -> None:
        super().__init__(f"The price list {name} is inactive and is given to nobody any more.", field=field)


class CurrencyMismatch(Refusal):
    code = UserErrorCode.CURRENCY_MISMATCH

    def __init__(self, customer: str, *, expected: str, found: str, field: tuple[str, ...]) -> None:
        super().__init__(f"{customer} pays in {expected}; a price list in {found} would never apply to it.", field=field)


class NotAMember(Refusal):
    code = UserErrorCode.NOT_A_MEMBER

    def __init__(self, customer: str, group: str) -> None:
        super().__init__(f"{customer} is not in the group {group}.", field=("customerId",))


class TermNotOffered(Refusal):
    code = UserErrorCode.TERM_NOT_OFFERED

    def __init__(self, group: str) -> None:
        super().__init__(
            f"The group {group} offers no such term to choose: members have it at once, or not at all.", field=("field",)
        )
