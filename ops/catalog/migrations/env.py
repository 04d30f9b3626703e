"""Alembic's entry: run the missing steps on the connection that `open_catalog` holds."""

from alembic import context

from ops.catalog import (  # noqa: F401  # fills Base.metadata
    alerts_records,
    copies_records,
    duties_records,
    indexes,
    media_records,
    people_records,
    records,
    retention_records,
    sites_records,
    watch_records,
)
from ops.catalog.columns import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
