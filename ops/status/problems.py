"""What is not as it should be, how grave it is, and what to type; decided from the facts alone.

Restore drills as problems: what is overdue, and what a drill has shown; pure.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.alerts.decisions import frozen_subject, job_subject, late_subject, vanished_subject
from ops.alerts.drafts import FROZEN, JOURNAL_BROKEN, grace_of
from ops.alerts.drafts import is_late as is_overdue
from ops.archives.kind import FIXITY_JOB
from ops.backups.copies.seen import explain_held_gone
from ops.backups.media.facts import MediumFacts
from ops.backups.media.renewal import explain_renewal
from ops.backups.run.kind import backup_job
from ops.drills.kind import drill_job
from ops.drills.rotation.overdue import (
    DrillStanding,
    finding_params,
    finding_subject,
    overdue_subject,
)
from ops.drills.rotation.wording import explain_finding, explain_overdue
from ops.estate.history.known_sites import Vanished
from ops.jobs.last_runs import LastRun
from ops.language.formats import format_date, format_duration, format_moment
from ops.language.text import N_, _, fill, language, ngettext
from ops.monitor.alert_wording import explain_alert
from ops.outcomes.explain import explain
from ops.outcomes.plain import Explanation
from ops.status.facts import Facts, SiteFacts
from ops.status.problems_copies import Level, explain_stores, find_broken_parts, find_gone_backups
from ops.terminal.output import outcome_cell


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


def explain_media(media: Sequence[MediumFacts]) -> Iterator[tuple[bool, Explanation]]:
    """Explain each that is to be renewed or did not read back; pure.

    Yields:
        Whether it is grave, and what to say.
    """
    for medium in media:
        params = {"code": medium.code}
        if medium.verified == "failed":
            yield (
                True,
                Explanation(
                    fill(N_("the medium {code} did not read back as it was written"), params),
                    data=_("the stores are untouched; do not count on this medium"),
                    next_step=fill(
                        N_(
                            "write another: `{program} backup.export-media --to FOLDER --code CODE`"
                        ),
                        {},
                    ),
                ),
            )
        if medium.stage and medium.renew_on is not None:
            yield (
                medium.stage == "over",
                explain_renewal(medium.code, medium.renew_on, medium.stage, medium.basis),
            )


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        level: `red` needs somebody now; `yellow` can wait for the day.
        site: Which site; empty for the whole, and where it concerns several.
        told: In words.
        subject: What alerts about it call it; empty where there are none.
        alike: Names of the sites, where what concerns several alike is told once.
    """

    level: Level
    site: str
    told: Explanation
    subject: str = ""
    alike: tuple[str, ...] = ()

    def concerns(self, site: str) -> bool:
        """Say whether it is about that site, alone or with others."""
        return site == self.site or site in self.alike


def find_problems(facts: Facts) -> list[Problem]:
    """Give everything that is not as it should be, the red first; in the reader's language."""
    found = [*_find_in_whole(facts)]
    for is_grave, site_name, told, subject in explain_drills(facts.drills):
        found.append(Problem("red" if is_grave else "yellow", site_name, told, subject))
    for site in facts.sites:
        found += _find_in_site(site, facts)
    if facts.own is not None:
        found += _find_in_own(facts.own, facts)
    everywhere = (*facts.sites, *([facts.own] if facts.own else []))
    found += [
        Problem(it.level, it.sites[0] if len(it.sites) == 1 else "", it.told, alike=it.sites)
        for it in (*find_gone_backups(everywhere), *find_broken_parts(facts.sites))
    ]
    known = {problem.subject for problem in found}
    found += _find_in_alerts(facts, known | told_by_findings(facts.drills))
    return sorted(found, key=lambda problem: problem.level != "red")


def is_late(site: SiteFacts, now: datetime) -> bool:
    """Say whether a site's newest backup is older than it may be, or there is none."""
    return site.newest_at is None or now - site.newest_at > site.rpo + grace_of(site.rpo)


