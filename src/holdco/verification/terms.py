"""Checks of terms: what an owner says of a field ends before it says something else, so that every instant has one answer."""

from __future__ import annotations

from holdco.ids import Kind
from holdco.verification.checks import Check


def _history(kind: Kind, owner: str, condition: str) -> Check:
    return Check(
        name=f"{kind.noun.replace(' ', '-')}-terms",
        # domain.md G3, G5
        claim=f"Of all that {kind.noun}s said of a term, each ends before the next begins, and at most the last is open.",
        kind=kind,
        sql=f"""
        select owner_id, field || ' ' || version, coalesce(cast(valid_to at time zone 'UTC' as text), 'open'),
               'ended by ' || cast(next_from at time zone 'UTC' as text), null
        from (
          select t.{owner} as owner_id, t.field, t.version, t.valid_to,
                 lead(t.valid_from) over (partition by t.{owner}, t.field order by t.version, t.valid_from) as next_from
          from terms t
          where t.organization_id = :organization_id and {condition}
        ) said
        where next_from is not null and (valid_to is null or valid_to > next_from)
        """,  # noqa: S608 (constants of this file only)
    )


CHECKS = (
    _history(Kind.CUSTOMER, "customer_id", "t.customer_id is not null"),
    _history(Kind.GROUP, "group_id", "t.group_id is not null"),
    _history(Kind.ORGANIZATION, "organization_id", "t.customer_id is null and t.group_id is null"),
)
