"""Terms: items, price lists, terms with their history, bulk jobs

The payment terms that customers and organizations had in columns of their own become rows of `terms`, valid since they were made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_terms"
down_revision = "2026_11_22_wall"
branch_labels = None
depends_on = None

GRANTS = {
    "bulk_job_rows": "select, insert, update",
    "bulk_jobs": "select, insert, update",
    "former_group_members": "select, insert",
    "former_group_ranks": "select, insert",
    "item_prices": "select, insert, update, delete",
    "items": "select, insert, update",
    "price_list_rates": "select, insert, update",
    "price_list_versions": "select, insert, update",
    "price_lists": "select, insert, update",
    "term_acceptances": "select, insert, update",
    "terms": "select, insert, update",
    "waiting_jobs": "select, insert, delete",
}


def upgrade() -> None:
    _make_tables()
    _extend_tables()
    _move_payment_terms()
    _build_wall()


def _make_tables() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("override_policy", sa.Text(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("total_count", sa.Integer(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("updated_count", sa.Integer(), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("skipped_count", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("override_policy in ('KEEP', 'CLEAR')", name=op.f("ck_bulk_jobs_override_policy")),
        sa.CheckConstraint("status in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED')", name=op.f("ck_bulk_jobs_status")),
        sa.CheckConstraint(
            "done_count = updated_count + unchanged_count + failed_count + skipped_count and least(updated_count, unchanged_count, failed_count, skipped_count) >= 0",
            name=op.f("ck_bulk_jobs_counts"),
        ),
        sa.CheckConstraint("done_count between 0 and total_count", name=op.f("ck_bulk_jobs_done_count")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_bulk_jobs_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_bulk_jobs")),
    )
    op.create_index("ix_bulk_jobs_created_at", "bulk_jobs", ["organization_id", "created_at", "id"], unique=False)
    op.create_table(
        "items",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('ACTIVE', 'INACTIVE')", name=op.f("ck_items_status")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_items_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_items")),
    )
    op.create_index("ix_items_created_at", "items", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_items_name", "items", ["organization_id", "name", "id"], unique=False)
    op.create_index("uq_items_sku", "items", ["organization_id", "sku"], unique=True, postgresql_where=sa.text("sku is not null"))
    op.create_table(
        "price_lists",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('PERCENTAGE', 'RATES')", name=op.f("ck_price_lists_kind")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_price_lists_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_price_lists")),
        sa.UniqueConstraint("organization_id", "name", name="uq_price_lists_name"),
    )
    op.create_index("ix_price_lists_created_at", "price_lists", ["organization_id", "created_at", "id"], unique=False)
    op.create_table(
        "bulk_job_rows",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("result in ('UPDATED', 'UNCHANGED', 'FAILED', 'SKIPPED')", name=op.f("ck_bulk_job_rows_result")),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"], ["bulk_jobs.organization_id", "bulk_jobs.id"], name="fk_bulk_job_rows_jobs"
        ),
        sa.PrimaryKeyConstraint("organization_id", "job_id", "position", name=op.f("pk_bulk_job_rows")),
    )
    op.create_index("uq_bulk_job_rows_customer", "bulk_job_rows", ["organization_id", "job_id", "customer_id"], unique=True)
    op.create_table(
        "former_group_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("removed_at >= added_at", name=op.f("ck_former_group_members_interval")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_former_group_members_customers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["customer_groups.organization_id", "customer_groups.id"],
            name="fk_former_group_members_groups",
        ),
        sa.PrimaryKeyConstraint("organization_id", "group_id", "customer_id", "added_at", name=op.f("pk_former_group_members")),
    )
    op.create_index(
        "ix_former_group_members_customer_id", "former_group_members", ["organization_id", "customer_id"], unique=False
    )
    op.create_table(
        "former_group_ranks",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["customer_groups.organization_id", "customer_groups.id"],
            name="fk_former_group_ranks_groups",
        ),
        sa.PrimaryKeyConstraint("organization_id", "group_id", "valid_to", name=op.f("pk_former_group_ranks")),
    )
    op.create_table(
        "item_prices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_item_prices_unit_price")),
        sa.ForeignKeyConstraint(
            ["organization_id", "item_id"], ["items.organization_id", "items.id"], name="fk_item_prices_items", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "item_id", "currency", name=op.f("pk_item_prices")),
    )
    op.create_table(
        "price_list_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("price_list_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=10, scale=6), nullable=True),
        sa.Column("rounding", sa.Text(), nullable=True),
        sa.Column("rounding_step", sa.Numeric(precision=24, scale=6), nullable=True),
        sa.Column("rounding_less", sa.Numeric(precision=24, scale=6), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("rounding in ('NEAREST', 'UP', 'DOWN')", name=op.f("ck_price_list_versions_rounding")),
        sa.CheckConstraint(
            "(rounding is null) = (rounding_step is null) and (rounding is null) = (rounding_less is null) and rounding_step > 0 and rounding_less >= 0",
            name=op.f("ck_price_list_versions_rounding_step"),
        ),
        sa.CheckConstraint("percent >= -100", name=op.f("ck_price_list_versions_percent")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_price_list_versions_interval")),
        sa.ForeignKeyConstraint(
            ["organization_id", "price_list_id"],
            ["price_lists.organization_id", "price_lists.id"],
            name="fk_price_list_versions_lists",
        ),
        sa.PrimaryKeyConstraint("organization_id", "price_list_id", "version", name=op.f("pk_price_list_versions")),
    )
    op.create_table(
        "terms",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("price_list_id", sa.Uuid(), nullable=True),
        sa.Column("discount_percent", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("payment_terms_kind", sa.Text(), nullable=True),
        sa.Column("payment_terms_net_days", sa.Integer(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(field = 'PRICE_LIST') = (price_list_id is not null) and (field = 'DISCOUNT_PERCENT') = (discount_percent is not null) and (field = 'PAYMENT_TERMS') = (payment_terms_kind is not null) and (field = 'PAYMENT_TERMS') = (payment_terms_net_days is not null)",
            name=op.f("ck_terms_value"),
        ),
        sa.CheckConstraint("field in ('PRICE_LIST', 'DISCOUNT_PERCENT', 'PAYMENT_TERMS')", name=op.f("ck_terms_field")),
        sa.CheckConstraint("mode in ('AUTOMATIC', 'OPT_IN')", name=op.f("ck_terms_mode")),
        sa.CheckConstraint("(mode is null) = (group_id is null)", name=op.f("ck_terms_mode_of_group")),
        sa.CheckConstraint("customer_id is null or group_id is null", name=op.f("ck_terms_owner")),
        sa.CheckConstraint("discount_percent between 0 and 100", name=op.f("ck_terms_discount_percent")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_terms_interval")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_terms_customers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"], ["customer_groups.organization_id", "customer_groups.id"], name="fk_terms_groups"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "price_list_id"], ["price_lists.organization_id", "price_lists.id"], name="fk_terms_price_lists"
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_terms_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_terms")),
    )
    op.create_index("ix_terms_customer_id", "terms", ["organization_id", "customer_id", "field", "version"], unique=False)
    op.create_index("ix_terms_group_id", "terms", ["organization_id", "group_id", "field", "version"], unique=False)
    op.create_index(
        "ix_terms_price_list_id",
        "terms",
        ["organization_id", "price_list_id"],
        unique=False,
        postgresql_where=sa.text("price_list_id is not null"),
    )
    op.create_index(
        "uq_terms_customer",
        "terms",
        ["organization_id", "customer_id", "field"],
        unique=True,
        postgresql_where=sa.text("customer_id is not null and valid_to is null"),
    )
    op.create_index(
        "uq_terms_group",
        "terms",
        ["organization_id", "group_id", "field"],
        unique=True,
        postgresql_where=sa.text("group_id is not null and valid_to is null"),
    )
    op.create_index(
        "uq_terms_organization",
        "terms",
        ["organization_id", "field"],
        unique=True,
        postgresql_where=sa.text("customer_id is null and group_id is null and valid_to is null"),
    )
    op.create_table(
        "waiting_jobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"], ["bulk_jobs.organization_id", "bulk_jobs.id"], name="fk_waiting_jobs_jobs"
        ),
        sa.PrimaryKeyConstraint("organization_id", "job_id", name=op.f("pk_waiting_jobs")),
    )
    op.create_table(
        "price_list_rates",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("price_list_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("quantity_from", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("version_from", sa.Integer(), nullable=False),
        sa.Column("version_to", sa.Integer(), nullable=True),
        sa.Column("quantity_to", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("unit_price", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.CheckConstraint("quantity_from >= 0 and quantity_to > quantity_from", name=op.f("ck_price_list_rates_quantities")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_price_list_rates_unit_price")),
        sa.CheckConstraint("version_to > version_from", name=op.f("ck_price_list_rates_versions")),
        sa.ForeignKeyConstraint(
            ["organization_id", "item_id"], ["items.organization_id", "items.id"], name="fk_price_list_rates_items"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "price_list_id", "version_from"],
            ["price_list_versions.organization_id", "price_list_versions.price_list_id", "price_list_versions.version"],
            name="fk_price_list_rates_versions",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "price_list_id", "item_id", "quantity_from", "version_from", name=op.f("pk_price_list_rates")
        ),
    )
    op.create_index("ix_price_list_rates_item_id", "price_list_rates", ["organization_id", "item_id"], unique=False)
    op.create_table(
        "term_acceptances",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=True),
        sa.Column("price_list_version", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("(kind = 'PINNED') = (term_id is not null)", name=op.f("ck_term_acceptances_pinned")),
        sa.CheckConstraint(
            "field in ('PRICE_LIST', 'DISCOUNT_PERCENT', 'PAYMENT_TERMS')", name=op.f("ck_term_acceptances_field")
        ),
        sa.CheckConstraint("kind in ('FOLLOW', 'PINNED')", name=op.f("ck_term_acceptances_kind")),
        sa.CheckConstraint(
            "price_list_version is null or term_id is not null", name=op.f("ck_term_acceptances_price_list_version")
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_term_acceptances_interval")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_term_acceptances_customers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["customer_groups.organization_id", "customer_groups.id"],
            name="fk_term_acceptances_groups",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "term_id"], ["terms.organization_id", "terms.id"], name="fk_term_acceptances_terms"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_term_acceptances")),
    )
    op.create_index(
        "ix_term_acceptances_customer_id", "term_acceptances", ["organization_id", "customer_id", "valid_from"], unique=False
    )
    op.create_index("ix_term_acceptances_group_id", "term_acceptances", ["organization_id", "group_id"], unique=False)
    op.create_index(
        "uq_term_acceptances_open",
        "term_acceptances",
        ["organization_id", "customer_id", "group_id", "field"],
        unique=True,
        postgresql_where=sa.text("valid_to is null"),
    )


def _extend_tables() -> None:
    op.add_column("customer_groups", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("uq_customer_groups_name"), "customer_groups", type_="unique")
    op.create_index(
        "uq_customer_groups_name",
        "customer_groups",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.drop_constraint(op.f("uq_customer_groups_rank"), "customer_groups", type_="unique")
    op.create_index(
        "uq_customer_groups_rank",
        "customer_groups",
        ["organization_id", "rank"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.add_column("invoice_lines", sa.Column("item_id", sa.Uuid(), nullable=True))
    op.add_column("invoice_lines", sa.Column("unit_price_source", sa.Text(), server_default="DOCUMENT", nullable=False))
    op.create_index(
        "ix_invoice_lines_item_id",
        "invoice_lines",
        ["organization_id", "item_id"],
        unique=False,
        postgresql_where=sa.text("item_id is not null"),
    )
    op.create_foreign_key(
        "fk_invoice_lines_items", "invoice_lines", "items", ["organization_id", "item_id"], ["organization_id", "id"]
    )
    op.add_column("invoices", sa.Column("payment_terms_source_id", sa.Uuid(), nullable=True))
    op.add_column("invoices", sa.Column("payment_terms_source_version", sa.Integer(), nullable=True))
    op.add_column("invoices", sa.Column("discount_source", sa.Text(), server_default="DOCUMENT", nullable=False))
    op.add_column("invoices", sa.Column("discount_source_id", sa.Uuid(), nullable=True))
    op.add_column("invoices", sa.Column("discount_source_version", sa.Integer(), nullable=True))
    op.add_column("invoices", sa.Column("price_list_id", sa.Uuid(), nullable=True))
    op.add_column("invoices", sa.Column("price_list_version", sa.Integer(), nullable=True))
    op.add_column("invoices", sa.Column("price_list_source", sa.Text(), server_default="NONE", nullable=False))
    op.add_column("invoices", sa.Column("price_list_source_id", sa.Uuid(), nullable=True))
    op.add_column("invoices", sa.Column("price_list_source_version", sa.Integer(), nullable=True))
    op.create_foreign_key(
        "fk_invoices_price_lists",
        "invoices",
        "price_list_versions",
        ["organization_id", "price_list_id", "price_list_version"],
        ["organization_id", "price_list_id", "version"],
    )
    op.add_column("parent_links", sa.Column("inherit_terms", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    for source in ("payment_terms_source", "discount_source", "price_list_source"):
        op.create_check_constraint(
            op.f(f"ck_invoices_{source}"),
            "invoices",
            f"{source} in ('DOCUMENT', 'CUSTOMER', 'GROUP', 'ANCESTOR', 'ORGANIZATION', 'NONE')",
        )
    op.create_check_constraint(
        op.f("ck_invoices_price_list"), "invoices", "(price_list_id is null) = (price_list_version is null)"
    )
    op.create_check_constraint(
        op.f("ck_invoice_lines_unit_price_source"), "invoice_lines", "unit_price_source in ('DOCUMENT', 'PRICE_LIST', 'ITEM')"
    )


def _move_payment_terms() -> None:
    # Owners are held by the policies too, and no organization is named here: this is done once, of all of them.
    for table, owner in (("customers", "id"), ("organizations", "cast(null as uuid)")):
        op.execute(f"alter table {table} no force row level security")
        op.execute(
            f"""
            do $$ begin
              insert into terms (organization_id, id, customer_id, field, version, payment_terms_kind, payment_terms_net_days,
                                 valid_from, actor)
              select {"organization_id" if table == "customers" else "id"}, gen_random_uuid(), {owner}, 'PAYMENT_TERMS', 1,
                     payment_terms_kind, payment_terms_net_days, created_at, 'Holdco'
              from {table} where payment_terms_kind is not null;
            end $$
            """  # noqa: S608 (constants of this file only)
        )
        op.execute(f"alter table {table} force row level security")
    op.drop_constraint(op.f("ck_customers_payment_terms"), "customers", type_="check")
    for table in ("customers", "organizations"):
        op.drop_column(table, "payment_terms_net_days")
        op.drop_column(table, "payment_terms_kind")


def _build_wall() -> None:
    setting = "nullif(current_setting('holdco.organization_id', true), '')::uuid"
    for table, privileges in GRANTS.items():
        op.execute(f"create policy organization on {table} using (organization_id = {setting})")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"grant {privileges} on {table} to holdco_app")
    # Servers look for work before they know for whom. What they see then is that there is some, and nothing of the work itself.
    named = "nullif(current_setting('holdco.organization_id', true), '')"
    op.execute(f"create policy work on waiting_jobs for select using ({named} is null)")
    # A draft whose terms have changed can be priced anew.
    op.execute("grant update on invoice_lines to holdco_app")