def _find_in_site(site: SiteFacts, facts: Facts) -> Iterator[Problem]:
    yield from _find_age(site, facts)
    yield from _find_in_content(site)
    backup, check = site.last_backup, site.last_check
    if backup is not None and (backup.outcome in {"failed", "incomplete"} or backup.reason):
        is_grave = backup.outcome == "failed" or backup.reason == JOURNAL_BROKEN
        level: Level = "red" if is_grave else "yellow"
        subject = job_subject(backup.job)
        yield Problem(level, site.name, _explain_run(backup, site.name), subject)
    if check is not None and check.outcome == "failed":
        subject = job_subject(check.job)
        yield Problem("red", site.name, _explain_run(check, site.name), subject)
    for mended in site.mended:
        yield Problem("yellow", site.name, mended.explain())
    if check is None and site.newest_at is not None:
        yield Problem("yellow", site.name, Explanation(
            _("the backups were never checked"),
            next_step=fill(N_("`{program} backup.check --site {site}`"), {"site": site.name}),
        ))  # fmt: skip
    if site.last_forget is not None and site.last_forget.outcome in {"failed", "incomplete"}:
        told = _explain_run(site.last_forget, site.name)
        yield Problem("yellow", site.name, told, job_subject(site.last_forget.job))
    yield from _find_in_witness(site.last_witness, site.name)
    yield from _find_in_archive(site.last_archived, site.name)
    for level, told in explain_stores(site, facts.now):
        yield Problem(level, site.name, told)
    if site.missed:
        text = ngettext(
            "{count} run was missed in the last 7 days",
            "{count} runs were missed in the last 7 days",
            site.missed,
        )
        yield Problem("yellow", site.name, Explanation(
            text.format(count=site.missed), next_step=fill(N_("`{program} service.missed`"), {})
        ))  # fmt: skip


def _find_in_content(site: SiteFacts) -> Iterator[Problem]:
    """Tell of a backup that looks like the work of ransomware, and of malware in a copy."""
    if site.frozen is not None:
        told = explain(FROZEN, site.frozen.as_params(), site=site.name)
        yield Problem("red", site.name, told, frozen_subject(site.name))
    scan = site.last_scan
    if scan is not None and scan.outcome in {"failed", "incomplete", "not_checked"}:
        level: Level = "red" if scan.outcome == "failed" else "yellow"
        yield Problem(level, site.name, _explain_run(scan, site.name), job_subject(scan.job))


def _find_in_own(own: SiteFacts, facts: Facts) -> Iterator[Problem]:
    """Judge the service as a site; that it has no backup yet can wait until one was due."""
    seen, saved = own.last_verify, own.last_backup
    is_newer = seen is not None and (saved is None or saved.ended_at <= seen.ended_at)
    if seen is not None and is_newer and seen.outcome == "failed":
        yield Problem("red", own.name, _explain_run(seen, own.name))
    was_due = own.due_since is not None and is_overdue(own.due_since, own.rpo, facts.now)
    if own.newest_at is not None or own.last_backup is not None or was_due:
        yield from _find_in_site(own, facts)
        return
    yield Problem("yellow", own.name, Explanation(
        _("the service has not saved itself yet: journal, records and estate"),
        next_step=fill(N_("`{program} backup.run --site {site}`"), {"site": own.name}),
    ))  # fmt: skip


def _find_in_witness(run: LastRun | None, site: str) -> Iterator[Problem]:
    """Tell what stock restic did not confirm; that it is not installed can wait."""
    if run is not None and run.outcome in {"failed", "not_checked"}:
        level: Level = "red" if run.outcome == "failed" else "yellow"
        yield Problem(level, site, _explain_run(run, site), job_subject(run.job))


