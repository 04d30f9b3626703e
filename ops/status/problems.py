"""What is red: the one judge, for what `giucong` shows, the daily summary and the alerts; pure.

A problem says what is wrong by its code; `ops.status.problem_wording` has the sentences. What has a
subject may be an alert: runs that failed are told with their event (`ops.alerts.drafts.judge_run`
judges both), states by `ops.status.daily_summary`, conditions by `ops.alerts.watch`.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from ops.alerts.decisions import frozen_subject, job_subject, late_subject, vanished_subject
from ops.alerts.drafts import (
    DRILL_OVERDUE,
    FAILED,
    FINDING_OVERDUE,
    FROZEN,
    LATE,
    VANISHED,
    Severity,
    judge_run,
)
from ops.alerts.drafts import is_late as is_overdue
from ops.backups.media.records import MediumFacts
from ops.backups.pages.verdict import UNLIKE
from ops.backups.ransomware.freeze import is_of_pages, params_of
from ops.drills.kind import drill_job
from ops.drills.rotation.read import DrillStanding, finding_params, finding_subject, overdue_subject
from ops.jobs.live import LastRun
from ops.status.facts import Facts, SiteFacts
from ops.status.problem import Problem
from ops.status.problems_copies import find_broken_parts, find_gone_backups, find_in_stores

NO_BACKUP = "no_backup"
ODD = "odd_run"
NOT_CHECKED = "not_checked"
NEVER_CHECKED = "never_checked"
MENDED = "damage_mended"
MISSED_LATELY = "missed_lately"
NEVER_SAVED_ITSELF = "never_saved_itself"
FINDING_OPEN = "drill_finding_open"
SERVICE_DOWN = "service_down"
NO_RELAY = "no_relay"
DUTY_VACANT = "duty_vacant"
REVIEW_OVERDUE = "review_overdue"
REPORT_OVERDUE = "report_overdue"
HELD_GONE = "held_gone"
MEDIUM_UNREADABLE = "medium_unreadable"
MEDIUM_RENEWAL = "medium_renewal"
MEDIUM_OUTDATED = "medium_outdated"
NOTICES_GIVEN_UP = "notices_given_up"
NOTICES_WAITING = "notices_waiting"
DATED_AHEAD = "dated_ahead"
CATALOG_DOUBTED = "catalog_doubted"


def find_problems(facts: Facts) -> list[Problem]:
    """Give everything that is not as it should be, the red first."""
    found = [*_find_in_whole(facts), *find_in_drills(facts.drills)]
    for site in facts.sites:
        found += _find_in_site(site, facts)
    if facts.own is not None:
        found += _find_in_own(facts.own, facts)
    everywhere = (*facts.sites, *([facts.own] if facts.own else []))
    found += [*find_gone_backups(everywhere), *find_broken_parts(facts.sites)]
    known = {problem.subject for problem in found} | told_by_findings(facts.drills)
    found += _find_in_alerts(facts, known)
    return sorted(found, key=lambda problem: problem.level != "red")


def is_late(site: SiteFacts, now: datetime) -> bool:
    """Say whether a site's newest backup is older than it may be, or there is none."""
    return site.newest_at is None or is_overdue(site.newest_at, site.rpo, now)


def _find_age(site: SiteFacts, now: datetime) -> Iterator[Problem]:
    """A site without any backup is red at once, and late once it was due."""
    if not is_late(site, now):
        return
    newest, due = site.newest_at, site.due_since
    was_due = due is not None and is_overdue(due, site.rpo, now)
    yield Problem(
        subject=late_subject(site.name),
        severity="critical",
        code=LATE if newest is not None or was_due else NO_BACKUP,
        params={
            "newest": newest.isoformat() if newest else None,
            "age_seconds": (now - newest).total_seconds() if newest else None,
            "rpo_seconds": site.rpo.total_seconds(),
            "databases": {name: at.isoformat() for name, at in site.databases.items()},
        },
        site=site.name,
        occasion=newest.isoformat() if newest else "never",
    )


