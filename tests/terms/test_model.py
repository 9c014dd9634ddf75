"""Whatever is said, joined, accepted, linked and deleted, what applies is what a plain model says: now, and at every instant
that has passed (domain.md G1 to G9).

HOLDCO_EXAMPLES says how many organizations are told.
"""

from __future__ import annotations

import os
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import database
from holdco.customers import move
from holdco.customers import service as customers
from holdco.customers.hierarchy import Rights
from holdco.errors import Refusal, Refused
from holdco.groups import deletion
from holdco.groups import service as groups
from holdco.organizations.service import ensure
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.price_lists import service as price_lists
from holdco.price_lists.models import PriceListKind
from holdco.price_lists.pricing import PriceDirection
from holdco.terms import acceptance, setting
from holdco.terms.acceptance import Choice
from holdco.terms.precedence import EffectiveTerm, PriceListTerm, TermAcceptanceKind, TermField, TermMode
from holdco.terms.queries import PRESENT
from holdco.terms.service import resolve
from holdco.verification.service import verify
from terms.model import OPT_IN, Group, PriceList, World

EXAMPLES = int(os.environ.get("HOLDCO_EXAMPLES", "12"))

CUSTOMERS: Final = ("c0", "c1", "c2", "c3", "c4")
GROUPS: Final = ("g0", "g1", "g2")
LISTS: Final = ("usd", "cheap", "eur")
FIELDS: Final = tuple(TermField)
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    TermField.PRICE_LIST: LISTS,
    TermField.DISCOUNT_PERCENT: (Decimal(0), Decimal("12.5"), Decimal(100)),
    TermField.PAYMENT_TERMS: (PaymentTerms(PaymentTermsKind.NET, 45), PaymentTerms(PaymentTermsKind.END_OF_MONTH)),
}

_fields = st.sampled_from(FIELDS)
_customers = st.sampled_from(CUSTOMERS)
_groups = st.sampled_from(GROUPS)
_said = _fields.flatmap(lambda name: st.tuples(st.just(name), st.none() | st.sampled_from(VALUES[name])))
_offered = _fields.flatmap(
    lambda name: st.tuples(st.just(name), st.none() | st.sampled_from(VALUES[name]) | st.sampled_from(VALUES[name]))
)
STEPS: Final = st.one_of(
    st.tuples(st.just("own"), _customers, _said),
    st.tuples(st.just("organization"), _said),
    st.tuples(st.just("offer"), _groups, _offered, st.none() | st.sampled_from(TermMode)),
    st.tuples(st.just("join"), _groups, _customers),
    st.tuples(st.just("leave"), _groups, _customers),
    st.tuples(st.just("accept"), _groups, _customers, _fields, st.sampled_from(TermAcceptanceKind)),
    st.tuples(st.just("decline"), _groups, _customers, _fields),
    st.tuples(st.just("link"), _customers, st.none() | _customers, st.booleans()),
    st.tuples(st.just("reprice"), st.sampled_from(LISTS)),
    st.tuples(st.just("inactivate"), st.sampled_from(LISTS)),
    st.tuples(st.just("delete"), _groups, st.none() | _groups),
)
# Where much is said from the first, so that something applies.
BEGINNING: Final[tuple[tuple[Any, ...], ...]] = (
    ("link", "c1", "c0", True),
    ("link", "c2", "c1", True),
    ("link", "c3", "c1", False),
    ("offer", "g0", (TermField.PRICE_LIST, "eur"), OPT_IN),
    ("offer", "g0", (TermField.DISCOUNT_PERCENT, Decimal(5)), OPT_IN),
    ("offer", "g1", (TermField.DISCOUNT_PERCENT, Decimal(7)), None),
    ("offer", "g1", (TermField.PRICE_LIST, "usd"), OPT_IN),
    ("join", "g0", "c2"),
    ("join", "g1", "c2"),
    ("join", "g0", "c1"),
    ("accept", "g0", "c1", TermField.DISCOUNT_PERCENT, TermAcceptanceKind.PINNED),
    ("accept", "g0", "c2", TermField.DISCOUNT_PERCENT, TermAcceptanceKind.FOLLOW),
    ("accept", "g1", "c2", TermField.PRICE_LIST, TermAcceptanceKind.PINNED),
    ("reprice", "usd"),
)


