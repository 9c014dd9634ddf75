"""Alembic's entry: runs the steps on the connection that `migrations.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from holdco.migrations.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
