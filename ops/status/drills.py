"""Restore drills as problems: what is overdue, and what a drill has shown; pure."""

from collections.abc import Iterator

from ops.alerts.decisions import job_subject
from ops.drills.due_telling import explain_finding, explain_overdue
from ops.drills.overdue import (
    DrillStanding,
    finding_params,
    finding_subject,
    overdue_subject,
)
from ops.jobs.definitions import drill_job
from ops.jobs.reasons import Explanation


def explain_drills(standing: DrillStanding) -> Iterator[tuple[bool, str, Explanation, str]]:
    """Explain each: overdue is grave, and so is what was not fixed by its day.

    Yields:
        Whether it is grave, the site (empty for several), what to say, and what alerts call it.
    """
    for overdue in standing.overdue:
        told = explain_overdue(overdue.as_params())
        yield True, "", told, overdue_subject(overdue.duty)
    for finding in standing.findings:
        is_late = standing.is_late(finding)
        told = explain_finding(finding_params(finding, is_late=is_late))
        yield is_late, finding.site, told, finding_subject(finding.id)


def told_by_findings(standing: DrillStanding) -> set[str]:
    """Give the subjects of alerts about runs of which an open finding says more."""
    return {job_subject(drill_job(it.site, it.scope)) for it in standing.findings}
