"""Client users of a story, put into the tables as an invitation would put them there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert

from asking import asker
from holdco import database, ids
from holdco.client_users.models import ClientUser, ClientUserCustomer, InvitationState, ProjectScope
from holdco.ids import Kind
from holdco.viewer import ClientUserRole, StaffRole, Viewer
from stories import Story


@dataclass(frozen=True)
class Seer(Story):
    """A story as somebody else than an ADMIN of staff sees it, and tells it further."""

    viewer: Viewer

    @property
    def id(self) -> str:
        """Of a client user, as clients know it."""
        assert self.viewer.client_user_id is not None
        return ids.encode(Kind.CLIENT_USER, self.viewer.client_user_id)


async def client_user(
    story: Story,
    roles: dict[str, ClientUserRole],
    *,
    project_scope: ProjectScope = ProjectScope.ALL,
    actor: str | None = None,
    is_planning: bool = True,
) -> Seer:
    """The story as a client user with these roles at these customers sees it."""
    user_id = ids.new()
    async with database.begin(story.engine, organization_id=story.organization_id, actor="tester") as transaction:
        own = {"organization_id": story.organization_id}
        await transaction.execute(
            insert(ClientUser).values(
                **own,
                id=user_id,
                name="Cora Client",
                email=f"{user_id.hex}@client.example",
                state=InvitationState.ACTIVE,
                project_scope=project_scope,
                created_at=transaction.now,
                updated_at=transaction.now,
                version=1,
            )
        )
        for customer_id, role in roles.items():
            await transaction.execute(
                insert(ClientUserCustomer).values(
                    **own,
                    client_user_id=user_id,
                    customer_id=ids.decode(Kind.CUSTOMER, customer_id),
                    role=role,
                    added_at=transaction.now,
                    actor="tester",
                )
            )
    viewer = Viewer(story.organization_id, actor or f"client user {user_id.hex}", None, client_user_id=user_id)
    return seen_by(story, viewer, is_planning=is_planning)


def staff(story: Story, role: StaffRole) -> Story:
    return seen_by(story, Viewer(story.organization_id, role.lower(), role))


def seen_by(story: Story, viewer: Viewer, *, is_planning: bool = True) -> Seer:
    ask = asker(story.engine, story.organization_id, viewer=viewer, is_planning=is_planning)
    return Seer(ask, story.engine, story.organization_id, viewer)


async def group(story: Story, name: str) -> str:
    """The id of a new group."""
    document = "mutation ($name: String!) { customerGroupCreate(input: {name: $name}) { customerGroup { id } } }"
    made: str = (await story.ask(document, name=name))["customerGroupCreate"]["customerGroup"]["id"]
    return made
