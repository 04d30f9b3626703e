"""What lies in a folder of this machine: names and what lstat says of each."""

import os
from collections.abc import Callable
from operator import itemgetter

Listed = tuple[bytes, os.stat_result]


def list_folder(descriptor: int, failed: Callable[[bytes, OSError], None]) -> list[Listed]:
    """List an open folder, ascending by raw name; what is gone before it is looked at is left out.

    Args:
        descriptor: Of the folder.
        failed: Told of each entry that cannot be looked at, and of the folder itself as b"".
    """
    found: list[Listed] = []
    encode = os.fsencode
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                try:
                    found.append((encode(entry.name), entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    continue
                except OSError as error:  # a dead network mount, say
                    failed(encode(entry.name), error)
    except OSError as error:
        failed(b"", error)
    found.sort(key=itemgetter(0))
    return found
