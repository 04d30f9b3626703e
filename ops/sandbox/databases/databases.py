"""Bring every database of a plan to life inside, and look at what is in it."""

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from backup.errors import BackupError
from ops.language.text import render_error
from ops.sandbox.databases import mariadb, postgresql, sqlite
from ops.sandbox.isolation.accounts import find_owner
from ops.sandbox.make_plan import Endpoint, find_endpoints
from ops.sandbox.newest_row import Window
from ops.sandbox.plan import DatabasePlan, RehearsalPlan
from ops.sandbox.processes import Bench, MissingProgram, ProgramError, find_mariadb, find_postgresql
from ops.sandbox.result import DatabaseResult, Remark
from ops.sandbox.serve_site import WEB_ACCOUNTS
from ops.sandbox.verify import find_differing, find_missing, remark_on
from provisioning.errors import ProvisioningError

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
    window = Window(them.plan.incident_at, ZoneInfo(them.plan.zone))
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
    it: DatabasePlan, server: Server | None, window: Window
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