class Teller:
    """Does each step to Holdco and to the model, and holds what the one refuses against what the other does."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.organization_id = uuid4()
        self.keys: dict[str, UUID] = {}
        self.world = World()
        # What held at instants that have passed.
        self.past: list[tuple[datetime, World]] = []
        self.percent = 0

    def transaction(self) -> Any:
        return database.begin(self.engine, organization_id=self.organization_id, actor="tester")

    async def begin(self) -> None:
        await ensure(self.engine, self.organization_id)
        async with self.transaction() as transaction:
            for name in CUSTOMERS:
                currency = "EUR" if name == "c4" else "USD"
                self.keys[name] = await customers.create(transaction, values={"name": name, "currency": currency})
                self.world.customers[name] = currency
            for rank, name in enumerate(GROUPS, 1):
                self.keys[name] = await groups.create(transaction, values={"name": name})
                self.world.groups[name] = Group(rank)
            for name in LISTS:
                currency = "EUR" if name == "eur" else "USD"
                values = {"name": name, "currency": currency, "direction": PriceDirection.DOWN, "percent": Decimal(1)}
                kind = PriceListKind.PERCENTAGE
                self.keys[name] = await price_lists.create(transaction, kind=kind, values=values)
                self.world.price_lists[name] = PriceList(currency)
        default = PaymentTerms(PaymentTermsKind.NET, 30)
        self.world.organization[TermField.PAYMENT_TERMS] = (default, self.world.next_version("", TermField.PAYMENT_TERMS))

    async def tell(self, step: tuple[Any, ...]) -> None:
        verb, *given = step
        before = deepcopy(self.world)
        expected = getattr(self, f"expect_{verb}")(*given)
        try:
            async with self.transaction() as transaction:
                await getattr(self, f"do_{verb}")(transaction, *given)
            refused = []
        except Refusal as refusal:
            refused = [refusal.code.value]
        except Refused as refusals:
            refused = [refusal.code.value for refusal in refusals.refusals]
        assert refused == expected
        if refused:
            self.world = before
        self.past.append((datetime.now(UTC), deepcopy(self.world)))

    def given(self, said: tuple[str, Any]) -> Any:
        name, value = said
        return {TermField(name): self.keys[value] if isinstance(value, str) else value}

    # Each pair below is one step: what becomes of the model and which codes refuse it, then what is done to Holdco.

    def _problems(self, value: Any) -> list[str]:
        return ["PRICE_LIST_INACTIVE"] if isinstance(value, str) and not self.world.price_lists[value].is_active else []

    def expect_own(self, customer: str, said: tuple[str, Any]) -> list[str]:
        name, value = said
        problems = self._problems(value)
        if isinstance(value, str) and self.world.price_lists[value].currency != self.world.customers[customer]:
            problems.append("CURRENCY_MISMATCH")
        self._say(self.world.own, (customer, name), customer, said)
        return problems

    async def do_own(self, transaction: Any, customer: str, said: tuple[str, Any]) -> None:
        await setting.set_for_customer(transaction, self.keys[customer], self.given(said))

    def expect_organization(self, said: tuple[str, Any]) -> list[str]:
        name, value = said
        self._say(self.world.organization, name, "", said)
        return ["INVALID_INPUT"] if name == TermField.PAYMENT_TERMS and value is None else self._problems(value)

    async def do_organization(self, transaction: Any, said: tuple[str, Any]) -> None:
        await setting.set_for_organization(transaction, self.given(said))

    def _say(self, table: dict[Any, Any], key: Any, owner: str, said: tuple[str, Any]) -> None:
        name, value = said
        if value is None:
            table.pop(key, None)
        elif key not in table or table[key][0] != value:
            table[key] = (value, self.world.next_version(owner, name))

    def expect_offer(self, group_name: str, said: tuple[str, Any], mode: str | None) -> list[str]:
        group = self.world.groups.get(group_name)
        if group is None:
            return ["NOT_FOUND"]
        name, value = said
        if value is None:
            group.terms.pop(name, None)
            group.accepted = {key: pinned for key, pinned in group.accepted.items() if key[1] != name}
            return ["INVALID_INPUT"] if mode is not None else []
        before = group.terms.get(name)
        new = mode or (before[1] if before is not None else "AUTOMATIC")
        if before is None or before[:2] != (value, new):
            group.terms[name] = (value, new, self.world.next_version(group_name, name))
        return self._problems(value)

    async def do_offer(self, transaction: Any, group_name: str, said: tuple[str, Any], mode: str | None) -> None:
        modes = {TermField(said[0]): TermMode(mode)} if mode is not None else {}
        await setting.set_for_group(transaction, self.keys[group_name], self.given(said), modes)

    def expect_join(self, group_name: str, customer: str) -> list[str]:
        group = self.world.groups.get(group_name)
        if group is None:
            return ["NOT_FOUND"]
        group.members.add(customer)
        return []

    async def do_join(self, transaction: Any, group_name: str, customer: str) -> None:
        await groups.add_members(transaction, self.keys[group_name], [self.keys[customer]])

    def expect_leave(self, group_name: str, customer: str) -> list[str]:
        group = self.world.groups.get(group_name)
        if group is None:
            return ["NOT_FOUND"]
        group.members.discard(customer)
        group.accepted = {key: pinned for key, pinned in group.accepted.items() if key[0] != customer}
        return []

    async def do_leave(self, transaction: Any, group_name: str, customer: str) -> None:
        await groups.remove_members(transaction, self.keys[group_name], [self.keys[customer]])

    def _offered(self, group_name: str, customer: str, name: str) -> list[str]:
        group = self.world.groups.get(group_name)
        if group is None:
            return ["NOT_FOUND"]
        if customer not in group.members:
            return ["NOT_A_MEMBER"]
        return [] if name in group.terms and group.terms[name][1] == OPT_IN else ["TERM_NOT_OFFERED"]

    def expect_accept(self, group_name: str, customer: str, name: str, kind: str) -> list[str]:
        if problems := self._offered(group_name, customer, name):
            return problems
        value, _, version = self.world.groups[group_name].terms[name]
        price_list = self.world.price_lists[value] if isinstance(value, str) else None
        if price_list is not None and price_list.currency != self.world.customers[customer]:
            return ["CURRENCY_MISMATCH"]
        if price_list is not None and not price_list.is_active:
            return ["PRICE_LIST_INACTIVE"]
        pinned = (value, version, price_list.version if price_list is not None else None)
        self.world.groups[group_name].accepted[customer, name] = pinned if kind == TermAcceptanceKind.PINNED else None
        return []

    async def do_accept(self, transaction: Any, group_name: str, customer: str, name: str, kind: str) -> None:
        choice = Choice(self.keys[customer], self.keys[group_name], TermField(name))
        await acceptance.accept(transaction, choice, TermAcceptanceKind(kind))

    def expect_decline(self, group_name: str, customer: str, name: str) -> list[str]:
        if problems := self._offered(group_name, customer, name):
            return problems
        self.world.groups[group_name].accepted.pop((customer, name), None)
        return []

    async def do_decline(self, transaction: Any, group_name: str, customer: str, name: str) -> None:
        await acceptance.decline(transaction, Choice(self.keys[customer], self.keys[group_name], TermField(name)))

    def expect_link(self, child: str, parent: str | None, passes: bool) -> list[str]:
        if parent is None:
            self.world.parents.pop(child, None)
            return []
        if child in {parent, *self.world.above(parent)}:
            return ["HIERARCHY_CYCLE"]
        self.world.parents[child] = (parent, passes)
        return []

    async def do_link(self, transaction: Any, child: str, parent: str | None, passes: bool) -> None:
        rights = Rights(view=True, pay=False, manage=False, inherit_terms=passes)
        parent_id = self.keys[parent] if parent is not None else None
        await move.place(transaction, self.keys[child], parent_id=parent_id, rights=rights)

    def expect_reprice(self, name: str) -> list[str]:
        self.world.price_lists[name].version += 1
        return []

    async def do_reprice(self, transaction: Any, name: str) -> None:
        self.percent += 1
        percent = Decimal(1) + Decimal(self.percent) / 1000
        await price_lists.change(transaction, self.keys[name], values={"percent": percent})

    def expect_inactivate(self, name: str) -> list[str]:
        price_list = self.world.price_lists[name]
        price_list.version += price_list.is_active
        price_list.is_active = False
        return []

    async def do_inactivate(self, transaction: Any, name: str) -> None:
        await price_lists.change(transaction, self.keys[name], values={"is_active": False})

    def expect_delete(self, group_name: str, other: str | None) -> list[str]:
        if group_name == other:
            return ["INVALID_INPUT"]
        if group_name not in self.world.groups or (other is not None and other not in self.world.groups):
            return ["NOT_FOUND"]
        group = self.world.groups.pop(group_name)
        if other is not None:
            self.world.groups[other].members |= group.members
        return ["GROUP_HAS_MEMBERS"] if group.members and other is None else []

    async def do_delete(self, transaction: Any, group_name: str, other: str | None) -> None:
        move_to = self.keys[other] if other is not None else None
        await deletion.delete(transaction, self.keys[group_name], move_members_to=move_to)

    async def agrees(self, until: datetime, world: World) -> None:
        """What applies to everybody in both currencies, by one statement."""
        asked = [(self.keys[customer], currency) for customer in CUSTOMERS for currency in ("USD", "EUR")]
        names = {key: name for name, key in self.keys.items()}
        async with self.transaction() as transaction:
            found = await resolve(transaction, asked, until=until)
        shown = {
            (names[key], currency, name): _shown(terms.of(name), names)
            for (key, currency), terms in found.items()
            for name in FIELDS
        }
        assert shown == {key: world.effective(key[0], key[2], key[1]) for key in shown}


def _shown(term: EffectiveTerm, names: dict[UUID, str]) -> tuple[Any, list[Any]]:
    """As the model shows it."""

    def whose(candidate: Any) -> tuple[str | None, str | None]:
        return names.get(candidate.holder_id), names.get(candidate.group_id)

    lost = [(whose(each.candidate), each.shadowed_by, each.skipped_reason) for each in term.lost]
    if term.winner is None:
        return (term.source,), lost
    value: Any = term.winner.value
    version = None
    if isinstance(value, PriceListTerm):
        value, version = names[value.id], value.version
    return (term.source, whose(term.winner), value, term.winner.version, version), lost


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=15, max_size=30))
async def test_what_applies_is_what_a_plain_model_says_now_and_then(engine: AsyncEngine, steps: list[tuple[Any, ...]]) -> None:
    teller = Teller(engine)
    await teller.begin()
    for step in (*BEGINNING, *steps):
        await teller.tell(step)
    await teller.agrees(PRESENT, teller.world)
    for instant, world in teller.past:
        await teller.agrees(instant, world)
    assert (await verify(engine, teller.organization_id)).problems == []
