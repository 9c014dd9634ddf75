"""Makes client users of contacts, who keep their id, their history and their projects (domain.md V6, SB23, SB24)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from holdco.activity import service as activity
from holdco.client_users import assignments, invitations, service
from holdco.client_users.errors import AlreadyClientUser
from holdco.client_users.invitations import Opened
from holdco.client_users.models import InvitationState, ProjectScope
from holdco.client_users.service import Membership
from holdco.contacts import service as contacts
from holdco.contacts.queries import ContactRow
from holdco.database import Transaction
from holdco.ids import Kind
from holdco.viewer import ClientUserRole


async def convert(
    transaction: Transaction,
    contact_id: UUID,
    *,
    role: ClientUserRole,
    project_scope: ProjectScope,
    project_ids: Sequence[UUID] = (),
    email: str | None = None,
) -> None:
    """A client user with the contact's id and name at the contact's customer, not invited yet. The contact stays.

    The e-mail address is the contact's, where none is given. Where the contact is a client user already, in whatever state,
    nothing happens. `deactivate` takes it back. Raises, in this order: NotFound for the contact; then as `service.add`.
    """
    contact = await contacts.locked(transaction, contact_id)
    if await service.found(transaction, contact_id) is None:
        await _add(transaction, contact, InvitationState.NOT_INVITED, role, project_scope, project_ids, email=email)


async def invite(
    transaction: Transaction,
    contact_id: UUID,
    *,
    role: ClientUserRole,
    project_scope: ProjectScope,
    project_ids: Sequence[UUID] = (),
    name: str | None = None,
    email: str | None = None,
) -> Opened:
    """As `convert`, and its invitation. Raises, in this order: NotFound for the contact; AlreadyClientUser; then as
    `service.add`.
    """
    contact = await contacts.locked(transaction, contact_id)
    if (user := await service.found(transaction, contact_id)) is not None:
        raise AlreadyClientUser(user.name)
    await _add(transaction, contact, InvitationState.INVITED, role, project_scope, project_ids, name=name, email=email)
    opened = await invitations.reopen(transaction, contact_id)
    await service.record(transaction, contact_id, "client_user.invited", [contact.customer_id])
    return opened


async def _add(
    transaction: Transaction,
    contact: ContactRow,
    state: InvitationState,
    role: ClientUserRole,
    project_scope: ProjectScope,
    project_ids: Sequence[UUID],
    *,
    name: str | None = None,
    email: str | None = None,
) -> None:
    await service.add(
        transaction,
        contact.id,
        values={
            "name": contact.name if name is None else name,
            "email": contact.email if email is None else email,
            "project_scope": project_scope,
        },
        state=state,
        memberships=[Membership(contact.customer_id, role)],
        project_ids=project_ids,
        kept_project_ids=await assignments.of_contact(transaction, contact.id),
    )
    await activity.record(
        transaction,
        [activity.about(Kind.CONTACT, contact.id, "contact.converted", customer_id=contact.customer_id, name=contact.name)],
    )
