"""Tables of client users, their customers and their invitations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of
from holdco.viewer import ClientUserRole


class InvitationState(StrEnum):
    """Of a client user (domain.md V7)."""

    NOT_INVITED = "NOT_INVITED"
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"


class ProjectScope(StrEnum):
    """Which projects of its customers a client user sees: all, or those that it is put to (domain.md V2)."""

    ALL = "ALL"
    LIST = "LIST"


class ClientUser(Base):
    """A person with a login. One that was a contact keeps the contact's key (domain.md V6).

    `issuer` and `subject` are who it is to an OpenID Connect provider, once it has accepted its invitation by one.
    """

    __tablename__ = "client_users"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_client_users_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    email: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    project_scope: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint(one_of("state", InvitationState), name="state"),
        CheckConstraint(one_of("project_scope", ProjectScope), name="project_scope"),
        CheckConstraint("(issuer is null) = (subject is null)", name="identity"),
        Index("uq_client_users_email", "organization_id", text("lower(email)"), unique=True),
        Index(
            "uq_client_users_subject",
            "organization_id",
            "issuer",
            "subject",
            unique=True,
            postgresql_where=text("subject is not null"),
        ),
        Index("ix_client_users_name", "organization_id", "name", "id"),
        Index("ix_client_users_created_at", "organization_id", "created_at", "id"),
    )


class ClientUserCustomer(Base):
    """That a client user belongs to a customer, and what it may do there."""

    __tablename__ = "client_user_customers"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("client_users", "client_user_id", name="fk_client_user_customers_users", cascade=True),
        # Who loses the customer loses the access; the user stays (domain.md D2).
        belongs_to("customers", "customer_id", name="fk_client_user_customers_customers", cascade=True),
        CheckConstraint(one_of("role", ClientUserRole), name="role"),
        Index("ix_client_user_customers_customer_id", "organization_id", "customer_id", "client_user_id"),
    )


class Invitation(Base):
    """A secret, sent to a client user, that is exchanged once for a login. Only its hash is kept."""

    __tablename__ = "invitations"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_user_id: Mapped[UUID] = mapped_column(Uuid)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        belongs_to("client_users", "client_user_id", name="fk_invitations_client_users", cascade=True),
        CheckConstraint("accepted_at is null or revoked_at is null", name="end"),
        Index("ix_invitations_client_user_id", "organization_id", "client_user_id"),
        # The newest invitation is the only one that can still be accepted.
        Index(
            "uq_invitations_open",
            "organization_id",
            "client_user_id",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )
