"""Which projects client users are put to, invited or not (domain.md 1.2, SB18).

A client user is put to projects of its customers and of those below them. What it sees of a project is decided when it looks,
by the rights of that moment: a branch that moves away later takes nothing with it. Whoever changes what a client user is put
to holds the row of that client user, and rows of several in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from holdco import ids
from holdco.client_users.errors import NotAtCustomer
from holdco.database import Transaction
from holdco.errors import NotFound, Refusal, Refused
from holdco.ids import Kind

# Text, because projects stand above client users; their tables are one schema all the same.
_KEPT = text(
    """
    select id, customer_id, name from projects
    where organization_id = :organization_id and id = any(cast(:project_ids as uuid[]))
    order by id for key share
    """
)
_REACHED = text(
    """
    select distinct descendant_id from customer_closure
    where organization_id = :organization_id and ancestor_id = any(cast(:customer_ids as uuid[]))
      and descendant_id = any(cast(:owner_ids as uuid[]))
    """
)
_PUT = text(
    """
    insert into project_client_users (organization_id, project_id, client_user_id)
    select o.id, project.id, :client_user_id
    from organizations o cross join unnest(cast(:project_ids as uuid[])) as project(id)
    where o.id = :organization_id
    on conflict do nothing
    """
)
_TAKE_FROM_OTHERS = text(
    """
    delete from project_client_users
    where organization_id = :organization_id and client_user_id = :client_user_id
      and project_id <> all(cast(:project_ids as uuid[]))
    returning project_id
    """
)
_TAKE_FROM_UNREACHED = text(
    """
    delete from project_client_users x using projects p
    where x.organization_id = :organization_id and p.organization_id = :organization_id
      and x.client_user_id = :client_user_id and p.id = x.project_id
      and not exists (
        select from client_user_customers m
        join customer_closure c on c.organization_id = m.organization_id and c.ancestor_id = m.customer_id
        where m.organization_id = :organization_id and c.organization_id = :organization_id
          and m.client_user_id = :client_user_id and c.descendant_id = p.customer_id)
    """
)
_AS_CONTACT = text(
    "select project_id from project_contacts where organization_id = :organization_id and contact_id = :contact_id"
)
_OF = text(
    "select project_id from project_client_users where organization_id = :organization_id and client_user_id = :client_user_id"
)


async def check(transaction: Transaction, name: str, project_ids: Sequence[UUID], *, customer_ids: Sequence[UUID]) -> None:
    """That somebody who belongs to these customers may be put to these projects, which nobody deletes until commit.

    Raises Refused with NotFound or NotAtCustomer for each that it may not be put to.
    """
    if not project_ids:
        return
    organization_id = transaction.organization_id
    found = await transaction.rows(_KEPT, {"organization_id": organization_id, "project_ids": list(project_ids)})
    projects = {row.id: row for row in found}
    owner_ids = sorted({row.customer_id for row in found})
    reached = await transaction.rows(
        _REACHED, {"organization_id": organization_id, "customer_ids": list(customer_ids), "owner_ids": owner_ids}
    )
    below = {row[0] for row in reached}
    problems: list[Refusal] = []
    for position, key in enumerate(project_ids):
        field = ("projectIds", str(position))
        if key not in projects:
            problems.append(NotFound(f"There is no project {ids.encode(Kind.PROJECT, key)}.", field=field))
        elif projects[key].customer_id not in below:
            problems.append(NotAtCustomer(name, project=projects[key].name, field=field))
    if problems:
        raise Refused(problems)


async def put(transaction: Transaction, client_user_id: UUID, project_ids: Sequence[UUID]) -> None:
    """Puts a client user to projects; to be put to one already is no error."""
    if project_ids:
        await transaction.execute(
            _PUT,
            {
                "organization_id": transaction.organization_id,
                "client_user_id": client_user_id,
                "project_ids": sorted(project_ids),
            },
        )


async def replace(transaction: Transaction, client_user_id: UUID, project_ids: Sequence[UUID]) -> bool:
    """Puts a client user to these projects and to no others. Returns whether that changed anything."""
    of_user = {"organization_id": transaction.organization_id, "client_user_id": client_user_id}
    before = {row[0] for row in await transaction.rows(_OF, of_user)}
    if before == set(project_ids):
        return False
    await transaction.rows(_TAKE_FROM_OTHERS, {**of_user, "project_ids": list(project_ids)})
    await put(transaction, client_user_id, project_ids)
    return True


async def leave_unreached(transaction: Transaction, client_user_id: UUID) -> None:
    """A client user that left a customer leaves the projects that it had to do with through that one alone."""
    await transaction.execute(
        _TAKE_FROM_UNREACHED, {"organization_id": transaction.organization_id, "client_user_id": client_user_id}
    )


async def of_contact(transaction: Transaction, contact_id: UUID) -> list[UUID]:
    """The projects that a contact has to do with."""
    rows = await transaction.rows(_AS_CONTACT, {"organization_id": transaction.organization_id, "contact_id": contact_id})
    return [row[0] for row in rows]
