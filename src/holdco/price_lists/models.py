"""Tables of price lists, their versions and their rates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of
from holdco.price_lists.pricing import PriceRounding


class PriceListKind(StrEnum):
    PERCENTAGE = "PERCENTAGE"
    RATES = "RATES"


class PriceList(Base):
    """Its currency and kind never change, so that a version is enough to know how a line was priced (domain.md G12).

    It is inactive from `inactivated_at` on, and never deleted. `version` is the present one of `PriceListVersion`.
    """

    __tablename__ = "price_lists"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_price_lists_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    inactivated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        UniqueConstraint("organization_id", "name", name="uq_price_lists_name"),
        CheckConstraint(one_of("kind", PriceListKind), name="kind"),
        Index("ix_price_lists_created_at", "organization_id", "created_at", "id"),
    )


class PriceListVersion(Base):
    """What a price list says from one change to the next.

    `percent` is added to default prices, or taken off where it is negative; a PERCENTAGE list has one, a list of RATES none.
    A price made by it goes to a multiple of `rounding_step`, and `rounding_less` is taken off that: 1.00 less 0.01 gives 9.99.
    `is_active` tells for a past day whether the list applied to anybody.
    """

    __tablename__ = "price_list_versions"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    price_list_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    percent: Mapped[Decimal | None] = mapped_column(Numeric(10, 6))
    rounding: Mapped[str | None] = mapped_column(Text)
    rounding_step: Mapped[Decimal | None] = mapped_column(Numeric(24, 6))
    rounding_less: Mapped[Decimal | None] = mapped_column(Numeric(24, 6))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("price_lists", "price_list_id", name="fk_price_list_versions_lists"),
        CheckConstraint("percent >= -100", name="percent"),
        CheckConstraint(one_of("rounding", PriceRounding), name="rounding"),
        CheckConstraint(
            "(rounding is null) = (rounding_step is null) and (rounding is null) = (rounding_less is null)"
            " and rounding_step > 0 and rounding_less >= 0",
            name="rounding_step",
        ),
        CheckConstraint("valid_to >= valid_from", name="interval"),
    )


class PriceListRate(Base):
    """What one unit costs from `quantity_from` to below `quantity_to`, in versions from `version_from` to below `version_to`.

    So a change of one rate writes one row, however many a list has.
    """

    __tablename__ = "price_list_rates"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    price_list_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    item_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    quantity_from: Mapped[Decimal] = mapped_column(Numeric(20, 6), primary_key=True)
    version_from: Mapped[int] = mapped_column(Integer, primary_key=True)
    version_to: Mapped[int | None] = mapped_column(Integer)
    quantity_to: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(24, 6))

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "price_list_id", "version_from"],
            [
                "price_list_versions.organization_id",
                "price_list_versions.price_list_id",
                "price_list_versions.version",
            ],
            name="fk_price_list_rates_versions",
        ),
        belongs_to("items", "item_id", name="fk_price_list_rates_items"),
        CheckConstraint("quantity_from >= 0 and quantity_to > quantity_from", name="quantities"),
        CheckConstraint("version_to > version_from", name="versions"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        Index("ix_price_list_rates_item_id", "organization_id", "item_id"),
    )
