"""Access: tokens, client users, invitations, projects"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_people"
down_revision = "2026_11_22_main_job"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_users",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("project_scope", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("project_scope in ('ALL', 'LIST')", name=op.f("ck_client_users_project_scope")),
        sa.CheckConstraint("state in ('NOT_INVITED', 'INVITED', 'ACTIVE', 'DEACTIVATED')", name=op.f("ck_client_users_state")),
        sa.CheckConstraint("(issuer is null) = (subject is null)", name=op.f("ck_client_users_identity")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_client_users_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_client_users")),
    )
    op.create_index("ix_contacts_name", "contacts", ["organization_id", "name", "id"], unique=False)
    op.create_index("ix_contacts_created_at", "contacts", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_contacts_updated_at", "contacts", ["organization_id", "updated_at", "id"], unique=False)
    op.create_index("ix_contacts_email", "contacts", ["organization_id", sa.literal_column("lower(email)")], unique=False)
    op.create_index("ix_client_users_created_at", "client_users", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_client_users_name", "client_users", ["organization_id", "name", "id"], unique=False)
    op.create_index("uq_client_users_email", "client_users", ["organization_id", sa.literal_column("lower(email)")], unique=True)
    op.create_index(
        "uq_client_users_subject",
        "client_users",
        ["organization_id", "issuer", "subject"],
        unique=True,
        postgresql_where=sa.text("subject is not null"),
    )
    op.create_table(
        "access_tokens",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("client_user_id", sa.Uuid(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('ADMIN', 'BILLING', 'SALES', 'READ_ONLY')", name=op.f("ck_access_tokens_role")),
        sa.CheckConstraint("(role is null) <> (client_user_id is null)", name=op.f("ck_access_tokens_holder")),
        sa.ForeignKeyConstraint(
            ["organization_id", "client_user_id"],
            ["client_users.organization_id", "client_users.id"],
            name="fk_access_tokens_client_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_tokens_organizations"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_access_tokens")),
    )
    op.create_index(
        "ix_access_tokens_client_user_id",
        "access_tokens",
        ["organization_id", "client_user_id"],
        unique=False,
        postgresql_where=sa.text("client_user_id is not null"),
    )
    op.create_table(
        "client_user_customers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("client_user_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("role in ('ADMIN', 'PAYER', 'VIEWER')", name=op.f("ck_client_user_customers_role")),
        sa.ForeignKeyConstraint(
            ["organization_id", "client_user_id"],
            ["client_users.organization_id", "client_users.id"],
            name="fk_client_user_customers_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name="fk_client_user_customers_customers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "client_user_id", "customer_id", name=op.f("pk_client_user_customers")),
    )
    op.create_index(
        "ix_client_user_customers_customer_id",
        "client_user_customers",
        ["organization_id", "customer_id", "client_user_id"],
        unique=False,
    )
    op.create_table(
        "invitations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("accepted_at is null or revoked_at is null", name=op.f("ck_invitations_end")),
        sa.ForeignKeyConstraint(
            ["organization_id", "client_user_id"],
            ["client_users.organization_id", "client_users.id"],
            name="fk_invitations_client_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_client_user_id", "invitations", ["organization_id", "client_user_id"], unique=False)
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["organization_id", "client_user_id"],
        unique=True,
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.create_table(
        "projects",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status in ('ACTIVE', 'ON_HOLD', 'COMPLETED', 'CANCELLED')", name=op.f("ck_projects_status")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"], ["customers.organization_id", "customers.id"], name="fk_projects_customers"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_projects")),
    )
    op.create_index("ix_projects_customer_id", "projects", ["organization_id", "customer_id", "name", "id"], unique=False)
    op.create_index("ix_projects_created_at", "projects", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_projects_name", "projects", ["organization_id", "name", "id"], unique=False)
    op.create_table(
        "project_client_users",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("client_user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "client_user_id"],
            ["client_users.organization_id", "client_users.id"],
            name="fk_project_client_users_users",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["projects.organization_id", "projects.id"],
            name="fk_project_client_users_projects",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "project_id", "client_user_id", name=op.f("pk_project_client_users")),
    )
    op.create_index(
        "ix_project_client_users_client_user_id", "project_client_users", ["organization_id", "client_user_id"], unique=False
    )
    op.create_table(
        "project_contacts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name="fk_project_contacts_contacts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["projects.organization_id", "projects.id"],
            name="fk_project_contacts_projects",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "project_id", "contact_id", name=op.f("pk_project_contacts")),
    )
    op.create_index("ix_project_contacts_contact_id", "project_contacts", ["organization_id", "contact_id"], unique=False)
