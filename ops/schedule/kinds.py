"""The kinds of jobs a worker can run, and who listens to the ledger.

The service hands its workers the names of the modules that give them, so that only a worker loads
what does the work.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from ops.language.text import _
from ops.parts import Seam, find
from ops.schedule.ledger.endings import Listener
from ops.schedule.ledger.job import STOPPED, JobDefinition, JobResult, LedgerEvent


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One kind of job.

    Attributes:
        name: As the ledger and the journal keep it.
        title: A message: what a run of it is called.
        run: Its `JobRunner` as "module:function"; imported where it runs. Empty for a kind that
            people alone start, each run by its own task.
        jobs: Gives the jobs of this kind that an estate asks for, in the order of its sites. It
            takes an `ops.estate` Estate, which stands above this room.
        is_grave: Whether people are called at once when it fails.
    """

    name: str
    title: str
    run: str = ""
    jobs: Callable[[Any], Iterable[JobDefinition]] = lambda _estate: ()
    is_grave: bool = False


JOB_KINDS: Seam[JobKind] = Seam("job-kinds")
LISTENERS: Seam[Listener] = Seam("ledger-listeners")
"""Told of the ledger's events, in the transaction that records them."""


def find_kind(name: str) -> JobKind:
    """Give a kind of job.

    Raises:
        OpsError: There is none of that name.
    """
    for kind in JOB_KINDS.parts():
        if kind.name == name:
            return kind
    raise OpsError(
        'no job of the kind "{kind}" is known to this version',
        data="nothing was run",
        next_step="look at the jobs with `{program} service.jobs`",
        kind=name,
    )


def tell_kind(name: str) -> str:
    """Give what a run of a kind is called; its name where this version knows none such."""
    return _(next((it.title for it in JOB_KINDS.parts() if it.name == name), name))


def is_grave(kind: str) -> bool:
    """Say whether people are called at once when a run of a kind fails."""
    return any(it.is_grave for it in JOB_KINDS.parts() if it.name == kind)


def find_runner(kind: str) -> JobRunner:
    """Give the runner of a kind of job; imports what does the work.

    Raises:
        OpsError: There is no such kind.
    """
    runner: JobRunner = find(find_kind(kind).run)
    return runner


def load(modules: Sequence[str]) -> None:
    """Import the modules that give kinds and listeners, in order."""
    for name in modules:
        import_module(name)


def tell_listeners(session: Session, events: Sequence[LedgerEvent]) -> None:
    """Tell every listener, in the order of `ops.wiring`."""
    for listener in LISTENERS.parts():
        listener(session, events)
