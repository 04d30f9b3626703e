"""Where a runbook is carried out: at the service's catalog, or on a bare machine without one.

On the day the service itself is gone there is no estate file yet, and the runbook for that day is
carried out all the same: its run is kept in `giucong-runbooks.db` in the folder one stands in.
There is nobody to approve anything there: the holders of the key, who have to come, are the second
people. Once the run has brought an estate file back, it is still taken up from there.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ops.access.approvals.decide import withdraw
from ops.access.approvals.requests import list_requests, standing_of
from ops.access.identity import login_at_terminal
from ops.access.session import Bench, at_bench
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.access import ApprovalRequest
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.jobs.site_lock import hold_site_lock
from ops.journal.journal import Origin
from ops.language.formats import format_id
from ops.language.text import N_, _, fill
from ops.runbooks.states import CatalogStates, list_unfinished
from ops.terminal.output import write_line
from ops.version import software_version
from runbooks.errors import RunbookUseError
from runbooks.seams import Request
from runbooks.state import RunState

BARE_FILE = "giucong-runbooks.db"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a run needs around it.

    Attributes:
        estate_file: The Center's own runbooks lie beside it; on a bare machine it is not there.
        catalog: Keeps the run; open.
        origin: Who carries it out, for the journal.
        locks: Folder for the run's lock.
        bench: Asks for approvals; None on a bare machine.
    """

    estate_file: Path
    catalog: Catalog
    origin: Origin
    locks: Path
    bench: Bench | None


class NobodyElse:
    """The approver of a bare machine: nobody has credentials there."""

    def approve(self, request: Request, person: str) -> str:
        """Give nobody's name."""
        del request, person
        return ""

    def find_agreed(self, person: str, since: datetime) -> str:
        """Give nobody's name."""
        del person, since
        return ""


def where_estate_is() -> Path | None:
    """Give the estate file; None on a bare machine."""
    try:
        return find_estate_path()
    except WrongUseError:
        if os.environ.get("GIUCONG_ESTATE"):
            raise
        return None


def estate_place() -> Path:
    """Give the estate file, or where one would be: the Center's own runbooks lie beside it."""
    return where_estate_is() or Path("estate.toml").absolute()


@contextmanager
def at_desk(run: str = "") -> Iterator[Desk]:
    """Open what a run needs.

    Args:
        run: A run that is taken up; empty for a new one.
    """
    if where_estate_is() is None or (run and _began_bare(run)):
        with _at_bare_desk() as desk:
            yield desk
        return
    estate = load_estate()
    with at_bench(estate) as bench:
        yield Desk(estate.path, bench.catalog, bench.origin, estate.service.state, bench)


@contextmanager
def _at_bare_desk() -> Iterator[Desk]:
    folder = Path.cwd()
    text = _("there is no estate file: what is done is kept in {path}")
    write_line(text.format(path=folder / BARE_FILE))
    with closing(_open_bare(folder)) as catalog:
        origin = Origin(via="cli", login=login_at_terminal(), software=software_version())
        yield Desk(folder / "estate.toml", catalog, origin, folder, None)


def _open_bare(folder: Path) -> Catalog:
    return open_catalog(f"sqlite:///{folder / BARE_FILE}")


def _began_bare(run: str) -> bool:
    """Tell whether a run was begun in this folder before there was an estate file."""
    folder = Path.cwd()
    if not (folder / BARE_FILE).exists():
        return False
    with closing(_open_bare(folder)) as catalog:
        try:
            CatalogStates(catalog, Origin(via="cli")).load(run)
        except RunbookUseError:
            return False
    return True


def abandon_run(desk: Desk, reason: str, state: RunState) -> int:
    """End a run as it stands: first what was asked for in it and nobody has used, then itself.

    Args:
        desk: Where.
        reason: Why, for the journal.
        state: Of a run that is not over.
    """
    now, ended = datetime.now(UTC), 0
    origin = replace(desk.origin, reason=reason)
    with hold_site_lock(desk.locks, f"runbook-{state.id}", holder=state.id):
        states = CatalogStates(desk.catalog, origin)
        state = states.load(state.id)
        with desk.catalog.writing() as session:
            for request in list_requests(session):
                is_open = standing_of(request, now) in {"waiting", "approved"}
                if is_open and _is_of(request, state):
                    ended += withdraw(session, origin, request, reason, now)
        states.save(replace(state, standing="declined", ended_at=now))
    text = _(
        "The run is given up. What was done stays; requests that nobody used and ended: {count}"
    )
    write_line(text.format(count=ended))
    return 0


def _is_of(request: ApprovalRequest, state: RunState) -> bool:
    """Tell whether a request is of a run's step, or of a command that waits in one."""
    if request.action == "runbook-step":
        return bool(json.loads(request.plan).get("run") == state.id)
    return any(
        it.state == "waiting"
        and it.person == request.requested_by
        and it.started_at <= request.requested_at <= (it.ended_at or request.requested_at)
        for it in state.records
    )


def tell_others(desk: Desk, state: RunState) -> None:
    """Say it where another run of the same runbook for the same site is not over."""
    with desk.catalog.reading() as session:
        unfinished = list_unfinished(session)
    for it in unfinished:
        if it.runbook == state.runbook and it.values.get("site") == state.values.get("site"):
            text = N_(
                "another run of this runbook for it is not over: {run}, begun by {person};"
                " `{program} runbook.resume --run {run}` goes on with it, `--abandon` ends it"
            )
            write_line(fill(text, {"run": format_id(it.id), "person": it.person}))
