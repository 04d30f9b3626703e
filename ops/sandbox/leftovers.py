"""What a sandbox leaves behind, removed."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

_OURS = stat.S_IRWXU


def remove_tree(path: Path) -> None:
    """Remove a folder with all it holds, folders that forbid it included; none is fine.

    Raises:
        OSError: Something stays.
    """
    if not path.exists():
        return
    if os.geteuid() != 0:
        for folder, folders, _files in os.walk(path):
            for name in (".", *folders):
                inner = Path(folder, name)
                if not inner.is_symlink():
                    with suppress(OSError):
                        inner.chmod(_OURS)
    shutil.rmtree(path)
