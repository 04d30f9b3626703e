import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ops.alerts.decisions import subject_of
from ops.alerts.drafts import draft_notices
from ops.alerts.overview import AlertView, Telling
from ops.backups.copies.rule_32110 import CopyFacts, RulePart
from ops.backups.copies.seen import HeldGone
from ops.backups.retention.deletion_records import Loss
from ops.jobs.live import LastRun
from ops.outcomes import Explanation
from ops.schedule.ledger.job import LedgerEvent
from ops.status.cli import format_age
from ops.status.facts import Facts, OverdueReview, SiteFacts
from ops.status.problem import Problem
from ops.status.problem_wording import explain_problem, summarize
from ops.status.problems import find_problems, judge
from ops.terminal.printer import wrap

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def say(problem: Problem) -> Explanation:
    """Give a problem's sentences."""
    return explain_problem(problem, "Asia/Ho_Chi_Minh")


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


def a_run(job: str, outcome: str = "ok", reason: str = "", **params: Any) -> LastRun:
    return LastRun(job, outcome, reason, params, NOW - HOUR)


def a_site(**changes: Any) -> SiteFacts:
    values: dict[str, Any] = {
        "name": "a", "title": "A", "rpo": 24 * HOUR, "reread": timedelta(days=30),
        "newest_at": NOW - 2 * HOUR, "newest_outcome": "ok", "snapshots": 3,
        "last_backup": a_run("backup/a"), "last_check": a_run("check/a"),
    }  # fmt: skip
    return SiteFacts(**values | changes)


def a_copy(store: str, role: str, newest_at: datetime | None) -> CopyFacts:
    return CopyFacts(store=store, role=role, location="x", medium="disk", newest_at=newest_at)


def facts(*sites: SiteFacts, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "now": NOW, "zone": "Asia/Ho_Chi_Minh", "sites": sites, "is_service_running": True,
        "has_relay": True,
    }  # fmt: skip
    return Facts(**values | changes)


def test_when_all_is_well_there_is_nothing_to_say_but_one_line() -> None:
    seen = facts(a_site())

    assert find_problems(seen) == []
    assert summarize(seen, []) == (
        "1 of 1 sites are well backed up; the oldest of their newest backups is 2 hours old."
    )


@pytest.mark.parametrize(
    ("site", "level", "what"),
    [
        (a_site(newest_at=None), "red", "there is no backup yet"),
        (a_site(newest_at=NOW - 30 * HOUR), "red", "the newest backup is 1 day 6 hours old"),
        (
            a_site(last_backup=a_run("backup/a", "failed", "lost")),
            "red",
            "last backup: failed: the process that did the work is gone",
        ),
        (
            a_site(last_backup=a_run("backup/a", "incomplete", "unreadable", count=2, first=[])),
            "yellow",
            "last backup: incomplete: 2 files or folders could not be read",
        ),
        (
            a_site(last_check=a_run("check/a", "failed", "damaged", count=1, first=[])),
            "red",
            "last check: failed: 1 faults were found in the repository",
        ),
        (a_site(last_check=None), "yellow", "the backups were never checked"),
        (
            a_site(losses=(Loss("near", 2, NOW, held=1, reference="05/QĐ"),)),
            "red",
            "1 snapshots that are held are gone from near, not by this service",
        ),
        (
            a_site(losses=(Loss("near", 2, NOW),)),
            "yellow",
            "2 snapshots are gone from near, not by this service",
        ),
        (a_site(missed=2), "yellow", "2 runs were missed in the last 7 days"),
    ],
)
def test_each_problem_is_told_with_its_level_and_a_command(
    site: SiteFacts, level: str, what: str
) -> None:
    (problem,) = find_problems(facts(site))

    assert (problem.level, problem.site) == (level, "a")
    assert say(problem).what.startswith(what)
    assert say(problem).next_step


def test_red_comes_first_and_is_not_counted_as_well() -> None:
    seen = facts(a_site(missed=1), a_site(name="b", newest_at=None), is_service_running=False,
                 has_relay=False, undelivered=(1, 0))  # fmt: skip
    problems = find_problems(seen)

    assert [it.level for it in problems] == ["red", *["yellow"] * 4]
    assert summarize(seen, problems).startswith("1 of 2 sites are well backed up")


