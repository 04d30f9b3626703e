"""What the service hands a worker: one JSON line through its standard input.

It may hold the catalog's password, so it is never an argument and never in the environment.
"""

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from ops.journal.journal import Origin
from ops.schedule.ledger.job import RetryPolicy

TIME_IS_OVER = signal.SIGUSR2
"""Asks a worker to end its run as one that took more time than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """One run to be done.

    Attributes:
        run_id: The claimed run.
        job, kind, site, due_at, arguments: What to run.
        retry: What follows a failure.
        catalog_url: Where the catalog is; may hold a password.
        state: The service's state folder.
        estate: Path of the estate file, or empty.
        modules: Modules that register kinds of jobs.
        origin: Who acts, for the journal.
        heartbeat_every: Pause between two beats.
        lock_wait: How long to wait for the site's lock.
        stop_at: When its window ends, and the run with it; None for never.
    """

    run_id: UUID
    job: str
    kind: str
    site: str
    due_at: datetime
    arguments: Mapping[str, Any]
    retry: RetryPolicy
    catalog_url: str
    state: Path
    estate: str
    modules: tuple[str, ...]
    origin: Origin
    heartbeat_every: timedelta
    lock_wait: timedelta
    stop_at: datetime | None = None


def format_request(request: WorkRequest) -> bytes:
    """Give the request as one line of JSON."""
    values = msgspec.to_builtins(request, enc_hook=str)  # of a path
    return json.dumps(values).encode() + b"\n"


def parse_request(line: bytes) -> WorkRequest:
    """Read what `format_request` wrote."""
    return msgspec.convert(json.loads(line), WorkRequest, dec_hook=lambda kind, text: kind(text))
