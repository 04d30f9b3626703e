"""What the service, and each of its workers, is told as plain values."""

import json
import signal
import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ops.journal.journal import Origin
from ops.schedule.ledger.claims import FAR_STALE_AFTER, HEARTBEAT_EVERY, STALE_AFTER, Claim
from ops.schedule.ledger.endings import BY_CLOCK
from ops.schedule.ledger.job import JobDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How the service runs.

    Attributes:
        catalog_url: Where the catalog is, secrets resolved.
        state: Folder for locks.
        workers: Worker processes at once.
        estate: Path of the estate file, for the workers; empty when there is none.
        modules: Modules that register kinds of jobs and listeners.
        origin: Who acts, for the journal: software and estate version filled in.
        host: This machine's name.
        tick_every: Longest pause between two looks at the ledger.
        heartbeat_every: Pause between two beats of a worker.
        stale_after: How long a heartbeat may stand still.
        far_stale_after: How long that of a run on another machine may; its lock cannot be asked.
        lock_wait: How long a worker waits for its site's lock before it gives its claim back.
        stop_grace: How long workers may take to stop before they are killed.
        fair_turn: How long a run has its place whoever waits.
        patience: How long others wait, while no run starts, before the longest is ended.
    """

    catalog_url: str
    state: Path
    workers: int = 2
    estate: str = ""
    modules: tuple[str, ...] = ()
    origin: Origin = BY_CLOCK
    host: str = field(default_factory=socket.gethostname)
    tick_every: timedelta = timedelta(seconds=1)
    heartbeat_every: timedelta = HEARTBEAT_EVERY
    stale_after: timedelta = STALE_AFTER
    far_stale_after: timedelta = FAR_STALE_AFTER
    lock_wait: timedelta = timedelta(seconds=2)
    stop_grace: timedelta = timedelta(seconds=60)
    fair_turn: timedelta = timedelta(hours=2)
    patience: timedelta = timedelta(minutes=15)


TIME_IS_OVER = signal.SIGUSR2
"""Asks a worker to end its run as one that took more time than it may."""


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """One run to be done.

    Attributes:
        claim: The claimed run.
        job: Its definition.
        settings: The service's; the catalog's address may hold a password.
        stop_at: When its window ends, and the run with it; None for never.
    """

    claim: Claim
    job: JobDefinition
    settings: ServiceSettings
    stop_at: datetime | None = None


def format_request(request: WorkRequest) -> bytes:
    """Give the request as one line of JSON."""
    values = msgspec.to_builtins(request, enc_hook=str)  # of a path
    return json.dumps(values).encode() + b"\n"


def parse_request(line: bytes) -> WorkRequest:
    """Read what `format_request` wrote."""
    return msgspec.convert(json.loads(line), WorkRequest, dec_hook=lambda kind, text: kind(text))
