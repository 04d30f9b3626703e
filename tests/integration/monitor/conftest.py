from tests.postgres_server import sqlite_catalog
from tests.unit.ops.estate.conftest import load

__all__ = ["load", "sqlite_catalog"]