def _find_in_site(site: SiteFacts, facts: Facts) -> Iterator[Problem]:
    yield from _find_age(site, facts.now)
    if site.frozen is not None:
        yield Problem(
            subject=frozen_subject(site.name),
            severity="warning" if is_of_pages(site.frozen) else "critical",
            code=FROZEN,
            params=params_of(site.frozen),
            site=site.name,
            occasion=site.frozen.finding,
        )
    if site.ahead is not None:
        told = {"latest": site.ahead.isoformat()}
        yield Problem(
            severity="warning", code=DATED_AHEAD, params=told, site=site.name, is_red_by_day=True
        )
    yield from judge(site.last_scan, site.name, {"incomplete", "failed", "not_checked"})
    odd = () if site.frozen is not None and _tells_frozen(site.last_backup) else (ODD,)
    yield from judge(site.last_backup, site.name, {"incomplete", "failed", *odd})
    yield from judge(site.last_check, site.name)
    for mended in site.mended:
        params = {"count": mended.count, "store": mended.store}
        yield Problem(severity="warning", code=MENDED, params=params, site=site.name)
    if site.last_check is None and site.newest_at is not None:
        yield Problem(severity="warning", code=NEVER_CHECKED, site=site.name)
    yield from judge(site.last_forget, site.name)
    yield from judge(site.last_witness, site.name, {"failed", "not_checked"}, by_day=True)
    yield from judge(site.last_archived, site.name)
    yield from find_in_stores(site, facts.now)
    if site.missed:
        params = {"count": site.missed}
        yield Problem(severity="warning", code=MISSED_LATELY, params=params, site=site.name)


def _tells_frozen(run: LastRun | None) -> bool:
    return run is not None and run.reason == UNLIKE


_RUN_ENDS = frozenset({"failed", "incomplete"})


def judge(
    run: LastRun | None,
    site: str,
    ends: Collection[str] = _RUN_ENDS,
    *,
    by_day: bool = False,
    is_alert: bool = True,
) -> Iterator[Problem]:
    """Yield what is wrong with the newest run of a job.

    Args:
        run: The run; None where there was none.
        site: Its site.
        ends: Outcomes to tell of; `ODD` for a good one with something to explain.
        by_day: Whether a failure is red although nobody is woken for it.
        is_alert: Whether an alert may tell of it.
    """
    if run is None:
        return
    judged = judge_run(run.job.partition("/")[0], run.outcome, run.reason)
    if judged is None and run.outcome == "not_checked" and run.outcome in ends:
        judged = NOT_CHECKED, "warning"
    elif judged is None and run.reason and ODD in ends:
        judged = ODD, "warning"
    if judged is None or (run.outcome in _RUN_ENDS and run.outcome not in ends):
        return
    code, severity = judged
    yield Problem(
        subject=job_subject(run.job) if is_alert else "",
        severity=severity,
        code=code,
        params={
            "job": run.job,
            "outcome": run.outcome,
            "reason": run.reason,
            "params": dict(run.params),
        },
        site=site,
        is_red_by_day=by_day and code == FAILED,
    )


def _find_in_own(own: SiteFacts, facts: Facts) -> Iterator[Problem]:
    """Judge the service as a site; that it has no backup yet can wait until one was due."""
    seen, saved = own.last_verify, own.last_backup
    if seen is not None and (saved is None or saved.ended_at <= seen.ended_at):
        yield from judge(seen, own.name, {"failed"}, by_day=True, is_alert=False)
    was_due = own.due_since is not None and is_overdue(own.due_since, own.rpo, facts.now)
    if own.newest_at is not None or own.last_backup is not None or was_due:
        yield from _find_in_site(own, facts)
    else:
        yield Problem(severity="warning", code=NEVER_SAVED_ITSELF, site=own.name)


