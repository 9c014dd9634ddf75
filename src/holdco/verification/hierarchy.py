"""Checks of the tree: the open links are the truth, and everything else that knows the tree must say the same."""

from __future__ import annotations

from holdco.ids import Kind
from holdco.verification.checks import Check

# The customers that a walk down the open links from the roots meets. Whoever it does not meet is in or below a cycle; the
# other checks leave them out, because a walk that enters a cycle has no end. Depth is no matter here: a setting that was
# lowered breaks no tree (domain.md H4).
_REACHED = """
    reached as (
      select c.id from customers c
      where c.organization_id = :organization_id and not exists (
        select from parent_links l where l.organization_id = :organization_id and l.child_id = c.id and l.valid_to is null
      )
      union
      select l.child_id from reached r join parent_links l on l.parent_id = r.id
      where l.organization_id = :organization_id and l.valid_to is null
    )
"""

PARENTS = Check(
    name="parents",
    # domain.md H2, H6
    claim="A customer's parent is that of its open link, of which there is at most one.",
    kind=Kind.CUSTOMER,
    sql="""
    select c.id, 'parent', cast(c.parent_id as text), cast(l.parent_id as text), 'cus'
    from customers c
    left join parent_links l on l.organization_id = c.organization_id and l.organization_id = :organization_id
      and l.child_id = c.id and l.valid_to is null
    where c.organization_id = :organization_id and c.parent_id is distinct from l.parent_id
    union all
    select child_id, 'open links', cast(count(*) as text), '1', null
    from parent_links where organization_id = :organization_id and valid_to is null
    group by child_id having count(*) > 1
    """,
)

CYCLES = Check(
    name="cycles",
    # domain.md H3, 2.14 (4)
    claim="Whoever walks up from a customer over open links comes to a root.",
    kind=Kind.CUSTOMER,
    sql=f"""
    with recursive {_REACHED}
    select c.id, 'way up', 'a cycle', 'a root', null
    from customers c
    where c.organization_id = :organization_id and not exists (select from reached r where r.id = c.id)
    """,  # noqa: S608 (constants of this file only)
)

BUSINESSES = Check(
    name="businesses",
    # domain.md H1
    claim="Only businesses are parent or child.",
    kind=Kind.CUSTOMER,
    sql="""
    select c.id, 'kind', c.kind, 'BUSINESS', null
    from customers c
    where c.organization_id = :organization_id and c.kind <> 'BUSINESS' and exists (
      select from parent_links l
      where l.organization_id = :organization_id and l.valid_to is null and (l.child_id = c.id or l.parent_id = c.id)
    )
    """,
)

OWN_ROWS = Check(
    name="own-rows",
    claim="In the closure every customer is its own ancestor at depth 0, with every right.",
    kind=Kind.CUSTOMER,
    sql="""
    select c.id, 'own row', case when s.depth is null then 'missing' else 'limited' end, 'there with every right', null
    from customers c
    left join customer_closure s on s.organization_id = c.organization_id and s.organization_id = :organization_id
      and s.ancestor_id = c.id and s.descendant_id = c.id
    where c.organization_id = :organization_id
      and (s.depth = 0 and s.view and s.pay and s.manage and s.pay_invoices_from is null) is not true
    """,
)