@pytest.mark.parametrize("reason", ["suspicious", "unreadable"])
def test_a_site_whose_backup_lacks_something_is_not_well_backed_up(reason: str) -> None:
    loss = {"what": "table", "part": "db", "name": "tin", "before": 120, "now": 0}
    outcome = "ok" if reason == "suspicious" else "incomplete"
    run = a_run("backup/a", outcome, reason, oddities=[], losses=[loss], lost=1, count=1, first=[])
    seen = facts(a_site(last_backup=run), a_site(name="b", last_backup=a_run("backup/b")))
    (problem,) = find_problems(seen)

    assert problem.level == "yellow"
    assert summarize(seen, [problem]).startswith("1 of 2 sites are well backed up")
    if reason == "suspicious":
        assert "the table tin of the database db is gone; it had 120 rows" in say(problem).why
        assert say(problem).what.startswith("last backup: look at it: ")


def test_a_notice_that_was_given_up_is_red_and_nobody_says_it_is_tried_again() -> None:
    (problem,) = find_problems(facts(a_site(), undelivered=(0, 1)))

    assert problem.level == "red"
    assert "tried again" not in say(problem).next_step
    assert "service.notify-test" in say(problem).next_step


def test_notices_still_tried_and_given_up_are_told_apart() -> None:
    red, yellow = find_problems(facts(a_site(), undelivered=(2, 1)))

    assert (red.level, yellow.level) == ("red", "yellow")
    assert say(red).what.startswith("1 notices were given up")
    assert say(yellow).what.startswith("2 notices did not get through")


def test_a_failure_that_explained_itself_keeps_its_words() -> None:
    run = a_run(
        "backup/a", "failed", "store_full", what="the store {name} is full",
        why="0 bytes are free", data="nothing was lost", next_step="make room",
        params={"name": "near"},
    )  # fmt: skip
    (problem,) = find_problems(facts(a_site(last_backup=run)))

    assert say(problem).what == "last backup: failed: the store near is full"
    assert (say(problem).why, say(problem).data) == ("0 bytes are free", "nothing was lost")


def an_alert(**changes: Any) -> AlertView:
    values: dict[str, Any] = {
        "id": "3f2a9c1b", "full_id": "00" * 12 + "3f2a9c1b", "subject": "job:backup/a",
        "severity": "critical", "code": "failed", "job": "backup/a", "site": "a",
        "params": {"kind": "backup", "due_at": NOW.isoformat(), "reason": "lost", "params": {}},
        "opened_at": NOW, "seen_at": NOW, "times": 1, "step": 0, "acked_at": None, "acked_by": "",
        "ack_note": "", "closed_at": None, "told": (Telling("nva", "sent", 0, NOW),),
    }  # fmt: skip
    return AlertView(**values | changes)


def test_an_alert_that_no_fact_tells_of_is_a_problem_and_one_it_does_is_not_told_twice() -> None:
    failed = a_site(last_backup=a_run("backup/a", "failed", "lost"))
    hourly = an_alert(subject="job:backup-database/a/db", job="backup-database/a/db")
    (known,) = find_problems(facts(failed, alerts=(an_alert(),)))
    (unknown,) = find_problems(facts(a_site(), alerts=(hourly,)))

    assert known.subject == "job:backup/a"
    assert say(known).what.startswith("last backup: failed")
    assert (unknown.level, unknown.site, unknown.subject) == ("red", "a", hourly.subject)
    assert say(unknown).what.startswith("backup of 25/11/2026 01:00 +07:00 failed")


def test_a_vacant_duty_is_told() -> None:
    (problem,) = find_problems(facts(a_site(), is_duty_vacant=True))

    assert say(problem).what.startswith("nobody is on duty today")


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (-HOUR, "0 seconds"),
        (timedelta(minutes=59), "59 minutes"),
        (HOUR + timedelta(minutes=59), "1 hour"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
        (1000 * HOUR, "41 days"),
    ],
)
def test_an_age_in_a_table_is_one_unit(age: timedelta, told: str) -> None:
    assert format_age(age) == told


