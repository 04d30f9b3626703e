"""Restore drills, and the planning of them, as kinds of jobs."""

from collections.abc import Iterator

from ops.drills.records import Kind
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.jobs.definitions import job_of, own_job
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition

PLAN_JOB = f"drill-plan/{OWN_SITE}"
"""The job that asks for the drills that are due."""

_WHEN_A_DAY_BEGINS = "10 0 * * *"


def drill_job(site: str, kind: Kind = "site") -> str:
    """Give the name of a site's drills of a kind (`ops.drills.records.Kind`).

    Each keeps its history apart: a file that was restored well says nothing of the whole site.
    """
    return f"drill/{site}" if kind == "site" else f"drill-{kind}/{site}"


def _drills(estate: Estate) -> Iterator[JobDefinition]:
    """Yield the drills: the rotation asks for them, and a site's own schedule only adds.

    They run in the window of the site's backups, and end with it.
    """
    for site in estate.named_sites:
        drill = job_of(estate, site, DRILL.name)
        asked: list[tuple[Kind, str, dict[str, str]]] = [
            ("site", site.schedule.drill, {"scope": "site"}),
            ("file", "", {"scope": "file"}),
        ]
        if site.archive is not None:
            asked.append(("archive", "", {"source": "archive"}))
        for kind, schedule, arguments in asked:
            yield drill(
                name=drill_job(site.name, kind),
                schedule=schedule,
                arguments=arguments,
                ends_with_window=True,
                window=site.schedule.backup,
            )


def _plans(estate: Estate) -> Iterator[JobDefinition]:
    yield own_job(estate, DRILL_PLAN.name, _WHEN_A_DAY_BEGINS)


DRILL = JobKind(
    name="drill", title=N_("restore drill"), run="ops.drills.job:run_drill", jobs=_drills
)
DRILL_PLAN = JobKind(
    name="drill-plan",
    title=N_("planning of restore drills"),
    run="ops.drills.rotation.job:plan_drills",
    jobs=_plans,
)
