"""The sandbox's first process: `python -m ops.sandbox.inside`, its order on standard input.

1. Refuse where a namespace is the machine's own: nothing is touched then.
2. Enter a root that shows nothing of the machine's data; have the kernel refuse sockets of kinds
   that lead out of a network namespace, and user namespaces.
3. Try to reach production; whatever answers ends it here, before anything was started.
4. Bound what is taken of the machine. From now on a child does the work, and this process watches
   it: too much of the machine, or time that is over, ends the rehearsal.
5. Load the databases on private servers; put the restored folders where the site looks for them.
6. Count, start the site, ask for its pages, compare.

The result goes to standard output as JSON. When this process ends, or whoever started it, the
kernel ends everything inside.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import msgspec

from ops.backups.pages.notes import PageNote
from ops.backups.pages.noting import note_pages
from ops.backups.pages.verdict import PageComparison, compare_pages, excuse_pages
from ops.sandbox.databases.databases import (
    FAILURES,
    Databases,
    examine_databases,
    restore_databases,
    words_of,
)
from ops.sandbox.guard import Tell, guard
from ops.sandbox.isolation import limits, system_calls
from ops.sandbox.isolation import system_calls as calls
from ops.sandbox.isolation.new_root import empty_caches, enter_new_root, inside, put_in_place
from ops.sandbox.isolation.refused_calls import keep_to_families, refuse_user_namespaces
from ops.sandbox.plan import Order, RehearsalPlan, RowsWanted, TablesWanted, list_namespaces
from ops.sandbox.processes import (
    PATH,
    Bench,
    MissingProgram,
    ProgramError,
    TooLateError,
    find_cause,
    read_logs,
)
from ops.sandbox.result import (
    Isolation,
    RehearsalResult,
    RehearsalSeconds,
    Remark,
    Told,
    write_result,
)
from ops.sandbox.serve_site import start_site


@dataclass(slots=True)
class Rehearsal:
    """A rehearsal under way.

    Attributes:
        plan: With all paths as they are inside.
        bench: Where programs run.
        result: What is known so far.
        remarks: What is not as it should be.
        seconds: By part of the work.
        tell: Tells what is known so far.
    """

    plan: RehearsalPlan
    bench: Bench
    result: RehearsalResult
    remarks: list[Remark] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    tell: Tell = lambda _known: None

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add what the block takes to a part of the work."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.monotonic() - begun

    def conclude(self) -> RehearsalResult:
        """Give all that is known."""
        seconds = {part: round(taken, 3) for part, taken in self.seconds.items()}
        return replace(
            self.result, seconds=RehearsalSeconds(**seconds), remarks=tuple(self.remarks)
        )


def main() -> None:
    """Do as ordered, and write the result."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    os.umask(0o022)
    language = os.environ.get("GIUCONG_LANG", "")
    os.environ.clear()  # secrets may be among it
    os.environ.update({"PATH": PATH, "LANG": "C.UTF-8", "GIUCONG_LANG": language})
    result = replace(_carry_out(order), log=read_logs())
    sys.stdout.write(write_result(result))
    sys.stdout.flush()
    os._exit(0)  # servers end with the namespace


def _carry_out(order: Order) -> RehearsalResult:
    plan = order.plan
    bench = Bench(order.way, plan.zone, order.begun + plan.deadline_seconds)
    result = RehearsalResult(isolation=Isolation(order.way))
    rehearsal = Rehearsal(_move_inside(plan), bench, result)
    is_apart = _set_apart(order, rehearsal)
    rehearsal.seconds["isolate"] = time.monotonic() - order.begun
    if not is_apart:
        return rehearsal.conclude()
    rehearsal.result = replace(rehearsal.result, bounded=limits.bound(order))
    work = partial(_work, order, rehearsal)
    return guard(plan, bench.until, rehearsal.conclude(), work)


def _work(order: Order, rehearsal: Rehearsal, tell: Tell) -> None:
    rehearsal.tell = tell
    try:
        wanted = order.rows or order.tables
        if wanted is None:
            _rehearse(rehearsal)
        else:
            _take_rows(wanted, rehearsal)
    except TooLateError:
        params = {"seconds": order.plan.deadline_seconds}
        rehearsal.remarks.append(Remark("failed", "too_late", params))
    tell(rehearsal.conclude())


