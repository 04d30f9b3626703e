"""No process of ours that may hold a key can be dumped, or read by others of its user."""

import configparser
import ctypes
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from backup.workers.processes import Channel, Message, Pool

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "the engine": "sys.argv = ['', 'version']; runpy.run_module('backup', run_name='__main__')",
    "giucong": "sys.argv = ['giucong', '--version']; import ops.cli.main; ops.cli.main.main()",
    "fab": "sys.argv = ['fab', '--list']; from fabric.main import program; program.run()",
    "a worker of the service": (
        "sys.argv = ['worker', str(os.getppid())]; import ops.service.worker as it; it.main()"
    ),
}
LOOKING = """
import ctypes, os, resource, runpy, sys
sys.stdout = sys.stderr
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
try:
    {program}
except BaseException:
    pass
now = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
os.write(1, f"{{before}} {{now}} {{resource.getrlimit(resource.RLIMIT_CORE)[0]}}".encode())
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_may_hold_keys_leaves_no_core_dump(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOOKING.format(program=PROGRAMS[program])],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
        start_new_session=True,
    )  # fmt: skip

    assert ended.stdout.decode() == "1 0 0"  # PR_GET_DUMPABLE before and after, then the limit


@pytest.mark.slow
def test_the_engines_workers_leave_no_core_dump_either() -> None:
    """They get keys over their pipes."""
    pool = Pool("tests.security.test_core_dumps:tell", b"", width=1)
    try:
        ((_worker, told),) = list(pool.poll(30))[:1]
    finally:
        pool.kill()

    assert told == "0 0"


def tell(_setup: Message, channel: Channel) -> None:
    """Say whether this process can be dumped, and how long a core dump may be."""
    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
    channel.send(f"{dumpable} {resource.getrlimit(resource.RLIMIT_CORE)[0]}")


def test_the_unit_lets_nothing_that_the_service_starts_dump_core() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd minds the case
    unit.read(ROOT / "examples/systemd/giucong.service", encoding="utf-8")

    assert unit["Service"]["LimitCORE"] == "0"
