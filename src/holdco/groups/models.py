"""Tables of customer groups and their members."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to


class CustomerGroup(Base):
    """A lower `rank` goes first. Ranks are unique, so that terms of two groups never tie (domain.md G1).

    One that was deleted stays, without members and unseen, because terms of the past name it.
    """

    __tablename__ = "customer_groups"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_customer_groups_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    rank: Mapped[int] = mapped_column(Integer)
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        Index("uq_customer_groups_name", "organization_id", "name", unique=True, postgresql_where=text("deleted_at is null")),
        Index("uq_customer_groups_rank", "organization_id", "rank", unique=True, postgresql_where=text("deleted_at is null")),
        CheckConstraint("rank >= 1", name="rank"),
    )


class GroupMember(Base):
    __tablename__ = "group_members"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    group_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customer_groups", "group_id", name="fk_group_members_groups", cascade=True),
        belongs_to("customers", "customer_id", name="fk_group_members_customers", cascade=True),
        Index("ix_group_members_customer_id", "organization_id", "customer_id"),
    )


class FormerGroupMember(Base):
    """A membership that has ended, for whoever asks what applied on a past day."""

    __tablename__ = "former_group_members"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    group_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    removed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customer_groups", "group_id", name="fk_former_group_members_groups"),
        belongs_to("customers", "customer_id", name="fk_former_group_members_customers", cascade=True),
        CheckConstraint("removed_at >= added_at", name="interval"),
        Index("ix_former_group_members_customer_id", "organization_id", "customer_id"),
    )


class FormerGroupRank(Base):
    """A rank that a group had until an instant: from the one before on, or since it was made."""

    __tablename__ = "former_group_ranks"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    group_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    valid_to: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)

    __table_args__ = (belongs_to("customer_groups", "group_id", name="fk_former_group_ranks_groups"),)
