"""Row level security: every row shows itself to its own organization only

The role is made by `migrations/roles.py`, because it belongs to the whole server. What it may do is said table by table: a table
that a later step makes is closed to it until that step says something too. Owners are held to the policies as well; a later step
that changes rows of all organizations says `no force row level security` first, or it would find none.
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_22_wall"
down_revision = "2026_11_22_people"
branch_labels = None
depends_on = None

# The ledger, the activity and lines of invoices only grow. What is locked before it is read has to be one that may be updated.
GRANTS = {
    "access_tokens": "select, insert, update",
    "activity": "select, insert",
    "allocations": "select, insert",
    "client_user_customers": "select, insert, update, delete",
    "client_users": "select, insert, update",
    "contacts": "select, insert, update, delete",
    "credit_notes": "select, insert, update",
    "customer_closure": "select, insert, delete",
    "customer_groups": "select, insert, update",
    "customers": "select, insert, update, delete",
    "external_references": "select, insert, delete",
    "group_members": "select, insert, delete",
    "idempotency_records": "select, insert, update",
    "invitations": "select, insert, update",
    "invoice_lines": "select, insert",
    "invoices": "select, insert, update",
    "number_counters": "select, insert, update",
    "organizations": "select, insert, update",
    "parent_links": "select, insert, update",
    "payments": "select, insert, update",
    "project_client_users": "select, insert, delete",
    "project_contacts": "select, insert, delete",
    "projects": "select, insert, update",
}


def upgrade() -> None:
    # A SET LOCAL, unlike set_config, reaches the workers of a cluster; from a function it can be sent along with BEGIN
    # (distributed.md 2.3). That it shall reach them the connection says itself: only a superuser could let the function say it.
    op.execute(
        """
        create function set_tenant(organization_id uuid) returns void language plpgsql
        as $$ begin execute format('set local holdco.organization_id = %L', organization_id); end $$
        """
    )
    op.execute("revoke execute on function set_tenant(uuid) from public")
    op.execute("grant execute on function set_tenant(uuid) to holdco_app")
    op.execute("grant usage on schema public to holdco_app")
    op.execute("grant select on alembic_version to holdco_app")
    for table, privileges in GRANTS.items():
        column = "id" if table == "organizations" else "organization_id"
        op.execute(
            f"create policy organization on {table} "
            f"using ({column} = nullif(current_setting('holdco.organization_id', true), '')::uuid)"
        )
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"grant {privileges} on {table} to holdco_app")
