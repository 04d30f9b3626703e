"""Tell people what a rehearsal has found: one sentence a remark, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from ops.backups.pages.notes import tell_problem
from ops.backups.pages.verdict import tell_comparison
from ops.language.formats import format_size
from ops.language.text import N_, _, fill
from ops.sandbox.result import Remark

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
