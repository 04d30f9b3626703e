"""A plan's databases, brought to life inside, and held against what their manifest says."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from backup.errors import BackupError
from ops.estate.model.sites import Site
from ops.language.text import render_error
from ops.sandbox.databases import mariadb, postgresql, sqlite
from ops.sandbox.isolation.accounts import find_owner
from ops.sandbox.make_plan import Endpoint, find_endpoints
from ops.sandbox.newest_row import Believed
from ops.sandbox.plan import DatabasePlan, RehearsalPlan
from ops.sandbox.processes import Bench, MissingProgram, ProgramError, find_mariadb, find_postgresql
from ops.sandbox.result import DatabaseResult, Outcome, Remark, TableDifference, Told
from ops.sandbox.serve_site import WEB_ACCOUNTS
from provisioning.errors import ProvisioningError

_MOST_NAMED = 20


def find_missing(plan: DatabasePlan, found: Mapping[str, int | None]) -> tuple[str, ...]:
    """Name the tables that the manifest has and the copy has not.

    A table that was dropped while the dump was made (`tables_after` lacks its count) may be absent.
    """
    after = plan.tables_after
    return tuple(
        name
        for name in plan.tables
        if name not in found and (after is None or after.get(name) is not None)
    )


def find_differing(plan: DatabasePlan, counts: Mapping[str, int]) -> tuple[TableDifference, ...]:
    """Give the tables whose rows are not as many as the manifest says; uncounted ones pass."""
    return tuple(_differ(plan, counts))


def _differ(plan: DatabasePlan, counts: Mapping[str, int]) -> Iterator[TableDifference]:
    after = plan.tables if plan.tables_after is None else plan.tables_after
    for name, before in plan.tables.items():
        later = after.get(name)
        if name not in counts or before is None or later is None:
            continue
        least, most = sorted((before, later))
        if not least <= counts[name] <= most:
            yield TableDifference(table=name, found=counts[name], least=least, most=most)


def remark_on(plan: DatabasePlan, result: DatabaseResult) -> Iterator[Remark]:
    """Yield what is not as it should be with a database that was loaded."""
    if result.refused:
        outcome: Outcome = "not_checked" if _is_another(result) else "failed"
        yield Remark(outcome, "accounts_refused", {"database": plan.name, "why": result.refused})
    if result.missing:
        named = list(result.missing[:_MOST_NAMED])
        yield Remark("failed", "tables_missing", _about(plan, len(result.missing), named))
    if result.differing:
        named = [f"{it.table}: {it.found} ({_told(it)})" for it in result.differing[:_MOST_NAMED]]
        yield Remark("failed", "tables_differ", _about(plan, len(result.differing), named))
    uncounted = [it for it, rows in plan.tables.items() if rows is None and it in result.counts]
    if uncounted:
        yield Remark("not_checked", "counts_partly", _about(plan, len(uncounted), uncounted))
    if result.uncounted:
        named = list(result.uncounted[:_MOST_NAMED])
        yield Remark("not_checked", "not_countable", _about(plan, len(result.uncounted), named))
    if not plan.tables:
        yield Remark("not_checked", "counts_unknown", {"database": plan.name})


def _is_another(result: DatabaseResult) -> bool:
    """Tell whether production's server is of another make, or newer: it may know other accounts."""
    (here, ours), (there, theirs) = (
        (it.partition(" ")[0], [int(number) for number in re.findall(r"\d+", it)[:2]])
        for it in (result.server_here, result.server_wanted)
    )
    return bool(theirs) and (here != there or ours < theirs)


def _about(plan: DatabasePlan, count: int, tables: list[str]) -> dict[str, Told]:
    return {"database": plan.name, "count": count, "tables": tables}


def _told(difference: TableDifference) -> str:
    if difference.least == difference.most:
        return str(difference.most)
    return f"{difference.least}–{difference.most}"


def doubt_copy(manifest: Mapping[str, Any], site: Site) -> Iterator[Remark]:
    """Yield what the copy never held, so that no rehearsal of it can show it; pure.

    Raises:
        KeyError, TypeError: The manifest is none.
    """
    missing = manifest["missing"]
    if missing["count"]:
        named = [str(it["path"]) for it in missing["paths"]]
        yield Remark("not_checked", "copy_incomplete", {"count": missing["count"], "paths": named})
    for it in manifest["databases"]:
        check = it.get("check", {})
        if not check.get("ok"):
            problems = [str(problem) for problem in check.get("problems", ())]
            yield Remark(
                "not_checked", "copy_doubtful", {"database": it["name"], "problems": problems}
            )
    held = {str(it["name"]) for it in (*manifest["files"], *manifest["databases"])}
    names = [*(it.name for it in site.files), *(it.name for it in site.databases)]
    lacking = [it for it in names if it not in held]
    if lacking:
        yield Remark("not_checked", "parts_not_in_copy", {"parts": lacking})


Server = mariadb.Mariadb | postgresql.Postgresql
FAILURES = (ProgramError, BackupError, ProvisioningError, psycopg.Error, sqlite3.Error, OSError)


