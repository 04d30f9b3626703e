"""The status of the service as a site, and of what stock restic says."""

from datetime import timedelta

import pytest

from ops.jobs.live import LastRun
from ops.status.cli import _site_row
from ops.status.problems import find_problems
from ops.terminal.output import Cell
from tests.unit.ops.status.test_status import NOW, a_run, a_site, facts, say

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


def an_own(**changes: object) -> dict[str, object]:
    return {"own": a_site(name="giucong", **changes)}


def test_a_service_that_has_never_saved_itself_can_wait_for_the_night() -> None:
    seen = facts(a_site(), **an_own(newest_at=None, last_backup=None))

    assert [(it.level, it.site) for it in find_problems(seen)] == [("yellow", "giucong")]


def test_a_service_whose_own_backup_was_due_longer_ago_than_it_may_be_is_red() -> None:
    seen = facts(a_site(), **an_own(newest_at=None, last_backup=None, due_since=NOW - 40 * HOUR))

    found = [(it.level, it.site, say(it).what) for it in find_problems(seen)]
    assert found == [("red", "giucong", "there is no backup yet")]


def test_the_table_says_that_there_is_no_backup_yet() -> None:
    own = a_site(name="giucong", newest_at=None, last_backup=None, last_check=None)
    seen = facts(a_site(), own=own)
    state = _site_row(own, seen, find_problems(seen))[1]

    assert state == Cell("no backup yet", "warning")


@pytest.mark.parametrize(
    ("changes", "level", "what"),
    [
        ({"newest_at": NOW - 40 * HOUR}, "red", "the newest backup is"),
        (
            {"last_backup": a_run("backup/giucong", "incomplete", "journal_broken", count=1)},
            "red",
            "last backup: incomplete: the journal does not hold: 1 faults",
        ),
        (
            {"last_verify": a_run("journal-verify/giucong", "failed", "journal_broken", count=2)},
            "red",
            "last look at the journal: failed: the journal does not hold: 2 faults",
        ),
        (
            {"newest_at": None, "last_backup": a_run("backup/giucong", "failed", "lost")},
            "red",
            "there is no backup yet",
        ),
    ],
)
def test_what_is_wrong_with_its_own_backup_is_told(
    changes: dict[str, object], level: str, what: str
) -> None:
    found = find_problems(facts(a_site(), **an_own(**changes)))

    assert found[0].level == level
    assert found[0].site == "giucong"
    assert say(found[0]).what.startswith(what)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (None, []),
        (a_run("witness/a"), []),
        (
            a_run("witness/a", "not_checked", "restic_missing", package="restic"),
            [("yellow", "install it: `apt-get install restic`")],
        ),
        (
            a_run("witness/a", "failed", "witness_disagrees", problem="restic check: 1"),
            [("red", "check: `giucong backup.check --site a --read-data`")],
        ),
    ],
)
def test_what_stock_restic_says_is_told(run: LastRun | None, told: list[tuple[str, str]]) -> None:
    found = find_problems(facts(a_site(last_witness=run)))

    assert [(it.level, say(it).next_step) for it in found] == told
