"""Tables of terms and of what customers accepted of their groups' offers. Both keep their history: rows end, none is changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Numeric, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of
from holdco.terms.precedence import TermAcceptanceKind, TermField, TermMode


class Term(Base):
    """What a customer, a group or, with neither, the organization says of one field, from one instant to another.

    It has a value of its field: a price list, a discount of 0 to 100 percent, or payment terms. Only a group's has a mode
    (domain.md G2). `version` counts what its owner has said of the field. Saying nothing any more ends the row and begins none.
    """

    __tablename__ = "terms"

    organization_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("organizations.id", name="fk_terms_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    group_id: Mapped[UUID | None] = mapped_column(Uuid)
    field: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    price_list_id: Mapped[UUID | None] = mapped_column(Uuid)
    discount_percent: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    payment_terms_kind: Mapped[str | None] = mapped_column(Text)
    payment_terms_net_days: Mapped[int | None] = mapped_column(Integer)
    mode: Mapped[str | None] = mapped_column(Text)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_terms_customers", cascade=True),
        belongs_to("customer_groups", "group_id", name="fk_terms_groups"),
        belongs_to("price_lists", "price_list_id", name="fk_terms_price_lists"),
        CheckConstraint("customer_id is null or group_id is null", name="owner"),
        CheckConstraint(one_of("field", TermField), name="field"),
        CheckConstraint(one_of("mode", TermMode), name="mode"),
        CheckConstraint("(mode is null) = (group_id is null)", name="mode_of_group"),
        CheckConstraint(
            "(field = 'PRICE_LIST') = (price_list_id is not null)"
            " and (field = 'DISCOUNT_PERCENT') = (discount_percent is not null)"
            " and (field = 'PAYMENT_TERMS') = (payment_terms_kind is not null)"
            " and (field = 'PAYMENT_TERMS') = (payment_terms_net_days is not null)",
            name="value",
        ),
        CheckConstraint("discount_percent between 0 and 100", name="discount_percent"),
        CheckConstraint("valid_to >= valid_from", name="interval"),
        Index(
            "uq_terms_customer",
            "organization_id",
            "customer_id",
            "field",
            unique=True,
            postgresql_where=text("customer_id is not null and valid_to is null"),
        ),
        Index(
            "uq_terms_group",
            "organization_id",
            "group_id",
            "field",
            unique=True,
            postgresql_where=text("group_id is not null and valid_to is null"),
        ),
        Index(
            "uq_terms_organization",
            "organization_id",
            "field",
            unique=True,
            postgresql_where=text("customer_id is null and group_id is null and valid_to is null"),
        ),
        # Of all times: who asks for a past day looks here as well.
        Index("ix_terms_customer_id", "organization_id", "customer_id", "field", "version"),
        Index("ix_terms_group_id", "organization_id", "group_id", "field", "version"),
        Index("ix_terms_price_list_id", "organization_id", "price_list_id", postgresql_where=text("price_list_id is not null")),
    )


class TermAcceptance(Base):
    """A customer uses what a group offers (OPT_IN), from one instant to another: it follows the group, or stays at one version.

    `term_id`, and for a price list its `price_list_version`, are those of a PINNED acceptance. It ends with the membership.
    """

    __tablename__ = "term_acceptances"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    group_id: Mapped[UUID] = mapped_column(Uuid)
    field: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    term_id: Mapped[UUID | None] = mapped_column(Uuid)
    price_list_version: Mapped[int | None] = mapped_column(Integer)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_term_acceptances_customers", cascade=True),
        belongs_to("customer_groups", "group_id", name="fk_term_acceptances_groups"),
        belongs_to("terms", "term_id", name="fk_term_acceptances_terms"),
        CheckConstraint(one_of("field", TermField), name="field"),
        CheckConstraint(one_of("kind", TermAcceptanceKind), name="kind"),
        CheckConstraint("(kind = 'PINNED') = (term_id is not null)", name="pinned"),
        CheckConstraint("price_list_version is null or term_id is not null", name="price_list_version"),
        CheckConstraint("valid_to >= valid_from", name="interval"),
        Index(
            "uq_term_acceptances_open",
            "organization_id",
            "customer_id",
            "group_id",
            "field",
            unique=True,
            postgresql_where=text("valid_to is null"),
        ),
        Index("ix_term_acceptances_customer_id", "organization_id", "customer_id", "valid_from"),
        Index("ix_term_acceptances_group_id", "organization_id", "group_id"),
    )
