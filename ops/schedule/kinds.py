"""The kinds of jobs a worker can run, and who listens to the ledger.

A module registers its kinds when it is imported; the service hands its workers the names of the
modules to import, so that only a worker loads what does the work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from ops.catalog.open import Catalog
from ops.errors import OpsError
from ops.journal.journal import Origin
from ops.schedule.ledger.events import Listener
from ops.schedule.ledger.job import STOPPED, JobResult, LedgerEvent


class JobStoppedError(BaseException):
    """The service asks a run to end; raised inside the runner, like KeyboardInterrupt.

    Args:
        reason: Reason code: the service ends, or the run's window is over.
    """

    def __init__(self, reason: str = STOPPED) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a runner is given.

    Attributes:
        run_id: Id of the run, for the journal.
        job, kind, site, due_at: What runs, and for which due time.
        attempt: 1 for the first try.
        arguments: The job's arguments, overlaid by what a person asked for.
        estate: Path of the estate file; empty when there is none.
        state: The service's state folder.
        catalog: The open catalog.
        origin: Who acts in which run, for the journal.
        is_stopping: Whether the service asked to stop; a runner that looks may end sooner than
            by the `JobStoppedError` it is interrupted with.
    """

    run_id: UUID
    job: str
    kind: str
    site: str
    due_at: datetime
    attempt: int
    arguments: Mapping[str, Any]
    estate: str
    state: Path
    catalog: Catalog
    origin: Origin
    is_stopping: Callable[[], bool]


class JobRunner(Protocol):
    """Does the work of one kind of job, in a worker process that holds the site's lock."""

    def __call__(self, context: RunContext, /) -> JobResult:
        """Run it and say how it ended; an error that leaves it becomes `failed`."""


_runners: dict[str, JobRunner] = {}
_listeners: list[Listener] = []


def register(kind: str, runner: JobRunner) -> None:
    """Name the runner of a kind of job; a second one for the same kind replaces the first."""
    _runners[kind] = runner


def register_listener(listener: Listener) -> None:
    """Have the ledger's events told to `listener`, in the transaction that records them."""
    if listener not in _listeners:
        _listeners.append(listener)


def load(modules: Sequence[str]) -> None:
    """Import the modules that register kinds and listeners, in order."""
    for name in modules:
        import_module(name)


def find_runner(kind: str) -> JobRunner:
    """Give the runner of a kind of job.

    Raises:
        OpsError: No loaded module has registered that kind.
    """
    if kind not in _runners:
        raise OpsError(
            'no job of the kind "{kind}" is known to this version',
            data="nothing was run",
            next_step="look at the jobs with `{program} service.jobs`",
            kind=kind,
        )
    return _runners[kind]


def tell_listeners(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Tell every registered listener, in the order they were registered."""
    for listener in _listeners:
        listener(session, events)
