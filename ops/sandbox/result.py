"""What a rehearsal has shown: plain values, kept as JSON in the drill's record.

Everything that is not as it should be is a `Remark` with the house's own outcome: `failed` for what
is wrong, `not_checked` for what could not be looked at. A rehearsal without remarks is good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from ops.backups.pages.notes import PageNote, tell_problem
from ops.backups.pages.verdict import PageComparison, tell_comparison
from ops.language.formats import format_size
from ops.language.text import N_, _, fill

Outcome = Literal["failed", "not_checked"]
Told = str | int | float | list[str]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is not as it should be.

    Attributes:
        outcome: `failed`, or `not_checked`.
        code: Reason code; `ops.sandbox.result` has the sentences.
        params: JSON parameters of it, among them what it is about.
    """

    outcome: Outcome
    code: str
    params: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Isolation:
    """How this machine can set a rehearsal apart.

    Attributes:
        way: `root`: namespaces made by root; `user`: inside a user namespace; empty: not at all.
        why: Why not; empty otherwise. English.
    """

    way: Literal["root", "user", ""]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """What everything inside could take of the machine at most.

    Attributes:
        memory_bytes, processes, file_bytes: As the plan has them, cut to what the machine has.
        by: `memory`, `processes` → what held it: `group`: a control group of the kernel;
            `namespace`: a limit of process numbers; `account`: a limit of each account's
            processes; `watch`: looked at again and again, and ended when it is too much.
        unbounded: What was not bounded by the kernel: `memory`, `processes`, `disk`, `processor`.
    """

    memory_bytes: int = 0
    processes: int = 0
    file_bytes: int = 0
    by: Mapping[str, str] = field(default_factory=dict)
    unbounded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """A table whose rows are not as many as the dump's.

    Attributes:
        table: As the manifest names it.
        found: Rows after loading.
        least, most: What the manifest says; equal where it is exact.
    """

    table: str
    found: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseResult:
    """What became of one database.

    Attributes:
        name: Of the part.
        engine: As in the plan.
        server_wanted, server_here: Product and version; empty where unknown.
        loaded: Whether the whole copy was taken without an error.
        seconds: From the start of loading to its end, without the server's start.
        refused: Why a restore with its accounts and rights would stop; empty where it would not.
        counts: Rows by table after loading.
        uncounted: Tables that are there and cannot be counted here.
        missing: Tables that the manifest has and the copy has not.
        differing: Tables with other row counts.
        newest: The newest moment found in a row, not later than the incident; None without one.
        newest_in: Its table and column.
    """

    name: str
    engine: str
    server_wanted: str = ""
    server_here: str = ""
    loaded: bool = False
    seconds: float = 0.0
    refused: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    uncounted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    differing: tuple[TableDifference, ...] = ()
    newest: datetime | None = None
    newest_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalSeconds:
    """How long the parts of a rehearsal took.

    Attributes:
        isolate: Until the sandbox stood and the probes had failed.
        restore: Servers made and started, accounts and dumps loaded.
        verify: Tables counted, newest rows looked for, pages fetched and compared.
        switch: From the start of the site's server to its first answer.
        total: All of it, as an outside stop-watch shows.
    """

    isolate: float = 0.0
    restore: float = 0.0
    verify: float = 0.0
    switch: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalResult:
    """What a rehearsal has shown.

    Attributes:
        isolated: Whether the sandbox stood and nothing of production could be reached from it.
        isolation: How.
        bounded: What it could take of the machine; None where nothing was started.
        probed: What was tried.
        reached: Which of it answered: then nothing was started.
        databases: One for each of the plan, in its order.
        way: How the site was started; `none` where it was not.
        pages: The noted pages, compared.
        found: The pages as the restored site shows them, without their words; of a site of which
            none were noted, its first page.
        seconds: How long it took.
        remarks: What is not as it should be, gravest knowledge first in the order it was met.
        log: The last lines that servers and clients wrote.
    """

    isolated: bool = False
    isolation: Isolation = Isolation("")
    bounded: Bounded | None = None
    probed: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    databases: tuple[DatabaseResult, ...] = ()
    way: str = "none"
    pages: tuple[PageComparison, ...] = ()
    found: tuple[PageNote, ...] = ()
    seconds: RehearsalSeconds = RehearsalSeconds()
    remarks: tuple[Remark, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def outcome(self) -> Literal["ok", "failed", "incomplete"]:
        """The gravest of the remarks, in the house's words: what was not checked is never ok."""
        outcomes = {it.outcome for it in self.remarks}
        if "failed" in outcomes:
            return "failed"
        return "incomplete" if outcomes or not self.isolated else "ok"

    @property
    def newest(self) -> datetime | None:
        """The newest moment found in any row."""
        return max((it.newest for it in self.databases if it.newest is not None), default=None)


def write_result(result: RehearsalResult) -> str:
    """Give a result as JSON."""
    return msgspec.json.encode(result).decode()


def read_result(text: str) -> RehearsalResult:
    """Read a result from JSON."""
    return msgspec.json.decode(text, type=RehearsalResult)


REMARKS: Mapping[str, str] = {
    "not_isolated": N_("not isolated, so nothing was started: {why}"),
    "production_reached": N_("production was reached, so nothing was started: {targets}"),
    "rehearsal_broke": N_("the rehearsal broke off: {why}"),
    "too_late": N_("the rehearsal was not over after {seconds} seconds"),
    "too_much_memory": N_(
        "the restored site took {used}, more than the {most} of memory that it may have, and was"
        " ended"
    ),
    "too_many_processes": N_(
        "the restored site began more than the {most} processes and threads that it may have, and"
        " was ended"
    ),
    "server_missing": N_(
        "the databases of {engine} were not loaded: {program} is missing on this machine;"
        " `apt-get install {package}`"
    ),
    "server_failed": N_("the private server for {engine} does not start: {why}"),
    "load_failed": N_("the database {database} cannot be loaded: {why}"),
    "accounts_refused": N_(
        "a restore of the database {database} with its accounts and rights would stop: {why}"
    ),
    "not_this_portal": N_("this database belongs to another kind of portal: {why}"),
    "not_readable": N_("the database {database} was loaded but cannot be read: {why}"),
    "tables_missing": N_("tables are missing from the database {database}: {tables}"),
    "tables_differ": N_(
        "tables of the database {database} have other row counts than the manifest says: {tables}"
    ),
    "counts_unknown": N_("the manifest does not say which tables the database {database} has"),
    "counts_partly": N_(
        "rows of tables of the database {database} were not counted at backup time: {tables}"
    ),
    "not_countable": N_(
        "rows of tables of the database {database} cannot be counted on this machine: {tables}"
    ),
    "part_not_shown": N_(
        "the folder {part} ({path}) was not laid over the sandbox's own, so the site ran without it"
    ),
    "copy_incomplete": N_(
        "{count} files or folders could not be read at backup time, so the copy lacks them: {paths}"
    ),
    "copy_doubtful": N_(
        "the copy of the database {database} was not whole at backup time: {problems}"
    ),
    "parts_not_in_copy": N_("the copy does not hold these parts of the site: {parts}"),
    "table_missing": N_("there is no table {table}; there are: {tables}"),
    "column_missing": N_("the table {table} has no column {column}; it has: {columns}"),
    "part_missing": N_("the folder {part} ({path}) is missing from what was restored"),
    "not_in_place": N_("what was restored cannot be put at {path}: {why}"),
    "not_served": N_("the site was not started: the estate file does not say how"),
    "site_not_started": N_("the restored site does not start: {why}"),
    "program_missing": N_(
        "the site was not started: {program} is missing; `apt-get install {package}`"
    ),
    "no_pages": N_("no pages were noted at backup time, so none could be compared"),
    "page_failed": N_("the page {page} fails on the restored site: {reason}"),
    "page_changed": N_("the page {page} is another than at backup time: {reason}"),
    "page_moves": N_("the page {page} was not compared: {reason}; choose pages that stay"),
    "page_cached": N_(
        "the page {page} is another than at backup time: {reason}; the site may then have shown it"
        " from a cache, which the copy leaves out"
    ),
    "pages_later": N_(
        "the databases are of a later moment than the notes of the pages, and each page has changed"
        " since, so none could be compared"
    ),
    "page_not_noted": N_("the page {page} was not well at backup time, so it was not compared"),
}
_MOST_NAMED = 5


def tell_remark(remark: Remark) -> str:
    """Say what is not as it should be."""
    params = {name: _readable(value) for name, value in remark.params.items()}
    if remark.code == "page_failed":
        problem, address, detail = (params.get(it, "") for it in ("problem", "address", "detail"))
        params["reason"] = tell_problem(problem, address, detail)
        if params.get("cause"):
            told = _("{reason}; in the logs of its servers: {cause}")
            params["reason"] = told.format(reason=params["reason"], cause=params["cause"])
    if remark.code in {"page_changed", "page_moves", "page_cached"}:
        params["reason"] = _tell_likeness(remark.params)
    if remark.code == "too_much_memory":
        params |= {name: format_size(int(params[name])) for name in ("used", "most")}
    return fill(REMARKS.get(remark.code, remark.code), params)


def _tell_likeness(params: Mapping[str, Any]) -> str:
    """Say how a page differs; drills of earlier versions have kept its title and a share alone."""
    alike = params["alike"] if "least" in params else params["alike"] / 100
    least, stays = params.get("least", 1.0), params.get("stays", 1.0)
    return tell_comparison(
        params.get("why", "words"), params.get("detail", ""), alike, least, stays
    )


def _readable(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    named = ", ".join(value[:_MOST_NAMED])
    more = len(value) - _MOST_NAMED
    return named if more <= 0 else _("{named} and {count} more").format(named=named, count=more)
