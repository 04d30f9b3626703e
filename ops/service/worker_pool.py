"""The service's own workers: start them, see them end, end them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import psutil

from ops.schedule.ledger.claims import Claim
from ops.schedule.ledger.job import TIMED_OUT, JobDefinition
from ops.service.settings import TIME_IS_OVER, ServiceSettings, WorkRequest, format_request

_ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Worker:
    """One worker process.

    Attributes:
        process: The process, leader of its own group.
        claim: What it was started for.
        job: The job's definition.
        started: Steady seconds at its start.
        ended_as: Reason to record when we ended it ourselves; empty otherwise.
        asked_at: Steady seconds when it was asked to end because its time is over.
    """

    process: subprocess.Popen[bytes]
    claim: Claim
    job: JobDefinition
    started: float
    ended_as: str = ""
    asked_at: float | None = None


@dataclass(slots=True)
class WorkerPool:
    """The workers this service has started and not yet seen end.

    Attributes:
        settings: How wide it is and what workers are told.
    """

    settings: ServiceSettings
    workers: dict[UUID, Worker] = field(default_factory=dict)

    def free_places(self) -> int:
        """Give how many more workers may run."""
        return max(self.settings.workers - len(self.workers), 0)

    def start(
        self, claim: Claim, job: JobDefinition, steady: float, *, stop_at: datetime | None = None
    ) -> Worker:
        """Start a worker for a claim.

        What it is handed may hold the catalog's password: one JSON line through its standard input,
        never an argument and never in the environment.

        Args:
            claim: What to run.
            job: Its definition.
            steady: Steady seconds now.
            stop_at: When its window ends; None where it may go on beyond that.
        """
        command = [sys.executable, "-P"]  # no module comes from the folder somebody stands in
        command += ["-m", "ops.service.worker", str(os.getpid()), job.name]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, start_new_session=True, env=worker_environment()
        )
        worker = Worker(process, claim, job, steady)
        self.workers[claim.run_id] = worker
        # A worker that is gone already is found by `take_ended`.
        with suppress(BrokenPipeError), process.stdin or BytesIO() as pipe:
            pipe.write(format_request(WorkRequest(claim, job, self.settings, stop_at)))
        return worker

    def take_ended(self) -> Iterator[Worker]:
        """Give and forget the workers that have ended."""
        for run_id, worker in list(self.workers.items()):
            if worker.process.poll() is not None:
                del self.workers[run_id]
                yield worker

    def longest(self) -> Worker | None:
        """Give the longest run of a full pool; None where a place is free, or about to be."""
        if self.free_places() or any(it.asked_at is not None for it in self.workers.values()):
            return None
        return min(self.workers.values(), key=lambda it: it.started, default=None)

    def end_overdue(self, steady: float) -> Iterator[Worker]:
        """Ask the workers that have run longer than their job may to end, and give them.

        Who does not within the grace is killed.
        """
        grace = self.settings.stop_grace.total_seconds()
        for worker in self.workers.values():
            if worker.asked_at is not None:
                if steady - worker.asked_at > grace:
                    kill_group(worker)
            elif steady - worker.started > worker.job.time_limit.total_seconds():
                self.time_out(worker, steady)
                yield worker

    def time_out(self, worker: Worker, steady: float) -> None:
        """Ask a worker to end because its time is over."""
        worker.ended_as, worker.asked_at = TIMED_OUT, steady
        worker.process.send_signal(TIME_IS_OVER)

    def ask_to_stop(self) -> None:
        """Ask every worker to end cleanly."""
        for worker in self.workers.values():
            worker.process.send_signal(signal.SIGTERM)


def worker_environment() -> dict[str, str]:
    """Give our environment, with the packages found where we found them, installed or not.

    Numpy starts no threads there: nothing here multiplies matrices, and a fork keeps no threads.
    """
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    found = {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", **found}


def kill_group(worker: Worker) -> None:
    """Kill a worker with everything it started, also what leads a group of its own."""
    below: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(worker.process.pid).children(recursive=True)
    with suppress(ProcessLookupError):
        os.killpg(worker.process.pid, signal.SIGKILL)
    for process in below:
        with suppress(psutil.NoSuchProcess):
            process.kill()
