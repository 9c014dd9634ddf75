"""Which term applies: the order of domain.md G3, first hit wins, and why each other candidate does not.

Nothing here waits or knows a database. `queries.py` finds the candidates, in this order; this decides between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from holdco.payment_terms import PaymentTerms


class TermField(StrEnum):
    PRICE_LIST = "PRICE_LIST"
    DISCOUNT_PERCENT = "DISCOUNT_PERCENT"
    PAYMENT_TERMS = "PAYMENT_TERMS"


class TermMode(StrEnum):
    """How members use a group's term: it applies to them at once, or to those that accept it (domain.md G2)."""

    AUTOMATIC = "AUTOMATIC"
    OPT_IN = "OPT_IN"


class TermAcceptanceKind(StrEnum):
    FOLLOW = "FOLLOW"
    PINNED = "PINNED"


class TermSource(StrEnum):
    """Whose term it is. An ancestor's groups count as that ancestor."""

    CUSTOMER = "CUSTOMER"
    GROUP = "GROUP"
    ANCESTOR = "ANCESTOR"
    ORGANIZATION = "ORGANIZATION"
    NONE = "NONE"


class SkippedReason(StrEnum):
    """Why a term does not apply, whatever its place in the order."""

    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    PRICE_LIST_INACTIVE = "PRICE_LIST_INACTIVE"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    TERMS_NOT_PASSED_ON = "TERMS_NOT_PASSED_ON"


class PriceListTerm(NamedTuple):
    """A price list at a version; `is_active` and `version` are those of the instant that is asked for."""

    id: UUID
    version: int
    currency: str
    is_active: bool


TermValue = PriceListTerm | Decimal | PaymentTerms


@dataclass(frozen=True, slots=True)
class Candidate:
    """One term that might apply to a customer.

    `holder_id` is the customer or ancestor that it reaches the customer through, None for the organization's; `group_id` the
    group whose it is; `depth` how far up the holder stands, 0 for the customer itself. `version` counts the owner's terms of the
    field. `is_accepted` is true for whatever needs no acceptance. `is_passed_on` tells whether every link up to the holder
    passes terms on.
    """

    field: TermField
    source: TermSource
    value: TermValue
    version: int
    holder_id: UUID | None = None
    group_id: UUID | None = None
    depth: int = 0
    mode: TermMode | None = None
    acceptance: TermAcceptanceKind | None = None
    is_accepted: bool = True
    is_passed_on: bool = True


@dataclass(frozen=True, slots=True)
class Lost:
    """A candidate that does not apply: another came first (`shadowed_by`), or it could not apply at all."""

    candidate: Candidate
    shadowed_by: TermSource | None
    skipped_reason: SkippedReason | None


@dataclass(frozen=True, slots=True)
class EffectiveTerm:
    """`winner` is None where nobody says anything: the source is NONE then."""

    winner: Candidate | None
    lost: Sequence[Lost]

    @property
    def source(self) -> TermSource:
        return self.winner.source if self.winner is not None else TermSource.NONE


@dataclass(frozen=True, slots=True)
class EffectiveTerms:
    price_list: EffectiveTerm
    discount_percent: EffectiveTerm
    payment_terms: EffectiveTerm

    def of(self, field: TermField) -> EffectiveTerm:
        match field:
            case TermField.PRICE_LIST:
                return self.price_list
            case TermField.DISCOUNT_PERCENT:
                return self.discount_percent
            case TermField.PAYMENT_TERMS:
                return self.payment_terms


def decide(candidates: Sequence[Candidate], currency: str) -> EffectiveTerm:
    """Of candidates of one field, in the order of G3, for documents in a currency."""
    winner: Candidate | None = None
    lost: list[Lost] = []
    for candidate in candidates:
        reason = _skipped(candidate, currency)
        if reason is None and winner is None:
            winner = candidate
        else:
            lost.append(Lost(candidate, winner.source if winner is not None and reason is None else None, reason))
    return EffectiveTerm(winner, lost)


def _skipped(candidate: Candidate, currency: str) -> SkippedReason | None:
    if not candidate.is_passed_on:
        return SkippedReason.TERMS_NOT_PASSED_ON
    if not candidate.is_accepted:
        return SkippedReason.NOT_ACCEPTED
    if isinstance(candidate.value, PriceListTerm):
        # Never converted silently (domain.md G9).
        if candidate.value.currency != currency:
            return SkippedReason.CURRENCY_MISMATCH
        if not candidate.value.is_active:
            return SkippedReason.PRICE_LIST_INACTIVE
    return None
