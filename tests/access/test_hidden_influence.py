"""What is hidden from a client user changes nothing that it is answered: no row, count, sum, order, cursor or message.

Each document is asked twice: in a random organization, and in the same one without all that the user may not see. Ids, numbers
and cursors of hidden things are planted as arguments. Whatever differs between the two answers has leaked.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from graphql import (
    REMOVE,
    ArgumentNode,
    IntValueNode,
    ListValueNode,
    ObjectFieldNode,
    StringValueNode,
    ValueNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)
from hypothesis import HealthCheck, Phase, assume, given, reject, settings, strategies
from hypothesis_graphql import nodes, queries
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from access.worlds import CATALOG, NOW, TABLES, Maker, Rows, World, without_hidden, write
from asking import answered
from holdco import database, ids
from holdco.database import create_engine
from holdco.endpoint.errors import RequestError
from holdco.ids import Kind
from holdco.migrations.metadata import metadata
from holdco.organizations import service as organizations
from holdco.reader import Reader
from holdco.schema import schema
from holdco.sight import Audience
from holdco.viewer import Viewer

GRAPH = schema._schema  # noqa: SLF001 (Strawberry has no other name for graphql-core's schema)
WORLDS: Final = 12
# Of each world: thousands in all with HOLDCO_EXAMPLES=3000.
DOCUMENTS: Final = max(1, int(os.environ.get("HOLDCO_EXAMPLES", "300")) // WORLDS)

KINDS: Final = {
    "customers": Kind.CUSTOMER,
    "parent_links": Kind.PARENT_LINK,
    "customer_groups": Kind.GROUP,
    "contacts": Kind.CONTACT,
    "client_users": Kind.CLIENT_USER,
    "projects": Kind.PROJECT,
    "invoices": Kind.INVOICE,
    "payments": Kind.PAYMENT,
    "credit_notes": Kind.CREDIT_NOTE,
    "allocations": Kind.ALLOCATION,
    "activity": Kind.ACTIVITY,
    "items": Kind.ITEM,
    "price_lists": Kind.PRICE_LIST,
    "bulk_jobs": Kind.BULK_JOB,
}


@dataclass(frozen=True)
class Planted:
    """What arguments are made of: of all that is there, seen or hidden."""

    ids: list[str]
    words: list[str]
    cursors: list[str]


class Planter(Visitor):
    """Puts real ids, words and cursors into a random document, and pages of a few."""

    def __init__(self, planted: Planted, chance: Random) -> None:
        super().__init__()
        self._planted = planted
        self._chance = chance

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        name = node.name.value
        if name in {"after", "before"}:
            if self._chance.random() < 0.5:
                return REMOVE
            return ArgumentNode(name=node.name, value=StringValueNode(value=self._chance.choice(self._planted.cursors)))
        if name in {"first", "depthMax"}:
            return ArgumentNode(name=node.name, value=IntValueNode(value=str(self._chance.randint(1, 5))))
        if name == "last":
            return REMOVE
        return self._mended(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        return self._mended(node)

    def _mended(self, node: Any) -> Any:
        name, value = node.name.value, node.value
        if isinstance(value, StringValueNode | IntValueNode) and (name == "id" or name.endswith("Id")):
            return type(node)(name=node.name, value=self._id())
        if isinstance(value, ListValueNode) and (name == "ids" or name.endswith("Ids")):
            return type(node)(name=node.name, value=ListValueNode(values=tuple(self._id() for _ in value.values)))
        if isinstance(value, StringValueNode) and name in {"eq", "contains", "number", "name"}:
            words = self._planted.ids if value.value.startswith("id:") else self._planted.words
            return type(node)(name=node.name, value=StringValueNode(value=self._chance.choice(words)))
        return None

    def _id(self) -> ValueNode:
        return StringValueNode(value=self._chance.choice(self._planted.ids))


def _scalars() -> dict[str, Any]:
    days = strategies.dates(min_value=date(2026, 1, 1), max_value=date(2026, 3, 1))
    return {
        "Date": days.map(lambda day: nodes.String(day.isoformat())),
        "DateTime": strategies.just(nodes.String("2026-01-01T00:00:00Z")),
        "Decimal": strategies.sampled_from(["1.00", "2500.00"]).map(nodes.String),
        "CurrencyCode": strategies.just(nodes.String("GBP")),
        "JSON": strategies.just(nodes.String("json")),
    }


async def _cursors(engine: AsyncEngine, organization_id: UUID) -> list[str]:
    """Of everything, in the orders that are not chosen."""
    page = "edges { cursor }"
    document = f"""{{ customers {{ {page} }} invoices {{ {page} }} payments {{ {page} }} customerGroups {{ {page} }}
      in: customers {{ nodes {{ children {{ {page} }} descendants {{ {page} }} contacts {{ {page} }}
        creditNotes {{ {page} }} }}
    }} }}"""
    answer = await answered(engine, organization_id, document, {})
    assert answer.errors is None

    def within(value: Any) -> list[str]:
        if isinstance(value, list):
            return [cursor for each in value for cursor in within(each)]
        if isinstance(value, dict):
            return [each for name, inner in value.items() for each in ([inner] if name == "cursor" else within(inner))]
        return []

    return within(answer.data)


def _planted(rows: Rows, cursors: list[str]) -> Planted:
    keys = [ids.encode(kind, row["id"]) for table, kind in KINDS.items() for row in rows[table]]
    words = [row[name] for table in KINDS for row in rows[table] for name in ("number", "name") if row.get(name)]
    words += [row["external_id"] for row in rows["external_references"]]
    return Planted(keys, words, cursors)


async def founded(engine: AsyncEngine, world: World) -> UUID:
    organization_id = uuid4()
    await organizations.ensure(engine, organization_id)
    async with database.begin(engine, organization_id=organization_id, actor="tester") as transaction:
        await transaction.execute(
            text("update organizations set created_at = :now, updated_at = :now where id = :id"),
            {"now": NOW, "id": organization_id},
        )
    await write(engine, organization_id, world)
    return organization_id


@dataclass(frozen=True)
class Pair:
    """An organization, and the same without what its viewer may not see."""

    engine: AsyncEngine
    world: World
    reduced: World
    whole_id: UUID
    reduced_id: UUID
    planted: Planted

    @property
    def viewers(self) -> dict[UUID, Viewer]:
        """Of one half of the users statements are planned as for those who see many customers."""
        sees_many = self.world.viewer_id.int % 2 == 0
        return {
            key: Viewer(key, "client user", None, client_user_id=self.world.viewer_id, sees_many=sees_many)
            for key in (self.whole_id, self.reduced_id)
        }

    async def answer(self, organization_id: UUID, document: str, variables: dict[str, Any]) -> tuple[Any, list[str]]:
        result = await answered(self.engine, organization_id, document, variables, viewer=self.viewers[organization_id])
        said = repr((result.data, [error.message for error in result.errors or ()]))
        return said.replace(organization_id.hex, "the organization"), [error.message for error in result.errors or ()]

    async def compare(self, document: str, **variables: Any) -> bool:
        """Whether the document was answered without an error."""
        whole, errors = await self.answer(self.whole_id, document, variables)
        reduced, _ = await self.answer(self.reduced_id, document, variables)
        assert whole == reduced, (document, variables)
        return not errors


async def _pair(engine: AsyncEngine, chance: Random) -> Pair:
    world = Maker(chance).make()
    reduced = without_hidden(world)
    whole_id, reduced_id = await founded(engine, world), await founded(engine, reduced)
    planted = _planted(world.rows, await _cursors(engine, whole_id))
    return Pair(engine, world, reduced, whole_id, reduced_id, planted)


# Of fields that random documents seldom reach, on everything that there is.
RICH: Final = (
    """{ customers(first: 50) { totalCount nodes {
      number notes parent { name } parentAccess { view pay manage } depth root { name } ancestors { name }
      groups { name customers { totalCount nodes { name } } } externalReferences { externalId }
      children { totalCount nodes { name } } descendants { totalCount edges { depth parentId node { name } } }
      hierarchyHistory { totalCount } activity { totalCount } contacts { nodes { name } } creditNotes { nodes { total } }
      receivables { outstanding overdue unapplied openCredits openInvoiceCount }
      consolidatedReceivables { outstanding overdue unapplied openCredits openInvoiceCount } } } }""",
    """{ customers(first: 50) { nodes { insights(from: "2025-01-01", to: "2026-12-31") {
        memberCount customerActiveCount byCurrency { currency invoiceCount openInvoiceCount billed paid outstanding overdue
          averageDaysToPay }
        byMonth { month currency invoiceCount billed paid } topCustomers(currency: GBP) { customer { name } amount }
        paid: topCustomers(currency: GBP, by: PAID) { customer { name } amount } }
      below: insights(scope: DIRECT_CHILDREN, from: "2025-01-01") { memberCount byCurrency { billed paid outstanding } }
      alone: insights(scope: SELF, from: "2025-01-01") { memberCount byCurrency { billed paid outstanding } } } }
      customerGroups { nodes { insights { memberCount } consolidatedReceivables { outstanding } } } }""",
    """{ customers { nodes {
      all: invoices(scope: SUBTREE) { totalCount nodes { number lines { description } customer { name } } }
      below: invoices(scope: DIRECT_CHILDREN, filter: {isOpen: true}) { totalCount nodes { balance } }
      payments(scope: SUBTREE) { nodes { number allocated allocations { totalCount nodes { amount path } } } } } } }""",
    """{ invoices(first: 50) { nodes { number amountPaid allocations(includeReversed: true) { totalCount edges { cursor node {
      id amount isPaidByAncestor payerName actor reason path strategy payer { name } reversedBy { id }
      source { ... on Payment { number amount } ... on CreditNote { number total } }
      invoice { customer { name } } } } } } } }""",
    """{ payments { nodes { number amount unapplied
        allocations { nodes { actor invoice { number customer { name parent { name } } } } } } }
      customers { nodes { creditNotes { nodes { allocations { totalCount nodes { amount } } } } } } }""",
    """{ roots: customers(filter: {isRoot: true}) { totalCount nodes { name } }
      last: customers(orderBy: [{field: NAME, direction: DESC}], first: 2) { pageInfo { hasNextPage endCursor } } }""",
    """{ clientUsers(first: 50) { totalCount nodes { name email state projectScope invitedUntil
        customers { totalCount edges { role node { name notes parent { name } } } } projects { totalCount nodes { name } } } }
      projects(first: 50) { totalCount nodes { name customer { name } clientUsers { totalCount nodes { name } }
        contacts { totalCount nodes { name customer { name } } } } } }""",
    """{ customers(first: 50) { nodes { projects { totalCount nodes { name } }
        clientUsers { totalCount edges { role node { name customers { totalCount } projects { nodes { name } } } } }
        contacts { totalCount nodes { name clientUser { name } projects { totalCount nodes { name } } } } } }
      contacts { totalCount } }""",
    """{ customers(first: 50) { nodes { ownTerms { discountPercent priceList { name } paymentTerms { label } }
        effectiveTerms { discountPercent { value source sourceNode { id } } }
        parentAccess { view inheritTerms }
        groups { priceList { name } discountPercent paymentTerms { label } modes { priceList } termHistory { totalCount }
          drift { totalCount nodes { field customer { name } } }
          insights { memberCount } consolidatedReceivables { net } } } } }""",
    """{ invoices(first: 50) { nodes { number termsDrift { field }
        terms { priceList { version source sourceVersion value { name } sourceNode { id } }
          discountPercent { value source sourceVersion sourceNode { id } }
          paymentTerms { source sourceVersion sourceNode { id } } }
        lines { unitPrice unitPriceSource catalogItem { name } } } }
      items { totalCount nodes { name } } priceLists { totalCount nodes { name } } }""",
)
# Of each customer, and of each payment and credit note, seen or not.
OF_EACH: Final = """query ($id: ID!) {
  node(id: $id) { id } customer(by: {id: $id}) { name children { totalCount } }
  of: customers(filter: {parentId: {eq: $id}}) { totalCount nodes { name } }
  invoices(filter: {customerId: {eq: $id}}) { totalCount } payments(filter: {customerId: {eq: $id}}) { totalCount }
  clientUsers(filter: {customerId: {eq: $id}}) { totalCount } contacts(filter: {customerId: {eq: $id}}) { totalCount }
  projects(filter: {customerId: {eq: $id}}) { totalCount }
  customerDeletePreview(id: $id) { contactCount userErrors { code message } } }"""
OF_EACH_PERSON: Final = "query ($id: ID!) { node(id: $id) { id } clientUser(id: $id) { name customers { totalCount } } }"
OF_EACH_PROJECT: Final = "query ($id: ID!) { node(id: $id) { id } project(id: $id) { name clientUsers { totalCount } } }"
OF_EACH_ITEM: Final = "query ($id: ID!) { node(id: $id) { id } item(by: {id: $id}) { name prices { unitPrice } } }"
OF_EACH_PRICE_LIST: Final = "query ($id: ID!) { node(id: $id) { id } priceList(by: {id: $id}) { name version } }"
OF_EACH_SOURCE: Final = """query ($id: ID!) { allocationPreview(input: {sourceId: $id}) {
  lines { amount balanceAfter invoice { number } } allocated unapplied skipped { code customer { name } }
  userErrors { code message } } }"""

COUNTS: Final = """{ customers { totalCount } invoices { totalCount } payments { totalCount } customerGroups { totalCount }
  clientUsers { totalCount } projects { totalCount }
  all: customers(first: 200) { nodes { id contacts { totalCount } creditNotes { totalCount }
    invoices { nodes { id allocations { totalCount } } } } } }"""


async def test_all_that_may_be_seen_is_seen(database_url: str) -> None:
    """By the model, in numbers: the test below would not notice if nobody saw anything."""
    engine = create_engine(database_url, pool_size=2)
    seen = 0
    for seed in range(WORLDS):
        pair = await _pair(engine, Random(seed))
        rows, visible = pair.reduced.rows, pair.world.visible_customers()
        found: Any = (await answered(engine, pair.whole_id, COUNTS, {}, viewer=pair.viewers[pair.whole_id])).data
        own = [row for row in rows["payments"] if row["customer_id"] in visible]
        assert found["customers"]["totalCount"] == len(visible)
        assert found["invoices"]["totalCount"] == len(rows["invoices"])
        assert found["payments"]["totalCount"] == len(own)
        assert found["customerGroups"]["totalCount"] == len(rows["customer_groups"])
        assert found["clientUsers"]["totalCount"] == len(rows["client_users"])
        assert found["projects"]["totalCount"] == len(rows["projects"])
        customers = found["all"]["nodes"]
        assert {each["id"] for each in customers} == {ids.encode(Kind.CUSTOMER, key) for key in visible}
        assert sum(each["contacts"]["totalCount"] for each in customers) == len(rows["contacts"])
        invoices = [invoice for each in customers for invoice in each["invoices"]["nodes"]]
        assert sum(each["allocations"]["totalCount"] for each in invoices) == len(rows["allocations"])
        seen += len(visible)
    assert seen > WORLDS
    await engine.dispose()


@pytest.mark.parametrize("audience", [Audience.FEW, Audience.MANY])
async def test_each_table_shows_the_rows_that_may_be_seen_and_no_others(database_url: str, audience: Audience) -> None:
    """Whatever may be asked of it one day."""
    engine = create_engine(database_url, pool_size=2)
    for seed in range(WORLDS):
        pair = await _pair(engine, Random(seed))
        visible = pair.world.visible_customers()
        reader = Reader(engine, pair.whole_id, pair.world.viewer_id, audience)
        for name in set(TABLES) - {"invoice_lines"}:
            keys = [column for column in metadata.tables[name].primary_key if column.name != "organization_id"]
            found = {tuple(row) for row in await reader.rows(select(*keys))}
            # Whoever paid stands in the reduced world for its name only.
            owner = {
                "customers": "id",
                "customer_closure": "ancestor_id",
                "payments": "customer_id",
                "credit_notes": "customer_id",
            }
            rows = [row for row in pair.reduced.rows[name] if name not in owner or row[owner[name]] in visible]
            # What priced an invoice stands there to be referred to.
            rows = rows if name not in CATALOG else []
            assert found == {tuple(row[key.name] for key in keys) for row in rows}, name
        await reader.close()
    await engine.dispose()


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_what_is_hidden_changes_no_answer_about_anything_that_there_is(database_url: str, seed: int) -> None:
    engine = create_engine(database_url, pool_size=2)
    pair = await _pair(engine, Random(seed))
    asked = [(document, {}) for document in RICH]
    for document, *tables in (
        (OF_EACH, "customers"),
        (OF_EACH_PERSON, "client_users"),
        (OF_EACH_PROJECT, "projects"),
        (OF_EACH_ITEM, "items"),
        (OF_EACH_PRICE_LIST, "price_lists"),
        (OF_EACH_SOURCE, "payments", "credit_notes"),
    ):
        asked += [(document, {"id": ids.encode(KINDS[table], row["id"])}) for table in tables for row in pair.world.rows[table]]
    for document, variables in asked:
        assert await pair.compare(document, **variables), (document, variables)
    await engine.dispose()


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_is_hidden_changes_no_answer(database_url: str, seed: int) -> None:
    answered_count = 0
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, pool_size=2)
        pair = runner.run(_pair(engine, Random(seed)))

        @settings(
            max_examples=DOCUMENTS,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            document=queries(schema.as_str(), custom_scalars=_scalars(), allow_x00=False),
            chance=strategies.randoms(use_true_random=False),
        )
        def compare(document: str, chance: Random) -> None:
            nonlocal answered_count
            planted = visit(parse(document), Planter(pair.planted, chance))
            # Not every random value of a @oneOf input is one.
            assume(validate(GRAPH, planted) == [])
            text = print_ast(planted)
            try:
                answered_count += runner.run(pair.compare(text))
            except RequestError:
                reject()

        compare()
        runner.run(engine.dispose())
    assert answered_count > DOCUMENTS / 10