CLOSURE = Check(
    name="closure",
    # domain.md H11, 2.14 (4)
    claim="The closure has the ancestors, depths and combined rights that the open links come to, and no others.",
    kind=Kind.CUSTOMER,
    sql=f"""
    with recursive {_REACHED},
    walked as (
      select r.id as ancestor_id, r.id as descendant_id, 0 as depth,
             true as view, true as pay, true as manage, cast(null as date) as pay_invoices_from
      from reached r
      union all
      select w.ancestor_id, l.child_id, w.depth + 1,
             w.view and l.view, w.pay and l.pay, w.manage and l.manage, greatest(w.pay_invoices_from, l.pay_invoices_from)
      from walked w join parent_links l on l.parent_id = w.descendant_id
      where l.organization_id = :organization_id and l.valid_to is null
    ),
    kept as (
      select ancestor_id, descendant_id, depth, view, pay, manage, pay_invoices_from
      from customer_closure where organization_id = :organization_id
    ),
    different as (
      select coalesce(w.descendant_id, k.descendant_id) as id, coalesce(w.ancestor_id, k.ancestor_id) as ancestor_id,
             w.depth is not null as is_expected, k.depth is not null as is_found,
             array[cast(k.depth as text), cast(k.view as text), cast(k.pay as text), cast(k.manage as text),
                   cast(k.pay_invoices_from as text)] as found,
             array[cast(w.depth as text), cast(w.view as text), cast(w.pay as text), cast(w.manage as text),
                   cast(w.pay_invoices_from as text)] as expected
      from walked w
      full join kept k on k.ancestor_id = w.ancestor_id and k.descendant_id = w.descendant_id
      where (k.depth, k.view, k.pay, k.manage, k.pay_invoices_from)
            is distinct from (w.depth, w.view, w.pay, w.manage, w.pay_invoices_from)
    )
    select d.id, figure.name || ' below cus_' || replace(cast(d.ancestor_id as text), '-', ''),
           figure.found, figure.expected, null
    from different d
    cross join lateral (values
      ('row', case when d.is_found then 'there' else 'missing' end, case when d.is_expected then 'there' else 'missing' end),
      ('depth', d.found[1], d.expected[1]),
      ('view', d.found[2], d.expected[2]),
      ('pay', d.found[3], d.expected[3]),
      ('manage', d.found[4], d.expected[4]),
      ('payInvoicesFrom', d.found[5], d.expected[5])
    ) as figure(name, found, expected)
    where figure.found is distinct from figure.expected and (figure.name = 'row' or (d.is_found and d.is_expected))
      and (d.is_expected or exists (select from reached r where r.id = d.id))
    """,  # noqa: S608 (constants of this file only)
)

ROLL_UPS = Check(
    name="roll-ups",
    # domain.md 2.14 (7)
    claim="What a root's tree owes and has comes to the same over the closure as customer by customer along the links.",
    kind=Kind.CUSTOMER,
    sql=f"""
    with recursive {_REACHED},
    walked as (
      select r.id as root_id, r.id as customer_id from reached r
      where not exists (
        select from parent_links l where l.organization_id = :organization_id and l.child_id = r.id and l.valid_to is null
      )
      union all
      select w.root_id, l.child_id from walked w join parent_links l on l.parent_id = w.customer_id
      where l.organization_id = :organization_id and l.valid_to is null
    ),
    own as (
      select customer_id, currency, 'outstanding' as name, sum(balance) as amount from invoices
      where organization_id = :organization_id and status = 'ISSUED' and balance <> 0 group by customer_id, currency
      union all
      select customer_id, currency, 'unapplied', sum(unapplied) from payments
      where organization_id = :organization_id and unapplied <> 0 group by customer_id, currency
      union all
      select customer_id, currency, 'openCredits', sum(remaining) from credit_notes
      where organization_id = :organization_id and remaining <> 0 group by customer_id, currency
    ),
    along_links as (
      select w.root_id, o.currency, o.name, sum(o.amount) as amount
      from walked w join own o on o.customer_id = w.customer_id
      group by w.root_id, o.currency, o.name
    ),
    over_closure as (
      select c.ancestor_id as root_id, o.currency, o.name, sum(o.amount) as amount
      from customer_closure c join own o on o.customer_id = c.descendant_id
      where c.organization_id = :organization_id and c.ancestor_id in (select root_id from walked)
        and not exists (
          select from parent_links l
          where l.organization_id = :organization_id and l.child_id = c.ancestor_id and l.valid_to is null
        )
      group by c.ancestor_id, o.currency, o.name
    )
    select root_id, name, coalesce(c.amount, 0), coalesce(l.amount, 0), currency
    from over_closure c full join along_links l using (root_id, currency, name)
    where coalesce(c.amount, 0) <> coalesce(l.amount, 0)
    """,  # noqa: S608 (constants of this file only)
)

CHECKS = (PARENTS, CYCLES, BUSINESSES, OWN_ROWS, CLOSURE, ROLL_UPS)
