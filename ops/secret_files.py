"""Hand a secret to a program as a file in memory, named `/dev/fd/N`, which it alone has open.

What stands in an environment is copied to whatever the program starts, and into its crash reports.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def in_memory(content: bytes) -> int:
    """Give the descriptor of a file in memory that holds this, at its beginning; nobody else's."""
    descriptor = os.memfd_create("content", os.MFD_CLOEXEC)
    os.fchmod(descriptor, 0o600)  # tasks refuse a file with a secret that others may read
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@contextmanager
def open_secret(secret: str | bytes) -> Iterator[int]:
    """Give the descriptor to pass on; `pass_fds` keeps its number."""
    descriptor = in_memory(secret.encode() if isinstance(secret, str) else secret)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
