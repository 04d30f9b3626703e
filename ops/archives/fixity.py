"""Read the archive back, bring its plain copies up to date, heal what is damaged.

Order, place by place:

1. A copy gets what it lacks; each object is read from the source and read back from the copy.
2. So much is read again that everything is within its term; the state is kept in the catalog.
3. What is damaged or missing is taken from a copy that proves itself, at last from the backup of
   the archive. Very much at once is left to a person (`archive.fixity.repair`).
4. Every repair is a row in the journal; the caller records the result.

A run that read nothing is red: it has checked nothing. Killed at any point, the next run goes on.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from archive.errors import ArchiveError
from archive.fixity.scrub import ScrubLimits, ScrubReport, scrub
from archive.ocfl.copies import CopyReport, update_copy
from archive.ocfl.layout import object_path
from backup.progress import SILENT, Progress
from ops.archives.mend import Mended, mend
from ops.archives.places import (
    PRIVATE,
    ArchivePlaceLostError,
    Place,
    PlaceState,
    all_places,
    make_roots,
    open_copy,
    opened_index,
    own_places,
    read_place,
    write_place,
)
from ops.archives.wording import as_cause
from ops.catalog.open import Catalog
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.jobs.run_now import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome
from ops.version import software_version

LEAST_OBJECTS = 500
_AHEAD = 2  # everything is read in half of its term, so that a week of failures breaks no term
_NAMED = 5

Reason = tuple[Outcome, str, dict[str, Any]]


@dataclass(slots=True)
class Checked:
    """What a run saw of one place.

    Attributes:
        place: Which.
        report: What was read; None where it could not be.
        copied: What a copy got; None for a root.
        trouble: Why it could not be read or copied to; empty otherwise.
        state: As it is kept now.
        items: How many objects there must be.
        is_read: Whether it was to be read, not repaired alone.
    """

    place: Place
    state: PlaceState
    items: int
    report: ScrubReport | None = None
    copied: CopyReport | None = None
    trouble: Mapping[str, Any] = field(default_factory=dict)
    is_read: bool = True


def check_archive(context: RunContext, progress: Progress = SILENT) -> JobResult:
    """Run it; the caller holds the lock of the site `luu-tru`.

    Arguments in the context: `place` reads that one alone; `all` reads every byte; `repair` reads
    nothing and heals what is known to be damaged; `confirm` has very much repaired at once.
    """
    estate, _version, _site = begin(context)
    with suppress(ArchivePlaceLostError):  # told below, as every place that cannot be read
        make_roots(estate, context.catalog)
    wanted = str(context.arguments.get("place", ""))
    places = [it for it in all_places(estate) if wanted in {it.name, ""}]
    everything = bool(context.arguments.get("all"))
    if context.arguments.get("repair"):
        seen = [_known(estate, context.catalog, place) for place in places]
    else:
        seen = [
            check_place(estate, context.catalog, place, everything=everything, progress=progress)
            for place in places
        ]
    bad = {it.place.name: it.state.damaged for it in seen if it.state.damaged}
    confirmed = bool(context.arguments.get("confirm"))
    mended = mend(context, estate, bad, confirmed=confirmed) if bad else Mended()
    for it in seen:
        if mended.done and it.state.lacks:
            copied = bring_up_to_date(estate, context.catalog, it.place, progress)
            it.state = replace(it.state, lacks=copied.left_out if copied else it.state.lacks)
        left = tuple(path for path in it.state.damaged if path in mended.left(it.place.name))
        it.state = replace(it.state, damaged=left)
        with context.catalog.writing() as session:
            write_place(session, it.state)
    return conclude(seen, mended, datetime.now(UTC))


def _known(estate: Estate, catalog: Catalog, place: Place) -> Checked:
    with catalog.reading() as session:
        state = read_place(session, place.name, datetime.now(UTC))
    items = sum(map(len, _expected(estate, place).values()))
    return Checked(place, state, items, is_read=False)


def check_place(
    estate: Estate, catalog: Catalog, place: Place, *, everything: bool, progress: Progress
) -> Checked:
    """Bring a copy up to date, and read what is due; the state is kept before it returns."""
    now = datetime.now(UTC)
    with catalog.reading() as session:
        state = read_place(session, place.name, now)
    paths = _expected(estate, place)
    items = sum(map(len, paths.values()))
    done = Checked(place, state, items)
    try:
        if place.index is None:
            done.copied = bring_up_to_date(estate, catalog, place, progress)
            if done.copied is not None:
                state = replace(state, lacks=done.copied.left_out)
        limits = ScrubLimits() if everything else limits_of(items, place, state.checked_at, now)
        progress.start("read the archive", None, "bytes")
        report, scrubbed = scrub(
            place.folder,
            state.scrub,
            limits,
            lambda: datetime.now(UTC),
            expected=lambda shelf: paths.get(shelf, ()),
            say=_Told(progress).tell,
        )
        progress.finish()
    except (ArchiveError, OpsError) as error:
        done.trouble = as_cause(error)
        return done
    damaged = dict.fromkeys([*state.damaged, *(it.path for it in report.damaged)])
    done.report = report
    done.state = replace(
        state,
        scrub=scrubbed,
        objects=items,
        damaged=tuple(damaged),
        checked_at=now if report.objects else state.checked_at,
    )
    with catalog.writing() as session:
        write_place(session, done.state)
    return done


def bring_up_to_date(
    estate: Estate, catalog: Catalog, place: Place, progress: Progress = SILENT
) -> CopyReport | None:
    """Give a plain copy what it lacks, and read that back; None where the public root is lost.

    Raises:
        ArchivePlaceLostError: The copy was there before, and is not.
        ArchiveError: It cannot be written, or another process writes to it.
    """
    root, public = open_copy(place, catalog), own_places(estate)[0]
    if not public.is_there:
        return None
    progress.start("update the copy", None, "items")
    report = update_copy(public.root(), root, say=_Told(progress).tell_copied)
    progress.finish()
    with catalog.writing() as session:  # from now on it is known that there was one
        state = read_place(session, place.name, datetime.now(UTC))
        write_place(session, replace(state, objects=report.objects, lacks=report.left_out))
    return report


class _Told:
    """Passes on how far a scrub is."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._size, self._objects = progress, 0, 0

    def tell(self, report: ScrubReport) -> None:
        """Tell what was read since the last time."""
        self._progress.advance(report.size - self._size, items=report.objects - self._objects)
        self._size, self._objects = report.size, report.objects

    def tell_copied(self, report: CopyReport) -> None:
        """Tell how many objects were looked at since the last time."""
        self._progress.advance(report.objects - self._objects)
        self._objects = report.objects