def _move_inside(plan: RehearsalPlan) -> RehearsalPlan:
    """Give a plan whose restored data lies where it is seen inside."""
    files = (replace(it, restored=inside(it.restored, plan.work)) for it in plan.files)
    databases = (
        replace(
            it,
            dump=inside(it.dump, plan.work),
            globals=it.globals and inside(it.globals, plan.work),
        )
        for it in plan.databases
    )
    return replace(plan, files=tuple(files), databases=tuple(databases))


def _set_apart(order: Order, rehearsal: Rehearsal) -> bool:
    """Enter the sandbox and prove that production is out of reach; False where it is not."""
    shared = {name for name, its in list_namespaces().items() if order.outside.get(name) == its}
    if shared - {"net"} or os.getpid() != 1:
        return _not_apart(rehearsal, f"namespaces shared with the machine: {sorted(shared)}")
    try:
        limits.be_first()
        enter_new_root(order.plan.work, order.plan.bounds.memory_bytes)
        keep_to_families()
        if order.way == "root":  # else whoever runs what gets a namespace first (`run_as`)
            refuse_user_namespaces()
        if "net" not in shared:
            calls.bring_up_loopback()
    except OSError as error:
        return _not_apart(rehearsal, f"{error.filename or 'mount'}: {error.strerror}")
    reached = system_calls.find_reached(order.plan.probes)
    rehearsal.result = replace(rehearsal.result, probed=order.plan.probes, reached=reached)
    if reached:
        params = {"targets": list(reached)}
        rehearsal.remarks.append(Remark("failed", "production_reached", params))
        return False
    if "net" in shared or system_calls.list_ways_out():
        return _not_apart(rehearsal, "the network is the machine's own")
    system_calls.lead_here(system_calls.find_names(order.plan))
    rehearsal.result = replace(rehearsal.result, isolated=True)
    return True


def _not_apart(rehearsal: Rehearsal, why: str) -> bool:
    rehearsal.result = replace(rehearsal.result, isolation=Isolation("", why))
    rehearsal.remarks.append(Remark("not_checked", "not_isolated", {"why": why}))
    return False


def _rehearse(rehearsal: Rehearsal) -> None:
    plan, bench = rehearsal.plan, rehearsal.bench
    databases = Databases(plan, bench)
    try:
        with rehearsal.timed("restore"):
            _put_files(rehearsal)
            restore_databases(databases)
        with rehearsal.timed("verify"):
            examine_databases(databases)
    finally:
        rehearsal.result = replace(rehearsal.result, databases=databases.listed())
        rehearsal.remarks += databases.remarks
        rehearsal.tell(rehearsal.conclude())
    _show_site(rehearsal)


def _put_files(rehearsal: Rehearsal) -> None:
    for part in rehearsal.plan.files:
        if not Path(part.restored).exists():
            params = {"part": part.name, "path": part.live}
            rehearsal.remarks.append(Remark("failed", "part_missing", params))
    try:
        for part in put_in_place(rehearsal.plan.files):
            params = {"part": part.name, "path": part.live}
            rehearsal.remarks.append(Remark("not_checked", "part_not_shown", params))
        empty_caches(rehearsal.plan.caches)
    except OSError as error:
        params = {"path": str(error.filename), "why": error.strerror or ""}
        rehearsal.remarks.append(Remark("failed", "not_in_place", params))


def _show_site(rehearsal: Rehearsal) -> None:
    """Start the site, and compare its pages with those noted at backup time."""
    plan = rehearsal.plan
    if plan.serving.way == "none":
        rehearsal.remarks.append(Remark("not_checked", "not_served", {}))
        return
    with rehearsal.timed("switch"):
        if not _start(rehearsal):
            return
        pages, rules = [it.page for it in plan.pages], {it.page: it.rules for it in plan.pages}
        found = note_pages(plan.url, pages[:1] or ["/"], rules=rules)
    rehearsal.result = replace(rehearsal.result, way=plan.serving.way, found=_shorten(found))
    if not pages:
        rehearsal.remarks.append(Remark("not_checked", "no_pages", {}))
        rehearsal.remarks += _remark_on_answer(found[0])
        return
    with rehearsal.timed("verify"):
        left = rehearsal.bench.left()
        found += note_pages(plan.url, pages[1:], rules=rules, all_seconds=left)
        compared = excuse_pages(
            compare_pages(plan.pages, found),
            rows_are_later=plan.rows_are_later,
            has_caches=bool(plan.caches),
        )
    rehearsal.result = replace(rehearsal.result, pages=compared, found=_shorten(found))
    rehearsal.remarks += _remark_on_pages(compared, found)


