from tests.postgres_server import (
    catalog,
    catalog_url,
    empty_catalog_url,
    postgres_catalog,
    postgres_server,
    sqlite_catalog,
)

__all__ = [
    "catalog",
    "catalog_url",
    "empty_catalog_url",
    "postgres_catalog",
    "postgres_server",
    "sqlite_catalog",
]
