"""Lay captured pages out for pywb, which is a separate program (GPL) and never part of ours.

A copy is served, never the archive: pywb writes beside what it shows. It listens on this machine
alone, knows nothing of our environment, and is bounded by the kernel: what it reads is foreign.
"""

import http.client
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from archive.errors import ArchiveError
from archive.web.cdxj import Capture
from archive.web.links import unpack

COLLECTION = "trang"
_SECONDS_TO_START = 30.0
_POLL_SECONDS = 0.1
_SECONDS_TO_SHOW = 60.0
_ENDS_WITH_US = ("/usr/bin/setpriv", "--pdeathsig", "KILL")  # of util-linux
_BOUNDS = {
    resource.RLIMIT_AS: 4 << 30,
    resource.RLIMIT_CPU: 3600,
    resource.RLIMIT_FSIZE: 256 << 20,
    resource.RLIMIT_CORE: 0,
}
_CONFIG = """\
debug: false
framed_replay: true
enable_auto_fetch: false
enable_memento: true
recorder: null
csp-header: "default-src 'self' 'unsafe-eval' 'unsafe-inline' data: blob:; form-action 'self'"
"""
"""Scripts of captured pages run in the browser of who looks; it keeps them to the replay's own
address. pywb alone would let them open WebSockets anywhere."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What is served.

    Attributes:
        folder: Of its own; goes when the replay ends.
        files: How many WARC files there are.
    """

    folder: Path
    files: int


def lay_out(folder: Path, warcs: Mapping[str, Path], indexes: Mapping[str, Path]) -> Copy:
    """Lay files out as pywb has its collections; they are moved there.

    Args:
        folder: New.
        warcs: Name in the index → file.
        indexes: Name → file.
    """
    collection = folder / "collections" / COLLECTION
    for name, files in (("archive", warcs), ("indexes", indexes)):
        (collection / name).mkdir(parents=True)
        for title, path in files.items():
            path.rename(collection / name / title)
            (collection / name / title).chmod(0o444)
    (folder / "config.yaml").write_text(_CONFIG, encoding="utf-8")
    return Copy(folder, len(warcs))


@contextmanager
def replaying(program: str, copy: Copy, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run pywb on loopback for the block; gives its address and the process.

    Raises:
        ArchiveError: It does not begin.
    """
    address = f"http://127.0.0.1:{port}/{COLLECTION}/"
    log = (copy.folder / "pywb.log").open("wb")
    server = subprocess.Popen(
        [*_ENDS_WITH_US, program, "-b", "127.0.0.1", "-p", str(port), "-d", str(copy.folder)],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=copy.folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(copy.folder), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    try:
        for what, most in _BOUNDS.items():
            resource.prlimit(server.pid, what, (most, most))
        _wait_for(server, address, copy.folder / "pywb.log")
        yield address, server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()
        shutil.rmtree(copy.folder, ignore_errors=True)


def shown(address: str, capture: Capture, most: int) -> bytes:
    """Give the body that pywb shows for a capture, without anything of its own; empty where none.

    Args:
        address: As `replaying` gives it.
        capture: What is asked for.
        most: Bytes that are read at most.
    """
    server, _slash, path = address.removeprefix("http://").partition("/")
    line = http.client.HTTPConnection(server, timeout=_SECONDS_TO_SHOW)
    try:
        line.request("GET", f"/{path}{capture.stamp}id_/{capture.url}")
        answer = line.getresponse()
        body = answer.read(most)
        return unpack(body, answer.getheader("content-encoding", ""), most)
    except (OSError, http.client.HTTPException, ValueError):
        return b""
    finally:
        line.close()


def _wait_for(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(URLError, OSError), opener.open(address, timeout=5):
            return
        time.sleep(_POLL_SECONDS)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    raise ArchiveError(
        "the program that shows captured pages did not begin",
        why="{reason}",
        data="the archive was not touched",
        next_step="choose another --port, or install the program anew",
        reason=lines[-1][:300] if lines else "no answer",
    )
