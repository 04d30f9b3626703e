"""What is said of snapshots and packs that a store has promised to keep for now."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from backup.prune.prune import PruneFigures, PruneResult
from backup.repository.object_lock import Locked
from backup.repository.repack_workers import Moved
from backup.retention.forget import ForgetResult
from backup.stores.s3.versions import Purge
from ops.backups.retention.job import conclude, write_locked
from ops.schedule.ledger.job import JobResult
from tests.integration.jobs.small_estate import build_estate


def test_locked_snapshots_are_no_failure_and_told() -> None:
    forgotten = ForgetResult(
        "ok",
        ("a",),
        (),
        (("b", "2026-12-01T00:00:00Z"), ("c", "2026-12-24T01:00:00Z")),
    )
    result = conclude(forgotten, None)

    assert result.outcome == "ok"
    assert result.summary == {
        "forgotten": 1,
        "locked_snapshots": 2,
        "locked_packs": 0,
        "locked_until": "2026-12-24T01:00:00Z",
    }


def test_objects_that_somebody_overwrote_are_told() -> None:
    figures = PruneFigures(*[0] * len(fields(PruneFigures)))
    purge = Purge(removed=3, odd=("data/ab/one", "keys/two"))
    result = conclude(None, PruneResult("ok", figures, Moved(0, 0, 0, ()), superseded=purge))

    assert (result.outcome, result.reason) == ("incomplete", "objects_overwritten")
    assert result.params == {"count": 2, "first": "data/ab/one"}


def test_without_promises_nothing_is_said() -> None:
    assert conclude(ForgetResult("ok", ("a",), ()), None).summary == {"forgotten": 1}


def test_two_sights_of_what_is_locked_are_joined() -> None:
    early, late = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    joined = Locked(frozenset({"a"}), late).joined(Locked(frozenset({"b"}), early))

    assert joined == Locked(frozenset({"a", "b"}), late)
    assert Locked().joined(Locked()).until is None


def test_the_moment_is_told_in_the_organisation_s_zone(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    monkeypatch.setenv("GIUCONG_ESTATE", str(build_estate(tmp_path_factory.mktemp("estate"))))
    summary = {
        "locked_snapshots": 2,
        "locked_packs": 31,
        "locked_until": "2026-12-24T18:00:00Z",
    }
    write_locked(JobResult("ok", summary=summary))

    assert "2 snapshots, 31 packs; the last until" in capsys.readouterr().out
