"""Table of access tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of
from holdco.viewer import StaffRole


class AccessToken(Base):
    """A secret that staff, a service or a client user shows. Only its hash is kept: who reads this table can show nothing.

    It is staff's and has a role, or a client user's, whose roles stand with its customers.
    """

    __tablename__ = "access_tokens"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_access_tokens_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    client_user_id: Mapped[UUID | None] = mapped_column(Uuid)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        belongs_to("client_users", "client_user_id", name="fk_access_tokens_client_users", cascade=True),
        CheckConstraint("(role is null) <> (client_user_id is null)", name="holder"),
        CheckConstraint(one_of("role", StaffRole), name="role"),
        Index(
            "ix_access_tokens_client_user_id",
            "organization_id",
            "client_user_id",
            postgresql_where=text("client_user_id is not null"),
        ),
    )
