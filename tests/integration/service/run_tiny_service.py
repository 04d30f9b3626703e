"""A real service process over tiny jobs: `python -m … CATALOG_URL STATE JOBS_JSON`."""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from ops.schedule.ledger.job import TIME_LIMIT, JobDefinition, RetryPolicy
from ops.service.log_lines import log_to_stderr
from ops.service.loop import run_service
from ops.service.settings import ServiceSettings


def main() -> None:
    catalog_url, state, jobs_json = sys.argv[1:]
    log_to_stderr()
    settings = ServiceSettings(
        catalog_url=catalog_url,
        state=Path(state),
        workers=2,
        modules=("tests.integration.service.tiny_jobs",),
        tick_every=timedelta(seconds=0.2),
        heartbeat_every=timedelta(seconds=0.3),
        stale_after=timedelta(seconds=float(os.environ.get("TINY_STALE", "1.5"))),
        stop_grace=timedelta(seconds=5),
        fair_turn=timedelta(seconds=float(os.environ.get("TINY_TURN", "7200"))),
        patience=timedelta(seconds=5),
    )
    run_service(settings, lambda: [read_job(values) for values in json.loads(jobs_json)])


def read_job(values: dict[str, object]) -> JobDefinition:
    tries = values.pop("tries", 1)
    limit = float(str(values.pop("limit_seconds", TIME_LIMIT.total_seconds())))
    return JobDefinition(
        **values,  # type: ignore[arg-type]  # a test's own JSON
        retry=RetryPolicy(int(str(tries)), timedelta(seconds=0)),
        time_limit=timedelta(seconds=limit),
    )


if __name__ == "__main__":
    main()
