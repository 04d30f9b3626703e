"""Alembic's entry: run the missing steps on the connection that `open_catalog` holds."""

from alembic import context

from ops.catalog.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
