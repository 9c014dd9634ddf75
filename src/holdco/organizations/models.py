"""Tables of organizations and of the numbers that they give to documents."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, one_of


class LinkPolicy(StrEnum):
    """Whether a customer with open invoices may be put under a parent (domain.md H5)."""

    ALLOW = "ALLOW"
    REQUIRE_CLEAR = "REQUIRE_CLEAR"


class Organization(Base):
    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    hierarchy_depth_max: Mapped[int | None] = mapped_column(Integer)
    link_policy: Mapped[str] = mapped_column(Text)
    locked_until: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("hierarchy_depth_max >= 1", name="hierarchy_depth"),
        CheckConstraint(one_of("link_policy", LinkPolicy), name="link_policy"),
    )


class NumberCounter(Base):
    """The last number given to a kind of document. Its row is locked until commit, so numbers have no gaps (domain.md I2)."""

    __tablename__ = "number_counters"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_number_counters_organizations"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
