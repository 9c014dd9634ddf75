"""What stories are told with: customers, links, invoices, money; and the proof that a refusal left everything as it was.

A story speaks GraphQL, to the schema (`execute`) or to a server (`client`), and sees what any client sees.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from graphql import GraphQLObjectType, get_named_type
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco import database, ids
from holdco.client_users import invitations
from holdco.client_users import service as client_users
from holdco.client_users.service import Identity
from holdco.errors import Refusal
from holdco.ids import Kind
from holdco.migrations.metadata import metadata
from holdco.schema import schema

Ask = Callable[..., Awaitable[dict[str, Any]]]
Access = dict[str, Any]
Refusals = list[tuple[str, list[str] | None]]

SEES: Final[Access] = {"view": True, "pay": False, "manage": False}
PAYS: Final[Access] = {"view": True, "pay": True, "manage": False}

ALLOCATION: Final = "id amount strategy payer { id } invoice { id } reverses { id } isPaidByAncestor"

# What stories ask back of a mutation, besides userErrors.
_ANSWERS: Final[dict[str, str]] = {
    "customerCreate": "customer { id number name version }",
    "customerUpdate": "customer { id number name kind status currency version }",
    "customerMove": "customer { id version } formerParent { id } openInvoiceCount formerAncestorAllocationCount",
    "customerParentAccessSet": "customer { id version }",
    "customerDeactivate": "customer { id status } deactivatedCount",
    "customerDelete": "deletedCustomerId deletedContactCount reparentedChildCount",
    "customerTermsSet": "customer { id version }",
    "customerGroupCreate": "customerGroup { id version }",
    "customerGroupTermsSet": "customerGroup { id version }",
    "customerGroupDelete": "deletedCustomerGroupId movedMemberCount",
    "groupTermAccept": "customer { id version }",
    "groupTermDecline": "customer { id version }",
    "organizationUpdate": "organization { id version }",
    "organizationTermsSet": "organization { id version }",
    "itemCreate": "item { id version }",
    "itemUpdate": "item { id version }",
    "priceListCreate": "priceList { id version }",
    "priceListUpdate": "priceList { id version }",
    "contactCreate": "contact { id }",
    "contactConvert": "clientUser { id name email state projectScope }",
    "contactInvite": "clientUser { id name email state projectScope } invitation { secret expiresAt }",
    "clientUserInvite": "clientUser { id state version } invitation { secret expiresAt }",
    "clientUserReinvite": "clientUser { id state version } invitation { secret expiresAt }",
    "clientUserUpdate": "clientUser { id name email state projectScope version }",
    "clientUserDeactivate": "clientUser { id state version }",
    "clientUserReactivate": "clientUser { id state version }",
    "projectCreate": "project { id name description status version }",
    "projectUpdate": "project { id name description status version }",
    "projectPeopleSet": "project { id version }",
    "invoiceCreate": "invoice { id number status total balance dueDate version }",
    "invoiceTermsRefresh": "invoice { id version } termsDrift { field }",
    "invoiceIssue": "invoice { id number status balance version }",
    "invoiceVoid": f"invoice {{ id status balance }} reversals {{ {ALLOCATION} }} replayed",
    "paymentRecord": f"payment {{ id number status amount allocated unapplied unappliedReason }} allocations {{ {ALLOCATION} }} "
    "skipped { code customer { id } } note allocationErrors { code field message } possibleDuplicates { id } replayed",
    "paymentApply": f"source {{ ... on Payment {{ id allocated unapplied }} }} allocations {{ {ALLOCATION} }} "
    "skipped { code customer { id } } note replayed",
    "creditNoteCreate": "creditNote { id number status total remaining } replayed",
    "creditNoteApply": f"source {{ ... on CreditNote {{ id status allocated remaining }} }} allocations {{ {ALLOCATION} }} "
    "skipped { code customer { id } } note replayed",
    "allocationReverse": f"source {{ ... on Payment {{ id unapplied }} ... on CreditNote {{ id remaining }} }} "
    f"allocations {{ {ALLOCATION} }} replayed",
    "customersBulkUpdate": "job { id status isDryRun totalCount doneCount updatedCount unchangedCount failedCount skippedCount } "
    "replayed",
    "paymentReverse": f"payment {{ id status allocated unapplied }} allocations {{ {ALLOCATION} }} replayed",
}

_PREVIEW: Final = """
query ($input: AllocationInput!) {
  allocationPreview(input: $input) {
    lines { amount balanceAfter invoice { id number } } allocated unapplied planHash note
    skipped { code customer { id } } userErrors { code message field }
  }
}
"""
_RECEIVABLES: Final = """
query ($id: ID!) { customer(by: {id: $id}) {
  receivables { currency outstanding overdue unapplied openCredits net openInvoiceCount }
  consolidatedReceivables { currency outstanding overdue unapplied openCredits net openInvoiceCount }
} }
"""


def fresh_key() -> str:
    return uuid4().hex


def explicit(*lines: tuple[str, str]) -> dict[str, Any]:
    """Options that apply money to invoices by id and amount."""
    return {"strategy": "EXPLICIT", "lines": [{"invoiceId": key, "amount": amount} for key, amount in lines]}


def _mutations() -> GraphQLObjectType:
    mutations = schema._schema.mutation_type  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
    assert mutations is not None
    return mutations


@dataclass(frozen=True)
class Story:
    """One organization's story, told to `ask`; `engine` looks behind the graph."""

    ask: Ask
    engine: AsyncEngine
    organization_id: UUID

    async def attempt(self, mutation: str, **given: Any) -> dict[str, Any]:
        """The payload of a mutation, refused or not. Where the input takes an idempotency key, a fresh one is given."""
        field = _mutations().fields[mutation]
        kind = field.args["input"].type
        if "idempotencyKey" in get_named_type(kind).fields:
            given.setdefault("idempotencyKey", fresh_key())
        selection = f"{_ANSWERS.get(mutation, '')} userErrors {{ code message field }}"
        document = f"mutation ($input: {kind}) {{ {mutation}(input: $input) {{ {selection} }} }}"
        payload: dict[str, Any] = (await self.ask(document, input=given))[mutation]
        return payload

    async def do(self, mutation: str, **given: Any) -> dict[str, Any]:
        """The payload of a mutation that must not be refused."""
        payload = await self.attempt(mutation, **given)
        assert payload["userErrors"] == []
        return payload

    async def refused(self, mutation: str, **given: Any) -> Refusals:
        """Codes and fields of a mutation that must be refused, answer nothing else, and change nothing."""
        return [(code, field) for code, field, _ in await self.refusals(mutation, **given)]

    async def refusals(self, mutation: str, **given: Any) -> list[tuple[str, list[str] | None, str]]:
        """As `refused`, with messages."""
        before = await self.everything()
        payload = await self.attempt(mutation, **given)
        refusals = [(error["code"], error["field"], error["message"]) for error in payload.pop("userErrors")]
        assert refusals
        assert not any(payload.values())
        assert await self.everything() == before
        return refusals

    async def everything(self) -> list[tuple[str, str]]:
        """All rows of all tables that belong to the organization, in one order."""
        tables = [
            f"select '{name}', cast(to_jsonb(t) as text) from {name} t where {column} = :organization_id"
            for name in metadata.tables
            for column in ["id" if name == "organizations" else "organization_id"]
        ]
        async with directly(self.engine, self.organization_id) as connection:
            rows = await connection.execute(text(" union all ".join(tables)), {"organization_id": self.organization_id})
            return sorted((row[0], row[1]) for row in rows)

    async def customer(self, name: str, *, under: str | None = None, access: Access = PAYS, **fields: Any) -> str:
        """The id of a new customer."""
        if under is not None:
            fields["parent"] = {"id": under, "access": access}
        made: str = (await self.do("customerCreate", name=name, **fields))["customer"]["id"]
        return made

    async def move(self, customer_id: str, under: str | None, *, access: Access = PAYS) -> dict[str, Any]:
        return await self.do("customerMove", id=customer_id, parentId=under, **({"access": access} if under else {}))

    async def invoice(self, customer_id: str, amount: str, **fields: Any) -> str:
        """The id of a new invoice of one line, issued unless `issue` says otherwise."""
        fields.setdefault("issue", True)
        made = await self.do("invoiceCreate", customerId=customer_id, lines=[{"unitPrice": amount}], **fields)
        identifier: str = made["invoice"]["id"]
        return identifier

    async def payment(self, customer_id: str, amount: str, **fields: Any) -> str:
        """The id of a new payment."""
        made: str = (await self.do("paymentRecord", customerId=customer_id, amount=amount, **fields))["payment"]["id"]
        return made

    async def credit_note(self, customer_id: str, total: str, **fields: Any) -> str:
        made: str = (await self.do("creditNoteCreate", customerId=customer_id, total=total, **fields))["creditNote"]["id"]
        return made

    async def contact(self, customer_id: str, name: str, **fields: Any) -> str:
        made: str = (await self.do("contactCreate", customerId=customer_id, name=name, **fields))["contact"]["id"]
        return made

    async def project(self, customer_id: str, name: str, **fields: Any) -> str:
        made: str = (await self.do("projectCreate", customerId=customer_id, name=name, **fields))["project"]["id"]
        return made

    async def invited(self, name: str, email: str, *customer_ids: str, role: str = "VIEWER", **fields: Any) -> tuple[str, str]:
        """The id of a new client user, and the secret by which it gets in."""
        customers = [{"id": key, "role": role} for key in customer_ids]
        fields.setdefault("projectScope", "ALL")
        made = await self.do("clientUserInvite", name=name, email=email, customers=customers, **fields)
        return made["clientUser"]["id"], made["invitation"]["secret"]

    async def accept(self, secret: str, identity: Identity | None = None) -> dict[str, Any]:
        """What becomes of an invitation that is shown: the client user's id and state, as a payload has them."""
        try:
            presented = invitations.read(secret)
            async with database.begin(self.engine, organization_id=self.organization_id, actor="nobody") as transaction:
                user = await client_users.accept(transaction, presented, identity=identity)
        except Refusal as refusal:
            return {"userErrors": [{"code": refusal.code.value, "field": list(refusal.field or ()), "message": str(refusal)}]}
        return {"id": ids.encode(Kind.CLIENT_USER, user.id), "state": user.state, "userErrors": []}

    async def preview(self, source_id: str, **options: Any) -> dict[str, Any]:
        plan: dict[str, Any] = (await self.ask(_PREVIEW, input={"sourceId": source_id, **options}))["allocationPreview"]
        return plan

    async def applied(self, source_id: str, **options: Any) -> list[tuple[str, str]]:
        """Applies a payment; which invoice got what, in the order in which the money was handed out."""
        payload = await self.do("paymentApply", sourceId=source_id, **options)
        return [(row["invoice"]["id"], row["amount"]) for row in payload["allocations"]]

    async def balances(self, *invoice_ids: str) -> list[str]:
        found = await self.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Invoice { balance } } }", ids=invoice_ids)
        return [node["balance"] for node in found["nodes"]]

    async def unapplied(self, source_id: str) -> str:
        fields = "... on Payment { left: unapplied } ... on CreditNote { left: remaining }"
        found: str = (await self.ask(f"query ($id: ID!) {{ node(id: $id) {{ {fields} }} }}", id=source_id))["node"]["left"]
        return found

    async def receivables(self, customer_id: str) -> dict[str, Any]:
        """What a customer owes, alone (`receivables`) and with all below it (`consolidatedReceivables`)."""
        found: dict[str, Any] = (await self.ask(_RECEIVABLES, id=customer_id))["customer"]
        return found

    async def settings(self, **fields: Any) -> None:
        await self.do("organizationUpdate", **fields)

    async def today(self) -> str:
        found: str = (await self.ask("{ organization { today } }"))["organization"]["today"]
        return found
