"""Who stands in documents: customers by their id, as the files name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.exports.snapshot import Snapshot
from holdco.ids import Kind
from holdco.imports.directory import SYSTEM

_NAMED: Final = text(
    """
    select c.id, c.name,
           (select min(r.external_id) from external_references r
            where r.organization_id = :organization_id and r.customer_id = c.id and r.system = :system) as external_id
    from customers c
    where c.organization_id = :organization_id and c.id = any(cast(:ids as uuid[]))
    """
)


class Named(NamedTuple):
    """`external_id` is the one that Zoho gave, else ours."""

    external_id: str
    name: str


async def named(snapshot: Snapshot, keys: Iterable[UUID]) -> dict[UUID, Named]:
    rows = await snapshot.rows(_NAMED, ids=list(set(keys)), system=SYSTEM)
    return {row.id: Named(row.external_id or ids.encode(Kind.CUSTOMER, row.id), row.name) for row in rows}


def external_id(kind: Kind, key: UUID, source_system: str | None, given: str | None) -> str:
    """A document's id at Zoho where it came from there, else ours."""
    return given if given is not None and source_system == SYSTEM else ids.encode(kind, key)
