"""Table of contacts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdco.database import Base, belongs_to


class Contact(Base):
    """Deleted with its customer (domain.md D2)."""

    __tablename__ = "contacts"

    organization_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text(collation="C"))
    email: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    designation: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        belongs_to("customers", "customer_id", name="fk_contacts_customers", cascade=True),
        Index("ix_contacts_customer_id", "organization_id", "customer_id", "name", "id"),
        Index("ix_contacts_name", "organization_id", "name", "id"),
        Index("ix_contacts_created_at", "organization_id", "created_at", "id"),
        Index("ix_contacts_updated_at", "organization_id", "updated_at", "id"),
        Index("ix_contacts_email", "organization_id", text("lower(email)")),
    )
