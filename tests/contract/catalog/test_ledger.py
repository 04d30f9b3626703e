"""The ledger starts each due time once, whatever the clocks and other services do."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Occurrence, Run
from ops.journal import journal
from ops.journal.journal import Origin
from ops.schedule.ledger import claims, due, endings, overview
from ops.schedule.ledger.endings import Recording
from ops.schedule.ledger.job import JobDefinition, JobResult, LedgerEvent, RetryPolicy, lock_name

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NIGHTLY = JobDefinition(name="backup/a", kind="backup", site="a", schedule="0 1 * * *")
HOURLY = JobDefinition(name="database/a", kind="database", site="a", schedule="0 * * * *")


@dataclass
class Ear:
    """Keeps what it is told."""

    events: list[LedgerEvent] = field(default_factory=list)

    def __call__(self, _session: Session, events: Sequence[LedgerEvent]) -> None:
        self.events += events

    def told(self) -> list[tuple[str, str, str]]:
        return [(e.occasion, e.outcome or "", e.reason) for e in self.events]


@dataclass
class Desk:
    """One service's view of the ledger."""

    catalog: Catalog
    ear: Ear = field(default_factory=Ear)

    @property
    def recording(self) -> Recording:
        return Recording(Origin(via="clock"), self.ear)

    def register(self, *jobs: JobDefinition, at: datetime = START) -> None:
        with self.catalog.writing() as session:
            due.register_jobs(session, jobs, at, self.recording)

    def look(self, *jobs: JobDefinition, at: datetime) -> None:
        with self.catalog.writing() as session:
            due.list_due(session, jobs, at, self.recording)

    def claim(self, *jobs: JobDefinition, at: datetime, limit: int = 10) -> list[claims.Claim]:
        names = [job.name for job in jobs]
        with self.catalog.writing() as session:
            return claims.claim_due(session, jobs=names, now=at, limit=limit, host="h")

    def run(self, claim: claims.Claim, result: JobResult, *, at: datetime = START,
            retry: RetryPolicy = endings.NEVER_AGAIN) -> bool:  # fmt: skip
        with self.catalog.writing() as session:
            assert claims.begin_run(session, claim.run_id, pid=1, now=at) is not None
        with self.catalog.writing() as session:
            return endings.end_run(
                session, claim.run_id, result, now=at, recording=self.recording, retry=retry
            )

    def rows(self) -> list[tuple[datetime, str, str | None, str]]:
        with self.catalog.reading() as session:
            rows = session.execute(select(Occurrence).order_by(Occurrence.due_at)).scalars()
            return [(row.due_at, row.state, row.outcome, row.reason) for row in rows]


@pytest.fixture
def desk(catalog: Catalog) -> Desk:
    return Desk(catalog)


