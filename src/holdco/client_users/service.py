"""Invites client users, changes them, and lets them in and out. Every use case takes the transaction first and commits nothing.

Locks, always in this order: the contact, the addresses, client users by id, customers by id, projects by id.

| state         | how it comes about                                                       | what ends it            |
| ------------- | ------------------------------------------------------------------------ | ----------------------- |
| `NOT_INVITED` | converted, or reactivated before it ever accepted, or its e-mail changed | a (re)invitation        |
| `INVITED`     | invited or re-invited                                                    | accepted                |
| `ACTIVE`      | accepted                                                                 | deactivated             |
| `DEACTIVATED` | deactivated, from every other state                                      | reactivated             |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Executable, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from holdco import ids
from holdco.access import service as access
from holdco.activity import service as activity
from holdco.client_users import assignments, invitations, queries
from holdco.client_users.errors import AlreadyClientUser, ClientUserDeactivated, EmailTaken, IdentityTaken, InvitationNotValid
from holdco.client_users.invitations import Opened, Presented
from holdco.client_users.models import ClientUser, ClientUserCustomer, InvitationState, ProjectScope
from holdco.client_users.queries import ClientUserRow
from holdco.customers import service as customers
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, NotFound, Refused, StaleVersion
from holdco.filtering import any_of
from holdco.ids import Kind
from holdco.organizations.models import Organization
from holdco.validation import Cleaner, cleaned, email_address, field_name, member_of, required_text
from holdco.viewer import ClientUserRole


class Membership(NamedTuple):
    """That a client user belongs to a customer, and what it may do there."""

    customer_id: UUID
    role: ClientUserRole


class Identity(NamedTuple):
    """Who somebody is to an OpenID Connect provider."""

    issuer: str
    subject: str


def _required_email(value: str | None, field: str) -> str:
    email = email_address(value, field)
    if email is None:
        raise InvalidInput(f"A client user needs an e-mail address: {field} cannot be empty.", field=(field,))
    return email


_CLEANERS: Mapping[str, Cleaner] = {
    "name": required_text,
    "email": _required_email,
    "project_scope": lambda value, field: member_of(ProjectScope, value or "", field),
}


async def invite(
    transaction: Transaction,
    *,
    name: str | None,
    email: str | None,
    memberships: Sequence[Membership],
    project_scope: ProjectScope,
    project_ids: Sequence[UUID] = (),
) -> tuple[UUID, Opened]:
    """A new client user and its invitation, which whoever asked sends (domain.md 1.2, SB12).

    It may belong to no customer yet (SB3). Raises as `add`.
    """
    client_user_id = ids.new()
    await add(
        transaction,
        client_user_id,
        values={"name": name, "email": email, "project_scope": project_scope},
        state=InvitationState.INVITED,
        memberships=memberships,
        project_ids=project_ids,
    )
    opened = await invitations.reopen(transaction, client_user_id)
    await record(transaction, client_user_id, "client_user.invited", [each.customer_id for each in memberships])
    return client_user_id, opened


async def add(
    transaction: Transaction,
    client_user_id: UUID,
    *,
    values: Mapping[str, Any],
    state: InvitationState,
    memberships: Sequence[Membership],
    project_ids: Sequence[UUID],
    kept_project_ids: Sequence[UUID] = (),
) -> None:
    """A client user in the state that it begins with. Projects that are kept are not checked.

    Raises, in this order: Refused with InvalidInput for each bad value and each customer that is named twice; Refused with
    NotFound for each unknown customer; EmailTaken (domain.md V6); Refused with NotFound or NotAtCustomer for each project.
    """
    fields = cleaned(values, _CLEANERS)
    _check_distinct(memberships)
    await _keep_customers(transaction, memberships)
    await _write(
        transaction,
        insert(ClientUser).values(
            organization_id=transaction.organization_id,
            id=client_user_id,
            state=state,
            created_at=transaction.now,
            updated_at=transaction.now,
            version=1,
            **fields,
        ),
        email=fields["email"],
        name=fields["name"],
    )
    await _set_memberships(transaction, client_user_id, memberships)
    customer_ids = [each.customer_id for each in memberships]
    await assignments.check(transaction, fields["name"], project_ids, customer_ids=customer_ids)
    await assignments.put(transaction, client_user_id, sorted({*project_ids, *kept_project_ids}))


async def reinvite(transaction: Transaction, client_user_id: UUID) -> Opened:
    """A new invitation; the earlier one ends. One that is active stays active: who lost the way in gets another one.

    Raises, in this order: NotFound; ClientUserDeactivated.
    """
    user = await locked(transaction, client_user_id)
    if user.state == InvitationState.DEACTIVATED:
        raise ClientUserDeactivated(user.name)
    opened = await invitations.reopen(transaction, client_user_id)
    if user.state == InvitationState.NOT_INVITED:
        await _touch(transaction, client_user_id, state=InvitationState.INVITED)
    await record(transaction, client_user_id, "client_user.reinvited", await customer_ids_of(transaction, client_user_id))
    return opened


async def change(
    transaction: Transaction,
    client_user_id: UUID,
    *,
    values: Mapping[str, Any],
    memberships: Sequence[Membership] | None = None,
    project_ids: Sequence[UUID] | None = None,
    version: int | None = None,
) -> None:
    """Sets the given fields of `name`, `email` and `project_scope` and leaves all others. `memberships` and `project_ids`, where
    given, replace all of them; who leaves a customer leaves the projects below it.

    A new e-mail address ends the invitation that was sent to the old one. Raises, in this order: NotFound; StaleVersion
    (domain.md K6); then as `add`, but EmailTaken last of all.
    """
    if "email" in values:
        await _lock_addresses(transaction)
    user = await locked(transaction, client_user_id)
    if version is not None and version != user.version:
        raise StaleVersion(user.name, expected=version, found=user.version)
    fields = cleaned(values, _CLEANERS)
    changed = {name: value for name, value in fields.items() if getattr(user, name) != value}
    names = [field_name(name) for name in changed]
    before = await _memberships_of(transaction, client_user_id)
    after = before if memberships is None else _check_distinct(memberships)
    if after != before:
        names.append("customers")
        await _keep_customers(transaction, memberships or ())
        await _set_memberships(transaction, client_user_id, memberships or ())
    if project_ids is not None:
        await assignments.check(transaction, fields.get("name", user.name), project_ids, customer_ids=list(after))
        if await assignments.replace(transaction, client_user_id, project_ids):
            names.append("projectIds")
    if before.keys() - after.keys():
        await assignments.leave_unreached(transaction, client_user_id)
    if not names:
        return
    if "email" in changed:
        await invitations.end(transaction, client_user_id)
        if user.state == InvitationState.INVITED:
            changed["state"] = InvitationState.NOT_INVITED
    await _touch(transaction, client_user_id, **changed)
    await record(transaction, client_user_id, "client_user.updated", {*before, *after}, fields=sorted(names))


async def deactivate(transaction: Transaction, client_user_id: UUID) -> None:
    """Ends the access of a client user, its tokens and its invitation; what it did stays. To be deactivated already is no error.

    Raises NotFound.
    """
    user = await locked(transaction, client_user_id)
    if user.state != InvitationState.DEACTIVATED:
        await invitations.end(transaction, client_user_id)
        await access.revoke_of(transaction, client_user_id)
        await _touch(transaction, client_user_id, state=InvitationState.DEACTIVATED)
        await record(transaction, client_user_id, "client_user.deactivated", await customer_ids_of(transaction, client_user_id))


async def reactivate(transaction: Transaction, client_user_id: UUID) -> None:
    """Takes a deactivated client user back: as active where it had ever accepted, else it may be invited again.

    Its tokens stay revoked: whoever holds one may be the reason why they ended. An invitation gives it a new one; the subject of
    a provider that it is bound to lets it in as before.

    Not to be deactivated is no error. Raises NotFound.
    """
    user = await locked(transaction, client_user_id)
    if user.state == InvitationState.DEACTIVATED:
        is_active = await invitations.was_accepted(transaction, client_user_id)
        await _touch(transaction, client_user_id, state=InvitationState.ACTIVE if is_active else InvitationState.NOT_INVITED)
        await record(transaction, client_user_id, "client_user.reactivated", await customer_ids_of(transaction, client_user_id))


async def accept(transaction: Transaction, presented: Presented, *, identity: Identity | None = None) -> ClientUserRow:
    """Exchanges an invitation, once, for an active client user, who is also the actor of it.

    With an `identity` the client user is from now on whoever the provider says so. Without, the caller gives a token. Raises, in
    this order: InvitationNotValid for one that is unknown, expired, used or ended; IdentityTaken.
    """
    client_user_id = await invitations.client_user_of(transaction, presented)
    user = await locked(transaction, client_user_id)
    if user.state == InvitationState.DEACTIVATED:
        raise InvitationNotValid
    await invitations.use(transaction, presented)
    # Nobody was known when the transaction began.
    transaction.actor = user.name
    if identity is not None:
        # Whoever came in by another subject before is somebody else now.
        transaction.revoked.add(client_user_id)
    await _touch(
        transaction, client_user_id, state=InvitationState.ACTIVE, **(identity._asdict() if identity is not None else {})
    )
    await record(transaction, client_user_id, "client_user.activated", await customer_ids_of(transaction, client_user_id))
    return user._replace(state=InvitationState.ACTIVE.value, updated_at=transaction.now, version=user.version + 1)


async def locked(transaction: Transaction, client_user_id: UUID) -> ClientUserRow:
    """A client user that nobody else can change until commit. Raises NotFound."""
    user = await found(transaction, client_user_id)
    if user is None:
        raise NotFound(f"There is no client user {ids.encode(Kind.CLIENT_USER, client_user_id)}.", field=("id",))
    return user


async def found(transaction: Transaction, client_user_id: UUID) -> ClientUserRow | None:
    """As `locked`, but None where there is none."""
    rows = await transaction.rows(
        select(*queries.CLIENT_USER_COLUMNS.values())
        .where(ClientUser.organization_id == transaction.organization_id, ClientUser.id == client_user_id)
        .with_for_update(key_share=True)
    )
    return ClientUserRow(*rows[0]) if rows else None


async def customer_ids_of(transaction: Transaction, client_user_id: UUID) -> list[UUID]:
    return list(await _memberships_of(transaction, client_user_id))


async def record(
    transaction: Transaction, client_user_id: UUID, action: str, customer_ids: Sequence[UUID] | set[UUID], **details: Any
) -> None:
    """On the page of each of its customers; on nobody's where it has none."""
    pages: list[UUID | None] = [*sorted(customer_ids)] or [None]
    await activity.record(
        transaction,
        [activity.about(Kind.CLIENT_USER, client_user_id, action, customer_id=key, **details) for key in pages],
    )


async def _lock_addresses(transaction: Transaction) -> None:
    """Until commit nobody else changes an address: two that want each other's would wait for one another."""
    await transaction.execute(
        select(Organization.__table__.c.id).where(Organization.id == transaction.organization_id).with_for_update(key_share=True)
    )


def _check_distinct(memberships: Sequence[Membership]) -> dict[UUID, str]:
    """Roles by customer. Raises Refused with InvalidInput for each that is named a second time."""
    roles: dict[UUID, str] = {}
    problems: list[InvalidInput] = []
    for position, membership in enumerate(memberships):
        if membership.customer_id in roles:
            problems.append(InvalidInput("This customer is named twice.", field=("customers", str(position), "id")))
        roles[membership.customer_id] = membership.role
    if problems:
        raise Refused(problems)
    return roles


async def _keep_customers(transaction: Transaction, memberships: Sequence[Membership]) -> None:
    """Before any membership is touched: who deletes a customer holds it and waits for memberships, not the other way round."""
    customer_ids = [each.customer_id for each in memberships]
    await customers.keep(transaction, customer_ids, field_of=lambda position: ("customers", str(position), "id"))


async def _memberships_of(transaction: Transaction, client_user_id: UUID) -> dict[UUID, str]:
    """Roles by customer."""
    memberships = ClientUserCustomer.__table__.c
    rows = await transaction.rows(
        select(memberships.customer_id, memberships.role)
        .where(memberships.organization_id == transaction.organization_id, memberships.client_user_id == client_user_id)
        .order_by(memberships.customer_id)
    )
    return {row[0]: row[1] for row in rows}


