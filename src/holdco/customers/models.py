"""Tables of customers, their dated parent links and the closure of those links."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of


class CustomerKind(StrEnum):
    BUSINESS = "BUSINESS"
    INDIVIDUAL = "INDIVIDUAL"


class CustomerRole(StrEnum):
    HEAD_OFFICE = "HEAD_OFFICE"
    BRANCH = "BRANCH"
    DEPARTMENT = "DEPARTMENT"
    BUSINESS_UNIT = "BUSINESS_UNIT"
    SUBSIDIARY = "SUBSIDIARY"
    LOCATION = "LOCATION"
    OTHER = "OTHER"


class CustomerStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    MERGED = "MERGED"


class Customer(Base):
    __tablename__ = "customers"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", name="fk_customers_organizations"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    # Collation "C": the order of a list must not depend on the host's locale, or cursors would.
    number: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text(collation="C"))
    company_name: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    website: Mapped[str | None] = mapped_column(Text)
    tax_id: Mapped[str | None] = mapped_column(Text)
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    notes: Mapped[str | None] = mapped_column(Text)
    custom_fields: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        belongs_to("customers", "parent_id", name="fk_customers_parent"),
        UniqueConstraint("organization_id", "number", name="uq_customers_number"),
        CheckConstraint(one_of("kind", CustomerKind), name="kind"),
        CheckConstraint(one_of("role", CustomerRole), name="role"),
        CheckConstraint(one_of("status", CustomerStatus), name="status"),
        CheckConstraint("parent_id <> id", name="own_parent"),
        CheckConstraint("parent_id is null or kind = 'BUSINESS'", name="business_child"),
        Index("ix_customers_parent_id", "organization_id", "parent_id", "number"),
        Index("ix_customers_name", "organization_id", "name", "id"),
        Index("ix_customers_created_at", "organization_id", "created_at", "id"),
        Index("ix_customers_updated_at", "organization_id", "updated_at", "id"),
        Index("ix_customers_email", "organization_id", text("lower(email)")),
        # For "contains", which ignores case as the database's own collation does.
        Index("ix_customers_name_trigrams", text('(name collate "default") gin_trgm_ops'), postgresql_using="gin"),
    )


class ExternalReference(Base):
    """The same customer in another system. Ids of other systems are text: some have 19 digits (domain.md 4, rule 2)."""

    __tablename__ = "external_references"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    system: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    external_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    url: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_external_references_customers", cascade=True),
        Index("ix_external_references_customer_id", "organization_id", "customer_id"),
        Index("ix_external_references_external_id", "organization_id", "external_id"),
    )


class ParentLink(Base):
    """A child under a parent from one instant to another, with the rights that the parent has meanwhile (domain.md H6).

    A change of rights ends a link and begins the next, so that the history shows both.
    """

    __tablename__ = "parent_links"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    child_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID] = mapped_column(Uuid)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    view: Mapped[bool]
    pay: Mapped[bool]
    manage: Mapped[bool]
    pay_invoices_from: Mapped[date | None] = mapped_column(Date)
    # Whether the parent's terms apply to a child that has none itself (domain.md G3).
    inherit_terms: Mapped[bool] = mapped_column(server_default=text("false"))
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("customers", "child_id", name="fk_parent_links_child", cascade=True),
        belongs_to("customers", "parent_id", name="fk_parent_links_parent", cascade=True),
        CheckConstraint("child_id <> parent_id", name="own_parent"),
        CheckConstraint("valid_to >= valid_from", name="interval"),
        CheckConstraint("(not pay and not manage) or view", name="rights"),
        Index("uq_parent_links_open", "organization_id", "child_id", unique=True, postgresql_where=text("valid_to is null")),
        Index("ix_parent_links_child_id", "organization_id", "child_id", "valid_from", "id"),
        Index("ix_parent_links_parent_id", "organization_id", "parent_id"),
    )


class CustomerClosure(Base):
    """Every ancestor of every customer, itself included at depth 0, with the rights of the whole path (domain.md H11).

    `pay_invoices_from` is the latest of the path: earlier invoices may not be paid over it (domain.md H7).
    """

    __tablename__ = "customer_closure"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    ancestor_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    descendant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    depth: Mapped[int] = mapped_column(Integer)
    view: Mapped[bool]
    pay: Mapped[bool]
    manage: Mapped[bool]
    pay_invoices_from: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        belongs_to("customers", "ancestor_id", name="fk_customer_closure_ancestor", cascade=True),
        belongs_to("customers", "descendant_id", name="fk_customer_closure_descendant", cascade=True),
        CheckConstraint("(depth = 0) = (ancestor_id = descendant_id)", name="depth"),
        Index("ix_customer_closure_descendant_id", "organization_id", "descendant_id", "depth"),
        Index("ix_customer_closure_depth", "organization_id", "ancestor_id", "depth", "descendant_id"),
    )
