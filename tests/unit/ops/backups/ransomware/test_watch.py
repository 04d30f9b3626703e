"""What a backup is compared with, and which backups teach what is usual."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup.format.snapshot import Snapshot
from ops.backups.ransomware.verdict import LEARNT_FROM, ChangeFigures, judge_change
from ops.backups.ransomware.watch import find_reference, learn
from ops.estate.model.policies import Watch

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def snapshots(count: int) -> list[Snapshot]:
    return [
        Snapshot(time=NOW + timedelta(days=day), tree=b"", paths=("/a",), hostname="a", id=str(day))
        for day in range(count)
    ]


def judged(*ids: int) -> list[dict[str, Any]]:
    return [{"snapshot": str(it), "watch": {}} for it in ids]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ((2, 1, 0), "2"),
        ((1, 0), "1"),  # the run that made 2 was killed: what it saved is judged with 3
        ((9, 1), "1"),  # 9 was forgotten since
        ((), "2"),
        ((3, 2), "2"),  # never with itself
    ],
)
def test_a_backup_is_compared_with_the_last_one_that_was_judged(
    known: tuple[int, ...], expected: str
) -> None:
    whole = snapshots(4)
    found = find_reference(whole, whole[3], judged(*known))
    assert found is not None
    assert found.id == expected


def test_the_first_backup_is_compared_with_nothing() -> None:
    whole = snapshots(1)
    assert find_reference(whole, whole[0], judged(0)) is None


def test_a_suspicious_backup_teaches_nothing_and_an_accepted_one_does() -> None:
    def run(changed: int, **found: Any) -> dict[str, Any]:
        figures = asdict(ChangeFigures(files=9, changed=changed))
        return {"snapshot": "1", "watch": {"figures": figures, "signals": [], **found}}

    suspicious = run(2, signals=[{"measure": "encrypted"}])
    accepted = run(3, accepted=[{"measure": "encrypted"}])
    first = {"snapshot": "0", "watch": {}}
    assert [it.changed for it in learn([run(1), suspicious, accepted, first])] == [1, 3]
    assert len(learn([run(1)] * 100)) == LEARNT_FROM


def test_the_estates_bounds_are_shares() -> None:
    all_gone = ChangeFigures(
        files=100, changed=100, removed=100, renamed=100, hardened=100, samples=32, sealed=32
    )
    bounds = {it.measure: it.bound for it in judge_change(all_gone, [], Watch())}
    assert bounds == {"encrypted": 0.1, "hardened": 0.2, "relabelled": 0.4, "lost": 0.7}