async def _set_memberships(transaction: Transaction, client_user_id: UUID, memberships: Sequence[Membership]) -> None:
    """These and no others. Who keeps a role somewhere keeps since when."""
    table = ClientUserCustomer.__table__.c
    await transaction.execute(
        delete(ClientUserCustomer).where(
            table.organization_id == transaction.organization_id,
            table.client_user_id == client_user_id,
            ~any_of(table.customer_id, [each.customer_id for each in memberships]),
        )
    )
    await transaction.execute(
        text(
            """
            insert into client_user_customers (organization_id, client_user_id, customer_id, role, added_at, actor)
            select o.id, :client_user_id, membership.customer_id, membership.role, :added_at, :actor
            from organizations o
            cross join unnest(cast(:customer_ids as uuid[]), cast(:roles as text[])) as membership(customer_id, role)
            where o.id = :organization_id
            on conflict (organization_id, client_user_id, customer_id) do update set role = excluded.role
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "client_user_id": client_user_id,
            "customer_ids": [each.customer_id for each in memberships],
            "roles": [each.role.value for each in memberships],
            "added_at": transaction.now,
            "actor": transaction.actor,
        },
    )


async def _touch(transaction: Transaction, client_user_id: UUID, **changed: Any) -> None:
    """Writes columns of one client user and counts its version up. Raises EmailTaken, IdentityTaken."""
    await _write(
        transaction,
        update(ClientUser)
        .where(ClientUser.organization_id == transaction.organization_id, ClientUser.id == client_user_id)
        .values(updated_at=transaction.now, version=ClientUser.version + 1, **changed),
        email=changed.get("email"),
    )


async def _write(transaction: Transaction, statement: Executable, *, email: str | None, name: str | None = None) -> None:
    try:
        await transaction.execute(statement)
    except IntegrityError as error:
        match constraint_of(error):
            case "uq_client_users_email":
                raise EmailTaken(email or "") from None
            case "uq_client_users_subject":
                raise IdentityTaken from None
            case "pk_client_users":
                # A contact was made one that whoever asks does not see, because it belongs elsewhere by now.
                raise AlreadyClientUser(name or "") from None
        raise
