"""Rehearse a restored site in a sandbox: the edge to the machine, which starts it and waits.

1. The workshop, a folder below the drill's own, is made anew.
2. A process in namespaces of its own is told the plan, and does all the rest (`inside`).
3. Its answer is read; the workshop goes, with what the private servers have left.

Killed at any point, nothing lives on: the kernel ends everything inside with whoever started it.
The workshop of a try that was killed goes when the next one begins.
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from ops.sandbox.isolation.limits import (
    count_taken,
    fit,
    make_group,
    tell_bounds,
    too_many_processes,
    too_much_memory,
)
from ops.sandbox.isolation.new_root import MADE_BELOW, WORKSHOP_BELOW
from ops.sandbox.plan import Order, RehearsalPlan, RowsWanted, TablesWanted, list_namespaces
from ops.sandbox.result import Isolation, RehearsalResult, Remark, read_result

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


_GRACE_SECONDS = 10.0
_TRIAL_SECONDS = 30.0
_APART = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
_PACKAGES = {"setpriv": "util-linux", "unshare": "util-linux", "umount": "mount"}
_CODE = Path(__file__).resolve().parents[2]


def find_isolation() -> Isolation:
    """Find out whether and how this machine can set a rehearsal apart, by doing it with nothing."""
    with tempfile.TemporaryDirectory(prefix="giucong-") as work:
        plan = RehearsalPlan(
            work=work, site="", incident_at=datetime.now(UTC), deadline_seconds=_TRIAL_SECONDS
        )
        found = rehearse(plan)
    why = found.isolation.why or "; ".join(it.code for it in found.remarks)
    return found.isolation if found.isolated else Isolation("", why)


def rehearse(plan: RehearsalPlan) -> RehearsalResult:
    """Rehearse a restored site; whatever goes wrong is told by the result's remarks.

    Args:
        plan: What is to be rehearsed; its work folder exists.

    Raises:
        OSError: The work folder cannot be written.
    """
    begun = time.monotonic()
    result = set_apart(plan)
    remove_tree(Path(plan.work) / WORKSHOP_BELOW)
    total = round(time.monotonic() - begun, 3)
    return replace(result, seconds=replace(result.seconds, total=total))


def set_apart(
    plan: RehearsalPlan, wanted: RowsWanted | TablesWanted | None = None
) -> RehearsalResult:
    """Do what is ordered in a sandbox; the workshop stays, with the rows that were wanted.

    Args:
        plan: What is to be rehearsed.
        wanted: Take these rows of its only database instead.

    Raises:
        OSError: The work folder cannot be written.
    """
    begun = time.monotonic()
    way: Literal["root", "user"] = "root" if os.geteuid() == 0 else "user"
    words = _command(way)
    if isinstance(words, RehearsalResult):
        return words
    _make_workshop(Path(plan.work))
    plan = replace(plan, work=str(Path(plan.work).resolve()), bounds=fit(plan.bounds))
    taken = count_taken() if way == "root" else 0  # else the sandbox counts its own alone
    order = Order(
        plan=plan,
        way=way,
        outside=list_namespaces(),
        begun=begun,
        taken=taken,
        rows=wanted if isinstance(wanted, RowsWanted) else None,
        tables=wanted if isinstance(wanted, TablesWanted) else None,
    )
    return _run_bounded(words, order)


def _run_bounded(words: list[str], order: Order) -> RehearsalResult:
    """Run in a control group, where this machine lets us make one."""
    bounds = order.plan.bounds
    group = make_group(bounds)
    if group is None:
        return _run(words, order)
    remarks = {"memory": too_much_memory(bounds), "processes": too_many_processes(bounds)}
    order = replace(order, in_group=True)
    try:
        result = _run(group.words(words), order)
        breaches = [remarks[it] for it in group.list_breaches()]
    finally:
        group.close()
    known = {it.code for it in result.remarks}
    more = tuple(it for it in breaches if it.code not in known)
    bounded = result.bounded or (tell_bounds(order, has_numbers=False) if more else None)
    return replace(result, bounded=bounded, remarks=(*more, *result.remarks))


def _make_workshop(work: Path) -> None:
    """Make the workshop anew; what an earlier try left there goes."""
    workshop = work / WORKSHOP_BELOW
    remove_tree(workshop)
    for folder in (workshop, workshop / "empty", workshop / "layer", work / MADE_BELOW):
        folder.mkdir()
        folder.chmod(0o755)


def _command(way: Literal["root", "user"]) -> list[str] | RehearsalResult:
    programs = {name: shutil.which(name) for name in _PACKAGES}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        return _not_isolated(f"{missing[0]} is missing: apt-get install {_PACKAGES[missing[0]]}")
    as_user = ["--user", "--map-root-user"] if way == "user" else []
    return [str(programs["setpriv"]), "--pdeathsig=KILL", str(programs["unshare"]), *as_user,
            *_APART, "--", sys.executable, "-m", "ops.sandbox.inside"]  # fmt: skip


def _run(words: list[str], order: Order) -> RehearsalResult:
    deadline = order.plan.deadline_seconds
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(_CODE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIUCONG_LANG": os.environ.get("GIUCONG_LANG", ""),
    }
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=environment,
        start_new_session=True,
    )
    try:
        told, said = process.communicate(msgspec.json.encode(order), deadline + _GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return RehearsalResult(remarks=(Remark("failed", "too_late", {"seconds": deadline}),))
    finally:
        process.kill()
        process.wait()
    try:
        return read_result(told.decode())
    except ValueError:
        lines = said.decode("utf-8", "replace").strip().splitlines() or [str(process.returncode)]
    if lines[-1].startswith("unshare: "):
        return _not_isolated(lines[-1])
    remark = Remark("failed", "rehearsal_broke", {"why": lines[-1]})
    return RehearsalResult(remarks=(remark,), log=tuple(lines[-40:]))


def _not_isolated(why: str) -> RehearsalResult:
    remark = Remark("not_checked", "not_isolated", {"why": why})
    return RehearsalResult(isolation=Isolation("", why), remarks=(remark,))
