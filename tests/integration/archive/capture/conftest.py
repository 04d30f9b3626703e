"""The private databases that the connectors ask, one of each for all these tests."""

from tests.mariadb_server import mariadb_server
from tests.postgres_server import postgres_server

__all__ = ["mariadb_server", "postgres_server"]
