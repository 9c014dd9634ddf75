"""Every field of the graph, with a value and, where its type allows it, without one: answered as graphql-core answers it.

The documents are made from the schema, so that a field that is added tomorrow is among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    ExecutionResult,
    GraphQLInterfaceType,
    GraphQLNamedOutputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    experimental_execute_incrementally,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from authentication.people import client_user, revoke
from directly import directly
from holdco import ids
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.response import encode
from holdco.ids import Kind
from holdco.limits import Limits
from holdco.organizations import service as organizations
from holdco.schema import schema
from holdco.viewer import StaffRole, Viewer
from stories import PAYS, SEES, Story
from tokens import issue, open_to_tests

GRAPH = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)

ADDRESS = {
    "attention": "Accounts", "street": "1 High Street", "street2": "Back door", "city": "Leeds",
    "state": "Yorkshire", "postalCode": "LS1 1AA", "country": "GB", "phone": "+44 113 496 0000",
}  # fmt: skip
# No client asks for every field of everything at once.
BEYOND = Limits(characters=10**6, tokens=10**5, fields=10**5, aliases=10**4, repetitions=10**4)
BEFORE, DAY, AFTER = "2026-01-15", "2026-02-15", "2026-03-15"


@pytest.fixture(scope="module")
async def full(engine: AsyncEngine) -> Story:
    """An organization in which everything that can be said of something has been said somewhere."""
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    story = Story(asker(engine, organization_id), engine, organization_id)
    head = await story.customer(
        "Head", number="H", companyName="Head Ltd", role="HEAD_OFFICE", email="a@head.example", phone="1", website="head.example",
        taxId="GB1", notes="Pays late.", customFields={"tier": [1, None, {"share": 0.5}]}, billingAddress=ADDRESS,
        shippingAddress=ADDRESS,
        externalReferences=[{"system": "crm", "externalId": "0001", "url": "https://crm.example/1"}],
    )  # fmt: skip
    branch = await story.customer(
        "Branch", number="B", under=head, access={**PAYS, "payInvoicesFrom": BEFORE},
        externalReferences=[{"system": "crm", "externalId": "0002"}], billingAddress={"street": "2 Low Street"},
    )  # fmt: skip
    await story.customer("Person", number="P", kind="INDIVIDUAL")
    seen = await story.customer("Seen but not paid for", number="S", under=head, access=SEES)
    await story.invoice(seen, "3.00")
    former = await story.customer("Former head", number="F")
    moved = await story.customer("Moved", number="M", under=former, billingAddress={"city": "York"})
    await story.do("customerMove", id=moved, parentId=branch, access=PAYS, reason="Sold.")
    await story.do(
        "contactCreate",
        customerId=head,
        name="Ruth",
        email="r@head.example",
        phone="2",
        designation="Head",
        department="Accounts",
    )
    await story.do("contactCreate", customerId=branch, name="Tom")
    await _peopled(story, head, branch)
    await _grouped(story, [head, moved])
    await _agreed(story, head, branch, moved)
    await _paid(story, head, branch, moved)
    await _priced(story)
    await _drifted(story, head)
    await _updated(story)
    await story.settings(lockedUntil="2025-12-31", hierarchyDepthMax=9)
    await open_to_tests(engine, organization_id)
    await client_user(engine, organization_id, "H", email="ruth@head.example")
    ended = await issue(engine, organization_id, role=StaffRole.READ_ONLY, expires_at=datetime.now(UTC) + timedelta(days=1))
    await revoke(engine, ended)
    async with directly(engine, organization_id) as connection:
        await connection.execute(text("update access_tokens set last_used_at = null where id = :id"), {"id": ended.id})
    return story


async def _peopled(story: Story, head: str, branch: str) -> None:
    """Client users in all states, with and without customers and projects, one of them converted."""
    project = await story.project(head, "Roll-out", description="All offices.")
    await story.project(branch, "Survey")
    contact = await story.contact(head, "Ada", email="ada@head.example")
    converted = (await story.do("contactConvert", id=contact, role="PAYER"))["clientUser"]["id"]
    await story.invited("Ivy", "ivy@head.example", head, branch, role="ADMIN", projectIds=[project])
    _, secret = await story.invited("Max", "max@nowhere.example")
    await story.accept(secret)
    await story.do("projectPeopleSet", id=project, clientUserIds=[converted], contactIds=[contact])


async def _grouped(story: Story, customer_ids: list[str]) -> None:
    for given in ({"name": "Resellers", "description": "They sell on."}, {"name": "Direct"}):
        made = await story.do("customerGroupCreate", **given)
        assert made["customerGroup"]["version"] == 1
    groups = await story.ask("{ customerGroups { nodes { id } } }")
    for group in groups["customerGroups"]["nodes"]:
        await story.do("customerGroupMembersAdd", id=group["id"], customerIds=customer_ids)


async def _priced(story: Story) -> None:
    """Items with and without prices, and price lists of both kinds with a history."""
    prices = [{"currency": "USD", "unitPrice": "10.00"}]
    router = await story.do("itemCreate", name="Router", sku="R", description="Routes.", unit="piece", prices=prices)
    switch = await story.do("itemCreate", name="Switch")
    brackets = [{"quantityTo": "10", "unitPrice": "9.00"}, {"quantityFrom": "10", "unitPrice": "8.00"}]
    rates = [{"itemId": router["item"]["id"], "brackets": brackets}]
    await story.do("priceListCreate", name="By quantity", currency="USD", kind="RATES", rates=rates)
    rounding = {"step": "1.00", "less": "0.01"}
    down = {"kind": "PERCENTAGE", "direction": "DOWN", "percent": "10", "rounding": rounding}
    made = await story.do("priceListCreate", name="Resellers", description="They sell on.", currency="USD", **down)
    await story.do("priceListUpdate", id=made["priceList"]["id"], isActive=False)
    await story.do("itemUpdate", id=switch["item"]["id"], status="INACTIVE")


async def _agreed(story: Story, head: str, branch: str, moved: str) -> None:
    """Terms of everybody, chosen or not, some of which apply; and a draft of before."""
    cable = (await story.do("itemCreate", name="Cable", prices=[{"currency": "USD", "unitPrice": "10.00"}]))["item"]["id"]
    await story.do("invoiceCreate", customerId=branch, lines=[{"itemId": cable}])
    lists = [
        (await story.do("priceListCreate", name=name, currency=currency, kind="RATES", rates=rates))["priceList"]["id"]
        for name, currency, rates in (
            ("Reselling", "USD", [{"itemId": cable, "brackets": [{"unitPrice": "9.00"}]}]),
            ("Selling", "USD", []),
            ("Abroad", "EUR", []),
        )
    ]
    groups = [node["id"] for node in (await story.ask("{ customerGroups { nodes { id } } }"))["customerGroups"]["nodes"]]
    chosen = dict.fromkeys(("priceList", "discountPercent", "paymentTerms"), "OPT_IN")
    for group, listed, percent, modes in zip(groups, lists, ("5", "7"), (chosen, None), strict=False):
        await story.do("customerGroupTermsSet", id=group, discountPercent="4")
        given = {"priceListId": listed, "discountPercent": percent, "paymentTerms": {"kind": "END_OF_MONTH"}}
        await story.do("customerGroupTermsSet", id=group, **given, modes=modes)
    await story.do("customerGroupMembersAdd", id=groups[0], customerIds=[branch])
    for key, acceptance in ((branch, "FOLLOW"), (moved, "PINNED")):
        for field in ("PRICE_LIST", "DISCOUNT_PERCENT", "PAYMENT_TERMS"):
            await story.do("groupTermAccept", customerId=key, groupId=groups[0], field=field, acceptance=acceptance)
    third = await story.customer("Pinned")
    await story.do("customerGroupMembersAdd", id=groups[0], customerIds=[third])
    await story.do("groupTermAccept", customerId=third, groupId=groups[0], field="DISCOUNT_PERCENT", acceptance="PINNED")
    await story.do("customerGroupTermsSet", id=groups[0], discountPercent="6")
    await story.invoice(third, "2.00")
    await story.payment(third, "2.00", apply={})
    await story.do("customerTermsSet", id=head, discountPercent="2.5", paymentTerms={"kind": "NET", "netDays": 14})
    own = {"discountPercent": "0", "paymentTerms": {"kind": "DUE_ON_RECEIPT"}}
    await story.do("customerTermsSet", id=moved, priceListId=lists[1], **own)
    await story.do("organizationTermsSet", priceListId=lists[2], discountPercent="1")
    await story.do("customerGroupCreate", name="Enterprise")


async def _updated(story: Story) -> None:
    """Bulk jobs before their turn, done, and given up; a customer that is gone, and one that was skipped."""
    gone, closed = await story.customer("Gone"), await story.customer("Closed")
    await story.do("customerDeactivate", id=closed)
    given = {"selector": {"ids": [gone, closed]}, "patch": {"role": "OTHER"}}
    jobs = [(await story.do("customersBulkUpdate", **given))["job"]["id"] for _ in range(3)]
    preview = await story.ask("query ($id: ID!) { customerDeletePreview(id: $id) { confirmationToken } }", id=gone)
    await story.do("customerDelete", id=gone, confirmationToken=preview["customerDeletePreview"]["confirmationToken"])
    async with directly(story.engine, story.organization_id) as connection:
        for job, statement in (
            (jobs[1], "update bulk_jobs set status = 'FAILED', error = 'The next rows failed.' where id = :id"),
            (jobs[2], "update bulk_jobs set status = 'QUEUED', started_at = null, finished_at = null where id = :id"),
            (jobs[2], "update bulk_job_rows set result = null where job_id = :id"),
        ):
            await connection.execute(text(statement), {"id": ids.decode(Kind.BULK_JOB, job)})


async def _drifted(story: Story, customer_id: str) -> None:
    """A draft whose terms are all others now, with an item that has no price any more; one with its own terms; one of today."""
    prices = [{"currency": "USD", "unitPrice": "100.00"}]
    items = [(await story.do("itemCreate", name=name, prices=prices))["item"]["id"] for name in ("Firewall", "Modem")]
    given = {"customerId": customer_id, "lines": [{"itemId": item_id} for item_id in items]}
    await story.do("invoiceCreate", **given)
    await story.do("invoiceCreate", **given, discountPercent="0", paymentTerms={"kind": "DUE_ON_RECEIPT"})
    down = {"kind": "PERCENTAGE", "direction": "DOWN", "percent": "10"}
    price_list_id = (await story.do("priceListCreate", name="Framework", currency="USD", **down))["priceList"]["id"]
    terms = {"discountPercent": "5", "paymentTerms": {"kind": "NET", "netDays": 7}}
    await story.do("customerTermsSet", id=customer_id, priceListId=price_list_id, **terms)
    await story.do("itemUpdate", id=items[1], prices=[{"currency": "USD", "unitPrice": None}])
    await story.do("invoiceCreate", customerId=customer_id, lines=[{"itemId": items[0]}])


async def _paid(story: Story, head: str, branch: str, moved: str) -> None:
    """Money over two levels: applied, reversed, kept, and a credit note."""
    line = {"description": "Two days on site", "item": "Installation", "quantity": "2", "unitPrice": "50.00", "taxPercent": "20"}
    given = {"purchaseOrder": "PO-1", "notes": "Thank you.", "shippingCharge": "5.00", "invoiceDate": DAY, "issue": True}
    for owner in (branch, moved):
        await story.do("invoiceCreate", customerId=owner, lines=[line, {"unitPrice": "1.00"}], **given)
    await story.invoice(head, "10.00", issue=False)
    void = await story.invoice(branch, "20.00")
    await story.do("invoiceVoid", id=void, reason="Sent twice.")
    payment = await story.do(
        "paymentRecord", customerId=head, amount="60.00", receivedOn=AFTER, reference="R", notes="N", sourceSystem="bank",
        externalId="77", bankCharges="1.00", withholdingTax="2.00", apply={},
    )  # fmt: skip
    await story.do("allocationReverse", id=payment["allocations"][0]["id"], reason="Applied by mistake.")
    await story.do("paymentApply", sourceId=payment["payment"]["id"], amountMax="30.00")
    bounced = await story.payment(head, "7.00")
    await story.do("paymentReverse", id=bounced, reason="Bounced.")
    kept = {"strategy": "EXPLICIT", "lines": [{"invoiceId": void, "amount": "1.00"}]}
    await story.do("paymentRecord", customerId=head, amount="8.00", apply=kept, onAllocationError="KEEP_UNAPPLIED")
    credit = await story.credit_note(head, "9.00", reason="Goodwill.")
    await story.credit_note(moved, "1.00")
    await story.do("creditNoteApply", sourceId=credit, amountMax="4.00")


QUERY = GRAPH.query_type
assert QUERY is not None

# What must be given to fields of the root. Ids are filled in.
ARGUMENTS = [
    ("node", '(id: "{customer}")'),
    (
        "nodes",
        (
            '(ids: ["{customer}", "{invoice}", "{payment}", "{nothing}", "{contact}", "{creditNote}", "{link}", '
            '"{allocations}", "{clientUser}", "{project}"])'
        ),
    ),
    ("customer", '(by: {{number: "B"}})'),
    ("customerDeletePreview", '(id: "{customer}")'),
    ("customerDeletePreview", '(id: "{person}")'),
    ("contact", '(id: "{contact}")'),
    ("clientUser", '(id: "{clientUser}")'),
    ("project", '(id: "{project}")'),
    ("invoice", '(by: {{id: "{invoice}"}})'),
    ("customerGroup", '(by: {{name: "Resellers"}})'),
    ("payment", '(by: {{id: "{payment}"}})'),
    ("item", '(by: {{sku: "R"}})'),
    ("priceList", '(by: {{name: "Resellers"}})'),
    ("bulkJob", '(id: "{bulkJob}")'),
    ("allocationPreview", '(input: {{sourceId: "{payment}"}})'),
    ("allocationPreview", '(input: {{sourceId: "{payment}", strategy: EXACT_MATCH}})'),
    ("allocationPreview", '(input: {{sourceId: "{payment}", scope: CUSTOMERS, customerIds: ["{person}"]}})'),
]
# What must be given to other fields, with the id of an item filled in likewise.
NESTED = {
    "PriceList.prices": f'(items: [{{itemId: "{{item}}"}}, {{itemId: "itm_{"0" * 32}"}}])',
    "Insights.topCustomers": "(currency: USD)",
}
ROOTS = sorted({(name, "") for name, field in QUERY.fields.items() if not any(map(is_required_argument, field.args.values()))})
CASES = [*ROOTS, *ARGUMENTS, ("viewer", "")]


def selection(kind: GraphQLNamedOutputType, relations: int) -> str:
    """All fields of a type, those of what belongs to it, and those of its relations so many steps away."""
    if isinstance(kind, GraphQLInterfaceType) and relations == 0:
        # All types that it may be have roots of their own; beside everything else a plan would be too large.
        return "{ __typename id }"
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        # These have roots of their own; with their relations beside those of all other types a plan would be too large.
        large = {"Customer", "CustomerGroup", "Invoice"} if isinstance(kind, GraphQLInterfaceType) else set()
        members = [each for each in GRAPH.get_possible_types(kind) if each.name not in large]
        return "{ __typename " + " ".join(f"... on {each.name} {selection(each, relations)}" for each in members) + " }"
    if is_leaf_type(kind):
        return ""
    assert isinstance(kind, GraphQLObjectType)
    parts = ["__typename"]
    for name, field in kind.fields.items():
        given = NESTED.get(f"{kind.name}.{name}", "")
        assert bool(given) == any(is_required_argument(argument) for argument in field.args.values())
        named = get_named_type(field.type)
        # The nodes of edges are those that `nodes` has shown in full.
        steps = min(relations - 1, 0 if kind.name.endswith("Edge") else relations) if _is_entity(named) else relations
        if is_leaf_type(named) or steps >= 0:
            inner = selection(named, steps)
            if name in {"sourceNode", "holder"}:
                # Whose terms apply is shown in full elsewhere: with all of it everywhere a plan would be too large.
                inner = f"{{ __typename {named.name}_id: id }}"
            # An alias for each type: no two types disagree about what stands under one name (GraphQL's overlapping fields).
            alias = f"{kind.name}_{name}: " if "Connection" not in kind.name and "Edge" not in kind.name else ""
            arguments = "(includeReversed: true)" if "includeReversed" in field.args else given
            parts.append(f"{alias}{name}{arguments} {inner}")
    return "{ " + " ".join(parts) + " }"


def _is_entity(kind: Any) -> bool:
    return isinstance(kind, GraphQLUnionType | GraphQLInterfaceType) or any(
        each.name == "Node" for each in getattr(kind, "interfaces", ())
    )


def document(root: str, arguments: str) -> str:
    """A field of the root with all nodes that it leads to, and their relations."""
    assert QUERY is not None
    kind = get_named_type(QUERY.fields[root].type)
    return f"{{ {root}{arguments} {selection(kind, 2 if kind.name.endswith('Connection') else 1)} }}"


@dataclass(frozen=True)
class Answer:
    """What a level at a time answers to a field of the root, and what graphql-core answers."""

    root: str
    planned: dict[str, Any] | None
    stock: ExecutionResult


@pytest.fixture(scope="module")
async def answers(full: Story) -> list[Answer]:
    """Of all CASES."""
    known = await full.ask(KNOWN)
    given = {"nothing": "cus_" + "0" * 32, "customer": known["customer"]["id"], "person": known["person"]["id"]}
    given |= {kind: known[f"{kind}s"]["nodes"][0]["id"] for kind in ("invoice", "payment")}
    given |= {
        kind: known["customer"][f"{kind}s"]["nodes"][0]["id"] for kind in ("contact", "creditNote", "clientUser", "project")
    }
    given["allocations"] = '", "'.join(each["id"] for each in known["payments"]["nodes"][0]["allocations"]["nodes"])
    given["bulkJob"] = known["bulkJobs"]["nodes"][0]["id"]
    given["link"] = known["moved"]["hierarchyHistory"]["nodes"][0]["id"]
    staff = Viewer(full.organization_id, "tester", StaffRole.ADMIN)
    asked = [
        (root, document(root, arguments.format(**given)).replace("{item}", known["item"]["id"])) for root, arguments in CASES
    ]
    # The last as somebody else, who has what staff has not.
    ruth = Viewer(full.organization_id, "Ruth", None, await _client_user(full))
    return [await _answer(full, staff, *each) for each in asked[:-1]] + [await _answer(full, ruth, *asked[-1])]


async def _client_user(story: Story) -> UUID:
    tokens = await story.ask("{ accessTokens { nodes { clientUserId } } }")
    (user_id,) = (node["clientUserId"] for node in tokens["accessTokens"]["nodes"] if node["clientUserId"])
    return ids.decode(Kind.CLIENT_USER, user_id)


KNOWN = """{
  customer(by: {number: "H"}) {
    id contacts { nodes { id } } creditNotes { nodes { id } } clientUsers { nodes { id } } projects { nodes { id } }
  }
  invoices { nodes { id } }
  item(by: {sku: "R"}) { id }
  bulkJobs(first: 1) { nodes { id } }
  person: customer(by: {number: "P"}) { id }
  moved: customer(by: {number: "M"}) { hierarchyHistory { nodes { id } } }
  payments(filter: {reference: {eq: "R"}}) { nodes { id allocations(includeReversed: true) { nodes { id } } } }
}"""


async def _answer(story: Story, viewer: Viewer, root: str, asked: str) -> Answer:
    read = Documents(schema, limits=BEYOND).read(asked)
    (plans,) = read.plans.values()
    context = Context(story.engine, viewer)
    planned = await plans.data(schema, context, {})
    await context.close()
    context = Context(story.engine, viewer)
    stock: Any = experimental_execute_incrementally(GRAPH, read.node, context_value=context)
    result = await stock
    await context.close()
    return Answer(root, planned, result)


@pytest.mark.parametrize("case", range(len(CASES)), ids=["".join(case) for case in CASES])
def test_every_field_that_can_be_reached_is_answered_in_the_same_bytes(answers: list[Answer], case: int) -> None:
    answer = answers[case]
    assert answer.stock.errors is None
    assert answer.planned is not None
    assert encode(answer.planned) == encode(answer.stock.data)


# Of a term that somebody has.
WHOSE = ("value", "version", "sourceNode")

# Told by imports only.
NEVER_SAID = {"Invoice.externalId"}

# There is one organization here, which has both limits; who is below another has a parent; these refusals are of a field; from
# staff no payer is hidden, and nothing that is staff's.
ALWAYS_SAID = {
    *("Organization.lockedUntil", "Organization.hierarchyDepthMax", "DescendantEdge.parentId", "UserError.field"),
    *("Allocation.actor", "Allocation.payer", "Allocation.source", "Organization.terms", "CustomerGroup.modes"),
    *("CustomerGroup.insights", "CustomerGroup.drift"),
    *("InvoicePriceList.source", "InvoiceDiscountPercent.source", "InvoicePaymentTerms.source"),
    *("OrganizationTerms.discountPercent", "OrganizationTerms.priceList", "ParentAccess.inheritTerms"),
    *(f"{kind}.{name}" for kind in ("EffectivePercent", "EffectivePaymentTerms") for name in WHOSE),
    *(f"{kind}Candidate.{name}" for kind in ("PriceList", "Percent", "PaymentTerms") for name in WHOSE),
    "PriceListCandidate.priceListVersion",
}


def said(kind: GraphQLNamedOutputType, value: Any, found: dict[str, set[bool]]) -> None:
    """Notes for each field whether it has a value somewhere, and whether it has none somewhere."""
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict) or is_leaf_type(kind):
            continue
        actual = GRAPH.type_map[each["__typename"]]
        assert isinstance(actual, GraphQLObjectType)
        for key, inner in each.items():
            name = key.rpartition("_")[2]
            if name in actual.fields:
                found.setdefault(f"{actual.name}.{name}", set()).add(inner not in (None, []))
                said(get_named_type(actual.fields[name].type), inner, found)


def test_every_field_has_a_value_somewhere_and_is_null_or_empty_somewhere(answers: list[Answer]) -> None:
    """The proof that the test above compares something."""
    found: dict[str, set[bool]] = {}
    assert QUERY is not None
    for answer in answers:
        assert answer.stock.data is not None
        said(get_named_type(QUERY.fields[answer.root].type), answer.stock.data[answer.root], found)
    reachable = {f"{kind.name}.{name}" for kind in kinds(QUERY, set()) for name in kind.fields if kind is not QUERY}
    assert reachable ^ set(found) == set()
    assert {name for name, seen in found.items() if True not in seen} == NEVER_SAID
    nullable = {name for name in found if not isinstance(_field(name).type, GraphQLNonNull)}
    assert {name for name in nullable if False not in found[name]} == ALWAYS_SAID


def _field(name: str) -> Any:
    kind, _, field = name.partition(".")
    return GRAPH.type_map[kind].fields[field]  # type: ignore[union-attr]


def kinds(kind: Any, seen: set[str]) -> Iterator[GraphQLObjectType]:
    """The types of objects that queries reach."""
    if kind.name in seen or is_leaf_type(kind):
        return
    seen.add(kind.name)
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        for each in GRAPH.get_possible_types(kind):
            yield from kinds(each, seen)
        return
    yield kind
    for field in kind.fields.values():
        yield from kinds(get_named_type(field.type), seen)
