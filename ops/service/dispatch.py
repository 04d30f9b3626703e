"""One look at the ledger: list what is due, see who ended, find who is lost, start what waits."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ops.catalog.open import Catalog
from ops.jobs.run_now import end_abandoned, end_gone
from ops.jobs.site_lock import is_lock_free, is_lock_held_by
from ops.schedule.clock import Clock, JumpWatch
from ops.schedule.ledger import claims, endings
from ops.schedule.ledger import due as listing
from ops.schedule.ledger.endings import Recording
from ops.schedule.ledger.job import LOST, JobDefinition, JobResult, lock_name, schedule_of
from ops.schedule.occurrences import next_due, window_end
from ops.service.settings import ServiceSettings
from ops.service.worker import DONE, GAVE_BACK, NOT_OURS
from ops.service.worker_pool import Worker, WorkerPool

log = logging.getLogger(__name__)

_LATE_EVERY_SECONDS = 20.0
_ENDED = {DONE: "done", GAVE_BACK: "gave-back", NOT_OURS: "not-ours"}
_CRASH_PAUSE = timedelta(seconds=15)


@dataclass(slots=True)
class Dispatcher:
    """What a service knows between two looks; everything that matters stands in the ledger.

    Attributes:
        settings, catalog, clock, recording, pool: What it works with.
        jobs: The jobs it can start, by name.
        due_next: When each is due next, as far as listed; None when never.
    """

    settings: ServiceSettings
    catalog: Catalog
    clock: Clock
    recording: Recording
    pool: WorkerPool
    jobs: dict[str, JobDefinition] = field(default_factory=dict)
    due_next: dict[str, datetime | None] = field(default_factory=dict)
    _heartbeats: claims.HeartbeatWatch = field(init=False)
    _far_heartbeats: claims.HeartbeatWatch = field(init=False)
    _jumps: JumpWatch = field(init=False)
    _late_noted: float = field(init=False, default=float("-inf"))
    _moved_at: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self._heartbeats = claims.HeartbeatWatch(self.settings.stale_after)
        self._far_heartbeats = claims.HeartbeatWatch(self.settings.far_stale_after)
        self._jumps = JumpWatch(self.clock)

    def register(self, jobs: Sequence[JobDefinition]) -> None:
        """Take these jobs for all there are, and catch up with what they missed."""
        now = self.clock.now()
        host = self.settings.host if self.catalog.is_shared else ""
        with self.catalog.writing() as session:
            end_abandoned(session, self.settings.state, host)
            listing.register_jobs(session, jobs, now, self.recording)
        self.jobs = {job.name: job for job in jobs}
        self._list(list(jobs), now)

    def tick(self) -> None:
        """Look once."""
        self._list_due()
        self.settle_ended()
        self._end_overdue()
        self._find_lost()
        self._note_late()
        self._start_waiting()
        self._keep_moving()

    def earliest(self) -> datetime | None:
        """Give when the next job is due; None when none ever is."""
        return min((due for due in self.due_next.values() if due is not None), default=None)

    def settle_ended(self) -> None:
        """Record the end of workers that could not do it themselves."""
        for worker in self.pool.take_ended():
            status = worker.process.returncode
            outcome = _ENDED.get(status, "died")
            fields = _fields(worker, outcome=outcome, reason=worker.ended_as, status=status)
            log.info("worker-ended", extra={"fields": fields})
            with self.catalog.writing() as session:
                self._settle(session, worker, status)

    def _settle(self, session: Session, worker: Worker, status: int) -> None:
        """End a run whose worker is dead for certain: we are its parent and saw it end."""
        if status in {GAVE_BACK, NOT_OURS}:
            return
        run_id, now = worker.claim.run_id, self.clock.now()
        reason = worker.ended_as or LOST
        if status > 0 and claims.begin_run(session, run_id, pid=worker.process.pid, now=now):
            reason = "worker_failed"
        elif claims.give_back(session, run_id, not_before=now + _CRASH_PAUSE):
            return
        params = {"status": status}
        result = JobResult("failed", reason, params)
        retry, recording = worker.job.retry, self.recording
        endings.end_run(session, run_id, result, now=now, recording=recording, retry=retry)

    def _list_due(self) -> None:
        jump, now = self._jumps.read_jump(), self.clock.now()
        if jump:
            log.warning("clock-jumped", extra={"fields": {"seconds": jump.total_seconds()}})
            self._list(list(self.jobs.values()), now)
            return
        due = [name for name, moment in self.due_next.items() if moment and moment <= now]
        if due:
            self._list([self.jobs[name] for name in due], now)

    def _list(self, jobs: Sequence[JobDefinition], now: datetime) -> None:
        with self.catalog.writing() as session:
            listing.list_due(session, jobs, now, self.recording)
        self.due_next |= {job.name: next_due(schedule_of(job), now) for job in jobs}
        self.due_next = {name: self.due_next[name] for name in self.jobs}

    def _end_overdue(self) -> None:
        for worker in self.pool.end_overdue(self.clock.steady()):
            fields = _fields(worker, outcome="ended", reason=worker.ended_as)
            log.error("worker-overdue", extra={"fields": fields})

    def _find_lost(self) -> None:
        """End the runs of dead workers.

        Here the lock proves it. Of another machine that shares the catalog only the heartbeat is
        seen: it has to stand still for longer than a worker tries to record what it has done.
        """
        with self.catalog.reading() as session:
            held = claims.list_held(session)
        others = [run for run in held if run.run_id not in self.pool.workers]
        here = [run for run in others if not self.catalog.is_shared or self._is_ours(run)]
        far = [run for run in others if run not in here]
        steady = self.clock.steady()
        still = self._heartbeats.find_stale(here, steady)
        lost = [run for run in still if not self._is_working(run)]
        for run in (*lost, *self._far_heartbeats.find_stale(far, steady)):
            self._end_lost(run)

    def _is_ours(self, run: claims.HeldRun) -> bool:
        return run.host == self.settings.host

    def _is_working(self, run: claims.HeldRun) -> bool:
        name = lock_name(run.site, run.job)
        return is_lock_held_by(self.settings.state, name, str(run.run_id))

    def _end_lost(self, run: claims.HeldRun) -> None:
        fields = {"job": run.job, "site": run.site, "outcome": "failed", "reason": LOST}
        log.error("run-lost", extra={"fields": {**fields, "run": run.run_id}})
        with self.catalog.writing() as session:
            end_gone(
                session,
                run,
                self.jobs.get(run.job),
                now=self.clock.now(),
                recording=self.recording,
                is_machine_gone=not self._is_ours(run),
            )

    def _note_late(self) -> None:
        if self.clock.steady() - self._late_noted < _LATE_EVERY_SECONDS:
            return
        self._late_noted = self.clock.steady()
        with_limit = {name: job for name, job in self.jobs.items() if job.late_after is not None}
        if with_limit:
            with self.catalog.writing() as session:
                claims.note_late(session, with_limit, self.clock.now(), self.recording)

    def _start_waiting(self) -> None:
        places, urgent = self.pool.free_places(), self._urgent_jobs()
        jobs = self.jobs if places else urgent
        if not jobs or not self._something_waits():
            return
        now = self.clock.now()
        with self.catalog.writing() as session:
            claimed = claims.claim_due(
                session,
                jobs=jobs,
                now=now,
                limit=max(places, 1),
                host=self.settings.host,
                busy=_held_locks(self.settings, self.jobs),
                first=urgent,
            )
        for claim in claimed:
            self._moved_at = self.clock.steady()
            job = self.jobs[claim.job]
            worker = self.pool.start(claim, job, self.clock.steady(), stop_at=stop_of(job, now))
            fields = _fields(worker, outcome="started", reason="due")
            log.info("worker-started", extra={"fields": fields})

    def _urgent_jobs(self) -> dict[str, JobDefinition]:
        """Give the jobs that wait for no place: none while one of them runs."""
        if any(worker.job.is_urgent for worker in self.pool.workers.values()):
            return {}
        return {name: job for name, job in self.jobs.items() if job.is_urgent}

    def _keep_moving(self) -> None:
        """End the longest run where others wait and no place was given for long.

        So two sites that take all night keep nobody from his turn; a slow one alone is left in
        peace, since the other places move.
        """
        steady, longest = self.clock.steady(), self.pool.longest()
        turn = self.settings.fair_turn.total_seconds()
        if longest is None or steady - longest.started < turn or not self._somebody_waits():
            self._moved_at = steady
        elif steady - self._moved_at >= self.settings.patience.total_seconds():
            self.pool.time_out(longest, steady)
            fields = _fields(longest, outcome="ended", reason=longest.ended_as)
            log.error("worker-had-its-turn", extra={"fields": fields})

    def _somebody_waits(self) -> bool:
        busy = _held_locks(self.settings, self.jobs)
        with self.catalog.reading() as session:
            return claims.is_anything_kept_waiting(
                session, jobs=self.jobs, now=self.clock.now(), busy=busy
            )

    def _something_waits(self) -> bool:
        with self.catalog.reading() as session:
            return claims.is_anything_waiting(session, self.clock.now())


def stop_of(job: JobDefinition, now: datetime) -> datetime | None:
    """Give when a run that begins now is stopped, in UTC; None where it may go on; pure."""
    if not job.ends_with_window:
        return None
    windows = (schedule_of(job), schedule_of(replace(job, schedule=job.window)))
    return min((end for it in windows if (end := window_end(it, now))), default=None)


def _held_locks(settings: ServiceSettings, jobs: Mapping[str, JobDefinition]) -> set[str]:
    """Give the locks that somebody outside the ledger holds: a person's own run, say."""
    names = {lock_name(job.site, job.name) for job in jobs.values()}
    return {name for name in names if not is_lock_free(settings.state, name)}


def _fields(worker: Worker, *, outcome: str, reason: str, **more: object) -> dict[str, object]:
    """Give the pairs of a log line about a worker; what became of the run is a line of its own."""
    fields = {"job": worker.job.name, "site": worker.job.site, "outcome": outcome, "reason": reason}
    return {**fields, "run": worker.claim.run_id, "pid": worker.process.pid, **more}
