"""Random organizations, and the same ones as they would be if nothing existed that a client user may not see.

The model of who sees what is written here once more, in plain Python over plain rows, by the letter of domain.md V1 to V5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database
from holdco.migrations.metadata import metadata

Row = dict[str, Any]
Rows = dict[str, list[Row]]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# In the order in which foreign keys let rows be written.
TABLES = (
    *("items", "item_prices", "price_lists", "price_list_versions", "price_list_rates"),
    *("customers", "parent_links", "customer_closure", "external_references", "contacts", "customer_groups", "group_members"),
    *("former_group_members", "former_group_ranks", "terms", "term_acceptances", "bulk_jobs", "bulk_job_rows"),
    *("invoices", "invoice_lines", "payments", "credit_notes", "allocations", "client_users", "client_user_customers"),
    *("invitations", "projects", "project_client_users", "project_contacts", "activity"),
)
# What visible invoices refer to, and client users do not see.
CATALOG = ("items", "price_lists", "price_list_versions")
_DATED = {"created_at": NOW, "updated_at": NOW, "version": 1}


@dataclass(frozen=True)
class Link:
    parent_id: UUID
    view: bool
    pay: bool
    manage: bool


@dataclass(frozen=True)
class World:
    """The rows of an organization by table, its links by child, and the client user that looks at it."""

    rows: Rows
    links: Mapping[UUID, Link]
    viewer_id: UUID

    def way(self, ancestor_id: UUID, customer_id: UUID) -> list[Link] | None:
        """The links from a customer up to an ancestor; None where it is no ancestor."""
        steps: list[Link] = []
        while customer_id != ancestor_id:
            link = self.links.get(customer_id)
            if link is None:
                return None
            steps.append(link)
            customer_id = link.parent_id
        return steps

    def visible_customers(self) -> set[UUID]:
        user = next(row for row in self.rows["client_users"] if row["id"] == self.viewer_id)
        own = [row["customer_id"] for row in self.rows["client_user_customers"] if row["client_user_id"] == self.viewer_id]
        return {
            row["id"]
            for row in self.rows["customers"]
            for ancestor_id in own
            if user["state"] == "ACTIVE"
            and (way := self.way(ancestor_id, row["id"])) is not None
            and all(link.view for link in way)
        }


class Maker:
    """Makes a random world. Names, numbers and amounts are unlike one another, so that each can be told from all others."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._count = 0
        self.rows: Rows = {table: [] for table in TABLES}
        self.links: dict[UUID, Link] = {}

    def key(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def word(self) -> str:
        return "".join(self._chance.choices("bcdfghjklmnpqrstvwxz", k=10))

    def amount(self) -> int:
        self._count += 1
        return self._chance.randint(100, 900) * 1000 + self._count

    def add(self, table: str, **values: Any) -> Row:
        columns = (each for each in metadata.tables[table].columns if each.server_default is None)
        row = {each.name: None for each in columns if each.name != "organization_id"} | values
        self.rows[table].append(row)
        return row

    def make(self) -> World:
        chance = self._chance
        self._catalog()
        customers = [self._customer() for _ in range(chance.randint(4, 9))]
        self._closure()
        for customer in customers:
            self._belongings(customer)
        self._allocations()
        self._groups(customers)
        self._terms(customers)
        users = [self._user(customers) for _ in range(3)]
        self._projects(customers, users)
        return World(self.rows, self.links, users[0]["id"])

    def _customer(self) -> Row:
        chance, key = self._chance, self.key()
        others = self.rows["customers"]
        if others and chance.random() < 0.8:
            view = chance.random() < 0.7
            pay, manage = view and chance.random() < 0.5, view and chance.random() < 0.5
            self.links[key] = Link(chance.choice(others)["id"], view, pay, manage)
        link = self.links.get(key)
        row = self.add(
            "customers",
            **_DATED,
            id=key,
            number=self.word(),
            name=self.word(),
            kind="BUSINESS",
            status="ACTIVE",
            currency="GBP",
            email=f"{self.word()}@{self.word()}.example",
            notes=self.word(),
            parent_id=link.parent_id if link else None,
        )
        for is_open in (True, False):
            if link is not None and (is_open or chance.random() < 0.3):
                ended = None if is_open else NOW
                rights = {"view": link.view, "pay": link.pay, "manage": link.manage}
                parent_id = link.parent_id if is_open else chance.choice(others[:-1])["id"]
                if parent_id != key:
                    self.add(
                        "parent_links",
                        **rights,
                        inherit_terms=chance.random() < 0.5,
                        id=self.key(),
                        child_id=key,
                        parent_id=parent_id,
                        valid_from=NOW,
                        valid_to=ended,
                        actor=self.word(),
                        reason=self.word(),
                    )
        return row

    def _catalog(self) -> None:
        for _ in range(2):
            named = {"name": self.word(), "description": self.word()}
            item = self.add("items", **_DATED, **named, id=self.key(), sku=self.word(), status="ACTIVE")
            self.add("item_prices", item_id=item["id"], currency="GBP", unit_price=Decimal(self.amount()) / 100)
            price_list = self.add("price_lists", **_DATED, id=self.key(), name=self.word(), currency="GBP", kind="RATES")
            version = {"price_list_id": price_list["id"], "version": 1, "valid_from": NOW, "actor": self.word()}
            self.add("price_list_versions", **version)
            self.add(
                "price_list_rates",
                price_list_id=price_list["id"],
                item_id=item["id"],
                quantity_from=Decimal(0),
                version_from=1,
                unit_price=Decimal(self.amount()) / 100,
            )

    def _terms(self, customers: list[Row]) -> None:
        owners = [{"customer_id": customer["id"]} for customer in self._some(customers)]
        owners += [{"group_id": group["id"], "mode": "AUTOMATIC"} for group in self.rows["customer_groups"]]
        for owner in [*owners, {}]:
            price_list = self._chance.choice(self.rows["price_lists"])
            percent = Decimal(self._chance.randint(1, 99))
            for field, value in (
                ("PRICE_LIST", {"price_list_id": price_list["id"]}),
                ("DISCOUNT_PERCENT", {"discount_percent": percent}),
                ("PAYMENT_TERMS", {"payment_terms_kind": "NET", "payment_terms_net_days": self._chance.randint(1, 99)}),
            ):
                # An organization has payment terms from its first moment.
                if owner or field != "PAYMENT_TERMS":
                    term = {"id": self.key(), "field": field, "version": 1, "valid_from": NOW, "actor": self.word()}
                    self.add("terms", **term, **owner, **value)
        for group in self.rows["customer_groups"]:
            self.add("former_group_ranks", group_id=group["id"], valid_to=NOW, rank=self._chance.randint(1, 99))
        for member in self.rows["group_members"]:
            belonging = {"group_id": member["group_id"], "customer_id": member["customer_id"], "actor": self.word()}
            self.add("former_group_members", **belonging, added_at=NOW, removed_at=NOW)
            self.add("term_acceptances", **belonging, id=self.key(), field="PRICE_LIST", kind="FOLLOW", valid_from=NOW)
        counts = dict.fromkeys(("updated_count", "unchanged_count", "failed_count", "skipped_count", "done_count"), 0)
        job = self.add(
            "bulk_jobs",
            **counts,
            id=self.key(),
            status="QUEUED",
            patch={"word": self.word()},
            override_policy="KEEP",
            is_dry_run=False,
            total_count=len(customers),
            actor=self.word(),
            created_at=NOW,
        )
        for position, customer in enumerate(customers, 1):
            self.add("bulk_job_rows", job_id=job["id"], position=position, customer_id=customer["id"])

    def _closure(self) -> None:
        world = World(self.rows, self.links, UUID(int=0))
        for above in self.rows["customers"]:
            for below in self.rows["customers"]:
                if (way := world.way(above["id"], below["id"])) is not None:
                    self.add("customer_closure", **closure_row(above["id"], below["id"], way))

    def _belongings(self, customer: Row) -> None:
        chance = self._chance
        for _ in range(chance.randint(0, 3)):
            self._invoice(customer)
        for _ in range(chance.randint(0, 2)):
            amount = self.amount()
            self.add(
                "payments",
                id=self.key(),
                number=self.word(),
                customer_id=customer["id"],
                status="SUCCEEDED",
                currency="GBP",
                amount=amount,
                allocated=0,
                unapplied=amount,
                received_on=self._day(),
                mode="BANK_TRANSFER",
                bank_charges=0,
                withholding_tax=0,
                created_at=NOW,
                version=1,
                notes=self.word(),
                reference=self.word(),
            )
        if chance.random() < 0.5:
            total = self.amount()
            self.add(
                "credit_notes",
                id=self.key(),
                number=self.word(),
                customer_id=customer["id"],
                currency="GBP",
                credit_date=self._day(),
                total=total,
                allocated=0,
                remaining=total,
                created_at=NOW,
                version=1,
                reason=self.word(),
            )
        for _ in range(chance.randint(0, 2)):
            self.add("contacts", **_DATED, id=self.key(), customer_id=customer["id"], name=self.word(), email=None)
        reference = {"system": "books", "external_id": self.word(), "customer_id": customer["id"], "url": None}
        self.add("external_references", **reference)
        self.add(
            "activity",
            id=self.key(),
            occurred_at=NOW,
            actor=self.word(),
            action="customer.updated",
            customer_id=customer["id"],
            subject_id=f"cus_{customer['id'].hex}",
            details={"word": self.word()},
        )

    def _day(self) -> date:
        return date(2026, self._chance.randint(1, 2), self._chance.randint(1, 28))

    def _invoice(self, customer: Row) -> None:
        total = self.amount()
        price_list = self._chance.choice([None, *self.rows["price_lists"]])
        invoice = self.add(
            "invoices",
            **_DATED,
            id=self.key(),
            number=self.word(),
            customer_id=customer["id"],
            currency="GBP",
            status=self._chance.choice(["ISSUED", "ISSUED", "ISSUED", "DRAFT"]),
            invoice_date=self._day(),
            due_date=self._day(),
            payment_terms_kind="NET",
            payment_terms_net_days=30,
            payment_terms_source="ORGANIZATION",
            discount_source="ANCESTOR",
            discount_source_id=self._chance.choice(self.rows["customers"])["id"],
            discount_source_version=1,
            price_list_id=price_list["id"] if price_list else None,
            price_list_version=1 if price_list else None,
            price_list_source="NONE" if price_list is None else "ANCESTOR",
            price_list_source_id=self._chance.choice(self.rows["customers"])["id"] if price_list else None,
            price_list_source_version=1 if price_list else None,
            bill_to={"name": customer["name"]},
            discount_percent=Decimal(0),
            is_discount_before_tax=True,
            subtotal=total,
            discount_total=0,
            tax_total=0,
            shipping_charge=0,
            adjustment=0,
            total=total,
            amount_paid=0,
            amount_written_off=0,
            balance=total,
            purchase_order=self.word(),
        )
        self.add(
            "invoice_lines",
            invoice_id=invoice["id"],
            position=1,
            description=self.word(),
            item_id=self._chance.choice(self.rows["items"])["id"],
            unit_price_source=self._chance.choice(["DOCUMENT", "PRICE_LIST", "ITEM"]),
            quantity=Decimal(1),
            unit_price=Decimal(total) / 100,
            discount_percent=Decimal(0),
            discount=0,
            tax_percent=Decimal(0),
            tax=0,
            amount=total,
            document_discount=0,
        )

    def _allocations(self) -> None:
        """From anybody to anybody at or below: a right that was there may have ended since."""
        world = World(self.rows, self.links, UUID(int=0))
        for kind, column, left in (("payments", "payment_id", "unapplied"), ("credit_notes", "credit_note_id", "remaining")):
            for source in self.rows[kind]:
                for invoice in self.rows["invoices"]:
                    way = world.way(source["customer_id"], invoice["customer_id"])
                    amount = min(source[left], invoice["balance"], self._chance.randint(1000, 90_000))
                    if way is None or invoice["status"] != "ISSUED" or amount <= 0 or self._chance.random() < 0.4:
                        continue
                    source[left] -= amount
                    source["allocated"] += amount
                    invoice["amount_paid"] += amount
                    invoice["balance"] -= amount
                    path = [*reversed([link.parent_id for link in way]), invoice["customer_id"]]
                    self.add(
                        "allocations",
                        **{"id": self.key(), column: source["id"], "invoice_id": invoice["id"], "path": path},
                        payer_id=source["customer_id"],
                        beneficiary_id=invoice["customer_id"],
                        currency="GBP",
                        amount=amount,
                        applied_on=date(2026, 3, 1),
                        strategy="OLDEST_DUE_FIRST",
                        created_at=NOW,
                        reason=self.word(),
                        actor=self.word(),
                    )

    def _groups(self, customers: list[Row]) -> None:
        for rank in (1, 2, 3):
            group = self.add("customer_groups", **_DATED, id=self.key(), name=self.word(), rank=rank, description=self.word())
            for customer in self._some(customers):
                member = {"group_id": group["id"], "customer_id": customer["id"], "added_at": NOW, "actor": self.word()}
                self.add("group_members", **member)

    def _user(self, customers: list[Row]) -> Row:
        user = self.add(
            "client_users",
            **_DATED,
            id=self.key(),
            name=self.word(),
            email=f"{self.word()}@client.example",
            state="ACTIVE",
            project_scope=self._chance.choice(["ALL", "LIST"]),
        )
        self.add(
            "invitations",
            id=self.key(),
            client_user_id=user["id"],
            secret_hash=self.word().encode(),
            created_at=NOW,
            created_by=self.word(),
            expires_at=NOW,
        )
        for customer in self._chance.sample(customers, self._chance.randint(1, 3)):
            self.add(
                "client_user_customers",
                client_user_id=user["id"],
                customer_id=customer["id"],
                added_at=NOW,
                actor=self.word(),
                role=self._chance.choice(["ADMIN", "PAYER", "VIEWER"]),
            )
        return user

    def _projects(self, customers: list[Row], users: list[Row]) -> None:
        for customer in self._some(customers):
            project = self.add("projects", **_DATED, id=self.key(), customer_id=customer["id"], name=self.word(), status="ACTIVE")
            for user in self._some(users):
                self.add("project_client_users", project_id=project["id"], client_user_id=user["id"])
            for contact in self._some(self.rows["contacts"])[:2]:
                self.add("project_contacts", project_id=project["id"], contact_id=contact["id"])

    def _some(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self._chance.random() < 0.5]


def closure_row(ancestor_id: UUID, descendant_id: UUID, way: list[Link]) -> Row:
    return {
        "ancestor_id": ancestor_id,
        "descendant_id": descendant_id,
        "depth": len(way),
        "view": all(link.view for link in way),
        "pay": all(link.pay for link in way),
        "manage": all(link.manage for link in way),
    }


def without_hidden(world: World) -> World:
    """The world without what its viewer may not see.

    A visible invoice may have been paid by somebody who is hidden. Of that customer the name stays (domain.md V4), and of its
    payment a row to refer to; everything else about both is other than it was.
    """
    seen = world.visible_customers()
    rows: Rows = {table: [] for table in TABLES}
    links = {key: link for key, link in world.links.items() if key in seen and link.parent_id in seen and link.view}
    user = next(row for row in world.rows["client_users"] if row["id"] == world.viewer_id)
    put = {row["project_id"] for row in world.rows["project_client_users"] if row["client_user_id"] == world.viewer_id}
    keep: dict[str, Callable[[Row], bool]] = {
        "customers": lambda row: row["id"] in seen,
        "external_references": lambda row: row["customer_id"] in seen,
        "contacts": lambda row: row["customer_id"] in seen,
        "group_members": lambda row: row["customer_id"] in seen,
        "customer_groups": lambda row: row["id"] in {each["group_id"] for each in rows["group_members"]},
        "invoices": lambda row: row["customer_id"] in seen and row["status"] != "DRAFT",
        "invoice_lines": lambda row: row["invoice_id"] in {each["id"] for each in rows["invoices"]},
        "payments": lambda row: row["customer_id"] in seen,
        "credit_notes": lambda row: row["customer_id"] in seen,
        "allocations": lambda row: row["beneficiary_id"] in seen,
        "client_user_customers": lambda row: row["customer_id"] in seen,
        "client_users": lambda row: (
            row["id"] in {world.viewer_id, *(each["client_user_id"] for each in rows["client_user_customers"])}
        ),
        "invitations": lambda row: row["client_user_id"] in {each["id"] for each in rows["client_users"]},
        "projects": lambda row: row["customer_id"] in seen and (user["project_scope"] == "ALL" or row["id"] in put),
        "project_client_users": lambda row: (
            (
                row["project_id"] in {each["id"] for each in rows["projects"]}
                and row["client_user_id"] in {each["client_user_id"] for each in rows["client_user_customers"]}
            )
            or (row["client_user_id"] == world.viewer_id and row["project_id"] in {each["id"] for each in rows["projects"]})
        ),
        "project_contacts": lambda row: (
            row["project_id"] in {each["id"] for each in rows["projects"]}
            and row["contact_id"] in {each["id"] for each in rows["contacts"]}
        ),
    }
    for table, is_kept in keep.items():
        rows[table] = [dict(row) for row in world.rows[table] if is_kept(row)]
    _keep_catalog(world, rows)
    for customer in rows["customers"]:
        link = links.get(customer["id"])
        customer |= {"parent_id": link.parent_id if link else None, "notes": "not theirs"}
    reduced = World(rows, links, world.viewer_id)
    for above in rows["customers"]:
        for below in rows["customers"]:
            if (way := reduced.way(above["id"], below["id"])) is not None:
                rows["customer_closure"].append(closure_row(above["id"], below["id"], way))
    _keep_payers(world, rows, seen)
    return reduced


def _keep_catalog(world: World, rows: Rows) -> None:
    """A visible invoice refers to what priced it: rows that are there, and are other than they were."""
    for table in ("items", "price_lists"):
        rows[table] = [{**row, "name": f"other {number}"} for number, row in enumerate(world.rows[table])]
    rows["price_list_versions"] = [{**row, "actor": "other"} for row in world.rows["price_list_versions"]]


def _keep_payers(world: World, rows: Rows, seen: set[UUID]) -> None:
    by_id = {row["id"]: row for table in ("customers", "payments", "credit_notes") for row in world.rows[table]}
    for number, allocation in enumerate(rows["allocations"]):
        if allocation["payer_id"] in seen:
            continue
        allocation |= {"path": [key for key in allocation["path"] if key in seen], "actor": "hidden", "reason": None}
        payer = by_id[allocation["payer_id"]]
        if payer["id"] not in {row["id"] for row in rows["customers"]}:
            rows["customers"].append(
                {**payer, "number": f"stub {number}", "email": None, "parent_id": None, "status": "INACTIVE", "notes": None}
            )
            rows["customer_closure"].append(closure_row(payer["id"], payer["id"], []))
        table = "payments" if allocation["payment_id"] else "credit_notes"
        source = by_id[allocation["payment_id"] or allocation["credit_note_id"]]
        if source["id"] not in {row["id"] for row in rows[table]}:
            sums = {"amount": 10**9, "unapplied": 10**9} if table == "payments" else {"total": 10**9, "remaining": 10**9}
            rows[table].append({**source, **sums, "allocated": 0, "number": f"stub {number}"})


async def write(engine: AsyncEngine, organization_id: UUID, world: World) -> None:
    async with database.begin(engine, organization_id=organization_id, actor="tester") as transaction:
        for table in TABLES:
            if world.rows[table]:
                rows = [{"organization_id": organization_id, **row} for row in world.rows[table]]
                await transaction.execute(insert(metadata.tables[table]), rows)
