"""Runs all checks on one organization, in one snapshot, and tells what is wrong in the words of clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from holdco import ids, money
from holdco.errors import HoldcoError
from holdco.ids import Kind
from holdco.reader import Reader
from holdco.verification import hierarchy, terms
from holdco.verification import money as money_checks
from holdco.verification.checks import Check

CHECKS = (*money_checks.CHECKS, *hierarchy.CHECKS, *terms.CHECKS)

# So many of each check are told; one mistake in many rows is the same mistake.
FINDINGS_MAX = 20

_KINDS = {kind.value: kind for kind in Kind}


class OrganizationUnknown(HoldcoError):
    code = "ORGANIZATION_UNKNOWN"


class Finding(NamedTuple):
    """One figure that is wrong: of what, by its id as clients know it, what the database has, and what it should have."""

    id: str
    figure: str
    found: str
    expected: str


class Problem(NamedTuple):
    """A check that failed, with how many figures are wrong in all, and the first of them by id."""

    check: Check
    figure_count: int
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Report:
    """`counts` by noun: how much was looked at."""

    counts: Mapping[str, int]
    problems: list[Problem]

    @property
    def is_clean(self) -> bool:
        return not self.problems


# Statements that run once over everything: sorting on disk would take seconds more.
_COUNTS = text(
    """
    select set_config('work_mem', '64MB', true),
      (select count(*) from customers where organization_id = :organization_id),
      (select count(*) from invoices where organization_id = :organization_id),
      (select count(*) from payments where organization_id = :organization_id),
      (select count(*) from credit_notes where organization_id = :organization_id),
      (select count(*) from allocations where organization_id = :organization_id)
    from organizations o where o.id = :organization_id
    """
)
_NOUNS = ("customer", "invoice", "payment", "credit note", "allocation")


async def verify(engine: AsyncEngine, organization_id: UUID, *, findings_max: int = FINDINGS_MAX) -> Report:
    """Every check on one organization. Raises OrganizationUnknown."""
    reader = Reader(engine, organization_id)
    try:
        counted = await reader.rows(_COUNTS, {"organization_id": organization_id})
        if not counted:
            raise OrganizationUnknown(f"There is no organization {organization_id}. `holdco migrate` makes it.")
        problems = [problem for check in CHECKS if (problem := await _problem(reader, check, findings_max))]
    finally:
        await reader.close()
    return Report(dict(zip(_NOUNS, counted[0][1:], strict=True)), problems)


async def _problem(reader: Reader, check: Check, findings_max: int) -> Problem | None:
    rows = await reader.rows(
        text(
            f"""
            select id, figure, cast(found as text), cast(expected as text), unit, count(*) over ()
            from ({check.sql}) as wrong(id, figure, found, expected, unit)
            order by id, figure limit :findings_max
            """  # noqa: S608 (the checks are constants)
        ),
        {"organization_id": reader.organization_id, "findings_max": findings_max},
    )
    if not rows:
        return None
    findings = [
        Finding(ids.encode(check.kind, key), figure, _shown(found, unit), _shown(expected, unit))
        for key, figure, found, expected, unit, _ in rows
    ]
    return Problem(check, rows[0][5], findings)


def _shown(value: str | None, unit: str | None) -> str:
    if value is None:
        return "none"
    if unit is None:
        return value
    if kind := _KINDS.get(unit):
        return ids.encode(kind, UUID(value))
    return f"{money.to_string(int(value), unit)} {unit}"
