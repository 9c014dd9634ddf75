"""What clients may change about terms. Here inputs are read, nothing else; `setting.py` decides."""

from __future__ import annotations

import strawberry

from holdco.connections import Info, attempt, input_id
from holdco.customers.loaders import CustomerById
from holdco.customers.mutations import CustomerPayload
from holdco.ids import Kind
from holdco.organizations.loaders import OrganizationById
from holdco.organizations.mutations import OrganizationPayload
from holdco.terms import setting
from holdco.terms.inputs import CustomerTermsSetInput, OrganizationTermsSetInput, given_terms


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