def test_a_command_is_never_broken() -> None:
    text = "what to do about it is to type `giucong backup.run --site so-y-te` at once"

    assert wrap(text, 40, "  ", "    ") == [
        "  what to do about it is to type",
        "    `giucong backup.run --site so-y-te`",
        "    at once",
    ]


def test_backups_that_are_gone_are_never_called_safe() -> None:
    near = replace(a_copy("near", "primary", NOW - HOUR), gone_from="/srv/near/a")
    far = replace(a_copy("far", "copy", NOW - HOUR), snapshots=1)
    seen = facts(a_site(copies=(near, far)))
    (gone,) = find_problems(seen)

    assert (gone.level, say(gone).what) == (
        "red",
        "the backups in near are gone: /srv/near/a is not there",
    )
    assert say(gone).data == "other stores have backups: far"
    assert summarize(seen, [gone]).startswith("0 of 1 sites")
    for role, level in (("copy", "yellow"), ("mirror", "yellow")):
        lost = replace(far, role=role, gone_from="/srv/far/a")
        (problem,) = find_problems(facts(a_site(copies=(replace(near, gone_from=""), lost))))
        assert problem.level == level


def test_a_store_that_is_not_there_is_told_once_for_all_sites() -> None:
    names = tuple("abcdefg")
    sites = []
    for name in names:
        near = replace(a_copy("near", "primary", NOW - HOUR), gone_from=f"/srv/near/{name}")
        far = replace(a_copy("far", "copy", NOW - HOUR), snapshots=int(name != "g"))
        sites.append(a_site(name=name, copies=(near, far)))
    seen = facts(*sites, a_site(name="h"))
    gone, alone = find_problems(seen)

    assert say(gone).what == (
        "the backups in near are gone: a, b, c, d, e and 1 more are not in /srv/near"
    )
    assert say(gone).next_step.endswith("`ls -la /srv/near`")
    assert say(gone).data == "other stores have backups: far"
    assert (alone.site, say(alone).data) == ("g", "no other store has backups of it")
    assert summarize(seen, [gone, alone]).startswith("1 of 8 sites")


def test_sites_whose_copies_are_damaged_alike_are_none_of_them_well() -> None:
    errors = RulePart("errors", "failed", {"wanted": 0, "found": 1, "stores": ["far"]})
    seen = facts(a_site(rule=(errors,)), a_site(name="b", rule=(errors,)), a_site(name="c"))
    (damaged,) = problems = find_problems(seen)

    assert (damaged.level, damaged.site, damaged.alike) == ("red", "", ("a", "b"))
    assert say(damaged).data == ""  # nobody has checked another copy
    near = replace(a_copy("near", "primary", NOW - HOUR), checked="ok")
    (damaged,) = find_problems(facts(a_site(rule=(errors,), copies=(near,))))
    assert say(damaged).data == "the other copies are untouched"
    assert summarize(seen, problems).startswith("1 of 3 sites")


def test_each_broken_part_of_the_rule_is_told_once_with_a_command() -> None:
    places = RulePart("places", "failed", {"wanted": 1, "found": 0, "stores": []})
    copies = RulePart("copies", "failed", {"wanted": 3, "found": 2, "stores": ["far"]})
    errors = RulePart("errors", "failed", {"wanted": 0, "found": 1, "stores": ["far"]})
    locked = RulePart("locked", "not_checked", {"wanted": 1, "found": 0, "stores": ["far"]})
    both = facts(a_site(rule=(places, locked)), a_site(name="b", rule=(places, copies, errors)))
    damaged, away, few = find_problems(both)

    assert (away.level, away.site, say(away).why) == ("yellow", "", "sites: a, b")
    assert "1 copy in another place: there are 0" in say(away).what
    assert "`[[stores]]`" in say(away).next_step
    assert (few.level, few.site, say(few).next_step[-22:]) == (
        "yellow",
        "b",
        " backup.copy --to far`",
    )
    assert "there are 2; too old or unreadable, so not counted: far" in say(few).what
    assert (damaged.level, damaged.site) == ("red", "b")
    assert "backup.check --site b --store far --read-data" in say(damaged).next_step
    assert find_problems(facts(a_site(rule=(replace(places, outcome="ok"),)))) == []
    nothing = a_site(newest_at=None, rule=(places,))
    assert [say(it).what for it in find_problems(facts(nothing))] == ["there is no backup yet"]


