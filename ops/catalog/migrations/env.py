"""Alembic's entry: run the missing steps on the connection that `open_catalog` holds."""

from alembic import context

from ops.catalog import indexes, records  # noqa: F401  # fills Base.metadata
from ops.catalog.columns import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
