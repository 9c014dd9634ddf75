"""Terms as clients see them. Mutations are in `mutations.py`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from holdco.connections import Info, NodeInterface
from holdco.customers.loaders import CustomerById
from holdco.execution.fields import load, reads, relation, split
from holdco.groups.loaders import GroupOfAnyTimeById
from holdco.organizations.loaders import OrganizationById
from holdco.price_lists.graph import PriceList
from holdco.price_lists.loaders import PriceListById
from holdco.shapes import PaymentTermsType, payment_terms_of, terms_of
from holdco.terms.precedence import (
    Candidate,
    EffectiveTerm,
    Lost,
    PriceListTerm,
    SkippedReason,
    TermAcceptanceKind,
    TermField,
    TermMode,
    TermSource,
)
from holdco.terms.queries import GroupTermRow, Shadowed, Terms

if TYPE_CHECKING:
    from holdco.customers.graph import Customer

strawberry.enum(TermField)
strawberry.enum(TermMode, description="How members use a term of their group: at once, or each once it has accepted it.")
strawberry.enum(TermAcceptanceKind, description="Whether a member follows its group's term, or stays at what it accepted.")
strawberry.enum(TermSource, description="Whose term it is. An ancestor's groups count as that ancestor.")
strawberry.enum(SkippedReason, description="Why a term does not apply, whatever its place in the order.")


@strawberry.type(description="What a customer has of its own, which goes before all it would inherit; null where it inherits.")
class CustomerTerms:
    @relation(reads=None)
    def price_list(rows: Parent[list[Terms]], info: Info) -> PriceList | None:
        return load(PriceListById, [row.price_list_id for row in rows])

    @strawberry.field
    def discount_percent(terms: Parent[Terms]) -> Decimal | None:
        return terms.discount_percent

    @strawberry.field
    def payment_terms(terms: Parent[Terms]) -> PaymentTermsType | None:
        return payment_terms_of(terms.payment_terms)


@strawberry.type(description="What applies to all customers that have nothing else.")
class OrganizationTerms:
    @relation(reads=None)
    def price_list(rows: Parent[list[Terms]], info: Info) -> PriceList | None:
        return load(PriceListById, [row.price_list_id for row in rows])

    @strawberry.field
    def discount_percent(terms: Parent[Terms]) -> Decimal | None:
        return terms.discount_percent

    @strawberry.field
    def payment_terms(terms: Parent[Terms]) -> PaymentTermsType:
        return payment_terms_of(terms.payment_terms)  # type: ignore[return-value]


@strawberry.type(description="How members use each term of their group; null where the group does not set it.")
class TermModes:
    @strawberry.field
    def price_list(terms: Parent[Terms]) -> TermMode | None:
        return terms.mode(TermField.PRICE_LIST)

    @strawberry.field
    def discount_percent(terms: Parent[Terms]) -> TermMode | None:
        return terms.mode(TermField.DISCOUNT_PERCENT)

    @strawberry.field
    def payment_terms(terms: Parent[Terms]) -> TermMode | None:
        return terms.mode(TermField.PAYMENT_TERMS)


@strawberry.type(description="What a group said of one term, from one instant to another.")
class GroupTerm:
    field: TermField
    version: int = strawberry.field(description="Counts what the group has said of this term.")
    mode: TermMode
    discount_percent: Decimal | None
    valid_from: datetime
    valid_to: datetime | None = strawberry.field(description="Null while it holds.")
    actor: str = strawberry.field(description="Who said so.")

    row_type = GroupTermRow

    @relation(reads=("price_list_id",))
    def price_list(rows: Parent[list[GroupTermRow]], info: Info) -> PriceList | None:
        return load(PriceListById, [row.price_list_id for row in rows])

    @strawberry.field(metadata=reads("payment_terms_kind", "payment_terms_net_days", of=GroupTermRow))
    def payment_terms(row: Parent[GroupTermRow]) -> PaymentTermsType | None:
        return terms_of(row.payment_terms_kind, row.payment_terms_net_days)


def _candidate(row: EffectiveTerm | Lost) -> Candidate | None:
    return row.winner if isinstance(row, EffectiveTerm) else row.candidate


def _value(row: EffectiveTerm | Lost) -> Any:
    candidate = _candidate(row)
    return candidate.value if candidate is not None else None


@strawberry.type
class _Term:
    """What an effective term and a candidate that lost have in common. Rows are an EffectiveTerm or a Lost."""

    @strawberry.field(description="Counts what its owner has said of this term: which of these it is.")
    def version(row: Parent[Any]) -> int | None:
        candidate = _candidate(row)
        return candidate.version if candidate is not None else None

    @strawberry.field(description="Of a group's term.")
    def mode(row: Parent[Any]) -> TermMode | None:
        candidate = _candidate(row)
        return candidate.mode if candidate is not None else None

    @strawberry.field(description="Of a group's term that its members choose: null where it is not accepted.")
    def acceptance(row: Parent[Any]) -> TermAcceptanceKind | None:
        candidate = _candidate(row)
        return candidate.acceptance if candidate is not None else None

    @relation("Whose term it is: a Customer, a CustomerGroup (also one that was deleted since) or the Organization.", reads=None)
    def source_node(rows: Parent[list[Any]], info: Info) -> NodeInterface | None:
        candidates = [_candidate(row) for row in rows]
        groups = [each.group_id if each is not None else None for each in candidates]
        customers = [each.holder_id if each is not None and each.group_id is None else None for each in candidates]
        organization_id = info.context.organization_id
        everybody = [organization_id if each is not None and each.holder_id is None else None for each in candidates]
        return split([load(CustomerById, customers), load(GroupOfAnyTimeById, groups), load(OrganizationById, everybody)])

    @relation("The customer or ancestor that has it, or whose group does. Null for the organization's.", reads=None)
    def holder(rows: Parent[list[Any]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")] | None:
        candidates = [_candidate(row) for row in rows]
        return load(CustomerById, [each.holder_id if each is not None else None for each in candidates])


@strawberry.type
class _Lost(_Term):
    @strawberry.field
    def source(row: Parent[Lost]) -> TermSource:
        return row.candidate.source

    shadowed_by: TermSource | None = strawberry.field(description="What goes before it.")
    skipped_reason: SkippedReason | None = strawberry.field(description="Why it could not apply anyway.")


@strawberry.type
class _PriceListValue:
    @relation(reads=None)
    def value(rows: Parent[list[Any]], info: Info) -> PriceList | None:
        lists: list[PriceListTerm | None] = [_value(row) for row in rows]
        return load(PriceListById, [each.id if each is not None else None for each in lists])

    @strawberry.field(description="Which version of the price list: its present one, unless another was accepted.")
    def price_list_version(row: Parent[Any]) -> int | None:
        price_list: PriceListTerm | None = _value(row)
        return price_list.version if price_list is not None else None


@strawberry.type
class _PercentValue:
    @strawberry.field
    def value(row: Parent[Any]) -> Decimal | None:
        percent: Decimal | None = _value(row)
        return percent


@strawberry.type
class _PaymentTermsValue:
    @strawberry.field
    def value(row: Parent[Any]) -> PaymentTermsType | None:
        return payment_terms_of(_value(row))


@strawberry.type(description="A price list that does not apply, and why.")
class PriceListCandidate(_Lost, _PriceListValue):
    pass


@strawberry.type(description="A discount that does not apply, and why.")
class PercentCandidate(_Lost, _PercentValue):
    pass


@strawberry.type(description="Payment terms that do not apply, and why.")
class PaymentTermsCandidate(_Lost, _PaymentTermsValue):
    pass


@strawberry.type(description="The price list that applies, where it comes from, and what does not apply.")
class EffectivePriceList(_PriceListValue, _Term):
    source: TermSource

    @strawberry.field(description="All others, in the order in which they are looked at.")
    def candidates(row: Parent[EffectiveTerm]) -> list[PriceListCandidate]:
        return row.lost  # type: ignore[return-value]


@strawberry.type(description="The discount that applies, where it comes from, and what does not apply.")
class EffectivePercent(_PercentValue, _Term):
    source: TermSource

    @strawberry.field(description="All others, in the order in which they are looked at.")
    def candidates(row: Parent[EffectiveTerm]) -> list[PercentCandidate]:
        return row.lost  # type: ignore[return-value]


@strawberry.type(description="The payment terms that apply, where they come from, and what does not apply.")
class EffectivePaymentTerms(_PaymentTermsValue, _Term):
    source: TermSource

    @strawberry.field(description="All others, in the order in which they are looked at.")
    def candidates(row: Parent[EffectiveTerm]) -> list[PaymentTermsCandidate]:
        return row.lost  # type: ignore[return-value]


@strawberry.type(
    description="What applies to a customer. The first of these decides: its own term, its groups' in rank order, the nearest "
    "ancestor's over links that pass terms on, the organization's."
)
class EffectiveTerms:
    price_list: EffectivePriceList
    discount_percent: EffectivePercent
    payment_terms: EffectivePaymentTerms


@strawberry.type(description="A term of a group that does not apply to a member, and why.")
class ShadowedTerm:
    field: TermField
    shadowed_by: TermSource | None = strawberry.field(description="What goes before it.")
    skipped_reason: SkippedReason | None = strawberry.field(description="Why it could not apply anyway.")

    @relation(reads=None)
    def customer(rows: Parent[list[Shadowed]], info: Info) -> Annotated[Customer, strawberry.lazy("holdco.customers.graph")]:
        return load(CustomerById, [row.customer_id for row in rows])