def find_in_drills(standing: DrillStanding) -> Iterator[Problem]:
    """Yield drills that are overdue, and what drills have shown.

    They wait for office hours: no data is at risk at three in the morning.
    """
    for overdue in standing.overdue:
        subject = overdue_subject(overdue.duty)
        yield Problem(
            subject=subject,
            severity="warning",
            code=DRILL_OVERDUE,
            params={**overdue.as_params(), "subject": subject},
            site=overdue.subjects[0] if len(overdue.subjects) == 1 else "",
            occasion=overdue.due_on.isoformat(),
            is_red_by_day=True,
        )
    for finding in standing.findings:
        late, subject = standing.is_late(finding), finding_subject(finding.id)
        yield Problem(
            subject=subject,
            severity="warning",
            code=FINDING_OVERDUE if late else FINDING_OPEN,
            params={**finding_params(finding, is_late=late), "subject": subject},
            site=finding.site,
            occasion=finding.due.isoformat(),
            is_red_by_day=late,
        )


def told_by_findings(standing: DrillStanding) -> set[str]:
    """Give the subjects of alerts about runs of which an open finding says more."""
    return {job_subject(drill_job(it.site, it.scope)) for it in standing.findings}


def _find_in_whole(facts: Facts) -> Iterator[Problem]:
    missing = {
        SERVICE_DOWN: not facts.is_service_running,
        NO_RELAY: not facts.has_relay,
        DUTY_VACANT: facts.is_duty_vacant,
    }
    for code, is_missing in missing.items():
        if is_missing:
            yield Problem(severity="warning", code=code)
    for vanished in facts.vanished:
        yield Problem(
            subject=vanished_subject(vanished.name),
            severity="critical",
            code=VANISHED,
            params={"stores": list(vanished.stores)},
            site=vanished.name,
        )
    for medium in facts.media:
        yield from find_in_medium(medium)
    yield from _find_in_records(facts)


def _find_in_records(facts: Facts) -> Iterator[Problem]:
    if facts.doubt is not None:
        doubt = {"reason": facts.doubt.reason, "params": dict(facts.doubt.params)}
        yield Problem(severity="critical", code=CATALOG_DOUBTED, params=doubt)
    for review in facts.reviews:
        params = {"duty": review.duty, "title": dict(review.title)}
        params |= {"due_on": review.due_on.isoformat()}
        yield Problem(severity="critical", code=REVIEW_OVERDUE, params=params)
    for request in facts.requests:
        told = {**request.as_values(), "is_overdue": True}
        yield Problem(severity="warning", code=REPORT_OVERDUE, params=told, is_red_by_day=True)
    for gone in facts.held_gone:
        params = {"store": gone.store, "place": gone.place, "reference": gone.reference}
        yield Problem(severity="critical", code=HELD_GONE, params=params, site=gone.site)
    tried, given_up = facts.undelivered
    if given_up:
        yield Problem(severity="critical", code=NOTICES_GIVEN_UP, params={"count": given_up})
    if tried:
        yield Problem(severity="warning", code=NOTICES_WAITING, params={"count": tried})


def find_in_medium(medium: MediumFacts) -> Iterator[Problem]:
    """Yield that it did not read back, and that it is to be renewed."""
    params: dict[str, Any] = {"code": medium.code}
    if medium.verified == "failed":
        yield Problem(severity="critical", code=MEDIUM_UNREADABLE, params=params)
    if medium.outdated:
        sites = {"sites": ", ".join(medium.outdated)}
        yield Problem(severity="critical", code=MEDIUM_OUTDATED, params={**params, **sites})
    if medium.stage and medium.renew_on is not None:
        params |= {"renew_on": medium.renew_on.isoformat(), "stage": medium.stage}
        params |= {"basis": list(medium.basis)}
        severity: Severity = "critical" if medium.stage == "over" else "warning"
        yield Problem(severity=severity, code=MEDIUM_RENEWAL, params=params)


def _find_in_alerts(facts: Facts, known: Collection[str]) -> Iterator[Problem]:
    """Yield what only an alert tells of: a run that never ends, a host that does not answer."""
    for alert in facts.alerts:
        if alert.subject not in known:
            yield Problem(
                subject=alert.subject,
                severity="critical" if alert.severity == "critical" else "warning",
                code=alert.code,
                params=alert.params,
                site=alert.site,
                alert=alert,
            )
