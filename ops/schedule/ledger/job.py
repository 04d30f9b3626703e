"""What the ledger is told of a job and of what became of it: plain values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from ops.schedule.windows import Schedule, parse_schedule
from ops.told_text import clean_text, keep_told

Outcome = Literal["ok", "incomplete", "failed", "not_checked", "missed", "skipped"]
Occasion = Literal["ended", "retried", "missed", "skipped", "late"]

LOST = "lost"
TIMED_OUT = "timed_out"
STOPPED = "stopped"
WINDOW_OVER = "window_over"
TOO_MUCH = "too_much"
COALESCED = "coalesced"
DOWN = "down"
BLACKOUT = "blackout"
RETIRED = "retired"
DRILLS = ("drill/", "drill-file/", "drill-archive/")
PAGES = "archive-web/"
AUDITS = "security-audit/"
READERS = {"check/": "check/", **dict.fromkeys(DRILLS, DRILLS[0])}
"""What the names of jobs begin with that only read a repository → what their site's lock does."""

TIME_LIMIT = timedelta(hours=72)
"""So long a run takes at most where nothing else is said: a first backup of some terabytes does."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed occurrence is tried, as the job's nature allows.

    Attributes:
        tries: Runs at most; 1 for work that a person must look at first.
        wait: Pause before the next try.
    """

    tries: int = 1
    wait: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """One job as the estate asks for it.

    Attributes:
        name: Unique, `KIND/SITE` as a rule; keeps its history as long as it keeps its name.
        kind: What it does; a name of `ops.schedule.kinds`.
        site: Site whose lock it holds; empty for a job of the whole estate.
        schedule: Cron line, window, or empty.
        timezone: Zone of the schedule.
        spread_key: What its place in a window is derived from; the site's name when empty.
        arguments: JSON values for the runner; no secrets.
        retry: What happens after a failure.
        time_limit: Longest run.
        late_after: How long after its due time it must have ended well; None: never late.
        catch_up: Whether a due time that passed while the service was down is run afterwards.
        ends_with_window: Whether a run that meets the end of its window stops, and goes on next
            time.
        window: One more window that it ends with, for a job that is asked for in another's.
        is_urgent: Whether it runs before all others and, alone of its like, beside a full pool.
    """

    name: str
    kind: str
    site: str = ""
    schedule: str = ""
    timezone: str = "Asia/Ho_Chi_Minh"
    spread_key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    retry: RetryPolicy = RetryPolicy()
    time_limit: timedelta = TIME_LIMIT
    late_after: timedelta | None = None
    catch_up: bool = True
    ends_with_window: bool = False
    window: str = ""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a run ended, as its runner says.

    Attributes:
        outcome: `ok`, `incomplete`, `failed`, `not_checked` or `skipped`.
        reason: Reason code; empty when there is nothing to explain.
        params: JSON parameters of the reason; no secrets.
        summary: JSON numbers of the result; the worker adds `seconds`.
    """

    outcome: Outcome
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """Something that happened to an occurrence, told in the transaction that records it.

    Attributes:
        occasion: `ended` (a run's outcome is final), `retried` (it failed and is tried again),
            `missed`, `skipped`, or `late` (not done in time, told once).
        job, kind, site, due_at: Which occurrence.
        outcome, reason, params: What became of it; empty for `late`.
        run_id: The run; None when none was started.
        attempt: Which try; 0 when none was started.
        requested_by: The person who asked for it; empty for the clock.
        summary: Numbers of the run's result.
    """

    occasion: Occasion
    job: str
    kind: str
    site: str
    due_at: datetime
    outcome: Outcome | None = None
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    run_id: UUID | None = None
    attempt: int = 0
    requested_by: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)


def schedule_of(job: JobDefinition) -> Schedule:
    """Read a job's schedule.

    Raises:
        WrongUseError: Its text cannot be read.
    """
    return read_schedule(job.schedule, job.timezone, job.spread_key or job.site or job.name)


@lru_cache(maxsize=10_000)
def read_schedule(text: str, timezone: str, spread_key: str) -> Schedule:
    """Read a schedule from its three texts, once."""
    return parse_schedule(text, ZoneInfo(timezone), spread_key=spread_key)


def lock_name(site: str, job: str) -> str:
    """Give the name of the lock a run holds: its site's, or its own when it has no site.

    Drills of a site have one of their own: they read a copy, and the site is backed up meanwhile.
    So have its checks: they read under the repository's shared lock, and take the site's where they
    write.
    So has the capture of its pages: it asks the site for hours, as any visitor does. The audit of
    hosts keeps the service's own backup from nothing.
    """
    if job.startswith((PAGES, AUDITS)):
        return job
    own = next((lock for start, lock in READERS.items() if job.startswith(start)), "")
    return f"{own}{site}" if own else site or job


_LONGEST_TEXT = 300


def describe_failure(error: BaseException) -> JobResult:
    """Turn what left a runner into a result: the reason is the error's name in small letters.

    An explained error keeps its templates and parameters, so that it can be told in any language.
    """
    name = type(error).__name__.removesuffix("Error")
    reason = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if not hasattr(error, "next_step"):
        return JobResult("failed", "crashed", _brief(error))
    parts = {part: getattr(error, part) for part in ("what", "why", "data", "next_step")}
    params = {key: keep_told(value) for key, value in getattr(error, "params", {}).items()}
    return JobResult("failed", reason, {**parts, "params": params})


def _brief(error: BaseException) -> dict[str, str]:
    return {"error": type(error).__name__, "text": clean_text(str(error))[:_LONGEST_TEXT]}
