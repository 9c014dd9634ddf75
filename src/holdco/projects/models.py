"""Tables of projects and the people who are put to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of


class ProjectStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ON_HOLD = "ON_HOLD"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class Project(Base):
    """Work for one customer (domain.md 1.2, SB7)."""

    __tablename__ = "projects"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        # A customer with projects is not deleted: they are proof of what was done for it.
        belongs_to("customers", "customer_id", name="fk_projects_customers"),
        CheckConstraint(one_of("status", ProjectStatus), name="status"),
        Index("ix_projects_customer_id", "organization_id", "customer_id", "name", "id"),
        Index("ix_projects_name", "organization_id", "name", "id"),
        Index("ix_projects_created_at", "organization_id", "created_at", "id"),
    )


class ProjectClientUser(Base):
    """That a client user is put to a project, whether it was invited or not (domain.md 1.2, SB18)."""

    __tablename__ = "project_client_users"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    project_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    client_user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)

    __table_args__ = (
        belongs_to("projects", "project_id", name="fk_project_client_users_projects", cascade=True),
        belongs_to("client_users", "client_user_id", name="fk_project_client_users_users", cascade=True),
        Index("ix_project_client_users_client_user_id", "organization_id", "client_user_id"),
    )


class ProjectContact(Base):
    """That a contact has to do with a project. It sees nothing of it (domain.md V1)."""

    __tablename__ = "project_contacts"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    project_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)

    __table_args__ = (
        belongs_to("projects", "project_id", name="fk_project_contacts_projects", cascade=True),
        belongs_to("contacts", "contact_id", name="fk_project_contacts_contacts", cascade=True),
        Index("ix_project_contacts_contact_id", "organization_id", "contact_id"),
    )