def limits_of(items: int, place: Place, checked_at: datetime | None, now: datetime) -> ScrubLimits:
    """Give how much of a place a run reads, so that its term holds, however rare runs are; pure."""
    days = place.reread_days
    since = max(1, (now - checked_at).days) if checked_at else 1
    share = max(LEAST_OBJECTS, ceil(_AHEAD * items * since / days))
    return ScrubLimits(objects=share, fresh_since=now - timedelta(days=days) / _AHEAD)


def _expected(estate: Estate, place: Place) -> dict[str, Collection[str]]:
    """Give the paths of the objects that a place must have, by shelf."""
    public, private = own_places(estate)
    of = private if place.name == PRIVATE else public
    paths: dict[str, list[str]] = {}
    with opened_index(of, read_only=True) as index:
        for item_id in index.ids():
            path = object_path(item_id)
            paths.setdefault(path.partition("/")[0], []).append(path)
    return dict(paths)


def conclude(seen: list[Checked], mended: Mended, now: datetime) -> JobResult:
    """Give the result of a run; pure."""
    summary: dict[str, Any] = {
        "places": [_summary_of(it, now) for it in seen],
        "repaired": len(mended.done),
        "stopped": list(mended.stopped),
        "software": software_version(),
    }
    reasons = list(_reasons(seen, mended, now))
    if not reasons:
        return JobResult("ok", summary=summary)
    outcome, reason, params = reasons[0]
    return JobResult(outcome, reason, params, summary)


def _reasons(seen: list[Checked], mended: Mended, now: datetime) -> Iterator[Reason]:
    """Give what is not as it should be, the gravest first."""
    yield from _about_damage(seen, mended)
    for it in seen:
        if it.trouble:
            yield "failed", "archive_place_lost", {"place": it.place.name, "why": it.trouble}
        elif it.items and it.is_read and not (it.report and it.report.objects):
            yield "failed", "archive_nothing_read", {"place": it.place.name}
    for it in seen:
        yield from _about_place(it, now)
    if mended.done:
        yield "ok", "archive_repaired", {"count": len(mended.done)}
    if not any(it.items for it in seen):
        yield "not_checked", "archive_empty", {}


def _about_damage(seen: list[Checked], mended: Mended) -> Iterator[Reason]:
    left = [f"{it.place.name}: {path}" for it in seen for path in it.state.damaged]
    if mended.stopped:
        places = ", ".join(mended.stopped)
        yield "failed", "archive_much_damaged", {"count": len(left), "places": places}
    elif left:
        yield "failed", "archive_damaged", {"count": len(left), "first": left[:_NAMED]}


def _about_place(it: Checked, now: datetime) -> Iterator[Reason]:
    place: dict[str, Any] = {"place": it.place.name}
    if it.report and it.report.refused:
        count = len(it.report.refused)
        yield "incomplete", "archive_not_readable", {**place, "count": count}
    if it.state.lacks:
        yield "incomplete", "archive_copy_lacks", {**place, "count": it.state.lacks}
    age = now - it.state.scrub.oldest
    if it.items and age > timedelta(days=it.place.reread_days):
        params = {**place, "days": age.days, "longest": it.place.reread_days}
        yield "incomplete", "archive_overdue", params


def _summary_of(it: Checked, now: datetime) -> dict[str, Any]:
    report, copied = it.report or ScrubReport(), it.copied
    return {
        "place": it.place.name,
        "items": it.items,
        "read": report.objects,
        "bytes": report.size,
        "damaged": report.damaged_count,
        "wavered": len(report.wavered),
        "oldest_days": max(0, (now - it.state.scrub.oldest).days) if it.items else 0,
        "copied": copied.versions if copied else 0,
        "lacks": it.state.lacks,
        "trouble": dict(it.trouble),
    }