def test_nobody_is_told_to_copy_to_the_primary_store_or_that_what_is_gone_is_untouched() -> None:
    near = replace(a_copy("near", "primary", NOW - HOUR), gone_from="/srv/near/a")
    stale = {"wanted": 3, "found": 1, "stores": ["near", "far"]}
    site = a_site(copies=(near, a_copy("far", "copy", None)),
                  rule=(RulePart("copies", "failed", stale),))  # fmt: skip
    (told,) = [say(it) for it in find_problems(facts(site)) if "3-2-1-1-0" in say(it).what]

    assert told.next_step.endswith(" backup.copy --to far`")
    assert told.data == ""
    alone = replace(site, rule=(RulePart("copies", "failed", stale | {"stores": ["near"]}),))
    (told,) = [say(it) for it in find_problems(facts(alone)) if "3-2-1-1-0" in say(it).what]
    assert told.next_step.startswith("add a copy: ")


def test_what_is_held_of_a_retired_site_and_gone_is_red() -> None:
    gone = HeldGone("xa-cu", "near", "/srv/near/xa-cu", "05/QĐ-TTr")
    (problem,) = find_problems(facts(a_site(), held_gone=(gone,)))

    assert (problem.level, problem.site) == ("red", "xa-cu")
    assert say(problem).what == "the backups in near are gone: /srv/near/xa-cu is not there"
    assert say(problem).why == "they are held for 05/QĐ-TTr"


def test_a_review_of_roles_that_was_not_done_is_red() -> None:
    review = OverdueReview("role-review", {"vi": "", "en": "Review who"}, date(2026, 11, 1))
    (problem,) = find_problems(facts(a_site(), reviews=(review,)))

    assert (problem.level, say(problem).what) == (
        "red",
        "not done, and due by 01/11/2026: Review who",
    )
    assert "duty.review --duty role-review" in say(problem).next_step


@pytest.mark.parametrize(
    ("newest_at", "told"),
    [
        (NOW - 30 * HOUR, []),
        (NOW - 40 * HOUR, ["the newest copy in far is 1 day 16 hours old"]),
        (None, ["there is no copy yet in far"]),
    ],
)
def test_a_copy_that_does_not_follow_can_wait_for_the_day(
    newest_at: datetime | None, told: list[str]
) -> None:
    copies = (a_copy("near", "primary", NOW - HOUR), a_copy("far", "copy", newest_at))
    problems = find_problems(facts(a_site(copies=copies)))

    assert [say(it).what for it in problems] == told
    assert {it.level for it in problems} <= {"yellow"}


@pytest.mark.parametrize("kind", ["backup", "check", "forget", "witness", "scan", "archive"])
@pytest.mark.parametrize("outcome", ["failed", "incomplete"])
def test_the_state_of_a_run_is_judged_as_its_event_was(kind: str, outcome: str) -> None:
    run = a_run(f"{kind}/a", outcome, "lost")
    event = LedgerEvent(
        occasion="ended", job=run.job, kind=kind, site="a", due_at=NOW, outcome=outcome,  # type: ignore[arg-type] # one of both
        reason="lost",
    )  # fmt: skip
    (draft,) = draft_notices([event])
    (problem,) = judge(run, "a")

    assert (problem.subject, problem.code, problem.severity) == (
        subject_of(draft),
        draft.code,
        draft.severity,
    )


def test_a_problem_holds_json_values_and_no_words() -> None:
    review = OverdueReview("role-review", {"vi": "", "en": "Review who"}, date(2026, 11, 1))
    near = replace(a_copy("near", "primary", NOW - HOUR), gone_from="/srv/near/a")
    site = a_site(newest_at=NOW - 40 * HOUR, databases={"db": NOW}, missed=1, copies=(near,),
                  last_check=a_run("check/a", "failed", "damaged", count=1, first=[]),
                  losses=(Loss("near", 2, NOW),))  # fmt: skip
    found = find_problems(facts(site, reviews=(review,), undelivered=(1, 1)))

    assert len(found) == 8
    for problem in found:
        assert json.loads(json.dumps(problem.params)) == problem.params
        assert say(problem).what
