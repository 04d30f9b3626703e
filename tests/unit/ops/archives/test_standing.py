"""How the archive's places stand, how much of them a run reads, and when a run is red."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archive.fixity.scrub import SHELVES, ScrubReport, ScrubState, scrub
from ops.archives import fixity
from ops.archives.fixity import Checked, conclude, limits_of
from ops.archives.mend import Mended
from ops.archives.places import Place, PlaceState, standing_of
from tests.archive_roots import make_root

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
DAY = timedelta(days=1)
PLACE = Place("second", Path("/nowhere"), None, 30)


def state(**more: Any) -> PlaceState:
    return replace(PlaceState("second", ScrubState(NOW - 40 * DAY), objects=9), **more)


def clock(now: datetime) -> datetime:
    """A clock that stands."""
    return now


def passed(*days: int) -> ScrubState:
    """Every shelf was passed so many days ago, by turns."""
    moments = {it: NOW - days[at % len(days)] * DAY for at, it in enumerate(SHELVES)}
    return ScrubState(NOW - 40 * DAY, moments)


def test_the_oldest_byte_counts_and_a_pass_is_whole_when_every_shelf_was_passed() -> None:
    never = standing_of(PLACE, state())
    whole = standing_of(PLACE, state(scrub=passed(3, 31), checked_at=NOW))
    partly = ScrubState(NOW - 40 * DAY, {"00": NOW})
    begun = standing_of(PLACE, state(scrub=partly, checked_at=NOW))
    empty = standing_of(PLACE, state(objects=0))

    assert (never.oldest_at, never.full_pass_at, never.checked_at) == (NOW - 40 * DAY, None, None)
    assert (whole.oldest_at, whole.full_pass_at) == (NOW - 31 * DAY, NOW - 3 * DAY)
    assert whole.is_overdue(NOW)
    assert not standing_of(PLACE, state(scrub=passed(3, 29))).is_overdue(NOW)
    assert (begun.oldest_at, begun.full_pass_at) == (NOW - 40 * DAY, None)
    assert (empty.oldest_at, empty.is_overdue(NOW)) == (None, False)


@pytest.mark.slow
@pytest.mark.parametrize(("term", "every", "runs"), [(8, 1, 20), (30, 7, 10)])
def test_the_term_of_every_byte_holds_however_rare_runs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: int, every: int, runs: int
) -> None:
    monkeypatch.setattr(fixity, "LEAST_OBJECTS", 1)
    monkeypatch.setattr("archive.fixity.reader.AT_ONCE", 1)
    root, place = make_root(tmp_path / "root", objects=24), replace(PLACE, reread_days=term)
    known, checked_at, read = ScrubState(NOW), None, []
    for number in range(runs):
        now = NOW + number * every * DAY
        limits = replace(limits_of(24, place, checked_at, now), workers=1)
        report, known = scrub(root.path, known, limits, partial(clock, now))
        read.append(report.objects)
        checked_at = now
        assert now - known.oldest <= term * DAY

    assert max(read) < 24, "never all at once"
    assert known.oldest > NOW


def checked(read: int, *, items: int = 9, **more: Any) -> Checked:
    report = ScrubReport(objects=read, files=read, size=read)
    return Checked(PLACE, state(**({"scrub": passed(1)} | more)), items, report)


@pytest.mark.parametrize(
    ("seen", "mended", "outcome"),
    [
        (checked(9), Mended(), ("ok", "")),
        (checked(0), Mended(), ("failed", "archive_nothing_read")),
        (replace(checked(9), report=None), Mended(), ("failed", "archive_nothing_read")),
        (checked(0, items=0), Mended(), ("not_checked", "archive_empty")),
        (checked(9, damaged=("a", "b")), Mended(), ("failed", "archive_damaged")),
        (
            checked(9, damaged=("a",) * 21),
            Mended(stopped=("second",)),
            ("failed", "archive_much_damaged"),
        ),
        (checked(9, lacks=1), Mended(), ("incomplete", "archive_copy_lacks")),
        (checked(9, scrub=passed(31)), Mended(), ("incomplete", "archive_overdue")),
        (checked(9), Mended(done=[("second", "a")]), ("ok", "archive_repaired")),
    ],
)
def test_a_run_that_read_nothing_or_left_damage_is_red(
    seen: Checked, mended: Mended, outcome: tuple[str, str]
) -> None:
    result = conclude([seen], mended, NOW)

    assert (result.outcome, result.reason) == outcome


def test_a_run_reads_its_share_and_more_after_days_without_one() -> None:
    assert limits_of(100_000, PLACE, NOW - DAY, NOW).objects == 6_667
    assert limits_of(100_000, PLACE, NOW - 3 * DAY, NOW).objects == 20_000
    assert limits_of(10, PLACE, None, NOW).objects == fixity.LEAST_OBJECTS
