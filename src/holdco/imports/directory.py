"""Finds customers by the id that the other system gives them, or by their name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco.database import Transaction
from holdco.errors import UserErrorCode
from holdco.ids import Kind
from holdco.imports.rows import Row
from holdco.imports.values import identifier, shown
from holdco.terms import service as terms
from holdco.terms.precedence import EffectiveTerm

SYSTEM = "zoho_books"
"""What the ids of Zoho are kept under, as external references of customers and as the source of documents."""


class Known(NamedTuple):
    """A customer that is here."""

    id: UUID
    name: str
    kind: str
    currency: str
    company_name: str | None
    tax_id: str | None
    billing_address: dict[str, Any] | None
    payment_terms: EffectiveTerm


@dataclass(slots=True)
class Directory:
    """What is known of the customers that were asked for. Names need not be unique (domain.md M3)."""

    by_external_id: dict[str, Known] = field(default_factory=dict)
    by_name: dict[str, list[Known]] = field(default_factory=dict)


def own_ids(kind: Kind, external_ids: Iterable[str]) -> dict[UUID, str]:
    """Those that are ids of ours, by their keys: exports have them for what no other system knows."""
    return {
        UUID(text[len(kind.prefix) :]): text for text in external_ids if text.startswith(kind.prefix) and _OWN.fullmatch(text)
    }


_OWN = re.compile("[a-z]+_[0-9a-f]{32}")
_COLUMNS = "id, name, kind, currency, company_name, tax_id, billing_address"
# One table each, and no join: after a large import the statistics know nothing of an organization yet, and a join of what
# looks like two single rows may be planned the wrong way round.
_REFERENCES = text(
    """
    select external_id, customer_id from external_references
    where organization_id = :organization_id and system = :system and external_id = any(cast(:keys as text[]))
    """
)
_BY_ID = text(
    f"""
    select {_COLUMNS} from customers where organization_id = :organization_id and id = any(cast(:keys as uuid[]))
    """  # noqa: S608 (constants of this file only)
)
_BY_NAME = text(
    f"""
    select {_COLUMNS} from customers
    where organization_id = :organization_id and name = any(cast(:keys as text[])) order by id
    """  # noqa: S608 (constants of this file only)
)


async def load(transaction: Transaction, *, external_ids: set[str], names: set[str]) -> Directory:
    """The customers with these ids or names."""
    directory = Directory()
    organization_id = transaction.organization_id
    if external_ids:
        references = await transaction.rows(
            _REFERENCES, {"organization_id": organization_id, "system": SYSTEM, "keys": list(external_ids)}
        )
        own = own_ids(Kind.CUSTOMER, external_ids)
        keys = {row[1] for row in references} | own.keys()
        found = await transaction.rows(_BY_ID, {"organization_id": organization_id, "keys": list(keys)})
        known = {customer.id: customer for customer in await _known(transaction, found)}
        directory.by_external_id = {own[key]: customer for key, customer in known.items() if key in own}
        directory.by_external_id |= {external_id: known[key] for external_id, key in references}
    if names:
        named: defaultdict[str, list[Known]] = defaultdict(list)
        found = await transaction.rows(_BY_NAME, {"organization_id": organization_id, "keys": list(names)})
        for customer in await _known(transaction, found):
            named[customer.name].append(customer)
        directory.by_name = dict(named)
    return directory


async def _known(transaction: Transaction, rows: Sequence[Any]) -> list[Known]:
    # Payment terms have no currency, whichever is asked for.
    effective = await terms.resolve(transaction, [(row.id, row.currency) for row in rows])
    return [Known._make([*row, effective[row.id, row.currency].payment_terms]) for row in rows]


class Lookup:
    """Customers as documents refer to them: by their id where the row has one, else by their name (never by both).

    What was found is remembered. `mentioned` and `names_mentioned` are those of a contacts file that has errors: its
    customers are not here, and that is not the fault of the documents.
    """

    def __init__(
        self, transaction: Transaction, *, mentioned: AbstractSet[str], names_mentioned: AbstractSet[str], is_lenient: bool
    ) -> None:
        """`is_lenient` where the contacts file could not be read: then nobody is told to be unknown."""
        self._transaction = transaction
        self._is_lenient = is_lenient
        self._mentioned = mentioned
        self._names_mentioned = names_mentioned
        self._known = Directory()
        self._asked: set[tuple[str, str]] = set()

    async def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Asks the database for ids and names that were not asked for before, in three statements for all of them."""
        fresh = set(wanted) - self._asked
        self._asked |= fresh
        found = await load(
            self._transaction,
            external_ids={external_id for external_id, _ in fresh if external_id},
            names={name for external_id, name in fresh if name and not external_id},
        )
        self._known.by_external_id |= found.by_external_id
        self._known.by_name |= found.by_name

    def find(self, row: Row[Any]) -> Known | None:
        """The customer of a row with the fields `customer_id` and `customer_name`. What is wrong is told there."""
        external_id, name = row.text("customer_id"), row.text("customer_name")
        if external_id:
            known = self._known.by_external_id.get(external_id)
            is_expected = self._is_lenient or external_id in self._mentioned
            if known is None and not is_expected and row.optional("customer_id", identifier) is not None:
                row.refuse(
                    f"There is no customer {shown(external_id)}. Import the contacts before, or together.",
                    "customer_id",
                    UserErrorCode.NOT_FOUND,
                )
            return known
        if not name:
            row.refuse("The row names no customer, neither by id nor by name.", "customer_name")
            return None
        named = self._known.by_name.get(name, [])
        if len(named) > 1:
            row.refuse(f"{len(named)} customers are called {shown(name)}. Name this one by its id.", "customer_name")
            return None
        if not named and name not in self._names_mentioned and not self._is_lenient:
            row.refuse(
                f"There is no customer called {shown(name)}. Import the contacts before, or together.",
                "customer_name",
                UserErrorCode.NOT_FOUND,
            )
        return named[0] if named else None
