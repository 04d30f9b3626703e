"""Nothing of production is in reach of a rehearsal, and nothing of it lives on; root or not."""

import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ops.sandbox.plan import RehearsalPlan, ServingPlan, write_plan
from ops.sandbox.rehearse import find_isolation, rehearse
from ops.sandbox.result import Isolation, RehearsalResult, read_result
from tests.integration.drills.test_rehearsals import make_php, make_static
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import REGISTER_PAGES, make_register
from tests.postgres_server import PostgresServer, postgres_server
from tests.private_server import is_alive
from tests.rehearsals import (
    describe_board,
    describe_site,
    make_board,
    take_copy,
    write_estate,
)

__all__ = ["mariadb_server", "postgres_server"]

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
REHEARSE = """
import sys
from ops.sandbox.plan import read_plan
from ops.sandbox.rehearse import rehearse
from ops.sandbox.result import write_result
print(write_result(rehearse(read_plan(sys.stdin.read()))))
"""
LOOK_EVERY = 0.05
Finder = Callable[[], list[psutil.Process]]


@contextmanager
def production(folder: Path) -> Iterator[tuple[str, str]]:
    """Give a port and a socket of this machine that answer, as production's would."""
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = held.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "s"))
        unix.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}", str(folder / "s")


def test_this_machine_can_set_a_rehearsal_apart() -> None:
    assert find_isolation() == Isolation("root" if os.geteuid() == 0 else "user")


def test_production_cannot_be_reached(tmp_path: Path) -> None:
    with production(tmp_path) as probes:
        result = rehearse(replace(make_static(tmp_path), probes=probes))

    assert (result.isolated, result.probed, result.reached) == (True, probes, ())
    assert result.remarks == ()


def test_a_sandbox_that_reaches_production_fails_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = tmp_path / "bin" / "unshare"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "unshare"], capture_output=True, text=True, check=True)
    script = 'for word; do shift; [ "$word" = --net ] || set -- "$@" "$word"; done'
    wrapper.write_text(f'#!/bin/sh\n{script}\nexec {real.stdout.strip()} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    plan = make_static(tmp_path)

    with production(tmp_path) as (port, path):
        result = rehearse(replace(plan, probes=(path, port)))

    assert (result.isolated, result.reached, result.outcome) == (False, (port,), "failed")
    assert [it.code for it in result.remarks] == ["production_reached"]
    assert (result.databases, result.pages, result.way) == ((), (), "none")

    # Without anything that answers, the network is still seen to be the machine's own.
    without = rehearse(plan)
    assert (without.isolated, without.outcome) == (False, "incomplete")
    assert [it.code for it in without.remarks] == ["not_isolated"]


def test_without_namespaces_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    why = "unshare: unshare failed: Operation not permitted"
    refusing.write_text(f"#!/bin/sh\necho '{why}' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")

    result = rehearse(make_static(tmp_path))

    assert (result.isolated, result.outcome) == (False, "incomplete")
    assert result.isolation == Isolation("", why)


@pytest.mark.parametrize("victim", ["rehearsal", "unshare"])
def test_kill_9_leaves_nothing_behind(tmp_path: Path, victim: str) -> None:
    seconds = f"{86_400 + os.getpid()}.{victim.count('e')}"
    endless = ServingPlan(way="command", folder="/", command=("sleep", seconds))
    plan = replace(make_php(tmp_path, ""), serving=endless, pages=())
    process = subprocess.Popen(
        [sys.executable, "-c", REHEARSE], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(write_plan(plan).encode())
        process.stdin.close()
        sleeper = await_one(lambda: find_processes("sleep", seconds))
        above = [it for it in sleeper.parents() if it.name() == "unshare"]
        (above[0] if victim == "unshare" else process).send_signal(signal.SIGKILL)

        await_none(lambda: find_processes("sleep", seconds))
        process.kill()
    await_none(lambda: [it for it in above if is_alive(it.pid)])


def find_processes(name: str, word: str) -> list[psutil.Process]:
    found = psutil.process_iter(["name", "cmdline"])
    return [it for it in found if it.info["name"] == name and word in (it.info["cmdline"] or [])]


def await_one(find: Finder) -> psutil.Process:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := find():
            return found[0]
        time.sleep(LOOK_EVERY)
    raise AssertionError("it was never there")


def await_none(find: Finder) -> None:
    until = time.monotonic() + 60
    while find():
        assert time.monotonic() < until, "it lives on"
        time.sleep(LOOK_EVERY)


def test_a_user_without_rights_rehearses_both_servers(
    tmp_path: Path, mariadb_server: MariadbServer, postgres_server: PostgresServer
) -> None:
    board = make_board(tmp_path / "board", mariadb_server)
    register = make_register(tmp_path / "register", postgres_server)
    database = f"""
  [[sites.databases]]
  name = "db"
  engine = "postgresql"
  socket = "{postgres_server.folder}"
  database = "{register.database}"
  user = "{register.reader}"
"""
    key = tmp_path / "keys" / "db"
    blocks = describe_board("cong-xa", board, mariadb_server, key) + describe_site(
        "dat-dai", register.address, REGISTER_PAGES, register.folder, database
    )
    estate = write_estate(tmp_path / "estate", blocks)
    with (
        board.running(),
        register.running(),
        tempfile.TemporaryDirectory(prefix="giucong-drill-") as work,
    ):
        Path(work).chmod(0o755)
        plans = [take_copy(estate, it, Path(work) / it) for it in ("cong-xa", "dat-dai")]
        results = [rehearse_as_nobody(it) for it in plans]

    for result in results:
        assert result.isolation == Isolation("user")
        assert result.remarks == ()
        assert result.outcome == "ok"
    assert results[0].databases[0].counts == {"comments": 1, "posts": 40}
    assert results[1].databases[0].counts == {"public.ho_so": 200}


def rehearse_as_nobody(plan: RehearsalPlan) -> RehearsalResult:
    """Rehearse as a user without rights; root gives that user the work folder, and a way to it."""
    words = [sys.executable, "-c", REHEARSE]
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (Path(plan.work), *Path(plan.work).rglob("*")):
            os.lchown(path, nobody.pw_uid, nobody.pw_gid)
        script = f'{open_way()}\nexec setpriv --reuid=nobody --regid={nobody.pw_gid} "$@"'
        words = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh",
                 "--clear-groups", "--inh-caps=-all", *words]  # fmt: skip
    done = subprocess.run(
        words, input=write_plan(plan), capture_output=True, text=True, check=True, cwd=ROOT
    )
    return read_result(done.stdout)


def open_way() -> str:
    """Give commands that show Python and the code to all, where they were.

    A folder that only root may enter is laid over with an empty one that has but what is needed;
    this holds in one mount namespace alone.
    """
    needed = sorted({sys.base_prefix, sys.prefix, str(ROOT)})
    lines = ["mount -t tmpfs none /mnt"]
    behind = {path: top for path in needed if (top := outermost_closed(path)) is not None}
    for number, path in enumerate(behind):
        lines += [f"mkdir /mnt/{number}", f"mount --bind {shlex.quote(path)} /mnt/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 none {shlex.quote(top)}" for top in set(behind.values())]
    for number, path in enumerate(behind):
        place = shlex.quote(path)
        lines += [f"mkdir -p {place}", f"mount --bind /mnt/{number} {place}"]
    return "\n".join(lines)


def outermost_closed(path: str) -> str | None:
    """Give the outermost folder above that only its owner may enter."""
    above = reversed(Path(path).parents)
    return next((str(it) for it in above if not it.stat().st_mode & 0o001), None)
