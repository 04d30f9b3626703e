"""A file system that hangs: mounted through FUSE, its server stopped. For root, with /dev/fuse."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVER = """
import sys
from fusepy import FUSE, Operations

class Empty(Operations):
    def statfs(self, path):
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 100, "f_bfree": 50,
                "f_bavail": 50, "f_files": 10, "f_ffree": 5}

FUSE(Empty(), sys.argv[1], foreground=True, nothreads=True, fsname="thu:/xa")
"""
_SECONDS = 120.0


@contextmanager
def stopped_mount(folder: Path) -> Iterator[None]:
    """Mount a file system there whose server answers nothing; gone again afterwards."""
    server = subprocess.Popen(["/usr/bin/python3", "-I", "-c", _SERVER, str(folder)])
    try:
        ends = time.monotonic() + _SECONDS
        while not os.path.ismount(folder):
            assert server.poll() is None, "apt-get install python3-fusepy"
            assert time.monotonic() < ends
            time.sleep(0.02)
        server.send_signal(signal.SIGSTOP)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        server.kill()
        server.wait()
