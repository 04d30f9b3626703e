"""What every test of the stores behind a network may ask for."""

from tests.s3_server import s3_server

__all__ = ["s3_server"]
