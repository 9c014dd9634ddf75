"""Tables of invoices and their lines. All amounts are minor units of the invoice's currency (domain.md M1)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of


class InvoiceStatus(StrEnum):
    DRAFT = "DRAFT"
    ISSUED = "ISSUED"
    VOID = "VOID"


class InvoicePaymentStatus(StrEnum):
    """Derived from the amounts, never stored (domain.md I1)."""

    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    WRITTEN_OFF = "WRITTEN_OFF"


class InvoiceTermSource(StrEnum):
    """Where an invoice's term came from when it was made: given with it, or as `terms.precedence` says (domain.md I8)."""

    DOCUMENT = "DOCUMENT"
    CUSTOMER = "CUSTOMER"
    GROUP = "GROUP"
    ANCESTOR = "ANCESTOR"
    ORGANIZATION = "ORGANIZATION"
    NONE = "NONE"


class UnitPriceSource(StrEnum):
    """Where a line's price came from: given with it, from the invoice's price list, or the item's default one."""

    DOCUMENT = "DOCUMENT"
    PRICE_LIST = "PRICE_LIST"
    ITEM = "ITEM"


class Invoice(Base):
    """`balance` is what the ledger says, kept beside it: total - paid - written off, and 0 when void."""

    __tablename__ = "invoices"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text(collation="C"))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    invoice_date: Mapped[date] = mapped_column(Date)
    due_date: Mapped[date] = mapped_column(Date)
    payment_terms_kind: Mapped[str] = mapped_column(Text)
    payment_terms_net_days: Mapped[int] = mapped_column(Integer)
    payment_terms_source: Mapped[str] = mapped_column(Text)
    # Whose term it was, a customer's or a group's, and which version of it: known by heart, whatever becomes of them.
    payment_terms_source_id: Mapped[UUID | None] = mapped_column(Uuid)
    payment_terms_source_version: Mapped[int | None] = mapped_column(Integer)
    discount_source: Mapped[str] = mapped_column(Text, server_default="DOCUMENT")
    discount_source_id: Mapped[UUID | None] = mapped_column(Uuid)
    discount_source_version: Mapped[int | None] = mapped_column(Integer)
    price_list_id: Mapped[UUID | None] = mapped_column(Uuid)
    price_list_version: Mapped[int | None] = mapped_column(Integer)
    price_list_source: Mapped[str] = mapped_column(Text, server_default="NONE")
    price_list_source_id: Mapped[UUID | None] = mapped_column(Uuid)
    price_list_source_version: Mapped[int | None] = mapped_column(Integer)
    bill_to: Mapped[dict[str, Any]] = mapped_column(JSONB)
    discount_percent: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    is_discount_before_tax: Mapped[bool]
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount_total: Mapped[int] = mapped_column(BigInteger)
    tax_total: Mapped[int] = mapped_column(BigInteger)
    shipping_charge: Mapped[int] = mapped_column(BigInteger)
    adjustment: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    amount_paid: Mapped[int] = mapped_column(BigInteger)
    amount_written_off: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)
    purchase_order: Mapped[str | None] = mapped_column(Text(collation="C"))
    notes: Mapped[str | None] = mapped_column(Text)
    source_system: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    issued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    voided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    void_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_invoices_customers"),
        ForeignKeyConstraint(
            ["organization_id", "price_list_id", "price_list_version"],
            [
                "price_list_versions.organization_id",
                "price_list_versions.price_list_id",
                "price_list_versions.version",
            ],
            name="fk_invoices_price_lists",
        ),
        UniqueConstraint("organization_id", "number", name="uq_invoices_number"),
        # What allocations refer to, so that an allocation in another currency cannot be written.
        UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_invoices_owner"),
        CheckConstraint(one_of("status", InvoiceStatus), name="status"),
        CheckConstraint(one_of("payment_terms_source", InvoiceTermSource), name="payment_terms_source"),
        CheckConstraint(one_of("discount_source", InvoiceTermSource), name="discount_source"),
        CheckConstraint(one_of("price_list_source", InvoiceTermSource), name="price_list_source"),
        CheckConstraint("(price_list_id is null) = (price_list_version is null)", name="price_list"),
        CheckConstraint("total >= 0 and amount_paid >= 0 and amount_written_off >= 0 and balance >= 0", name="amounts"),
        CheckConstraint("total = subtotal - discount_total + tax_total + shipping_charge + adjustment", name="total"),
        CheckConstraint(
            "balance = case status when 'VOID' then 0 else total - amount_paid - amount_written_off end", name="balance"
        ),
        CheckConstraint("status = 'ISSUED' or amount_paid = 0", name="paid_when_issued"),
        Index("ix_invoices_customer_id", "organization_id", "customer_id", "invoice_date", "id"),
        Index("ix_invoices_invoice_date", "organization_id", "invoice_date", "id"),
        Index("ix_invoices_due_date", "organization_id", "due_date", "id"),
        Index("ix_invoices_total", "organization_id", "total", "id"),
        Index(
            "ix_invoices_open",
            "organization_id",
            "customer_id",
            postgresql_include=["currency", "balance", "due_date"],
            postgresql_where=text("status = 'ISSUED' and balance > 0"),
        ),
        Index(
            "uq_invoices_external_id",
            "organization_id",
            "external_id",
            "source_system",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index(
            "ix_invoices_purchase_order",
            "organization_id",
            "purchase_order",
            postgresql_where=text("purchase_order is not null"),
        ),
    )


class InvoiceLine(Base):
    """One row of an invoice. `quantity` and `unit_price` may have more places than the currency, `amount` has none left."""

    __tablename__ = "invoice_lines"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    description: Mapped[str | None] = mapped_column(Text)
    item: Mapped[str | None] = mapped_column(Text)
    item_id: Mapped[UUID | None] = mapped_column(Uuid)
    quantity: Mapped[Decimal] = mapped_column(Numeric(20, 6))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(24, 6))
    unit_price_source: Mapped[str] = mapped_column(Text, server_default="DOCUMENT")
    discount_percent: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    discount: Mapped[int] = mapped_column(BigInteger)
    tax_percent: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    tax: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    document_discount: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        belongs_to("invoices", "invoice_id", name="fk_invoice_lines_invoices", cascade=True),
        belongs_to("items", "item_id", name="fk_invoice_lines_items"),
        CheckConstraint(one_of("unit_price_source", UnitPriceSource), name="unit_price_source"),
        Index("ix_invoice_lines_item_id", "organization_id", "item_id", postgresql_where=text("item_id is not null")),
    )
