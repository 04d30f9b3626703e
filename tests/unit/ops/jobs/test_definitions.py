"""Which jobs an estate asks for, and how long each may take."""

from datetime import timedelta
from pathlib import Path

from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger.job import TIME_LIMIT
from tests.integration.jobs.small_estate import build_estate


def test_every_job_of_a_site_ends_within_its_limit(tmp_path: Path) -> None:
    path = build_estate(tmp_path / "estate")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "cong-xa"', 'name = "cong-xa"\nlimits = { hours = 5 }', 1))
    jobs = list_jobs(load_estate(path))
    limits = {job.site: job.time_limit for job in jobs}

    assert {job.time_limit for job in jobs if job.site == "cong-xa"} == {timedelta(hours=5)}
    assert limits["giucong"] == TIME_LIMIT