def _shorten(found: tuple[PageNote, ...]) -> tuple[PageNote, ...]:
    """Give notes as they are kept: their words were for the comparison."""
    return tuple(replace(it, words="") for it in found)


def _start(rehearsal: Rehearsal) -> bool:
    try:
        missing = start_site(rehearsal.plan, rehearsal.bench)
    except (ProgramError, OSError) as error:
        rehearsal.remarks.append(Remark("failed", "site_not_started", {"why": str(error)}))
        return False
    if isinstance(missing, MissingProgram):
        params = {"program": missing.program, "package": missing.package}
        rehearsal.remarks.append(Remark("not_checked", "program_missing", params))
        return False
    return True


def _remark_on_answer(note: PageNote) -> Iterator[Remark]:
    if note.problem:
        yield Remark("failed", "page_failed", _about(note))


def _remark_on_pages(
    compared: tuple[PageComparison, ...], found: tuple[PageNote, ...]
) -> Iterator[Remark]:
    if all(it.why == "later" for it in compared):
        yield Remark("not_checked", "pages_later", {})
    for comparison, note in zip(compared, found, strict=True):
        if comparison.verdict == "missing":
            yield Remark("failed", "page_failed", _about(note))
        elif comparison.verdict == "changed":
            yield Remark("failed", "page_changed", _likeness(comparison))
        elif comparison.verdict == "not_checked":
            yield from _remark_on_unchecked(comparison)


def _remark_on_unchecked(comparison: PageComparison) -> Iterator[Remark]:
    if comparison.why == "moves":
        yield Remark("not_checked", "page_moves", _likeness(comparison))
    elif comparison.why == "cached":
        yield Remark("not_checked", "page_cached", _likeness(comparison))
    elif comparison.why != "later":  # then the rows were counted, and it comes
        yield Remark("not_checked", "page_not_noted", {"page": comparison.page})


def _likeness(it: PageComparison) -> dict[str, Told]:
    return {
        "page": it.page,
        "why": it.why,
        "detail": it.detail,
        "alike": it.alike,
        "least": it.least,
        "stays": it.stays,
    }


def _about(note: PageNote) -> dict[str, str]:
    """Tell of a page that fails; the servers' own last word about an error is the likely cause."""
    return {
        "page": note.page,
        "problem": note.problem,
        "address": note.address,
        "detail": note.detail,
        "cause": find_cause(read_logs()),
    }


def _take_rows(wanted: RowsWanted | TablesWanted, rehearsal: Rehearsal) -> None:
    """Load the plan's database, and write the wanted rows into the workshop."""
    databases = Databases(rehearsal.plan, rehearsal.bench)
    with rehearsal.timed("restore"):
        restore_databases(databases)
    rehearsal.remarks += databases.remarks
    rehearsal.result = replace(rehearsal.result, databases=databases.listed())
    if databases.remarks:
        return
    try:
        with rehearsal.timed("verify"):
            rehearsal.remarks += _write_wanted(databases, wanted)
    except FAILURES as error:
        params = {"database": rehearsal.plan.databases[0].name, "why": words_of(error)}
        rehearsal.remarks.append(Remark("failed", "not_readable", params))


def _write_wanted(databases: Databases, wanted: RowsWanted | TablesWanted) -> list[Remark]:
    """Write them, with the modules that only this needs."""
    if isinstance(wanted, RowsWanted):
        from ops.sandbox.rows import write_rows

        return write_rows(databases, wanted)
    from ops.sandbox.tables import write_tables

    return write_tables(databases, wanted)


if __name__ == "__main__":
    main()
