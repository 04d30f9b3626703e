"""What the service hands a worker: one JSON line through its standard input.

It may hold the catalog's password, so it is never an argument and never in the environment.
"""

import json
import signal
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ops.schedule.ledger.claims import Claim
from ops.schedule.ledger.job import JobDefinition
from ops.service.settings import ServiceSettings

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
