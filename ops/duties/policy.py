"""The backup policy as a table out of the estate: what an auditor asks for first; pure.

One row for each class of content and each way its sites are backed up; sites without a class make a
row of their own. Everything is plain values, so that a version can be kept and compared. Copies
that the policy names and no store holds are told with it (`find_missing`): a policy on paper proves
nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.canonical import digest_of
from ops.catalog.tables.index import Snapshot
from ops.duties.table.models import Duty, Every
from ops.estate.model.estate import Estate
from ops.estate.model.people import ContentClass
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.language.text import N_, _, fill
from ops.terminal.document import plain

NO_CLASS = ""
_KINDS = {
    "content": "business-data",
    "config": "configuration",
    "system": "system",
    "access-log": "system",
}


@dataclass(frozen=True, slots=True)
class PolicyPlace:
    """One copy: which store, where, on what, in which role, locked how long (0: not), kept how."""

    store: str
    location: str
    medium: str
    role: str
    locked_days: int
    retention: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RestoreTest:
    """One duty that asks for a trial restore: its name and length of period, e.g. `3 months`."""

    duty: str
    every: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One row of the policy.

    Attributes:
        name: Class and first site, unique in the table.
        data_class: Name of the class; empty for sites without one.
        title: The class's title.
        personal_data: Whether it holds personal data.
        sites: Names of the sites it holds for, in the order of the estate.
        parts: Kinds of parts: `database`, `business-data`, `configuration`, `system`.
        frequency: Schedule texts by what runs: `backup`, `full_read`, `check`, `databases`.
        method: `incremental`, `encrypted`, and `full_read` where every byte is read again.
        places: Every copy.
        rpo_hours, rto_hours: The Center's own targets.
        restore_tests: Duties that ask for one.
        persons: Who answers for the sites, in the order of the estate.
        basis: What the policy rests on.
    """

    name: str
    data_class: str
    title: str
    personal_data: bool
    sites: tuple[str, ...]
    parts: tuple[str, ...]
    frequency: Mapping[str, Any]
    method: tuple[str, ...]
    places: tuple[PolicyPlace, ...]
    rpo_hours: int
    rto_hours: int
    restore_tests: tuple[RestoreTest, ...]
    persons: tuple[str, ...]
    basis: tuple[str, ...]

    @property
    def copies(self) -> int:
        """How many copies there are."""
        return len(self.places)


def make_policy(estate: Estate, duties: Iterable[Duty]) -> tuple[PolicyRow, ...]:
    """Give the table for an estate.

    Args:
        estate: As loaded.
        duties: Those in force on the day.
    """
    known = tuple(duties)
    classes = {it.name: it for it in estate.classes}
    rows: list[PolicyRow] = []
    for name in (*classes, NO_CLASS):
        sites = [it for it in estate.named_sites if name in (it.classes or (NO_CLASS,))]
        found = classes.get(name)
        rows += (_row(estate, found, group, known) for group in _alike(estate, sites, known))
    return tuple(rows)


def _row(
    estate: Estate, found: ContentClass | None, group: list[Site], duties: tuple[Duty, ...]
) -> PolicyRow:
    return PolicyRow(
        name=f"{found.name if found else '-'}/{group[0].name}",
        data_class=found.name if found else NO_CLASS,
        title=(found.title or found.name) if found else "",
        personal_data=found is not None and found.personal_data,
        sites=tuple(it.name for it in group),
        persons=tuple(dict.fromkeys(it.owner for it in group if it.owner)),
        **_ways_of(estate, group[0], duties),
    )


def _alike(estate: Estate, sites: Iterable[Site], duties: tuple[Duty, ...]) -> Iterator[list[Site]]:
    """Put sites that are backed up in the same way together, in the order of the estate."""
    groups: dict[str, list[Site]] = {}
    for site in sites:
        ways = _ways_of(estate, site, duties)
        digest = digest_of({key: plain(value) for key, value in ways.items()})
        groups.setdefault(digest, []).append(site)
    yield from groups.values()


