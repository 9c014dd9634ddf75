"""Tables of items and their default prices."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Numeric, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of


class ItemStatus(StrEnum):
    """What was sold once is not deleted: an inactive item goes on no new line."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Item(Base):
    __tablename__ = "items"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", name="fk_items_organizations"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    sku: Mapped[str | None] = mapped_column(Text(collation="C"))
    description: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint(one_of("status", ItemStatus), name="status"),
        Index("ix_items_name", "organization_id", "name", "id"),
        Index("ix_items_created_at", "organization_id", "created_at", "id"),
        Index("uq_items_sku", "organization_id", "sku", unique=True, postgresql_where=text("sku is not null")),
    )


class ItemPrice(Base):
    """The default price of one unit, in major units; it may be finer than the currency (0.0035 per call)."""

    __tablename__ = "item_prices"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    item_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(24, 6))

    __table_args__ = (
        belongs_to("items", "item_id", name="fk_item_prices_items", cascade=True),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )
