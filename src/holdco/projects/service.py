"""Creates and changes projects, and puts people to them. Every use case takes the transaction first and commits nothing itself.

Locks, always in this order: the project, client users by id, contacts by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, insert, select, text, update

from holdco import ids
from holdco.activity import service as activity
from holdco.client_users.errors import NotAtCustomer
from holdco.customers import hierarchy
from holdco.customers import service as customers
from holdco.database import Transaction
from holdco.errors import NotFound, Refusal, Refused, StaleVersion
from holdco.ids import Kind
from holdco.projects import queries
from holdco.projects.models import Project, ProjectStatus
from holdco.projects.queries import ProjectRow
from holdco.validation import TEXT_LENGTH_MAX, Cleaner, cleaned, member_of, optional_text, required_text

_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "description": lambda value, field: optional_text(value, field, length_max=TEXT_LENGTH_MAX),
    "status": lambda value, field: member_of(ProjectStatus, value or "", field),
}


async def create(transaction: Transaction, *, customer_id: UUID, values: Mapping[str, Any]) -> UUID:
    """A new project of a customer, active unless something else is said. Only the name is needed.

    Raises, in this order: Refused with NotFound for the customer; Refused with InvalidInput for each bad value.
    """
    await customers.keep(transaction, [customer_id], field_of=lambda _: ("customerId",))
    fields = {"status": ProjectStatus.ACTIVE, **cleaned({"name": None, **values}, _CLEANERS)}
    project_id = ids.new()
    await transaction.execute(
        insert(Project).values(
            organization_id=transaction.organization_id,
            id=project_id,
            customer_id=customer_id,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        )
    )
    await _record(transaction, project_id, "project.created", customer_id, name=fields["name"])
    return project_id


async def change(transaction: Transaction, project_id: UUID, *, values: Mapping[str, Any], version: int | None = None) -> None:
    """Sets the given fields and leaves all others; None clears.

    Raises, in this order: NotFound; StaleVersion (domain.md K6); Refused with InvalidInput for each bad value.
    """
    project = await _locked(transaction, project_id, version=version)
    fields = cleaned(values, _CLEANERS)
    changed = {name: value for name, value in fields.items() if getattr(project, name) != value}
    if changed:
        await _touch(transaction, project_id, **changed)
        await _record(transaction, project_id, "project.updated", project.customer_id, fields=sorted(changed))


async def set_people(
    transaction: Transaction,
    project_id: UUID,
    *,
    client_user_ids: Sequence[UUID] | None = None,
    contact_ids: Sequence[UUID] | None = None,
    version: int | None = None,
) -> None:
    """These client users and contacts have to do with the project, and no others; None leaves them as they are.

    Nobody need be invited (domain.md 1.2, SB18). All belong to the project's customer or to one above it, whose business it is
    as well. Raises, in this order: NotFound for the project; StaleVersion; Refused with NotFound or NotAtCustomer for each
    that may not be put to it.
    """
    project = await _locked(transaction, project_id, version=version)
    above = [ancestor_id for ancestor_id, _ in await hierarchy.ancestors(transaction, project.customer_id)]
    customer_ids = [project.customer_id, *above]
    problems: list[Refusal] = []
    if client_user_ids is not None:
        problems += await _problems(
            transaction, project, _CLIENT_USERS, Kind.CLIENT_USER, client_user_ids, above=customer_ids, field="clientUserIds"
        )
    if contact_ids is not None:
        problems += await _problems(
            transaction, project, _CONTACTS, Kind.CONTACT, contact_ids, above=customer_ids, field="contactIds"
        )
    if problems:
        raise Refused(problems)
    changed = []
    if client_user_ids is not None and await _replace(transaction, project_id, _CLIENT_USERS_REPLACE, client_user_ids):
        changed.append("clientUsers")
    if contact_ids is not None and await _replace(transaction, project_id, _CONTACTS_REPLACE, contact_ids):
        changed.append("contacts")
    if changed:
        await _touch(transaction, project_id)
        await _record(transaction, project_id, "project.people_set", project.customer_id, fields=changed)


# Who is asked for and who is put to it already: all of them are held, so that nobody else changes what they are put to.
_CLIENT_USERS = text(
    """
    select u.id, u.name, exists (
        select from client_user_customers m
        where m.organization_id = :organization_id and m.client_user_id = u.id and m.customer_id = any(cast(:above as uuid[]))
      ) as is_there
    from client_users u
    where u.organization_id = :organization_id and (u.id = any(cast(:ids as uuid[])) or u.id in (
        select x.client_user_id from project_client_users x
        where x.organization_id = :organization_id and x.project_id = :project_id))
    order by u.id for no key update of u
    """
)
_CONTACTS = text(
    """
    select t.id, t.name, t.customer_id = any(cast(:above as uuid[])) as is_there
    from contacts t where t.organization_id = :organization_id and t.id = any(cast(:ids as uuid[]))
    order by t.id for key share
    """
)
_CLIENT_USERS_REPLACE = (
    text(
        """
        delete from project_client_users where organization_id = :organization_id and project_id = :project_id
          and client_user_id <> all(cast(:ids as uuid[]))
        returning client_user_id
        """
    ),
    text(
        """
        insert into project_client_users (organization_id, project_id, client_user_id)
        select o.id, :project_id, person.id from organizations o cross join unnest(cast(:ids as uuid[])) as person(id)
        where o.id = :organization_id
        on conflict do nothing returning client_user_id
        """
    ),
)
_CONTACTS_REPLACE = (
    text(
        """
        delete from project_contacts where organization_id = :organization_id and project_id = :project_id
          and contact_id <> all(cast(:ids as uuid[]))
        returning contact_id
        """
    ),
    text(
        """
        insert into project_contacts (organization_id, project_id, contact_id)
        select o.id, :project_id, person.id from organizations o cross join unnest(cast(:ids as uuid[])) as person(id)
        where o.id = :organization_id
        on conflict do nothing returning contact_id
        """
    ),
)


async def _problems(
    transaction: Transaction,
    project: ProjectRow,
    statement: Executable,
    kind: Kind,
    keys: Sequence[UUID],
    *,
    above: Sequence[UUID],
    field: str,
) -> list[Refusal]:
    """Holds these people until commit. `above` is the project's customer and all above that."""
    parameters = {
        "organization_id": transaction.organization_id,
        "above": list(above),
        "ids": list(keys),
        **({"project_id": project.id} if kind is Kind.CLIENT_USER else {}),
    }
    found = {row.id: row for row in await transaction.rows(statement, parameters)}
    problems: list[Refusal] = []
    for position, key in enumerate(keys):
        path = (field, str(position))
        if key not in found:
            problems.append(NotFound(f"There is no {kind.noun} {ids.encode(kind, key)}.", field=path))
        elif not found[key].is_there:
            problems.append(NotAtCustomer(found[key].name, project=project.name, field=path))
    return problems