def _find_in_archive(run: LastRun | None, site: str) -> Iterator[Problem]:
    """Tell what is wrong with what is archived; that a site was not captured can wait."""
    if run is not None and run.outcome in {"failed", "incomplete"}:
        is_grave = run.outcome == "failed" and run.job == FIXITY_JOB
        told = _explain_run(run, site)
        yield Problem("red" if is_grave else "yellow", site, told, job_subject(run.job))


def _find_age(site: SiteFacts, facts: Facts) -> Iterator[Problem]:
    run_it = fill(N_("`{program} backup.run --site {site}`"), {"site": site.name})
    rpo = format_duration(site.rpo)
    if site.newest_at is None:
        yield Problem("red", site.name, Explanation(
            _("there is no backup yet")
            if not site.databases
            else _("there is no backup of the whole site yet"),
            data=_tell_saved(site, facts),
            next_step=run_it,
        ), late_subject(site.name))  # fmt: skip
    elif is_late(site, facts.now):
        yield Problem("red", site.name, Explanation(
            _("the newest backup is {age} old; the target is {rpo}").format(
                age=format_duration(facts.now - site.newest_at), rpo=rpo
            ),
            data=_tell_saved(site, facts),
            next_step=run_it,
        ), late_subject(site.name))  # fmt: skip


def _tell_saved(site: SiteFacts, facts: Facts) -> str:
    """Say up to when a site is saved, its databases by name where they are newer."""
    alone = [f"{name}: {format_moment(at, facts.zone)}" for name, at in site.databases.items()]
    if site.newest_at is None:
        if not alone:
            return _("what the site holds is saved nowhere")
        text = _("saved are databases alone, {databases}; whatever else it holds is saved nowhere")
        return text.format(databases=", ".join(alone))
    text = (
        _("saved up to {moment}, databases newer: {databases}; what is younger is saved nowhere")
        if any(at > site.newest_at for at in site.databases.values())
        else _("saved up to {moment}; what is younger is saved nowhere")
    )
    moment = format_moment(site.newest_at, facts.zone)
    return text.format(moment=moment, databases=", ".join(alone))


def _find_in_whole(facts: Facts) -> Iterator[Problem]:
    if not facts.is_service_running:
        yield Problem("yellow", "", Explanation(
            _("the service does not run on this machine: nothing happens by itself"),
            data=_("backups that exist are untouched"),
            next_step=fill(N_("`{program} service.run`, or `systemctl start giucong`"), {}),
        ))  # fmt: skip
    if not facts.has_relay:
        yield Problem("yellow", "", Explanation(
            _("nobody is told when something fails: the estate names no relay"),
            next_step=_("set `[notices] relay` and routes in the estate file"),
        ))  # fmt: skip
    if facts.is_duty_vacant:
        yield Problem("yellow", "", Explanation(
            _("nobody is on duty today: everybody is told at once"),
            next_step=_("fill the gap in `[[notices.roster]]` of the estate file"),
        ))  # fmt: skip
    for review in facts.reviews:
        params = {"duty": review.duty}
        yield Problem("red", "", Explanation(
            _("not done, and due by {day}: {title}").format(
                day=format_date(review.due_on), title=review.title[language()]
            ),
            data=_("no data is at risk; nobody has looked who may do what"),
            next_step=fill(
                N_("`{program} user.list`, then `{program} duty.record --duty {duty} --period DAY"
                   " --document NUMBER`"),
                params,
            ),
        ))  # fmt: skip
    for gone in facts.held_gone:
        yield Problem("red", gone.site, explain_held_gone(gone))
    for vanished in facts.vanished:
        told = _explain_vanished(vanished)
        yield Problem("red", vanished.name, told, vanished_subject(vanished.name))
    for is_grave, told in explain_media(facts.media):
        yield Problem("red" if is_grave else "yellow", "", told)
    yield from _find_in_notices(*facts.undelivered)


