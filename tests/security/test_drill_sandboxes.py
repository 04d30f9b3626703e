"""What a tampered site may not do in the sandbox of its drill."""

import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from ops.sandbox import rehearse as rehearsing
from ops.sandbox.isolation.limits import fit
from ops.sandbox.isolation.refused_calls import PROCESSORS, Processor, make_filter
from ops.sandbox.plan import Bounds, Order, RehearsalPlan, ServingPlan, list_namespaces
from ops.sandbox.rehearse import rehearse
from ops.sandbox.result import RehearsalResult
from tests.integration.drills.test_isolation import rehearse_as_nobody

MOST = 300_000_000

# Whoever watches must have its turn ----------------------------------------------------------

STUCK = f"""
import re, sys
from ops.sandbox import inside
from ops.sandbox.isolation.accounts import find_account

def stuck(rehearsal):
    hog = "taken = b'x' * {MOST // 2}; import time; time.sleep(600)"
    for number in range(4):
        words = [sys.executable, "-c", hog]
        rehearsal.bench.serve(words, find_account(()), log=f"hog-{{number}}")
    re.match("(a|a)*$", "a" * 60 + "b")  # holds up every thread for years

inside._rehearse = stuck
inside.main()
"""


@pytest.mark.slow
def test_memory_is_watched_while_a_page_is_read_without_end(tmp_path: Path) -> None:
    plan = RehearsalPlan(work=str(tmp_path), site="xa", incident_at=datetime.now(UTC),
                         deadline_seconds=30, bounds=fit(Bounds(memory_bytes=MOST)))  # fmt: skip
    way: Literal["root", "user"] = "root" if os.geteuid() == 0 else "user"
    words = rehearsing._command(way)
    assert isinstance(words, list)
    rehearsing._make_workshop(tmp_path)
    order = Order(plan=plan, way=way, outside=list_namespaces(), begun=time.monotonic())

    result = rehearsing._run([*words[:-2], "-c", STUCK], order)

    assert [it.code for it in result.remarks] == ["too_much_memory"]
    assert result.isolated
    assert result.bounded is not None
    assert result.bounded.by["memory"] == "watch"


# Sockets --------------------------------------------------------------------------------------


def run_filter(processor: Processor, number: int, name: int, first: int) -> int:
    """Do as the kernel does with a filter; gives what it returns."""
    data = struct.pack("<iIQ6Q", number, name, 0, first, 0, 0, 0, 0, 0)
    program, at, value = make_filter(processor), 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        if code == 0x06:
            return operand
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        else:
            holds = value == operand if code == 0x15 else value >= operand
            at += if_true if holds else if_false
        at += 1


ALLOWED, ENDED, NO_FAMILY, NO_CALL = 0x7FFF_0000, 0x8000_0000, 0x0005_0061, 0x0005_0026


@pytest.mark.parametrize("name", PROCESSORS)
def test_other_families_are_refused_by_every_call_that_makes_a_socket(name: str) -> None:
    processor = PROCESSORS[name]
    for call in (processor.socket, processor.socketpair):
        found = {it: run_filter(processor, call, processor.name, it) for it in range(50)}
        high = run_filter(processor, call, processor.name, (1 << 32) + 40)

        assert {it for it, what in found.items() if what == ALLOWED} == {1, 2, 10, 16}
        assert {it for it in found.values() if it != ALLOWED} == {NO_FAMILY}
        assert high == NO_FAMILY

    assert run_filter(processor, 425, processor.name, 0) == NO_CALL
    assert run_filter(processor, 0, processor.name, 40) == ALLOWED


@pytest.mark.parametrize("name", PROCESSORS)
def test_calls_by_another_processors_numbers_end_the_program(name: str) -> None:
    processor = PROCESSORS[name]
    for other in (0x4000_0003, 0x4000_0028, *(it.name for it in PROCESSORS.values())):
        if other != processor.name:
            assert run_filter(processor, processor.socket, other, 1) == ENDED
    assert run_filter(processor, processor.socket | 0x4000_0000, processor.name, 1) == ENDED


