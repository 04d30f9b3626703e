"""The service as a site: its name is reserved, and its hour follows from everybody else's."""

import pytest

from ops.errors import EstateError
from ops.estate.model.own_site import own_schedule, witness_schedule
from ops.jobs.definitions import list_jobs
from tests.unit.ops.estate.conftest import SITE, Load


def with_schedules(*schedules: str) -> str:
    sites = []
    for number, schedule in enumerate(schedules):
        site = SITE.replace('name = "so-y-te"', f'name = "site-{number}"', 1)
        sites.append(f'{site}[sites.schedule]\nbackup = "{schedule}"\n')
    return "".join(sites)


@pytest.mark.parametrize(
    ("schedules", "own", "witness"),
    [
        (["22:00-05:00"], "0 6 * * *", "30 6 * * *"),
        (["22:00-05:00", "21:00-23:30"], "0 6 * * *", "30 6 * * *"),
        (["20:00-22:15"], "15 23 * * *", "45 23 * * *"),
        (["20:00-23:30"], "30 0 * * *", "0 1 * * *"),
        (["30 2 * * *", "22:00-01:00"], "30 3 * * *", "0 4 * * *"),
        (["0 3 1 1 *"], "0 4 * * *", "30 4 * * *"),
        (["0 * * * *"], "59 10 * * *", "29 11 * * *"),
        (["", ""], "0 1 * * *", "30 1 * * *"),
    ],
    ids=["one", "two", "evening", "past-midnight", "cron", "yearly", "hourly", "never"],
)
def test_it_saves_itself_an_hour_after_the_last_window_of_the_night(
    load: Load, schedules: list[str], own: str, witness: str
) -> None:
    estate = load(with_schedules(*schedules))

    assert (own_schedule(estate), witness_schedule(estate)) == (own, witness)


def test_an_estate_without_sites_saves_the_service_all_the_same(load: Load) -> None:
    names = [job.name for job in list_jobs(load(""))]

    assert "backup/giucong" in names
    assert "journal-head/giucong" in names


def test_the_estate_refuses_a_site_of_that_name(load: Load) -> None:
    with pytest.raises(EstateError):
        load(SITE.replace('name = "so-y-te"', 'name = "giucong"', 1))


def test_its_jobs_come_after_those_of_the_sites(load: Load) -> None:
    jobs = list_jobs(load())
    own = [job for job in jobs if job.site == "giucong"]

    assert jobs[0].site == "so-y-te"
    assert jobs[-len(own) :] == own
    assert {job.kind for job in own} == {
        "backup",
        "check",
        "forget",
        "witness",
        "journal-head",
        "scan",
        "drill-plan",
        "security-audit",
    }
