"""Joins each feature's queries and mutations into the one schema that clients see."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry import ID
from strawberry.schema.config import StrawberryConfig

from holdco.access.graph import AccessQueries
from holdco.access.mutations import AccessMutations
from holdco.bulk.graph import BulkJob, BulkQueries
from holdco.bulk.loaders import BulkJobById
from holdco.bulk.mutations import BulkMutations
from holdco.client_users.graph import ClientUser, ClientUserQueries
from holdco.client_users.loaders import ClientUserById
from holdco.client_users.mutations import ClientUserMutations
from holdco.connections import Info, NodeInterface
from holdco.contacts.graph import Contact, ContactQueries
from holdco.contacts.loaders import ContactById
from holdco.contacts.mutations import ContactMutations
from holdco.customers.graph import Activity, Customer, CustomerQueries
from holdco.customers.loaders import ActivityById, CustomerById, ParentLinkById
from holdco.customers.mutations import CustomerMutations
from holdco.customers.tree import ParentLink
from holdco.errors import BadUserInput
from holdco.execution.fields import load, lookup
from holdco.groups.graph import CustomerGroup, GroupQueries
from holdco.groups.loaders import GroupById
from holdco.groups.mutations import GroupMutations
from holdco.ids import Kind
from holdco.ids import parse as parse_id
from holdco.invoices.graph import Invoice, InvoiceQueries
from holdco.invoices.loaders import InvoiceById
from holdco.invoices.mutations import InvoiceMutations
from holdco.items.graph import Item, ItemQueries
from holdco.items.loaders import ItemById
from holdco.items.mutations import ItemMutations
from holdco.loading import Loader
from holdco.organizations.graph import Organization, OrganizationQueries
from holdco.organizations.loaders import OrganizationById
from holdco.organizations.mutations import OrganizationMutations
from holdco.payments.graph import Allocation, CreditNote, Payment, PaymentQueries
from holdco.payments.loaders import AllocationById, CreditNoteById, PaymentById
from holdco.payments.mutations import AllocationQueries, PaymentMutations
from holdco.permitted import ask_permission
from holdco.price_lists.graph import PriceList, PriceListQueries
from holdco.price_lists.loaders import PriceListById
from holdco.price_lists.mutations import PriceListMutations
from holdco.projects.graph import Project, ProjectQueries
from holdco.projects.loaders import ProjectById
from holdco.projects.mutations import ProjectMutations
from holdco.scalars import SCALARS
from holdco.subscriptions.graph import Subscription
from holdco.terms.mutations import TermsMutations

NODES_MAX = 200

_LOADERS: dict[Kind, type[Loader[Any, Any]]] = {
    Kind.ORGANIZATION: OrganizationById,
    Kind.CUSTOMER: CustomerById,
    Kind.PARENT_LINK: ParentLinkById,
    Kind.GROUP: GroupById,
    Kind.CONTACT: ContactById,
    Kind.CLIENT_USER: ClientUserById,
    Kind.PROJECT: ProjectById,
    Kind.INVOICE: InvoiceById,
    Kind.PAYMENT: PaymentById,
    Kind.CREDIT_NOTE: CreditNoteById,
    Kind.ALLOCATION: AllocationById,
    Kind.ACTIVITY: ActivityById,
    Kind.BULK_JOB: BulkJobById,
    Kind.ITEM: ItemById,
    Kind.PRICE_LIST: PriceListById,
}


def _loader_of(kind: Kind) -> type[Loader[Any, Any]]:
    """Raises BadUserInput for what is listed for those who may see it, and found in no other way."""
    if kind not in _LOADERS:
        raise BadUserInput(f"What begins with {kind.value}_ cannot be looked up by its id.")
    return _LOADERS[kind]


@strawberry.type
class NodeQueries:
    @lookup("Anything by its id; null where there is none.")
    def node(info: Info, id: ID) -> NodeInterface | None:  # noqa: A002
        kind, key = parse_id(id)
        return load(_loader_of(kind), [key])

    @strawberry.field(description="In the order of the ids; null for each that there is not.")
    async def nodes(self, info: Info, ids: list[ID]) -> list[NodeInterface | None]:
        if len(ids) > NODES_MAX:
            raise BadUserInput(f"At most {NODES_MAX} ids can be looked up at once, not {len(ids)}.")
        wanted = [parse_id(text) for text in ids]
        futures = [info.context.loader(_loader_of(kind)).load(key) for kind, key in wanted]
        return [await future for future in futures]


@strawberry.type
class Query(
    NodeQueries,
    CustomerQueries,
    InvoiceQueries,
    GroupQueries,
    ContactQueries,
    ClientUserQueries,
    ProjectQueries,
    ItemQueries,
    PriceListQueries,
    PaymentQueries,
    AllocationQueries,
    OrganizationQueries,
    AccessQueries,
    BulkQueries,
):
    pass


@strawberry.type
class Mutation(
    CustomerMutations,
    GroupMutations,
    TermsMutations,
    ContactMutations,
    ClientUserMutations,
    ProjectMutations,
    ItemMutations,
    PriceListMutations,
    InvoiceMutations,
    PaymentMutations,
    OrganizationMutations,
    AccessMutations,
    BulkMutations,
):
    pass


class Schema(strawberry.Schema):
    """Errors are logged by the endpoint, with the id of their request; here they would be logged a second time."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        pass


def _drop_null_defaults(graph: GraphQLSchema) -> None:
    """An optional argument that is left out is null anyway; `= null` behind each would only hide the real defaults."""
    for kind in graph.type_map.values():
        fields = kind.fields if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType) else {}
        for field in fields.values():
            inputs = [field] if isinstance(field, GraphQLInputField) else field.args.values()
            for optional in inputs:
                if optional.default_value is None:
                    optional.default_value, optional.default = Undefined, None


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[
        Activity,
        Allocation,
        BulkJob,
        ClientUser,
        Contact,
        CreditNote,
        Customer,
        CustomerGroup,
        Invoice,
        Item,
        Organization,
        ParentLink,
        Payment,
        PriceList,
        Project,
    ],
    config=StrawberryConfig(scalar_map=SCALARS, enable_experimental_incremental_execution=True),
)
ask_permission(schema._schema)  # noqa: SLF001 (as below)
_drop_null_defaults(schema._schema)  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