SOCKETS = """
import ctypes, errno, mmap, socket, subprocess, sys
def call(*words):
    return subprocess.run([sys.executable, "-c", *words]).returncode
told = []
for family in (40, 17, 38):
    try:
        socket.socket(family, socket.SOCK_STREAM if family == 40 else socket.SOCK_RAW)
        told.append("made")
    except OSError as error:
        told.append(error.errno == errno.EAFNOSUPPORT)
libc = ctypes.CDLL(None, use_errno=True)
told.append((libc.syscall(425, 1, 0), ctypes.get_errno() == errno.ENOSYS))
if "x86" in __import__("os").uname().machine:
    told.append(call("import ctypes; ctypes.CDLL(None).syscall(0x40000000 + 39)"))
    told.append(call("import ctypes, mmap; place = mmap.mmap(-1, 4096, prot=7);"
        "place.write(bytes.fromhex('b814000000cd80c3'));"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(place)))()"))
print("told", told, flush=True)
"""


def a_site(work: Path, script: str) -> RehearsalPlan:
    """Plan a site that is a program: it ends, and the log tells what it has found."""
    serving = ServingPlan(way="command", folder="/", command=(sys.executable, "-c", script))
    return RehearsalPlan(work=str(work), site="xa", url="http://a.vn", serving=serving,
                         incident_at=datetime.now(UTC), deadline_seconds=60)  # fmt: skip


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder that another user may reach."""
    with tempfile.TemporaryDirectory(prefix="giucong-drill-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def told_by(result: RehearsalResult) -> str:
    return next(it for it in result.log if it.startswith("site: told"))


@pytest.mark.slow
@pytest.mark.parametrize("by", [rehearse, rehearse_as_nobody])
def test_a_site_gets_no_socket_that_leads_out_of_its_network(by: object, work: Path) -> None:
    assert callable(by)
    told = told_by(by(a_site(work, SOCKETS)))

    assert "told [True, True, True, (-1, True)" in told
    if os.uname().machine == "x86_64":
        assert told.endswith(("(-1, True), -31, -31]", "(-1, True), -31, -11]"))


# User namespaces: who is root in one reaches the parts of the kernel that are for root alone ----


NAMESPACES = """
import ctypes, errno, os, struct, subprocess, threading
libc = ctypes.CDLL(None, use_errno=True)
clone, clone3 = {"x86_64": 56, "aarch64": 220}[os.uname().machine], 435
def tried(answer):
    if answer == 0:
        os._exit(0)  # the child
    return errno.errorcode[ctypes.get_errno()] if answer < 0 else "made"
wish = ctypes.create_string_buffer(struct.pack("8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0))
told = [
    tried(libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0)),
    tried(libc.syscall(clone3, wish, 64)),
    tried(libc.unshare(0x10000000) or 1),
    tried(libc.unshare(0x10000000 | 0x20000) or 1),
    subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL).returncode,
]
thread = threading.Thread(target=told.append, args=("thread",))
thread.start()
thread.join()
print("told", told, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("by", [rehearse, rehearse_as_nobody])
def test_a_site_gets_no_user_namespace(by: object, work: Path) -> None:
    assert callable(by)
    told = told_by(by(a_site(work, NAMESPACES)))

    assert told.endswith("told ['EPERM', 'ENOSYS', 'EPERM', 'EPERM', 1, 'thread']")


# The drill's folder ---------------------------------------------------------------------------

LOOKS = """
import glob, os
def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__
below = "drill/room/restored/xa/databases/db.globals.sql"
places = ["/" + below, *(f"{it}/{below}" for it in glob.glob("/proc/[0-9]*/root"))]
print("told", sorted({read(it) for it in places}), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("by", [rehearse, rehearse_as_nobody])
def test_a_site_does_not_see_the_accounts_in_its_drills_folder(by: object, work: Path) -> None:
    assert callable(by)
    accounts = work / "restored" / "xa" / "databases" / "db.globals.sql"
    accounts.parent.mkdir(parents=True)
    accounts.write_text("CREATE USER", encoding="ascii")

    told = told_by(by(a_site(work, LOOKS)))

    assert "CREATE USER" not in told
