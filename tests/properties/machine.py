"""What clients may do to customers and invoices, done to Holdco and to the model of `world.py` alike.

Each step is held against the model: whether it was refused, and with which codes. `money.py` adds what they may do with money.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from holdco.organizations.service import ensure
from properties.world import Access, Customer, Invoice, World, shown
from stories import Story

Thing = TypeVar("Thing")
Payload = dict[str, Any]

CUSTOMERS_MAX = 12
INVOICES_MAX = 20

Drawn = dict[str, Any]
Draw = Callable[[Random], Any]
Step = Callable[..., None]


def among(*values: Any) -> Draw:
    return lambda random: random.choice(values)


def several(draw: Draw) -> Draw:
    """One to three."""
    return lambda random: [draw(random) for _ in range(random.randint(1, 3))]


def optional(draw: Draw) -> Draw:
    return lambda random: draw(random) if random.randrange(4) else None


def mostly(usual: Any, *others: Any) -> Draw:
    """Two times in three the usual."""
    return lambda random: random.choice((usual,) * 2 * len(others) + others)


# Stands for one of however many things there will be.
PICK = among(*range(10_000))

# Few different amounts, so that some are equal, some add up to others, and some are in the way of exact shares.
AMOUNTS = among(1, 2, 3, 50, 100, 150, 333, 667, 1_001)
CURRENCIES = among("USD", "USD", "USD", "USD", "JPY", "KWD")
DAYS = mostly(0, -1, -7, -25, 3)
KINDS = among(*["BUSINESS"] * 9, "INDIVIDUAL")
RIGHTS = mostly((True, True, False), (True, True, True), (True, False, False), (False, False, False), (False, True, False))
SINCE = mostly(None, None, -10, 0)


def step(weight: int, **draws: Draw) -> Callable[[Step], Step]:
    """A method that is one thing that clients do, so often as its weight says, with arguments that are drawn."""

    def note(method: Step) -> Step:
        method.weight, method.draws = weight, draws  # type: ignore[attr-defined]
        return method

    return note


def drawn_step(machine: type, random: Random) -> tuple[str, Drawn]:
    """The name of a step of a machine, and its arguments."""
    steps = {name: method for name in dir(machine) if hasattr(method := getattr(machine, name), "weight")}
    (name,) = random.choices(list(steps), [method.weight for method in steps.values()])
    return name, {argument: draw(random) for argument, draw in steps[name].draws.items()}


class Customers:
    """One organization. `wait` runs a coroutine to its end."""

    def __init__(self, engine: AsyncEngine, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.engine = engine
        self.wait = wait

    # How it begins

    def begin(self, depth_max: int | None, requires_clear: bool, is_locked: bool) -> None:
        organization_id = uuid4()
        self.wait(ensure(self.engine, organization_id))
        self.story = Story(asker(self.engine, organization_id), self.engine, organization_id)
        # It is about noon there: no midnight passes while dates are compared.
        now = datetime.now(UTC)
        ahead = 12 - now.hour
        today = (now + timedelta(hours=ahead)).date()
        self.world = World(today, depth_max, requires_clear)
        settings: Payload = {"timezone": f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"}
        settings |= {"hierarchyDepthMax": depth_max, "linkPolicy": "REQUIRE_CLEAR" if requires_clear else "ALLOW"}
        if is_locked:
            self.world.locked_until = today - timedelta(days=20)
            settings["lockedUntil"] = self.world.locked_until.isoformat()
        self.wait(self.story.settings(**settings))
        self.keyed: list[tuple[str, Payload, Payload]] = []
        self.kept_plans: list[tuple[Any, ...]] = []
        above = None
        for place in range(4):
            self._create("BUSINESS", "USD", above, Access(view=True, pay=True, manage=False))
            above = self.world.customers[place // 2]
            self.invoice(place, "USD", (333, 667, 1_001, 100)[place], -place % 3, 30, 1)

    # What is done: each runs a mutation and holds its refusal against the model's

    def attempt(self, mutation: str, expected: Sequence[str], **fields: Any) -> Payload | None:
        """The payload, or None where it was refused as it had to be."""
        payload: Payload = self.wait(self.story.attempt(mutation, **fields))
        codes = [error["code"] for error in payload["userErrors"]]
        assert codes == list(expected), (mutation, fields, payload)
        return payload if not codes else None

    def attempt_once(self, mutation: str, expected: Sequence[str], **fields: Any) -> Payload | None:
        """As `attempt`, with a key that may be sent again."""
        fields["idempotencyKey"] = uuid4().hex
        payload = self.attempt(mutation, expected, **fields)
        if payload is not None:
            assert payload["replayed"] is False
            self.keyed.append((mutation, fields, payload))
        return payload

    def one(self, things: Sequence[Thing], pick: int) -> Thing:
        return things[pick % len(things)]

    def day(self, offset: int | None) -> date | None:
        return None if offset is None else self.world.today + timedelta(days=offset)

    def access(self, rights: tuple[bool, bool, bool], since: int | None) -> Access:
        return Access(*rights, since=self.day(since))

    def _create(self, kind: str, currency: str, parent: Customer | None, access: Access | None) -> Customer | None:
        customer = Customer("", kind, currency)
        fields: Payload = {"name": f"Customer {len(self.world.customers)}", "kind": kind, "currency": currency}
        expected: list[str] = []
        if parent is not None and access is not None:
            fields["parent"] = {"id": parent.id, "access": access.input()}
            expected = self.world.refuse_link(customer, parent, access)
        payload = self.attempt("customerCreate", expected, **fields)
        if payload is None:
            return None
        customer.id = payload["customer"]["id"]
        self.world.customers.append(customer)
        if parent is not None:
            self.world.link(customer, parent, access)
        return customer

    @step(2, kind=KINDS, currency=CURRENCIES, under=optional(PICK), rights=RIGHTS, since=SINCE)
    def create_customer(
        self, kind: str, currency: str, under: int | None, rights: tuple[bool, bool, bool], since: int | None
    ) -> None:
        if len(self.world.customers) == CUSTOMERS_MAX:
            return
        parent = None if under is None else self.one(self.world.customers, under)
        self._create(kind, currency, parent, self.access(rights, since))

    @step(
        3,
        pick=PICK,
        under=optional(PICK),
        rights=RIGHTS,
        since=SINCE,
        age=among(0, 0, 0, 0, 1),
    )
    def move(self, pick: int, under: int | None, rights: tuple[bool, bool, bool], since: int | None, age: int) -> None:
        child = self.one(self.world.customers, pick)
        version = child.version - age
        if under is None:
            expected = ["STALE_VERSION"] if age else []
            done = self.attempt("customerMove", expected, id=child.id, parentId=None, version=version)
            if done and child.parent is not None:
                self.world.link(child, None, None)
            return
        parent, access = self.one(self.world.customers, under), self.access(rights, since)
        expected = ["STALE_VERSION"] if age else self.world.refuse_link(child, parent, access)
        fields = {"id": child.id, "parentId": parent.id, "access": access.input(), "version": version}
        if self.attempt("customerMove", expected, **fields):
            self.world.link(child, parent, access)

    @step(2, pick=PICK, rights=RIGHTS, since=SINCE)
    def set_access(self, pick: int, rights: tuple[bool, bool, bool], since: int | None) -> None:
        child, access = self.one(self.world.customers, pick), self.access(rights, since)
        is_inconsistent = (access.pay or access.manage) and not access.view
        expected = ["NOT_A_CHILD"] if child.parent is None else ["RIGHTS_INCONSISTENT"] if is_inconsistent else []
        if self.attempt("customerParentAccessSet", expected, id=child.id, access=access.input()):
            self.world.link(child, child.parent, access)

    @step(1, pick=PICK, kind=KINDS, currency=CURRENCIES, is_active=mostly(True, True, False))
    def change(self, pick: int, kind: str, currency: str, is_active: bool) -> None:
        customer, status = self.one(self.world.customers, pick), "ACTIVE" if is_active else "INACTIVE"
        expected = self.world.refuse_kind(customer, kind) or self.world.refuse_currency(customer, currency)
        if self.attempt("customerUpdate", expected, id=customer.id, kind=kind, currency=currency, status=status):
            before = (customer.kind, customer.currency, customer.status)
            customer.kind, customer.currency, customer.status = kind, currency, status
            customer.version += before != (kind, currency, status)

    @step(1, pick=PICK, is_cascading=mostly(False, True))
    def deactivate(self, pick: int, is_cascading: bool) -> None:
        top = self.one(self.world.customers, pick)
        affected = [each for each in (self.world.subtree(top) if is_cascading else [top]) if each.status == "ACTIVE"]
        payload = self.attempt("customerDeactivate", [], id=top.id, cascade=is_cascading)
        assert payload is not None
        assert payload["deactivatedCount"] == len(affected)
        for each in affected:
            each.status = "INACTIVE"
            each.version += 1

    @step(8, pick=PICK, currency=CURRENCIES, amount=AMOUNTS, day=DAYS, net=among(0, 1, 30), is_issued=PICK)
    def invoice(self, pick: int, currency: str, amount: int, day: int, net: int, is_issued: int) -> None:
        if len(self.world.invoices) == INVOICES_MAX:
            return
        customer, invoice_date = self.one(self.world.customers, pick), self.world.today + timedelta(days=day)
        status, due_date = "ISSUED" if is_issued % 6 else "DRAFT", invoice_date + timedelta(days=net)
        payload = self.attempt(
            "invoiceCreate",
            self.world.refuse_invoice(customer, invoice_date, is_issued=status == "ISSUED"),
            customerId=customer.id,
            currency=currency,
            lines=[{"unitPrice": shown(amount, currency)}],
            invoiceDate=invoice_date.isoformat(),
            paymentTerms={"kind": "NET", "netDays": net},
            issue=status == "ISSUED",
        )
        if payload is not None:
            row = payload["invoice"]
            assert row["dueDate"] == due_date.isoformat()
            self.world.invoices.append(
                Invoice(row["id"], row["number"], customer, currency, amount, invoice_date, due_date, status)
            )

    @step(1, pick=PICK)
    def issue(self, pick: int) -> None:
        if not self.world.invoices:
            return
        invoice = self.one(self.world.invoices, pick)
        if self.attempt("invoiceIssue", self.world.refuse_issue(invoice), id=invoice.id):
            invoice.status = "ISSUED"

    @step(1, pick=PICK, is_releasing=among(True, False))
    def void(self, pick: int, is_releasing: bool) -> None:
        if not self.world.invoices:
            return
        invoice = self.one(self.world.invoices, pick)
        expected = self.world.refuse_void(invoice, is_releasing=is_releasing)
        fields = {"id": invoice.id, "reason": "wrong", "releaseAllocations": is_releasing}
        if payload := self.attempt_once("invoiceVoid", expected, **fields):
            self.world.take_back(self.world.applied_to(invoice), [row["id"] for row in payload["reversals"]])
            invoice.status = "VOID"
