"""Money is an integer of minor units and an ISO 4217 code, never a float (domain.md M1).

How many places a currency has comes from the Unicode CLDR by way of babel. It follows usage, which for a dozen currencies
is fewer places than ISO 4217 lists (RSD and LAK have 0). Stored amounts depend on these numbers: a test holds them, so that
a new version of babel cannot move anybody's decimal point.

Nothing here waits or knows a database. What cannot be represented raises one of:

    AmountRefused         a ValueError
    ├── UnknownCurrency   no currency of today or of the past has this code
    ├── AmountNotFinite   NaN or an infinity
    ├── AmountTooPrecise  more places than the currency has
    └── AmountOutOfRange  more than a signed 64-bit integer of minor units holds, on either side of zero
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from babel.core import get_global
from babel.numbers import get_currency_precision

AMOUNT_MAX: Final = 2**63 - 1
"""The largest amount in minor units, and with a minus sign the smallest; -2**63 would have no positive counterpart."""

_EXPONENTS: Final[dict[str, int]] = {code: get_currency_precision(code) for code in get_global("all_currencies")}

# A currency is current where some country has it as tender with no end in sight. That leaves out the metals, funds, units
# of account and test codes of ISO 4217 (XAU, CHE, CLF, XXX): no invoice can be paid in them.
_CURRENT: Final[frozenset[str]] = frozenset(
    code
    for periods in get_global("territory_currencies").values()
    for code, _start, end, is_tender in periods
    if is_tender and end is None
)

_ONES: Final = tuple(Decimal(1).scaleb(-places) for places in range(max(_EXPONENTS.values()) + 1))

# Wide enough for every amount in range and a digit over, whatever context the caller has set for itself.
_CONTEXT: Final = Context(prec=40)
_DIGITS_MAX: Final = len(str(AMOUNT_MAX))
_SHOWN_MAX: Final = 40


class AmountRefused(ValueError):
    """What all refusals of this module have in common."""


class UnknownCurrency(AmountRefused):
    def __init__(self, currency: str) -> None:
        self.currency = currency
        super().__init__(f"{_shown(currency)} is not a currency code. Use three capital letters of ISO 4217, such as EUR.")


class AmountNotFinite(AmountRefused):
    def __init__(self, value: Decimal, currency: str) -> None:
        self.value = value
        self.currency = currency
        super().__init__(f"{_shown(value)} is not an amount of {currency}. Give a number.")


class AmountTooPrecise(AmountRefused):
    def __init__(self, value: Decimal, currency: str) -> None:
        self.value = value
        self.currency = currency
        self.places_max = exponent(currency)
        super().__init__(f"{_shown(value)} has more decimal places than {currency}, which has {self.places_max}.")


class AmountOutOfRange(AmountRefused):
    """`value` is in major units, as people write it."""

    def __init__(self, value: Decimal, currency: str) -> None:
        self.value = value
        self.currency = currency
        super().__init__(
            f"{_shown(value)} {currency} is beyond what can be recorded, {to_string(AMOUNT_MAX, currency)} on either side."
        )


def is_currency(code: str) -> bool:
    """Whether new documents may be in it: an upper case code of a currency that is legal tender somewhere today.

    The codes of former currencies are not; `exponent` knows them nevertheless, so that old documents remain readable.
    """
    return code in _CURRENT


def exponent(currency: str) -> int:
    """How many decimal places the currency has: 0 for JPY, 2 for USD, 3 for KWD. Raises UnknownCurrency."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def from_decimal(value: Decimal, currency: str) -> int:
    """The minor units of `value`, exactly. Zeros beyond the currency's places say nothing and are accepted: 1.000 USD is 100.

    Raises UnknownCurrency, AmountNotFinite, AmountOutOfRange, AmountTooPrecise, in this order, except that a value which
    is both too precise and just beyond the range may be told either.
    """
    rounded = _round(value, currency)
    if rounded != value:
        raise AmountTooPrecise(value, currency)
    return _minor_units(rounded, currency)