def at(day: int, hour: int = 18) -> datetime:
    """Give a moment of November 2026; 18:00 UTC is 01:00 at +07:00."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_a_new_job_owes_nothing_from_before_it_was_known(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=START + HOUR)

    assert desk.rows() == []


def test_what_is_due_is_claimed_run_and_ended_once(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    desk.look(NIGHTLY, at=at(24))
    (claim,) = desk.claim(NIGHTLY, at=at(24))
    again = desk.claim(NIGHTLY, at=at(24))
    desk.run(claim, JobResult("ok", summary={"bytes": 7}))

    assert again == []
    assert desk.rows() == [(at(24), "ended", "ok", "")]
    assert desk.ear.told() == [("ended", "ok", "")]
    assert desk.ear.events[0].summary == {"bytes": 7}
    assert not desk.claim(NIGHTLY, at=at(24))


def test_what_waits_for_a_busy_site_hides_nobody_else(desk: Desk) -> None:
    many = [
        JobDefinition(name=f"database/a{n}", kind="database", site="a", schedule="0 0 * * *")
        for n in range(20)
    ]
    other = JobDefinition(name="backup/b", kind="backup", site="b", schedule="0 1 * * *")
    drill = JobDefinition(name="drill/a", kind="drill", site="a", schedule="0 1 * * *")
    jobs = (*many, other, drill)
    desk.register(*jobs)
    desk.look(*jobs, at=at(24))
    (first,) = desk.claim(*jobs, at=at(24), limit=1)
    second = desk.claim(*jobs, at=at(24), limit=2)

    assert first.site == "a"
    assert {it.job for it in second} == {"backup/b", "drill/a"}


def test_the_database_knows_each_lock_as_the_program_does(desk: Desk) -> None:
    names = ("backup/a", "check/a", "check/a/far", "drill/a", "drill-file/a", "drill-archive/a",
             "archive-web/a", "security-audit/giucong", "drills/a")  # fmt: skip
    for name in names:
        job = JobDefinition(name=name, kind="backup", site="a", schedule="0 1 * * *")
        desk.register(job)
        desk.look(job, at=at(24))
    with desk.catalog.reading() as session:
        told = session.execute(select(Occurrence.job, claims._lock())).all()

    assert sorted(told) == sorted((name, lock_name("a", name)) for name in names)


def test_who_took_more_time_than_it_may_comes_behind_the_others_for_a_week(desk: Desk) -> None:
    other = JobDefinition(name="backup/b", kind="backup", site="b", schedule="30 1 * * *")
    desk.register(NIGHTLY, other)
    firsts = []
    for day in (24, 25, 26, 27, 28, 29, 30):
        desk.look(NIGHTLY, other, at=at(day, 19))
        claimed = desk.claim(NIGHTLY, other, at=at(day, 19))
        firsts.append(claimed[0].site)
        for it in claimed:
            is_long = it.site == "a" and day == 24
            result = JobResult("failed", "timed_out") if is_long else JobResult("ok")
            retry = RetryPolicy(tries=3, wait=timedelta(0))
            desk.run(it, result, at=at(day, 19), retry=retry)
    desk.look(NIGHTLY, other, at=at(30, 19) + DAY)
    firsts.append(desk.claim(NIGHTLY, other, at=at(30, 19) + DAY)[0].site)

    assert firsts == ["a", *["b"] * 6, "a"]


def test_somebody_is_kept_waiting_only_where_he_could_begin(desk: Desk) -> None:
    forget = JobDefinition(name="forget/a", kind="forget", site="a", schedule="0 1 * * *")
    other = JobDefinition(name="backup/b", kind="backup", site="b", schedule="0 2 * * *")
    jobs = {job.name for job in (NIGHTLY, forget, other)}
    desk.register(NIGHTLY, forget, other)
    desk.look(NIGHTLY, forget, other, at=at(24, 19))
    desk.claim(NIGHTLY, at=at(24), limit=1)
    with desk.catalog.reading() as session:
        alone = claims.is_anything_kept_waiting(session, jobs=jobs, now=at(24))
        crowded = claims.is_anything_kept_waiting(session, jobs=jobs, now=at(24, 19))
        known = claims.is_anything_kept_waiting(session, jobs={NIGHTLY.name}, now=at(24, 19))
        held = claims.is_anything_kept_waiting(session, jobs=jobs, now=at(24, 19), busy={"b"})

    assert (alone, crowded, known, held) == (False, True, False, False)


def test_nights_without_the_service_are_missed_but_for_the_newest(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(28, 19))

    missed = ("ended", "missed", "coalesced")
    assert desk.rows() == [(at(day), *missed) for day in range(24, 28)] + [
        (at(28), "due", None, "")
    ]
    assert desk.ear.told() == [("missed", "missed", "coalesced")] * 4
    with desk.catalog.reading() as session:
        assert [view["due_at"] for view in overview.list_missed(session, START)] == [
            at(day) for day in range(24, 28)
        ]


def test_a_job_that_is_not_caught_up_is_missed_when_the_service_was_down(desk: Desk) -> None:
    job = JobDefinition(name="report", kind="report", schedule="0 1 * * *", catch_up=False)
    desk.register(job)
    desk.look(job, at=at(24, 19))
    desk.look(job, at=at(25))

    assert desk.rows() == [(at(24), "ended", "missed", "down"), (at(25), "due", None, "")]


def test_what_waits_is_overtaken_by_the_next_due_time(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    desk.look(NIGHTLY, at=at(25))

    assert desk.rows() == [(at(24), "ended", "missed", "coalesced"), (at(25), "due", None, "")]


def test_a_blackout_is_skipped_with_its_reason(desk: Desk) -> None:
    desk.register(NIGHTLY)
    with desk.catalog.writing() as session:
        due.list_due(session, [NIGHTLY], at(24), desk.recording,
                         blackout=lambda _job, _due: {"plan_item": "bt-12"})  # fmt: skip

    assert desk.rows() == [(at(24), "ended", "skipped", "blackout")]
    assert desk.ear.events[0].params == {"plan_item": "bt-12"}


def test_a_clock_set_back_runs_nothing_twice(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    (claim,) = desk.claim(NIGHTLY, at=at(24))
    desk.run(claim, JobResult("ok"))
    for moment in (at(24, 12), at(24, 17), at(24), at(24, 20)):
        desk.look(NIGHTLY, at=moment)

        assert desk.claim(NIGHTLY, at=moment) == []
    desk.look(NIGHTLY, at=at(25))
    assert len(desk.claim(NIGHTLY, at=at(25))) == 1


def test_a_clock_set_forward_skips_nothing_and_a_wrong_one_is_outlived(desk: Desk) -> None:
    desk.register(NIGHTLY)
    years_ahead = at(24) + timedelta(days=4 * 365)
    desk.look(NIGHTLY, at=years_ahead)
    (wrong,) = desk.claim(NIGHTLY, at=years_ahead)
    desk.run(wrong, JobResult("ok"))
    desk.look(NIGHTLY, at=at(24, 13))
    ran = []
    for day in range(24, 29):
        desk.look(NIGHTLY, at=at(day))
        for claim in desk.claim(NIGHTLY, at=at(day)):
            desk.run(claim, JobResult("ok"))
            ran.append(claim.due_at)

    assert ran == [at(day) for day in range(24, 29)]


def test_a_forward_jump_of_a_night_runs_that_night(desk: Desk) -> None:
    desk.register(HOURLY)
    desk.look(HOURLY, at=START + 10 * HOUR)

    (claim,) = desk.claim(HOURLY, at=START + 10 * HOUR)
    assert claim.due_at == START + 10 * HOUR
    assert len(desk.rows()) == 10


@pytest.mark.slow
def test_month_and_year_ends_at_plus_seven_are_each_due_once(desk: Desk) -> None:
    monthly = JobDefinition(name="full/a", kind="full", site="a", schedule="0 0 1 * *")
    desk.register(monthly, at=datetime(2027, 11, 15, tzinfo=UTC))
    ran = []
    moment = datetime(2027, 11, 15, tzinfo=UTC)
    while moment < datetime(2028, 4, 2, tzinfo=UTC):
        moment += timedelta(hours=7)
        desk.look(monthly, at=moment)
        for claim in desk.claim(monthly, at=moment):
            desk.run(claim, JobResult("ok"))
            ran.append(claim.due_at)

    # Midnight at +07:00 is 17:00 UTC of the day before; February 2028 has 29 days.
    expected = [(2027, 11, 30), (2027, 12, 31), (2028, 1, 31), (2028, 2, 29), (2028, 3, 31)]
    assert ran == [datetime(*day, 17, tzinfo=UTC) for day in expected]


def test_a_changed_schedule_is_first_counted_by_the_old_one(desk: Desk) -> None:
    desk.register(NIGHTLY)
    later = JobDefinition(name=NIGHTLY.name, kind="backup", site="a", schedule="0 5 * * *")
    desk.register(later, at=at(24, 20))
    desk.look(later, at=at(24, 23))

    assert [row[:2] for row in desk.rows()] == [(at(24), "ended"), (at(24, 22), "due")]


def test_a_job_that_is_no_longer_named_is_skipped_and_starts_anew_when_it_returns(
    desk: Desk,
) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    desk.register(at=at(24, 19))
    desk.look(NIGHTLY, at=at(25, 19))
    desk.register(NIGHTLY, at=at(26, 12))
    desk.look(NIGHTLY, at=at(26))

    assert desk.rows() == [(at(24), "ended", "skipped", "retired"), (at(26), "due", None, "")]


def test_one_site_is_worked_on_by_one_run_at_a_time(desk: Desk) -> None:
    other = JobDefinition(name="backup/b", kind="backup", site="b", schedule="0 1 * * *")
    jobs = (NIGHTLY, HOURLY, other)
    desk.register(*jobs)
    desk.look(*jobs, at=at(24))
    first = desk.claim(*jobs, at=at(24))
    second = desk.claim(*jobs, at=at(24))
    for claim in first:
        desk.run(claim, JobResult("ok"))
    third = desk.claim(*jobs, at=at(24))

    assert sorted(claim.site for claim in first) == ["a", "b"]
    assert second == []
    assert [claim.site for claim in third] == ["a"]


def test_a_failure_is_tried_again_as_often_as_the_job_allows(desk: Desk) -> None:
    retry = RetryPolicy(tries=3, wait=timedelta(minutes=5))
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    moment, tries = at(24), 0
    while found := desk.claim(NIGHTLY, at=moment):
        desk.run(found[0], JobResult("failed", "store_unavailable"), at=moment, retry=retry)
        tries += 1
        assert desk.claim(NIGHTLY, at=moment + timedelta(minutes=4)) == []
        moment += timedelta(minutes=5)

    assert tries == 3
    assert desk.rows() == [(at(24), "ended", "failed", "store_unavailable")]
    assert [occasion for occasion, _, _ in desk.ear.told()] == ["retried", "retried", "ended"]
    with desk.catalog.reading() as session:
        runs = session.execute(select(Run.attempt, Run.outcome).order_by(Run.attempt)).all()
    assert [tuple(run) for run in runs] == [(n, "failed") for n in (1, 2, 3)]


def test_a_pause_set_before_the_clock_went_back_is_over(desk: Desk) -> None:
    desk.register(HOURLY)
    desk.look(HOURLY, at=at(24))
    (claim,) = desk.claim(HOURLY, at=at(24))
    ahead = at(24) + 3 * DAY
    desk.run(claim, JobResult("failed", "x"), at=ahead, retry=RetryPolicy(tries=2))

    assert len(desk.claim(HOURLY, at=at(24))) == 1


@pytest.mark.parametrize(
    ("policy", "attempt", "result", "expected"),
    [
        (RetryPolicy(tries=1), 1, JobResult("failed", "x"), None),
        (RetryPolicy(tries=2), 1, JobResult("failed", "x"), endings.Again(counts=True)),
        (RetryPolicy(tries=2), 2, JobResult("failed", "x"), None),
        (RetryPolicy(tries=2), 1, JobResult("incomplete", "x"), None),
        (RetryPolicy(tries=2), 2, JobResult("failed", "stopped"), endings.Again(counts=False)),
        (RetryPolicy(tries=1), 1, JobResult("failed", "stopped"), None),
        (RetryPolicy(tries=2), 1, JobResult("failed", "lost"), endings.Again(counts=True)),
        (RetryPolicy(tries=2), 1, JobResult("failed", "timed_out"), None),
        (RetryPolicy(tries=2), 1, JobResult("failed", "too_much"), None),
    ],
)
def test_the_retry_policy_decides(
    policy: RetryPolicy, attempt: int, result: JobResult, expected: endings.Again | None
) -> None:
    assert endings.decide_again(policy, attempt, result) == expected


def test_a_heartbeat_is_stale_by_the_watchers_own_clock_alone() -> None:
    run = claims.HeldRun(new_id(), "j", "s", "running", "h", 5)
    beaten = claims.HeldRun(run.run_id, "j", "s", "running", "h", 6)
    watcher = claims.HeartbeatWatch(timedelta(seconds=25))

    assert watcher.find_stale([run], 1000.0) == []
    assert watcher.find_stale([run], 1024.9) == []
    assert watcher.find_stale([run], 1025.0) == [run]
    assert watcher.find_stale([beaten], 1026.0) == []
    assert watcher.find_stale([beaten], 1050.9) == []
    assert watcher.find_stale([beaten], 1051.0) == [beaten]
    assert watcher.find_stale([], 1052.0) == []
    assert watcher.find_stale([beaten], 1053.0) == []


def test_a_lost_run_ends_failed_and_a_beat_meanwhile_saves_it(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    (claim,) = desk.claim(NIGHTLY, at=at(24))
    with desk.catalog.writing() as session:
        claims.begin_run(session, claim.run_id, pid=1, now=at(24))
    with desk.catalog.writing() as session:
        assert claims.beat(session, claim.run_id)
    with desk.catalog.writing() as session:
        saved = endings.end_lost(session, claim.run_id, 0, now=START, recording=desk.recording)
    with desk.catalog.writing() as session:
        ended = endings.end_lost(session, claim.run_id, 1, now=START, recording=desk.recording)
    with desk.catalog.writing() as session:
        result = JobResult("ok")
        late = endings.end_run(session, claim.run_id, result, now=START, recording=desk.recording)
        beaten = claims.beat(session, claim.run_id)

    assert (saved, ended, late, beaten) == (False, True, False, False)
    assert desk.rows() == [(at(24), "ended", "failed", "lost")]


def test_a_claim_that_was_never_begun_waits_again(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(24))
    (claim,) = desk.claim(NIGHTLY, at=at(24))
    with desk.catalog.writing() as session:
        assert endings.end_lost(session, claim.run_id, 0, now=START, recording=desk.recording)
        assert claims.begin_run(session, claim.run_id, pid=1, now=START) is None

    assert len(desk.claim(NIGHTLY, at=at(24))) == 1


def test_a_late_occurrence_is_told_once(desk: Desk) -> None:
    job = JobDefinition(name="backup/a", kind="backup", site="a", schedule="0 1 * * *",
                        late_after=HOUR)  # fmt: skip
    desk.register(job)
    desk.look(job, at=at(24))
    for minutes in (59, 61, 62):
        with desk.catalog.writing() as session:
            moment = at(24) + timedelta(minutes=minutes)
            claims.note_late(session, {job.name: job}, moment, desk.recording)

    assert [event.occasion for event in desk.ear.events] == ["late"]


def test_a_person_may_start_a_job_beside_its_schedule(desk: Desk) -> None:
    desk.register(NIGHTLY)
    with desk.catalog.writing() as session:
        overview.trigger(session, NIGHTLY, now=START, origin=Origin(via="cli", person="nva"),
                         arguments={"full": True})  # fmt: skip
    # It starts even where the clock went back meanwhile: somebody waits for it.
    (claim,) = desk.claim(NIGHTLY, at=START - HOUR)
    desk.run(claim, JobResult("ok"))

    assert claim.arguments == {"full": True}
    assert desk.ear.events[0].requested_by == "nva"
    with desk.catalog.reading() as session:
        rows = session.execute(select(JournalRow).order_by(JournalRow.sequence)).scalars().all()
    assert [(row.action, row.person or row.requested_by) for row in rows] == [
        ("job.triggered", "nva"), ("job.ended", "nva"),
    ]  # fmt: skip


def test_every_change_is_in_the_journal_and_the_chain_holds(desk: Desk) -> None:
    desk.register(NIGHTLY)
    desk.look(NIGHTLY, at=at(26))
    (claim,) = desk.claim(NIGHTLY, at=at(26))
    desk.run(claim, JobResult("failed", "disk_full", {"free_bytes": 0}))

    with desk.catalog.reading() as session:
        rows = session.execute(select(JournalRow).order_by(JournalRow.sequence)).scalars().all()
    assert [row.action for row in rows] == ["job.missed", "job.missed", "job.ended"]
    assert rows[-1].run == str(claim.run_id)
    assert '"reason":"disk_full"' in rows[-1].details
    assert journal.verify(desk.catalog).broken_at is None


def test_the_overview_shows_last_open_and_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    desk.register(NIGHTLY, HOURLY)
    desk.look(NIGHTLY, at=at(24))
    (claim,) = desk.claim(NIGHTLY, at=at(24))
    desk.run(claim, JobResult("ok"), at=at(24, 19))
    desk.look(NIGHTLY, at=at(25))
    with desk.catalog.reading() as session:
        nightly, hourly = overview.list_jobs(session, [NIGHTLY, HOURLY], at(25))

    assert nightly.last is not None
    assert (nightly.last["due_at"], nightly.last["outcome"]) == (at(24), "ok")
    assert nightly.last_ok_at == at(24, 19)
    assert [view["due_at"] for view in nightly.open] == [at(25)]
    assert nightly.next_due.due_at == at(26)
    assert (hourly.last, hourly.last_ok_at, hourly.open) == (None, None, ())


def test_two_services_share_the_due_times_without_a_double(catalog_url: str) -> None:
    jobs = [
        JobDefinition(name=f"backup/s{n}", kind="backup", site=f"s{n}", schedule="0 1 * * *")
        for n in range(60)
    ]
    desks = [Desk(open_catalog(catalog_url)) for _ in range(2)]
    claimed: list[claims.Claim] = []
    gate = threading.Barrier(2)

    def work(desk: Desk) -> None:
        gate.wait()
        desk.register(*jobs)
        gate.wait()
        desk.look(*jobs, at=at(24))
        for _ in range(40):
            claimed.extend(desk.claim(*jobs, at=at(24), limit=2))

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = desks[0].rows()
    for desk in desks:
        desk.catalog.close()

    assert sorted(claim.job for claim in claimed) == sorted(job.name for job in jobs)
    assert len(rows) == 60


@pytest.mark.slow
def test_a_thousand_jobs_due_at_once_are_listed_and_claimed_in_about_a_second(desk: Desk) -> None:
    jobs = [
        JobDefinition(name=f"backup/s{n}", kind="backup", site=f"s{n}", schedule="0 1 * * *")
        for n in range(1000)
    ]
    desk.register(*jobs)
    started = time.process_time()
    desk.look(*jobs, at=at(24))
    claimed = []
    while found := desk.claim(*jobs, at=at(24), limit=100):
        claimed += found
    seconds = time.process_time() - started

    assert len({claim.job for claim in claimed}) == 1000
    # The anchor is one second on a quiet machine; what others do meanwhile does not count.
    assert seconds < 20
