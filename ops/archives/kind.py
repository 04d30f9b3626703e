"""The jobs of the archive: a site is captured; what is archived is read again."""

from collections.abc import Iterator

from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.jobs.definitions import ONCE_AGAIN, job_of
from ops.language.text import N_
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import PAGES, JobDefinition


def archive_job(site: str) -> str:
    """Give the name of the job that captures a site."""
    return f"archive/{site}"


def by_hand_job(site: str) -> str:
    """Give the name of the job that archives what people hand in for a site."""
    return f"{BY_HAND.name}/{site}"


def pages_job(site: str) -> str:
    """Give the name of the job that captures a site's pages."""
    return f"{PAGES}{site}"


FIXITY_JOB = f"archive-check/{ARCHIVE_SITE}"


def _captures(estate: Estate) -> Iterator[JobDefinition]:
    for site in estate.sites:
        if estate.archive is not None and site.archive is not None:
            yield job_of(estate, site, CAPTURE.name)(
                name=archive_job(site.name), schedule=site.schedule.archive, retry=ONCE_AGAIN
            )


def _pages(estate: Estate) -> Iterator[JobDefinition]:
    for site in estate.sites:
        if estate.archive is not None and site.archive is not None and site.archive.web:
            yield job_of(estate, site, PAGE_CAPTURE.name)(
                name=pages_job(site.name), schedule=site.schedule.archive, retry=ONCE_AGAIN
            )


def _checks(estate: Estate) -> Iterator[JobDefinition]:
    if estate.archive is not None:
        site = estate.site(ARCHIVE_SITE)
        yield job_of(estate, site, FIXITY.name)(
            name=FIXITY_JOB, schedule=site.schedule.check, retry=ONCE_AGAIN
        )


CAPTURE = JobKind(
    name="archive", title=N_("archiving"), run="ops.archives.job:capture_site", jobs=_captures
)
PAGE_CAPTURE = JobKind(
    name="archive-web",
    title=N_("capture of pages"),
    run="ops.archives.pages:capture_pages",
    jobs=_pages,
)
FIXITY = JobKind(
    name="archive-check",
    title=N_("check of the archive"),
    run="ops.archives.fixity:check_archive",
    jobs=_checks,
    is_grave=True,
)
BY_HAND = JobKind(name="archive-ingest", title=N_("archived by hand"))
