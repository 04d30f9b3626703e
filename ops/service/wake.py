"""Wake the service at the next due time. APScheduler keeps nothing and decides nothing.

The ledger decides what is due, so a wake-up that comes late, twice or for nothing does no harm,
and one that APScheduler drops is made up for by the service's own tick.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler

from ops.service.bell import Bell

log = logging.getLogger(__name__)

_NEXT = "next-due"


@dataclass(slots=True)
class Alarm:
    """Rings a bell at a moment that can be moved.

    Attributes:
        bell: The bell to ring.
    """

    bell: Bell
    _scheduler: Any = field(init=False)
    _set_for: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        # Source of the three settings: APScheduler drops a wake-up that is a second late otherwise.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(self._dropped, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.start()

    def set_for(self, moment: datetime | None) -> None:
        """Ring at `moment`, and no more at the one before; None: not at all."""
        if moment == self._set_for:
            return
        self._set_for = moment
        if moment is None:
            self._scheduler.remove_all_jobs()
        else:
            self._scheduler.add_job(
                self.bell.ring, "date", run_date=moment, id=_NEXT, replace_existing=True
            )

    def close(self) -> None:
        """Stop the scheduler's thread."""
        # Removing waits for a wake-up that is being handed over; what the thread hands over after
        # its executor has shut down would be an error.
        self._scheduler.remove_all_jobs()
        self._scheduler.shutdown(wait=True)

    def _dropped(self, event: Any) -> None:  # APScheduler is untyped
        log.warning("wake-up-dropped", extra={"fields": {"code": event.code}})
        self.bell.ring()