def _ways_of(estate: Estate, site: Site, duties: tuple[Duty, ...]) -> dict[str, Any]:
    concerned = [it for it in duties if _concerns(it, estate, site)]
    schedule = site.schedule
    kinds = [_KINDS[it.kind] for it in site.files] + ["database" for _part in site.databases]
    full = ("full_read",) if schedule.full_read else ()
    return {
        "parts": tuple(sorted(set(kinds))),
        "frequency": {
            "backup": schedule.backup,
            "full_read": schedule.full_read,
            "check": schedule.check,
            "databases": sorted({it.schedule for it in site.databases if it.schedule}),
        },
        "method": ("incremental", "encrypted", *full),
        "places": tuple(_place(estate, site, store) for store in estate.stores),
        "rpo_hours": site.targets.rpo_hours,
        "rto_hours": site.targets.rto_hours,
        "restore_tests": tuple(
            RestoreTest(it.name, length_of(it.every))
            for it in concerned
            if it.evidence.query in {"restores", "drills"} and it.every is not None
        ),
        "basis": tuple(dict.fromkeys(_bases(estate, site, concerned))),
    }


def _place(estate: Estate, site: Site, store: Store) -> PolicyPlace:
    lock = store.object_lock
    retention = estate.retention_for(site, store).model_dump(mode="json")
    alone = {it.name: it.retention.model_dump(mode="json") for it in site.databases if it.retention}
    if alone:
        retention["databases"] = alone
    days = lock.days if lock else 0
    return PolicyPlace(store.name, store.location, store.medium, store.role, days, retention)


def _bases(estate: Estate, site: Site, duties: Iterable[Duty]) -> Iterator[str]:
    for duty in duties:
        if duty.evidence.query in {"runs", "restores", "copies"} and duty.nature != "own":
            yield from (it.document for it in duty.basis)
    minimum = estate.retention_for(site, estate.primary_store)
    if minimum.minimum_basis:
        yield minimum.minimum_basis


def _concerns(duty: Duty, estate: Estate, site: Site) -> bool:
    level = next((it.level for it in estate.systems if it.name == site.system), None)
    scope = duty.applies
    if scope.kind == "organisation" or scope.role not in {None, site.role}:
        return False
    if scope.kind == "system" and site.system is None:
        return False
    return not scope.levels or level in scope.levels


def length_of(every: Every | None) -> str:
    """Give a period's length as `3 months`; empty for dates and events."""
    return f"{every.count} {every.unit}" if every is not None and every.count else ""


def document_of(rows: Iterable[PolicyRow]) -> dict[str, Any]:
    """Give the table as plain JSON values, the form that is kept and compared."""
    return {"rows": [plain(row) for row in rows]}


_MOST_SHOWN = 5


def read_kept(session: Session) -> set[tuple[str, str]]:
    """Give the names of site and store wherever there is a snapshot of a site."""
    rows = session.execute(select(Snapshot.site, Snapshot.store).distinct())
    return {(site, store) for site, store in rows}


def find_missing(
    rows: Iterable[PolicyRow], kept: Collection[tuple[str, str]]
) -> dict[str, list[str]]:
    """Give the sites of which a store holds nothing although the policy says so, by store; pure."""
    missing: dict[str, dict[str, None]] = {}
    for row in rows:
        for place in row.places:
            for site in row.sites:
                if (site, place.store) not in kept:
                    missing.setdefault(place.store, {})[site] = None
    return {store: list(sites) for store, sites in missing.items()}


def tell_copies(row: PolicyRow, missing: Mapping[str, Sequence[str]]) -> str:
    """Say how many copies a row names, and where some of its sites have none."""
    lacking = [it.store for it in row.places if set(row.sites) & set(missing.get(it.store, ()))]
    if not lacking:
        return str(row.copies)
    text = _("{count} by the estate; not there yet for every site: {stores}")
    return text.format(count=row.copies, stores=", ".join(lacking))


def tell_missing(missing: Mapping[str, Sequence[str]], primary: str) -> list[str]:
    """Say what is not there, and what to type; a line for each store."""
    lines = []
    for store, sites in missing.items():
        shown = ", ".join(sites[:_MOST_SHOWN]) + (" …" if sites[_MOST_SHOWN:] else "")
        text = (
            N_("nothing is stored in {store} yet of: {sites} → `{program} backup.run-all`")
            if store == primary
            else N_(
                "nothing is stored in {store} yet of: {sites} →"
                " `{program} backup.copy --to {store}`"
            )
        )
        lines.append(fill(text, {"store": store, "sites": shown}))
    return lines
