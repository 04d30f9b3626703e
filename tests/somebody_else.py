"""A user who may not enter a folder, whoever runs the tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def somebody_else(closed: Path) -> Iterator[None]:
    """Be a user who may not enter a folder: root becomes nobody, anybody else shuts it."""
    before = os.geteuid()
    closed.chmod(0o700 if before == 0 else 0o000)
    if before == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(before)
        closed.chmod(0o700)