async def _replace(
    transaction: Transaction, project_id: UUID, statements: tuple[Executable, Executable], keys: Sequence[UUID]
) -> bool:
    """Returns whether anybody came or went."""
    parameters = {"organization_id": transaction.organization_id, "project_id": project_id, "ids": sorted(set(keys))}
    gone, come = [await transaction.rows(statement, parameters) for statement in statements]
    return bool(gone or come)


async def _locked(transaction: Transaction, project_id: UUID, *, version: int | None) -> ProjectRow:
    rows = await transaction.rows(
        select(*queries.PROJECT_COLUMNS.values())
        .where(Project.organization_id == transaction.organization_id, Project.id == project_id)
        .with_for_update(key_share=True)
    )
    if not rows:
        raise NotFound(f"There is no project {ids.encode(Kind.PROJECT, project_id)}.", field=("id",))
    project = ProjectRow(*rows[0])
    if version is not None and version != project.version:
        raise StaleVersion(project.name, expected=version, found=project.version)
    return project


async def _touch(transaction: Transaction, project_id: UUID, **changed: Any) -> None:
    await transaction.execute(
        update(Project)
        .where(Project.organization_id == transaction.organization_id, Project.id == project_id)
        .values(updated_at=transaction.now, version=Project.version + 1, **changed)
    )


async def _record(transaction: Transaction, project_id: UUID, action: str, customer_id: UUID, **details: Any) -> None:
    await activity.record(transaction, [activity.about(Kind.PROJECT, project_id, action, customer_id=customer_id, **details)])
