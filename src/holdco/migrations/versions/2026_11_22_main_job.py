"""The main job: customers, groups, contacts, invoices, payments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_main_job"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Trusted since Postgres 13: the owner of a database may create it. Other users of the database find it there already.
    op.execute("create extension if not exists pg_trgm")
    op.create_table(
        "activity",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_customer_id", "activity", ["organization_id", "customer_id", "id"], unique=False)
    op.create_table(
        "idempotency_records",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("mutation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "actor", "mutation", "key", name=op.f("pk_idempotency_records")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_terms_kind", sa.Text(), nullable=False),
        sa.Column("payment_terms_net_days", sa.Integer(), nullable=False),
        sa.Column("hierarchy_depth_max", sa.Integer(), nullable=True),
        sa.Column("link_policy", sa.Text(), nullable=False),
        sa.Column("locked_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("link_policy in ('ALLOW', 'REQUIRE_CLEAR')", name=op.f("ck_organizations_link_policy")),
        sa.CheckConstraint("hierarchy_depth_max >= 1", name=op.f("ck_organizations_hierarchy_depth")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "customer_groups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_customer_groups_rank")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_customer_groups_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customer_groups")),
        sa.UniqueConstraint("organization_id", "name", name="uq_customer_groups_name"),
        sa.UniqueConstraint("organization_id", "rank", name="uq_customer_groups_rank"),
    )
    op.create_table(
        "customers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("shipping_address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("custom_fields", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("payment_terms_kind", sa.Text(), nullable=True),
        sa.Column("payment_terms_net_days", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('BUSINESS', 'INDIVIDUAL')", name=op.f("ck_customers_kind")),
        sa.CheckConstraint("parent_id is null or kind = 'BUSINESS'", name=op.f("ck_customers_business_child")),
        sa.CheckConstraint(
            "role in ('HEAD_OFFICE', 'BRANCH', 'DEPARTMENT', 'BUSINESS_UNIT', 'SUBSIDIARY', 'LOCATION', 'OTHER')",
            name=op.f("ck_customers_role"),
        ),
        sa.CheckConstraint("status in ('ACTIVE', 'INACTIVE', 'MERGED')", name=op.f("ck_customers_status")),
        sa.CheckConstraint(
            "(payment_terms_kind is null) = (payment_terms_net_days is null)", name=op.f("ck_customers_payment_terms")
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_customers_own_parent")),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"], ["customers.organization_id", "customers.id"], name="fk_customers_parent"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_customers_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customers")),
        sa.UniqueConstraint("organization_id", "number", name="uq_customers_number"),
    )
    op.create_index("ix_customers_created_at", "customers", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_customers_email", "customers", ["organization_id", sa.literal_column("lower(email)")], unique=False)
    op.create_index("ix_customers_name", "customers", ["organization_id", "name", "id"], unique=False)
    op.create_index(
        "ix_customers_name_trigrams",
        "customers",
        [sa.literal_column('(name collate "default") gin_trgm_ops')],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_customers_parent_id", "customers", ["organization_id", "parent_id", "number"], unique=False)
    op.create_index("ix_customers_updated_at", "customers", ["organization_id", "updated_at", "id"], unique=False)
    op.create_table(
        "number_counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_number_counters_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "kind", name=op.f("pk_number_counters")),
    )
    op.create_table(
        "contacts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("designation", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_contacts_customers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_customer_id", "contacts", ["organization_id", "customer_id", "name", "id"], unique=False)
    op.create_table(
        "credit_notes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("credit_date", sa.Date(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("total = allocated + remaining", name=op.f("ck_credit_notes_allocated_and_remaining")),
        sa.CheckConstraint("total > 0 and allocated >= 0 and remaining >= 0", name=op.f("ck_credit_notes_amounts")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"], ["customers.organization_id", "customers.id"], name="fk_credit_notes_customers"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_credit_notes_owner"),
        sa.UniqueConstraint("organization_id", "number", name="uq_credit_notes_number"),
    )
    op.create_index(
        "ix_credit_notes_customer_id", "credit_notes", ["organization_id", "customer_id", "credit_date", "id"], unique=False
    )
    op.create_index(
        "ix_credit_notes_remaining",
        "credit_notes",
        ["organization_id", "customer_id"],
        unique=False,
        postgresql_include=["currency", "remaining"],
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "customer_closure",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("ancestor_id", sa.Uuid(), nullable=False),
        sa.Column("descendant_id", sa.Uuid(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("view", sa.Boolean(), nullable=False),
        sa.Column("pay", sa.Boolean(), nullable=False),
        sa.Column("manage", sa.Boolean(), nullable=False),
        sa.Column("pay_invoices_from", sa.Date(), nullable=True),
        sa.CheckConstraint("(depth = 0) = (ancestor_id = descendant_id)", name=op.f("ck_customer_closure_depth")),
        sa.ForeignKeyConstraint(
            ["organization_id", "ancestor_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_customer_closure_ancestor",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "descendant_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_customer_closure_descendant",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "ancestor_id", "descendant_id", name=op.f("pk_customer_closure")),
    )
    op.create_index(
        "ix_customer_closure_depth",
        "customer_closure",
        ["organization_id", "ancestor_id", "depth", "descendant_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_closure_descendant_id", "customer_closure", ["organization_id", "descendant_id", "depth"], unique=False
    )
    op.create_table(
        "external_references",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_external_references_customers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "system", "external_id", name=op.f("pk_external_references")),
    )
    op.create_index("ix_external_references_customer_id", "external_references", ["organization_id", "customer_id"], unique=False)
    op.create_index("ix_external_references_external_id", "external_references", ["organization_id", "external_id"], unique=False)
    op.create_table(
        "group_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_group_members_customers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["customer_groups.organization_id", "customer_groups.id"],
            name="fk_group_members_groups",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "group_id", "customer_id", name=op.f("pk_group_members")),
    )
    op.create_index("ix_group_members_customer_id", "group_members", ["organization_id", "customer_id"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("invoice_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("payment_terms_kind", sa.Text(), nullable=False),
        sa.Column("payment_terms_net_days", sa.Integer(), nullable=False),
        sa.Column("payment_terms_source", sa.Text(), nullable=False),
        sa.Column("bill_to", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("is_discount_before_tax", sa.Boolean(), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount_total", sa.BigInteger(), nullable=False),
        sa.Column("tax_total", sa.BigInteger(), nullable=False),
        sa.Column("shipping_charge", sa.BigInteger(), nullable=False),
        sa.Column("adjustment", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("amount_written_off", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("purchase_order", sa.Text(collation="C"), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("source_system", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "balance = case status when 'VOID' then 0 else total - amount_paid - amount_written_off end",
            name=op.f("ck_invoices_balance"),
        ),
        sa.CheckConstraint("status = 'ISSUED' or amount_paid = 0", name=op.f("ck_invoices_paid_when_issued")),
        sa.CheckConstraint("status in ('DRAFT', 'ISSUED', 'VOID')", name=op.f("ck_invoices_status")),
        sa.CheckConstraint(
            "total = subtotal - discount_total + tax_total + shipping_charge + adjustment", name=op.f("ck_invoices_total")
        ),
        sa.CheckConstraint(
            "total >= 0 and amount_paid >= 0 and amount_written_off >= 0 and balance >= 0", name=op.f("ck_invoices_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"], ["customers.organization_id", "customers.id"], name="fk_invoices_customers"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_invoices_owner"),
        sa.UniqueConstraint("organization_id", "number", name="uq_invoices_number"),
    )
    op.create_index("ix_invoices_customer_id", "invoices", ["organization_id", "customer_id", "invoice_date", "id"], unique=False)
    op.create_index("ix_invoices_due_date", "invoices", ["organization_id", "due_date", "id"], unique=False)
    op.create_index("ix_invoices_invoice_date", "invoices", ["organization_id", "invoice_date", "id"], unique=False)
    op.create_index(
        "ix_invoices_open",
        "invoices",
        ["organization_id", "customer_id"],
        unique=False,
        postgresql_include=["currency", "balance", "due_date"],
        postgresql_where=sa.text("status = 'ISSUED' and balance > 0"),
    )
    op.create_index(
        "ix_invoices_purchase_order",
        "invoices",
        ["organization_id", "purchase_order"],
        unique=False,
        postgresql_where=sa.text("purchase_order is not null"),
    )
    op.create_index("ix_invoices_total", "invoices", ["organization_id", "total", "id"], unique=False)
    op.create_index(
        "uq_invoices_external_id",
        "invoices",
        ["organization_id", "external_id", "source_system"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_table(
        "parent_links",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("view", sa.Boolean(), nullable=False),
        sa.Column("pay", sa.Boolean(), nullable=False),
        sa.Column("manage", sa.Boolean(), nullable=False),
        sa.Column("pay_invoices_from", sa.Date(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(not pay and not manage) or view", name=op.f("ck_parent_links_rights")),
        sa.CheckConstraint("child_id <> parent_id", name=op.f("ck_parent_links_own_parent")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_parent_links_interval")),
        sa.ForeignKeyConstraint(
            ["organization_id", "child_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_parent_links_child",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_parent_links_parent",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_parent_links")),
    )
    op.create_index("ix_parent_links_child_id", "parent_links", ["organization_id", "child_id", "valid_from", "id"], unique=False)
    op.create_index("ix_parent_links_parent_id", "parent_links", ["organization_id", "parent_id"], unique=False)
    op.create_index(
        "uq_parent_links_open",
        "parent_links",
        ["organization_id", "child_id"],
        unique=True,
        postgresql_where=sa.text("valid_to is null"),
    )
    op.create_table(
        "payments",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("unapplied", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=True),
        sa.Column("bank_charges", sa.BigInteger(), nullable=False),
        sa.Column("withholding_tax", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("unapplied_reason", sa.Text(), nullable=True),
        sa.Column("source_system", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_on", sa.Date(), nullable=True),
        sa.Column("reversal_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "allocated + unapplied = case status when 'REVERSED' then 0 else amount end",
            name=op.f("ck_payments_allocated_and_unapplied"),
        ),
        sa.CheckConstraint(
            "mode in ('CHECK', 'CASH', 'CREDIT_CARD', 'BANK_TRANSFER', 'BANK_REMITTANCE', 'AUTO_TRANSACTION', 'OTHER')",
            name=op.f("ck_payments_mode"),
        ),
        sa.CheckConstraint("status in ('SUCCEEDED', 'REVERSED')", name=op.f("ck_payments_status")),
        sa.CheckConstraint("amount > 0 and allocated >= 0 and unapplied >= 0", name=op.f("ck_payments_amounts")),
        sa.CheckConstraint("bank_charges >= 0 and withholding_tax >= 0", name=op.f("ck_payments_charges")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"], ["customers.organization_id", "customers.id"], name="fk_payments_customers"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_payments")),
        sa.UniqueConstraint("organization_id", "id", "currency", "customer_id", name="uq_payments_owner"),
        sa.UniqueConstraint("organization_id", "number", name="uq_payments_number"),
    )
    op.create_index("ix_payments_customer_id", "payments", ["organization_id", "customer_id", "received_on", "id"], unique=False)
    op.create_index("ix_payments_received_on", "payments", ["organization_id", "received_on", "id"], unique=False)
    op.create_index(
        "ix_payments_reference",
        "payments",
        ["organization_id", "reference"],
        unique=False,
        postgresql_where=sa.text("reference is not null"),
    )
    op.create_index(
        "ix_payments_unapplied",
        "payments",
        ["organization_id", "customer_id"],
        unique=False,
        postgresql_include=["currency", "unapplied"],
        postgresql_where=sa.text("unapplied > 0"),
    )
    op.create_index(
        "uq_payments_external_id",
        "payments",
        ["organization_id", "external_id", "source_system"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_table(
        "allocations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "strategy in ('OLDEST_DUE_FIRST', 'OLDEST_ISSUED_FIRST', 'SELF_FIRST', 'CHILDREN_FIRST', 'PROPORTIONAL', 'SMALLEST_FIRST', 'LARGEST_FIRST', 'CUSTOMER_ORDER', 'EXACT_MATCH', 'EXPLICIT')",
            name=op.f("ck_allocations_strategy"),
        ),
        sa.CheckConstraint("(payment_id is null) <> (credit_note_id is null)", name=op.f("ck_allocations_source")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allocations_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id", "currency", "payer_id"],
            ["credit_notes.organization_id", "credit_notes.id", "credit_notes.currency", "credit_notes.customer_id"],
            name="fk_allocations_credit_notes",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "currency", "beneficiary_id"],
            ["invoices.organization_id", "invoices.id", "invoices.currency", "invoices.customer_id"],
            name="fk_allocations_invoices",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "payment_id", "currency", "payer_id"],
            ["payments.organization_id", "payments.id", "payments.currency", "payments.customer_id"],
            name="fk_allocations_payments",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "reverses_id"], ["allocations.organization_id", "allocations.id"], name="fk_allocations_reverses"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_allocations")),
        sa.UniqueConstraint("organization_id", "reverses_id", name="uq_allocations_reverses_id"),
    )
    op.create_index(
        "ix_allocations_beneficiary_id", "allocations", ["organization_id", "beneficiary_id", "payer_id"], unique=False
    )
    op.create_index("ix_allocations_credit_note_id", "allocations", ["organization_id", "credit_note_id", "id"], unique=False)
    op.create_index("ix_allocations_invoice_id", "allocations", ["organization_id", "invoice_id", "id"], unique=False)
    op.create_index("ix_allocations_payment_id", "allocations", ["organization_id", "payment_id", "id"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("document_discount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name="fk_invoice_lines_invoices",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "invoice_id", "position", name=op.f("pk_invoice_lines")),
    )