def _find_in_notices(tried: int, given_up: int) -> Iterator[Problem]:
    if given_up:
        yield Problem("red", "", Explanation(
            _("{count} notices were given up: whom they were for has not been told").format(
                count=given_up
            ),
            data=_("what is red is listed here all the same"),
            next_step=fill(
                N_("put the relay right; once `{program} service.notify-test` gets through this is"
                   " told no more"),
                {},
            ),
        ))  # fmt: skip
    if tried:
        yield Problem("yellow", "", Explanation(
            _("{count} notices did not get through").format(count=tried),
            next_step=_("check the relay; undelivered notices are tried again by themselves"),
        ))  # fmt: skip


def _find_in_alerts(facts: Facts, known: Collection[str]) -> Iterator[Problem]:
    """Yield what only an alert tells of: a run that never ends, a database's own backup."""
    for alert in facts.alerts:
        if alert.subject in known:
            continue
        headline, told = explain_alert(alert, facts.zone)
        level: Level = "red" if alert.severity == "critical" else "yellow"
        what = f"{headline}: {told.what}" if told.what else headline
        explanation = Explanation(what, told.why, told.data, told.next_step)
        yield Problem(level, alert.site, explanation, alert.subject)


def _explain_vanished(vanished: Vanished) -> Explanation:
    stores = ", ".join(vanished.stores)
    return Explanation(
        _("the site has vanished from the estate and was not retired"),
        data=_("its backups stay untouched; it is no longer backed up"),
        why=_("they lie in: {stores}").format(stores=stores) if stores else "",
        next_step=fill(
            N_(
                "put its lines back, or `{program} estate.retire --site {site} --reason TEXT"
                " --document NUMBER`"
            ),
            {"site": vanished.name},
        ),
    )


def _explain_run(run: LastRun, site: str) -> Explanation:
    found = explain(run.reason, run.params, job=run.job, site=site, by_clock=True)
    name = run.job.partition("/")[0]
    kind = {
        "backup": _("last backup"),
        "check": _("last check"),
        "copy": _("last copying"),
        "drill": _("last restore drill"),
        "forget": _("last forgetting"),
        "witness": _("last look of stock restic"),
        "scan": _("last look for malware"),
        "journal-verify": _("last look at the journal"),
    }
    heading = kind.get(name, name)
    is_odd = run.outcome == "ok" and bool(found.what)  # it is stored, and somebody has to look
    state = _("look at it") if is_odd else outcome_cell(run.outcome).text
    return Explanation(
        f"{heading}: {state}: {found.what}".rstrip(": "),
        found.why, found.data, found.next_step,
    )  # fmt: skip


def _doubts_backup(problem: Problem) -> bool:
    """Tell whether it is about the newest backup itself: what it lacks is not well backed up."""
    return bool(problem.site) and problem.subject == job_subject(backup_job(problem.site))


def summarize(facts: Facts, problems: Sequence[Problem]) -> str:
    """Give the closing line: how many sites are well, and how old the oldest backup is."""
    grave = [it for it in problems if it.level == "red" or _doubts_backup(it)]
    unreadable = {it.store for site in facts.sites for it in site.copies if it.is_unreadable}
    good = [
        site
        for site in facts.sites
        if not any(it.concerns(site.name) for it in grave)
        and not any(it.is_unreadable for it in site.copies)
    ]
    ages = [facts.now - site.newest_at for site in facts.sites if site.newest_at is not None]
    working = sum(site.is_working for site in facts.sites)
    parts = [
        _("{good} of {count} sites are well backed up").format(
            good=len(good), count=len(facts.sites)
        )
    ]
    if ages:
        oldest = format_duration(max(ages))
        parts.append(_("the oldest of their newest backups is {age} old").format(age=oldest))
    if unreadable:
        text = _("copies that cannot be read, in {stores}")
        parts.append(text.format(stores=", ".join(sorted(unreadable))))
    if working:
        parts.append(_("at work now: {count}").format(count=working))
    return "; ".join(parts) + "."