@dataclass(slots=True)
class Databases:
    """What has become of a plan's databases so far.

    Attributes:
        plan: What was asked for.
        bench: Where servers run.
        servers: By name of the database part.
        results: By name of the database part.
        remarks: What is not as it should be.
    """

    plan: RehearsalPlan
    bench: Bench
    servers: dict[str, Server] = field(default_factory=dict)
    results: dict[str, DatabaseResult] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def listed(self) -> tuple[DatabaseResult, ...]:
        """Give the results in the plan's order."""
        return tuple(self.results[it.name] for it in self.plan.databases if it.name in self.results)


def restore_databases(them: Databases) -> None:
    """Start the servers that are needed, and load every database; remarks tell what failed."""
    for it in them.plan.databases:
        them.results[it.name] = DatabaseResult(
            name=it.name, engine=it.engine, server_wanted=it.server
        )
    for endpoint in find_endpoints(them.plan.databases):
        _restore_on(endpoint, them)
    for it in them.plan.databases:
        if it.engine == "sqlite":
            _try_load(it, them, partial(_restore_sqlite, it, them))


def _restore_on(endpoint: Endpoint, them: Databases) -> None:
    try:
        server = _start(endpoint, them.bench)
    except FAILURES as error:
        params = {"engine": endpoint.engine, "why": words_of(error)}
        them.remarks.append(Remark("failed", "server_failed", params))
        return
    if isinstance(server, MissingProgram):
        params = {"engine": endpoint.engine, "program": server.program, "package": server.package}
        them.remarks.append(Remark("not_checked", "server_missing", params))
        return
    version = server.version
    for it in endpoint.databases:
        them.servers[it.name] = server
        them.results[it.name] = replace(them.results[it.name], server_here=version)
        _try_load(it, them, partial(_load, server, it))


def _start(endpoint: Endpoint, bench: Bench) -> Server | MissingProgram:
    if endpoint.engine == "mariadb":
        program = find_mariadb()
        if isinstance(program, MissingProgram):
            return program
        return mariadb.start_mariadb(program, bench, endpoint)
    programs = find_postgresql(endpoint.databases[0].server)
    if isinstance(programs, MissingProgram):
        return programs
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"  # clients of the server's own version
    return postgresql.start_postgresql(programs, bench, endpoint)


def _load(server: Server, it: DatabasePlan) -> str:
    if isinstance(server, mariadb.Mariadb):
        return mariadb.load_mariadb(server, it)
    postgresql.load_postgresql(server, it)
    return ""


def _restore_sqlite(it: DatabasePlan, them: Databases) -> str:
    owner = find_owner(str(Path(it.database).parent), WEB_ACCOUNTS)
    sqlite.put_sqlite(it, them.bench, owner)
    sqlite.check_sqlite(it)
    return ""


def _try_load(it: DatabasePlan, them: Databases, load: Callable[[], str]) -> None:
    begun = time.monotonic()
    try:
        refused = load()
    except FAILURES as error:
        params = {"database": it.name, "why": words_of(error)}
        them.remarks.append(Remark("failed", "load_failed", params))
        return
    seconds = round(time.monotonic() - begun, 3)
    them.results[it.name] = replace(
        them.results[it.name], loaded=True, seconds=seconds, refused=refused
    )


def examine_databases(them: Databases) -> None:
    """Count every table of what was loaded, compare, and look for the newest rows."""
    window = Believed(them.plan.incident_at, ZoneInfo(them.plan.zone))
    for it in them.plan.databases:
        if not them.results[it.name].loaded:
            continue
        them.bench.left()
        try:
            found, (newest, place) = _ask(it, them.servers.get(it.name), window)
        except FAILURES as error:
            params = {"database": it.name, "why": words_of(error)}
            them.remarks.append(Remark("failed", "not_readable", params))
            continue
        counts = {name: count for name, count in found.items() if count is not None}
        result = replace(
            them.results[it.name],
            counts=counts,
            uncounted=tuple(name for name, count in found.items() if count is None),
            missing=find_missing(it, found),
            differing=find_differing(it, counts),
            newest=newest,
            newest_in=place,
        )
        them.results[it.name] = result
        them.remarks += remark_on(it, result)


def _ask(
    it: DatabasePlan, server: Server | None, window: Believed
) -> tuple[dict[str, int | None], tuple[datetime | None, str]]:
    if isinstance(server, mariadb.Mariadb):
        counts = mariadb.count_mariadb(server, it.database)
        return counts, mariadb.find_newest_in_mariadb(server, it.database, window)
    if isinstance(server, postgresql.Postgresql):
        counts = postgresql.count_postgresql(server, it.database)
        return counts, postgresql.find_newest_in_postgresql(server, it.database, window)
    return sqlite.count_sqlite(it.database), sqlite.find_newest_in_sqlite(it.database, window)


def words_of(error: Exception) -> str:
    """Give an error's words, without what a rehearsal has no use for."""
    if isinstance(error, BackupError | ProvisioningError):
        return render_error(error)
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or type(error).__name__}".lstrip(": ")
    return str(error)
