"""Tables of money: payments, credit notes, and the ledger of allocations. All amounts are minor units (domain.md M1)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to, one_of
from holdco.payments.allocation import Strategy


class PaymentStatus(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    REVERSED = "REVERSED"


class PaymentMode(StrEnum):
    CHECK = "CHECK"
    CASH = "CASH"
    CREDIT_CARD = "CREDIT_CARD"
    BANK_TRANSFER = "BANK_TRANSFER"
    BANK_REMITTANCE = "BANK_REMITTANCE"
    AUTO_TRANSACTION = "AUTO_TRANSACTION"
    OTHER = "OTHER"


class Payment(Base):
    """Money in. amount = allocated + unapplied while it stands; a reversed payment has neither (domain.md I6)."""

    __tablename__ = "payments"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text(collation="C"))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    unapplied: Mapped[int] = mapped_column(BigInteger)
    received_on: Mapped[date] = mapped_column(Date)
    mode: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text(collation="C"))
    bank_charges: Mapped[int] = mapped_column(BigInteger)
    withholding_tax: Mapped[int] = mapped_column(BigInteger)
    notes: Mapped[str | None] = mapped_column(Text)
    unapplied_reason: Mapped[str | None] = mapped_column(Text)
    source_system: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    reversed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reversed_on: Mapped[date | None] = mapped_column(Date)
    reversal_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_payments_customers"),
        UniqueConstraint("organization_id", "number", name="uq_payments_number"),
        UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_payments_owner"),
        CheckConstraint(one_of("status", PaymentStatus), name="status"),
        CheckConstraint(one_of("mode", PaymentMode), name="mode"),
        CheckConstraint("amount > 0 and allocated >= 0 and unapplied >= 0", name="amounts"),
        CheckConstraint(
            "allocated + unapplied = case status when 'REVERSED' then 0 else amount end", name="allocated_and_unapplied"
        ),
        CheckConstraint("bank_charges >= 0 and withholding_tax >= 0", name="charges"),
        Index("ix_payments_customer_id", "organization_id", "customer_id", "received_on", "id"),
        Index("ix_payments_received_on", "organization_id", "received_on", "id"),
        Index(
            "ix_payments_unapplied",
            "organization_id",
            "customer_id",
            postgresql_include=["currency", "unapplied"],
            postgresql_where=text("unapplied > 0"),
        ),
        Index(
            "uq_payments_external_id",
            "organization_id",
            "external_id",
            "source_system",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
        Index(
            "ix_payments_reference",
            "organization_id",
            "reference",
            postgresql_where=text("reference is not null"),
        ),
    )


class CreditNote(Base):
    """Credit that pays invoices as money does. total = allocated + remaining; CLOSED is remaining = 0 (domain.md I7)."""

    __tablename__ = "credit_notes"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(Text(collation="C"))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    currency: Mapped[str] = mapped_column(Text)
    credit_date: Mapped[date] = mapped_column(Date)
    total: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_credit_notes_customers"),
        UniqueConstraint("organization_id", "number", name="uq_credit_notes_number"),
        UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_credit_notes_owner"),
        CheckConstraint("total > 0 and allocated >= 0 and remaining >= 0", name="amounts"),
        CheckConstraint("total = allocated + remaining", name="allocated_and_remaining"),
        Index("ix_credit_notes_customer_id", "organization_id", "customer_id", "credit_date", "id"),
        Index(
            "ix_credit_notes_remaining",
            "organization_id",
            "customer_id",
            postgresql_include=["currency", "remaining"],
            postgresql_where=text("remaining > 0"),
        ),
    )


class Allocation(Base):
    """A source's amount on one invoice: a row of an append-only ledger (domain.md A10).

    A row with `reverses_id` takes back the row that it names, whole and once. Foreign keys carry currency and owner, so
    that the database itself refuses money in another currency or in another customer's name.
    """

    __tablename__ = "allocations"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    payment_id: Mapped[UUID | None] = mapped_column(Uuid)
    credit_note_id: Mapped[UUID | None] = mapped_column(Uuid)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    payer_id: Mapped[UUID] = mapped_column(Uuid)
    beneficiary_id: Mapped[UUID] = mapped_column(Uuid)
    path: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    applied_on: Mapped[date] = mapped_column(Date)
    strategy: Mapped[str] = mapped_column(Text)
    reverses_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "payment_id", "currency", "payer_id"],
            ["payments.organization_id", "payments.id", "payments.currency", "payments.customer_id"],
            name="fk_allocations_payments",
        ),
        ForeignKeyConstraint(
            ["organization_id", "credit_note_id", "currency", "payer_id"],
            ["credit_notes.organization_id", "credit_notes.id", "credit_notes.currency", "credit_notes.customer_id"],
            name="fk_allocations_credit_notes",
        ),
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "currency", "beneficiary_id"],
            ["invoices.organization_id", "invoices.id", "invoices.currency", "invoices.customer_id"],
            name="fk_allocations_invoices",
        ),
        belongs_to("allocations", "reverses_id", name="fk_allocations_reverses"),
        UniqueConstraint("organization_id", "reverses_id", name="uq_allocations_reverses_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("(payment_id is null) <> (credit_note_id is null)", name="source"),
        CheckConstraint(one_of("strategy", Strategy), name="strategy"),
        Index("ix_allocations_invoice_id", "organization_id", "invoice_id", "id"),
        Index("ix_allocations_payment_id", "organization_id", "payment_id", "id"),
        Index("ix_allocations_beneficiary_id", "organization_id", "beneficiary_id", "payer_id"),
        Index("ix_allocations_credit_note_id", "organization_id", "credit_note_id", "id"),
    )
