"""Terms as a plain model: who says what now, and which of it applies, by the letter of domain.md G1 to G9."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PRICE_LIST = "PRICE_LIST"
OPT_IN = "OPT_IN"

# A price list is given by its name, everything else as it is.
Value = Any
# (customer, group) with None for the organization: what a candidate is known by.
Whose = tuple[str | None, str | None]


@dataclass
class Group:
    rank: int
    # By field: value, mode, version.
    terms: dict[str, tuple[Value, str, int]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    # By customer and field: None follows; else the value, its version, and that of the price list.
    accepted: dict[tuple[str, str], tuple[Value, int, int | None] | None] = field(default_factory=dict)


@dataclass
class PriceList:
    currency: str
    version: int = 1
    is_active: bool = True


@dataclass(frozen=True)
class Candidate:
    source: str
    whose: Whose
    value: Value
    version: int
    price_list_version: int | None
    reason: str | None


@dataclass
class World:
    """What holds at one instant. `said` counts what each owner has said of each field."""

    customers: dict[str, str] = field(default_factory=dict)
    parents: dict[str, tuple[str, bool]] = field(default_factory=dict)
    own: dict[tuple[str, str], tuple[Value, int]] = field(default_factory=dict)
    organization: dict[str, tuple[Value, int]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    price_lists: dict[str, PriceList] = field(default_factory=dict)
    said: dict[tuple[str, str], int] = field(default_factory=dict)

    def next_version(self, owner: str, name: str) -> int:
        self.said[owner, name] = self.said.get((owner, name), 0) + 1
        return self.said[owner, name]

    def above(self, customer: str) -> list[str]:
        """The nearest first."""
        found = []
        while customer in self.parents:
            customer = self.parents[customer][0]
            found.append(customer)
        return found

    def effective(self, customer: str, name: str, currency: str) -> tuple[Any, list[Any]]:
        """What applies of a field: source, whose, value, versions. Then the others: whose, what goes before, why skipped."""
        winner: Candidate | None = None
        lost: list[Any] = []
        for each in self._candidates(customer, name, currency):
            if each.reason is None and winner is None:
                winner = each
            else:
                before = winner.source if winner is not None and each.reason is None else None
                lost.append((each.whose, before, each.reason))
        if winner is None:
            return ("NONE",), lost
        return (winner.source, winner.whose, winner.value, winner.version, winner.price_list_version), lost

    def _candidates(self, customer: str, name: str, currency: str) -> Iterator[Candidate]:
        holder: str | None = customer
        is_passed_on = True
        while holder is not None:
            source = "CUSTOMER" if holder == customer else "ANCESTOR"
            if (holder, name) in self.own:
                value, version = self.own[holder, name]
                yield self._candidate(source, (holder, None), value, version, currency, is_passed_on=is_passed_on)
            source = "GROUP" if holder == customer else "ANCESTOR"
            for group_name, group in sorted(self.groups.items(), key=lambda entry: entry[1].rank):
                if holder in group.members and name in group.terms:
                    yield self._of_group(source, (holder, group_name), name, currency, is_passed_on=is_passed_on)
            if not is_passed_on:
                break
            holder, is_passed_on = self.parents.get(holder, (None, True))
        if name in self.organization:
            value, version = self.organization[name]
            yield self._candidate("ORGANIZATION", (None, None), value, version, currency, is_passed_on=True)

    def _of_group(self, source: str, whose: Whose, name: str, currency: str, *, is_passed_on: bool) -> Candidate:
        holder, group_name = whose
        assert holder is not None
        assert group_name is not None
        group = self.groups[group_name]
        value, mode, version = group.terms[name]
        pinned_list = None
        is_accepted = mode != OPT_IN or (holder, name) in group.accepted
        if mode == OPT_IN and (pinned := group.accepted.get((holder, name))) is not None:
            value, version, pinned_list = pinned
        found = self._candidate(source, whose, value, version, currency, is_passed_on=is_passed_on, pinned=pinned_list)
        if is_passed_on and not is_accepted:
            return Candidate(found.source, whose, value, version, found.price_list_version, "NOT_ACCEPTED")
        return found

    def _candidate(
        self,
        source: str,
        whose: Whose,
        value: Value,
        version: int,
        currency: str,
        *,
        is_passed_on: bool,
        pinned: int | None = None,
    ) -> Candidate:
        price_list = self.price_lists[value] if isinstance(value, str) else None
        reason = None
        if not is_passed_on:
            reason = "TERMS_NOT_PASSED_ON"
        elif price_list is not None and price_list.currency != currency:
            reason = "CURRENCY_MISMATCH"
        elif price_list is not None and not price_list.is_active:
            reason = "PRICE_LIST_INACTIVE"
        return Candidate(source, whose, value, version, (pinned or price_list.version) if price_list else None, reason)
