"""Hand a secret to a program as a file in memory, named `/dev/fd/N`, which it alone has open.

What stands in an environment is copied to whatever the program starts, and into its crash reports.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def open_secret(secret: str) -> Iterator[int]:
    """Give the descriptor to pass on; `pass_fds` keeps its number."""
    descriptor = os.memfd_create("secret", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)  # tasks refuse a file with a secret that others may read
        os.write(descriptor, secret.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
