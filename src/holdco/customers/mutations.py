"""What clients may change about customers. Here inputs are read, nothing else; `service.py` and `move.py` decide."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, Maybe

from holdco import ids
from holdco.connections import Info, UserError, attempt, input_id
from holdco.customers import deletion, loaders, move, service
from holdco.customers.deletion import Above, Placement
from holdco.customers.errors import LinkDateNotSupported
from holdco.customers.graph import Customer
from holdco.customers.hierarchy import Rights
from holdco.customers.models import CustomerKind, CustomerRole, CustomerStatus
from holdco.customers.service import Parent, Reference
from holdco.errors import InvalidInput, Refusal
from holdco.ids import Kind
from holdco.scalars import JSON, CurrencyCode
from holdco.shapes import AddressInput


@strawberry.input(description="What the parent may do. There is no default: whoever links says it (pay and manage need view).")
class ParentAccessInput:
    view: bool
    pay: bool
    manage: bool
    pay_invoices_from: date | None = strawberry.field(
        default=None, description="Invoices dated earlier may not be paid by the parent."
    )

    inherit_terms: bool = strawberry.field(
        default=False, description="Whether the parent's terms apply to a child that has none of its own or of its groups."
    )

    def rights(self) -> Rights:
        return Rights(self.view, self.pay, self.manage, self.pay_invoices_from, self.inherit_terms)


@strawberry.input
class ParentInput:
    id: ID
    access: ParentAccessInput


@strawberry.input
class ExternalReferenceInput:
    system: str
    external_id: str
    url: str | None = None


@strawberry.input
class CustomerCreateInput:
    name: str
    number: str | None = strawberry.field(default=None, description="The next free one where it is left out.")
    company_name: str | None = None
    kind: CustomerKind = CustomerKind.BUSINESS
    role: CustomerRole | None = None
    currency: CurrencyCode | None = strawberry.field(default=None, description="The organization's where it is left out.")
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    tax_id: str | None = None
    billing_address: AddressInput | None = None
    shipping_address: AddressInput | None = None
    notes: str | None = None
    custom_fields: JSON | None = None
    external_references: list[ExternalReferenceInput] | None = None
    parent: ParentInput | None = None


@strawberry.input(description="A field that is left out stays as it is; null clears it.")
class CustomerUpdateInput:
    id: ID
    version: int | None = strawberry.field(default=None, description="Refused with STALE_VERSION if it is not the present one.")
    name: Maybe[str | None] = None
    number: Maybe[str | None] = None
    company_name: Maybe[str | None] = None
    kind: Maybe[CustomerKind | None] = None
    role: Maybe[CustomerRole | None] = None
    currency: Maybe[CurrencyCode | None] = None
    email: Maybe[str | None] = None
    phone: Maybe[str | None] = None
    website: Maybe[str | None] = None
    tax_id: Maybe[str | None] = None
    billing_address: Maybe[AddressInput | None] = None
    shipping_address: Maybe[AddressInput | None] = None
    notes: Maybe[str | None] = None
    custom_fields: Maybe[JSON | None] = None
    external_references: Maybe[list[ExternalReferenceInput] | None] = strawberry.field(
        default=None, description="Replaces all of them."
    )
    status: Maybe[CustomerStatus | None] = strawberry.field(
        default=None, description="ACTIVE takes a customer back into business."
    )


@strawberry.input(description="Links, moves or, with parentId null, unlinks.")
class CustomerMoveInput:
    id: ID
    parent_id: Maybe[ID | None] = strawberry.field(
        default=None, description="Null makes it the root of its own tree. Left out it is refused: nobody unlinks by omission."
    )
    access: ParentAccessInput | None = strawberry.field(default=None, description="Required with a parent.")
    reason: str | None = None
    version: int | None = None
    valid_from: datetime | None = strawberry.field(
        default=None, description="Links change now: anything but null is refused with LINK_DATE_NOT_SUPPORTED."
    )


@strawberry.input
class CustomerParentAccessSetInput:
    id: ID
    access: ParentAccessInput
    reason: str | None = None
    version: int | None = None


@strawberry.input
class CustomerDeactivateInput:
    id: ID
    cascade: bool = strawberry.field(default=False, description="Everything below it as well.")
    version: int | None = None


@strawberry.input(one_of=True, description="Where the children of a customer that is deleted go: exactly one of these.")
class ChildrenPlacementInput:
    grandparent: Maybe[ParentAccessInput] = strawberry.field(
        default=None, description="Under the parent of the customer, which may then do this."
    )
    customer: Maybe[ParentInput] = strawberry.field(default=None, description="Under another customer.")
    root: Maybe[bool] = strawberry.field(default=None, description="True: under nobody.")

    def placement(self) -> Placement:
        """Raises InvalidInput, NotFound."""
        if self.grandparent is not None:
            return Placement(Above.GRANDPARENT, self.grandparent.value.rights())
        if self.customer is not None:
            parent_id = input_id(Kind.CUSTOMER, self.customer.value.id, "reparentChildrenTo", "customer", "id")
            return Placement(parent_id, self.customer.value.access.rights())
        if self.root is None or not self.root.value:
            raise InvalidInput("root can only be true. Say another place instead.", field=("reparentChildrenTo", "root"))
        return Placement(Above.ROOT)


@strawberry.input
class CustomerDeleteInput:
    id: ID
    confirmation_token: str = strawberry.field(description="From customerDeletePreview, of the state that it showed.")
    reparent_children_to: ChildrenPlacementInput | None = strawberry.field(
        default=None, description="Where its children go. Left out, a customer with children is not deleted."
    )


@strawberry.type
class CustomerPayload:
    customer: Customer | None = None
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class CustomerMovePayload:
    customer: Customer | None = None
    former_parent: Customer | None = None
    open_invoice_count: int = strawberry.field(
        default=0, description="Open invoices in the moved subtree: they stay where they are (the new parent may pay them)."
    )
    former_ancestor_allocation_count: int = strawberry.field(
        default=0, description="Payments of the former ancestors that stay applied in the moved subtree."
    )
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class CustomerDeactivatePayload:
    customer: Customer | None = None
    deactivated_count: int = 0
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


@strawberry.type
class CustomerDeletePayload:
    deleted_customer_id: ID | None = None
    deleted_contact_count: int = 0
    reparented_child_count: int = 0
    user_errors: list[UserError] = dataclasses.field(default_factory=list)


def _references(given: list[ExternalReferenceInput] | None) -> list[Reference]:
    return [Reference(entry.system, entry.external_id, entry.url) for entry in given or ()]


def _value(given: Any) -> Any:
    return dataclasses.asdict(given) if isinstance(given, AddressInput) else given


# What a move calls by these names stands elsewhere in the input of a new customer.
_PLACED_FIELDS = {
    ("id",): ("kind",),
    ("parentId",): ("parent", "id"),
    ("access", "view"): ("parent", "access", "view"),
}
_NOT_FIELDS = {"id", "version", "external_references", "parent"}


def _created(given: CustomerCreateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given) if field.name not in _NOT_FIELDS}
    return {name: _value(value) for name, value in fields.items() if value is not None}


def _changed(given: CustomerUpdateInput) -> dict[str, Any]:
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(given) if field.name not in _NOT_FIELDS}
    return {name: _value(some.value) for name, some in fields.items() if some is not None}


@strawberry.type
class CustomerMutations:
    @strawberry.mutation
    async def customer_create(self, info: Info, input: CustomerCreateInput) -> CustomerPayload:  # noqa: A002
        async def use_case() -> CustomerPayload:
            parent = input.parent
            placed = Parent(input_id(Kind.CUSTOMER, parent.id, "parent", "id"), parent.access.rights()) if parent else None
            async with info.context.transaction() as transaction:
                try:
                    customer_id = await service.create(
                        transaction, values=_created(input), references=_references(input.external_references), parent=placed
                    )
                except Refusal as refusal:
                    if placed is not None and refusal.field is not None:
                        refusal.field = _PLACED_FIELDS.get(refusal.field, refusal.field)
                    raise
            return CustomerPayload(customer=await info.context.show(loaders.CustomerById, customer_id))

        return await attempt(CustomerPayload, use_case)

    @strawberry.mutation
    async def customer_update(self, info: Info, input: CustomerUpdateInput) -> CustomerPayload:  # noqa: A002
        async def use_case() -> CustomerPayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            references = input.external_references
            async with info.context.transaction() as transaction:
                await service.change(
                    transaction,
                    customer_id,
                    values=_changed(input),
                    references=_references(references.value) if references is not None else None,
                    version=input.version,
                )
            return CustomerPayload(customer=await info.context.show(loaders.CustomerById, customer_id))

        return await attempt(CustomerPayload, use_case)

    @strawberry.mutation(description="Links, moves or unlinks (parentId null). The rights of the new parent are required.")
    async def customer_move(self, info: Info, input: CustomerMoveInput) -> CustomerMovePayload:  # noqa: A002
        async def use_case() -> CustomerMovePayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            if input.parent_id is None:
                raise InvalidInput("Say under which parent: parentId, or null for none.", field=("parentId",))
            under = input.parent_id.value
            parent_id = input_id(Kind.CUSTOMER, under, "parentId") if under is not None else None
            if input.valid_from is not None:
                raise LinkDateNotSupported
            async with info.context.transaction() as transaction:
                moved = await move.place(
                    transaction,
                    customer_id,
                    parent_id=parent_id,
                    rights=input.access.rights() if input.access is not None else None,
                    reason=input.reason,
                    version=input.version,
                )
            return CustomerMovePayload(
                customer=await info.context.show(loaders.CustomerById, customer_id),
                former_parent=await _former(info, moved.former_parent_id),
                open_invoice_count=moved.open_invoice_count,
                former_ancestor_allocation_count=moved.former_ancestor_allocation_count,
            )

        return await attempt(CustomerMovePayload, use_case)

    @strawberry.mutation(description="Changes what the parent may do, from now on.")
    async def customer_parent_access_set(
        self,
        info: Info,
        input: CustomerParentAccessSetInput,  # noqa: A002
    ) -> CustomerPayload:
        async def use_case() -> CustomerPayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            async with info.context.transaction() as transaction:
                await move.set_access(
                    transaction, customer_id, rights=input.access.rights(), reason=input.reason, version=input.version
                )
            return CustomerPayload(customer=await info.context.show(loaders.CustomerById, customer_id))

        return await attempt(CustomerPayload, use_case)

    @strawberry.mutation(description="Ends new business with a customer. Its open invoices stay payable.")
    async def customer_deactivate(
        self,
        info: Info,
        input: CustomerDeactivateInput,  # noqa: A002
    ) -> CustomerDeactivatePayload:
        async def use_case() -> CustomerDeactivatePayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            async with info.context.transaction() as transaction:
                deactivated = await service.deactivate(
                    transaction, customer_id, is_cascading=input.cascade, version=input.version
                )
            return CustomerDeactivatePayload(
                customer=await info.context.show(loaders.CustomerById, customer_id), deactivated_count=len(deactivated)
            )

        return await attempt(CustomerDeactivatePayload, use_case)

    @strawberry.mutation(description="Deletes a customer without any transaction, and its contacts.")
    async def customer_delete(self, info: Info, input: CustomerDeleteInput) -> CustomerDeletePayload:  # noqa: A002
        async def use_case() -> CustomerDeletePayload:
            customer_id = input_id(Kind.CUSTOMER, input.id, "id")
            children = input.reparent_children_to.placement() if input.reparent_children_to is not None else None
            async with info.context.transaction() as transaction:
                try:
                    deleted = await deletion.delete_confirmed(
                        transaction, customer_id, token=input.confirmation_token, children=children
                    )
                except Refusal as refusal:
                    if children is not None and refusal.field is not None:
                        refusal.field = _children_field(children, refusal.field)
                    raise
            return CustomerDeletePayload(
                deleted_customer_id=ID(ids.encode(Kind.CUSTOMER, customer_id)),
                deleted_contact_count=deleted.contact_count,
                reparented_child_count=deleted.child_count,
            )

        return await attempt(CustomerDeletePayload, use_case)


def _children_field(children: Placement, field: tuple[str, ...]) -> tuple[str, ...]:
    """What a move calls by these names stands elsewhere in the input of a deletion."""
    if field == ("grandparent",):
        return ("reparentChildrenTo", *field)
    if field[0] not in {"parentId", "access"}:
        return field
    if children.under is Above.GRANDPARENT:
        return ("reparentChildrenTo", "grandparent", *(field[1:] if field[0] == "access" else ()))
    return ("reparentChildrenTo", "customer", *(field if field[0] == "access" else ("id",)))


async def _former(info: Info, parent_id: UUID | None) -> Any:
    return await info.context.show(loaders.CustomerById, parent_id) if parent_id is not None else None
