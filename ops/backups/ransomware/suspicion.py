"""Which backups of a site are in doubt, and the last moment before: told first where one restores.

In doubt is what was made since a finding that nobody has accepted, and the newest backups as long
as each of them was suspicious: a site that has lost its tables, a page that fails.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.snapshot import Snapshot
from ops.alerts.drafts import FROZEN, SUSPICIOUS
from ops.backups.pages.verdict import UNLIKE
from ops.backups.ransomware.freeze import (
    find_accepted_run,
    find_freeze,
    params_of,
    whole_runs,
)
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Run
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.language.formats import format_second
from ops.language.text import _
from ops.outcomes import Explanation, explain
from ops.terminal.output import write_indented

_MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why backups are in doubt.

    Attributes:
        site: Name.
        since: When the first of them was begun.
        reason, params: As `explain` takes them.
    """

    site: str
    since: datetime
    reason: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def explain(self) -> Explanation:
        """Say in words what was found, in the current language."""
        return explain(self.reason, self.params, site=self.site)

    def as_values(self, estate: Estate) -> dict[str, object]:
        """Give JSON values, for approvals; the moment as the organisation's clock shows it."""
        since = self.since.astimezone(estate.zone).isoformat()
        return {"since": since, "reason": self.reason, "params": dict(self.params)}

    def find_before(self, snapshots: Iterable[Snapshot]) -> Snapshot | None:
        """Give the newest snapshot of the whole site from before; None where there is none."""
        whole = (it for it in snapshots if it.paths == (f"/{self.site}",) and it.time < self.since)
        return max(whole, key=lambda it: it.time, default=None)


def find_suspicion(session: Session, site: str) -> Suspicion | None:
    """Give why the newest backups of a site are in doubt; None where they are not."""
    streak = list(_list_suspicious(session, site))
    found = [Suspicion(site, it.started_at, it.reason, it.params) for it in streak[-1:]]
    freeze = find_freeze(session, site)
    if freeze is not None:
        begun = session.get(Run, UUID(freeze.run)) if freeze.run else None
        since = begun.started_at if begun else freeze.found_at
        found.insert(0, Suspicion(site, since, FROZEN, params_of(freeze)))
    return min(found, key=lambda it: it.since, default=None)


def _list_suspicious(session: Session, site: str) -> Iterator[Run]:
    """Yield the newest runs as long as they were suspicious, the newest first."""
    accepted = find_accepted_run(session, site)
    for run in session.execute(
        select(Run).where(*whole_runs(site)).order_by(Run.started_at.desc()).limit(_MOST_RUNS)
    ).scalars():
        if run.reason not in {SUSPICIOUS, UNLIKE} or run.id == accepted:
            return
        yield run


def tell_doubt(value: Mapping[str, Any]) -> str:
    """Say in words what stands in a request's plan (`Suspicion.as_values`)."""
    since = datetime.fromisoformat(value["since"])
    told = Suspicion("", since, value["reason"], value["params"]).explain()
    return _("in doubt, from {moment} on: {what}").format(
        moment=since.strftime("%d/%m/%Y %H:%M:%S"), what=told.what
    )


def _tell_taken(value: Mapping[str, str]) -> str:
    return ", ".join(
        f"{snapshot} → {datetime.fromisoformat(moment):%d/%m/%Y %H:%M:%S}"
        for snapshot, moment in value.items()
    )


PLAN_WORDS = {"doubt": tell_doubt, "taken_at": _tell_taken}


def look_for_suspicion(estate: Estate, site: str) -> Suspicion | None:
    """Give it from the catalog; None, too, while that cannot be opened."""
    try:
        catalog = open_catalog(reveal(estate.catalog.url))
    except OpsError:
        return None
    with catalog, catalog.reading() as session:
        return find_suspicion(session, site)


def write_suspicion(suspicion: Suspicion, snapshots: Iterable[Snapshot], zone: str) -> None:
    """Write that the newest backups are in doubt, and which one to take instead.

    Args:
        suspicion: What was found.
        snapshots: Of the store that is restored from.
        zone: Time zone of the organisation.
    """
    told = suspicion.explain()
    text = _("in doubt, from {moment} on: {what}").format(
        moment=format_second(suspicion.since, zone), what=told.what
    )
    write_indented(text, "  ", "    ", style="bold red")
    write_indented(told.why, "    ")
    before = suspicion.find_before(snapshots)
    text = _("no backup here is from before that")
    if before is not None:
        text = _(
            "the last moment before: {moment}; to have it, add `--snapshot {snapshot}`"
        ).format(moment=format_second(before.time, zone), snapshot=before.short_id)
    write_indented(text, "    ")
