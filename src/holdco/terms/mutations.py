"""What clients may change about terms. Here inputs are read, nothing else; `setting.py` and `acceptance.py` decide."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID, Maybe

from holdco.connections import Info, attempt, input_id
from holdco.customers.loaders import CustomerById
from holdco.customers.mutations import CustomerPayload
from holdco.errors import Refusal
from holdco.groups.loaders import GroupById
from holdco.groups.mutations import CustomerGroupPayload
from holdco.ids import Kind
from holdco.organizations.loaders import OrganizationById
from holdco.organizations.mutations import OrganizationPayload
from holdco.shapes import PaymentTermsInput
from holdco.terms import (
    acceptance,
    graph,  # noqa: F401 (where the enumerations of terms become types)
    setting,
)
from holdco.terms.acceptance import Choice
from holdco.terms.precedence import TermAcceptanceKind, TermField, TermMode
from holdco.terms.values import PATHS, Given, Value

_VERSION = "Refused with STALE_VERSION if it is not the present one."


@strawberry.input(description="Overrides. A term that is left out stays as it is; null inherits; a value, even 0, overrides.")
class CustomerTermsSetInput:
    id: ID
    version: int | None = strawberry.field(default=None, description=_VERSION)
    price_list_id: Maybe[ID | None] = strawberry.field(default=None, description="In the customer's currency.")
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None


@strawberry.input(description="A term that is left out stays as it is; null takes it away. There are always payment terms.")
class OrganizationTermsSetInput:
    version: int | None = strawberry.field(default=None, description=_VERSION)
    price_list_id: Maybe[ID | None] = None
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None


@strawberry.input(description="A mode that is left out stays as it is; that of a new term is AUTOMATIC.")
class TermModesInput:
    price_list: TermMode | None = None
    discount_percent: TermMode | None = None
    payment_terms: TermMode | None = None

    def given(self) -> dict[TermField, TermMode]:
        modes = {field: getattr(self, field.lower()) for field in TermField}
        return {field: mode for field, mode in modes.items() if mode is not None}


@strawberry.input(description="A term that is left out stays as it is; null takes it away from all members.")
class CustomerGroupTermsSetInput:
    id: ID
    version: int | None = strawberry.field(default=None, description=_VERSION)
    price_list_id: Maybe[ID | None] = strawberry.field(default=None, description="It applies to members in its currency.")
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None
    modes: TermModesInput | None = None


@strawberry.input
class GroupTermAcceptInput:
    customer_id: ID
    group_id: ID
    field: TermField
    acceptance: TermAcceptanceKind

    def choice(self) -> Choice:
        return _choice(self)


@strawberry.input
class GroupTermDeclineInput:
    customer_id: ID
    group_id: ID
    field: TermField

    def choice(self) -> Choice:
        return _choice(self)


def _choice(given: Any) -> Choice:
    """Raises NotFound."""
    customer_id = input_id(Kind.CUSTOMER, given.customer_id, "customerId")
    return Choice(customer_id, input_id(Kind.GROUP, given.group_id, "groupId"), given.field)


def given_terms(given: Any) -> dict[TermField, Given]:
    """The terms of an input that are not left out, by the names that they have in all inputs."""
    terms: dict[TermField, Given] = {}
    if (price_list := given.price_list_id) is not None:
        terms[TermField.PRICE_LIST] = _read(
            price_list.value, lambda text: input_id(Kind.PRICE_LIST, text, *PATHS[TermField.PRICE_LIST])
        )
    if (discount := given.discount_percent) is not None:
        terms[TermField.DISCOUNT_PERCENT] = discount.value
    if (payment := given.payment_terms) is not None:
        terms[TermField.PAYMENT_TERMS] = _read(payment.value, PaymentTermsInput.terms)
    return terms


def _read(value: Any, reader: Callable[[Any], Value]) -> Given:
    try:
        return reader(value) if value is not None else None
    except Refusal as refusal:
        return refusal


@strawberry.type
class TermsMutations:
    @strawberry.mutation(description="Sets a customer's own terms, which go before those of its groups and of all above it.")
    async def customer_terms_set(self, info: Info, input: CustomerTermsSetInput) -> CustomerPayload:  # noqa: A002
        async def use_case() -> CustomerPayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            async with info.context.transaction() as transaction:
                await setting.set_for_customer(transaction, customer_id, given_terms(input), version=input.version)
            return CustomerPayload(customer=await info.context.show(CustomerById, customer_id))

        return await attempt(CustomerPayload, use_case)

    @strawberry.mutation(description="Sets the terms of all customers that have none from elsewhere, from the next invoice on.")
    async def organization_terms_set(
        self,
        info: Info,
        input: OrganizationTermsSetInput,  # noqa: A002
    ) -> OrganizationPayload:
        async def use_case() -> OrganizationPayload:
            async with info.context.transaction() as transaction:
                await setting.set_for_organization(transaction, given_terms(input), version=input.version)
            return OrganizationPayload(organization=await info.context.show(OrganizationById, info.context.organization_id))

        return await attempt(OrganizationPayload, use_case)

    @strawberry.mutation(description="Sets what a group offers and how members use it, from their next invoices on.")
    async def customer_group_terms_set(
        self,
        info: Info,
        input: CustomerGroupTermsSetInput,  # noqa: A002
    ) -> CustomerGroupPayload:
        async def use_case() -> CustomerGroupPayload:
            group_id = input_id(Kind.GROUP, input.id, "id")
            modes = input.modes.given() if input.modes is not None else {}
            async with info.context.transaction() as transaction:
                await setting.set_for_group(transaction, group_id, given_terms(input), modes, version=input.version)
            return CustomerGroupPayload(customer_group=await info.context.show(GroupById, group_id))

        return await attempt(CustomerGroupPayload, use_case)

    @strawberry.mutation(description="A member uses a term that its group leaves to choice. Accepting again replaces.")
    async def group_term_accept(self, info: Info, input: GroupTermAcceptInput) -> CustomerPayload:  # noqa: A002
        async def use_case() -> CustomerPayload:
            choice = input.choice()
            async with info.context.transaction() as transaction:
                await acceptance.accept(transaction, choice, input.acceptance)
            return CustomerPayload(customer=await info.context.show(CustomerById, choice.customer_id))

        return await attempt(CustomerPayload, use_case)

    @strawberry.mutation(description="A member does not use such a term any more.")
    async def group_term_decline(self, info: Info, input: GroupTermDeclineInput) -> CustomerPayload:  # noqa: A002
        async def use_case() -> CustomerPayload:
            choice = input.choice()
            async with info.context.transaction() as transaction:
                await acceptance.decline(transaction, choice)
            return CustomerPayload(customer=await info.context.show(CustomerById, choice.customer_id))

        return await attempt(CustomerPayload, use_case)