def round_half_up(value: Decimal, currency: str) -> int:
    """The nearest minor units of `value`; halves go away from zero, so 0.125 USD gives 13 and -0.125 USD gives -13.

    That is half-up for what is owed (domain.md G11), and a correction of -x then cancels x to the cent, which rounding
    halves of negative values towards zero would not. Raises UnknownCurrency, AmountNotFinite, AmountOutOfRange.
    """
    return _minor_units(_round(value, currency), currency)


def to_decimal(amount: int, currency: str) -> Decimal:
    """Minor units as a decimal with exactly the currency's number of places, whatever the decimal context."""
    return Decimal(to_string(amount, currency))


def to_string(amount: int, currency: str) -> str:
    """Minor units as clients see them: "1250.00", "-0.05", "7" for JPY. No other place makes strings of money."""
    places = exponent(currency)
    digits = str(amount)
    if places == 0:
        return digits
    if amount < 0:
        return "-" + to_string(-amount, currency)
    if len(digits) <= places:
        digits = digits.zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}"


def check_range(amount: int, currency: str) -> int:
    """`amount` in minor units as it came, when a bigint column holds it and its negative; raises AmountOutOfRange."""
    if not -AMOUNT_MAX <= amount <= AMOUNT_MAX:
        raise AmountOutOfRange(to_decimal(amount, currency), currency)
    return amount


def split_proportionally(amount: int, weights: Sequence[int]) -> list[int]:
    """Splits `amount` in proportion to `weights`, by the largest remainder, to the last unit (domain.md 2.7).

    The parts add up to the amount; each is within one unit of its exact share, and none has a sign other than the amount's.
    Units left over go to the largest remainders, of equal ones to the first: callers sort for the order they want. Nothing
    is clipped: an amount above the sum of the weights gives parts above the weights. A negative amount gives the negatives
    of what the positive one gives.

    Raises ValueError for a negative weight, and when there is an amount but no weight to carry it.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("A weight is negative.")
    whole = sum(weights)
    if whole == 0:
        if amount != 0:
            raise ValueError(f"There is no weight to split {amount} over.")
        return [0] * len(weights)
    return round_together([amount * weight for weight in weights], whole)


def round_together(numerators: Sequence[int], denominator: int) -> list[int]:
    """Rounds the fractions `numerators` / `denominator` so that the results add up to their sum, rounded half-up.

    Rounding one by one drifts: three times 0.5 would be 3. Here each result is the fraction's floor or the integer above,
    as many of the latter as the rounded sum needs, the largest remainders first and of equal ones the first. Fractions may
    be of either sign; when their sum is negative the negatives are rounded. The denominator is positive.
    """
    whole = sum(numerators)
    if whole < 0:
        return [-rounded for rounded in round_together([-numerator for numerator in numerators], denominator)]
    rounded = [numerator // denominator for numerator in numerators]
    missing = divide_half_up(whole, denominator) - sum(rounded)
    if missing:
        remainders = [numerator % denominator for numerator in numerators]
        # sorted() is stable in reverse as well, which keeps equal remainders in the order they came.
        for index in sorted(range(len(numerators)), key=remainders.__getitem__, reverse=True)[:missing]:
            rounded[index] += 1
    return rounded


def divide_half_up(numerator: int, denominator: int) -> int:
    """The integer nearest to the fraction, halves away from zero as in `round_half_up`. The denominator is positive."""
    if numerator < 0:
        return -divide_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def _round(value: Decimal, currency: str) -> Decimal:
    places = exponent(currency)
    if not value.is_finite():
        raise AmountNotFinite(value, currency)
    if not value:
        return Decimal(0)
    # Before any arithmetic: 1E+999999 is six characters to send and a million digits to compute with.
    if value.adjusted() + places >= _DIGITS_MAX:
        raise AmountOutOfRange(value, currency)
    return value.quantize(_ONES[places], rounding=ROUND_HALF_UP, context=_CONTEXT)


def _minor_units(rounded: Decimal, currency: str) -> int:
    return check_range(int(rounded.scaleb(exponent(currency), context=_CONTEXT)), currency)


def _shown(value: Decimal | str) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
