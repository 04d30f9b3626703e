"""Say of each problem what, why, whether data is safe and what to type; in the reader's language.

By code: what the alerts tell too has the words of its alert only where nothing else knows it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from ops.alerts.decisions import frozen_subject, job_subject
from ops.alerts.drafts import (
    DRILL_OVERDUE,
    FAILED,
    FINDING_OVERDUE,
    FROZEN,
    INCOMPLETE,
    LATE,
    SUSPICIOUS,
    VANISHED,
)
from ops.backups.copies.seen import HeldGone, explain_held_gone
from ops.backups.kinds import backup_job
from ops.backups.media.records import explain_renewal
from ops.drills.rotation.due import explain_finding, explain_overdue
from ops.language.formats import format_date, format_duration, format_moment
from ops.language.text import N_, _, fill, language, ngettext
from ops.monitor.alert_wording import explain_alert
from ops.outcomes import Explanation, explain
from ops.reports.requests import explain_request
from ops.schedule.kinds import tell_kind
from ops.status import problems as codes
from ops.status import problems_copies as copies
from ops.status.facts import Facts
from ops.status.problem import Problem
from ops.status.problems_copies import explain_broken_part, explain_gone_backups, explain_late_copy
from ops.terminal.output import outcome_cell

Explainer = Callable[[Mapping[str, Any], str, str], Explanation]
"""Explains the params of a problem of a site; the zone is for moments."""


def explain_problem(problem: Problem, zone: str) -> Explanation:
    """Explain a problem, in the current language."""
    if problem.alert is not None:
        headline, told = explain_alert(problem.alert, zone)
        what = f"{headline}: {told.what}" if told.what else headline
        return Explanation(what, told.why, told.data, told.next_step)
    return _EXPLAINERS[problem.code](problem.params, problem.site, zone)


def _explain_run(params: Mapping[str, Any], site: str, _zone: str) -> Explanation:
    job, outcome = params["job"], params["outcome"]
    found = explain(params["reason"], params["params"], job=job, site=site, by_clock=True)
    heading = _("last {kind}").format(kind=tell_kind(job.partition("/")[0]))
    is_odd = outcome == "ok" and bool(found.what)  # it is stored, and somebody has to look
    state = _("look at it") if is_odd else outcome_cell(outcome).text
    return Explanation(
        f"{heading}: {state}: {found.what}".rstrip(": "), found.why, found.data, found.next_step
    )


def _explain_late(params: Mapping[str, Any], site: str, zone: str) -> Explanation:
    if params["newest"] is None:
        alone = params["databases"]
        what = (
            _("there is no backup of the whole site yet") if alone else _("there is no backup yet")
        )
    else:
        what = _("the newest backup is {age} old; the target is {rpo}").format(
            age=format_duration(timedelta(seconds=params["age_seconds"])),
            rpo=format_duration(timedelta(seconds=params["rpo_seconds"])),
        )
    run_it = fill(N_("`{program} backup.run --site {site}`"), {"site": site})
    return Explanation(what, data=_tell_saved(params, zone), next_step=run_it)


def _tell_saved(params: Mapping[str, Any], zone: str) -> str:
    """Say up to when a site is saved, its databases by name where they are newer."""
    moments = {name: datetime.fromisoformat(at) for name, at in params["databases"].items()}
    alone = [f"{name}: {format_moment(at, zone)}" for name, at in moments.items()]
    if params["newest"] is None:
        if not alone:
            return _("what the site holds is saved nowhere")
        text = _("saved are databases alone, {databases}; whatever else it holds is saved nowhere")
        return text.format(databases=", ".join(alone))
    newest = datetime.fromisoformat(params["newest"])
    text = (
        _("saved up to {moment}, databases newer: {databases}; what is younger is saved nowhere")
        if any(at > newest for at in moments.values())
        else _("saved up to {moment}; what is younger is saved nowhere")
    )
    return text.format(moment=format_moment(newest, zone), databases=", ".join(alone))


def _explain_ahead(params: Mapping[str, Any], site: str, zone: str) -> Explanation:
    told = {"moment": format_moment(datetime.fromisoformat(params["latest"]), zone), "site": site}
    return Explanation(
        fill(N_("backups are dated ahead of now, up to {moment}"), told),
        _("a clock was ahead when they were made"),
        _("they are kept, and count as the newest of nothing"),
        fill(
            N_(
                "`{program} backup.redate --site {site} --reason TEXT` gives them a moment that is"
                " believed; it takes two people"
            ),
            told,
        ),
    )


def _explain_vanished(params: Mapping[str, Any], site: str, _zone: str) -> Explanation:
    stores = ", ".join(params["stores"])
    return Explanation(
        _("the site has vanished from the estate and was not retired"),
        data=_("its backups stay untouched; it is no longer backed up"),
        why=_("they lie in: {stores}").format(stores=stores) if stores else "",
        next_step=fill(
            N_(
                "put its lines back, or `{program} estate.retire --site {site} --reason TEXT"
                " --document NUMBER`"
            ),
            {"site": site},
        ),
    )


def _explain_review(params: Mapping[str, Any], _site: str, _zone: str) -> Explanation:
    day = format_date(date.fromisoformat(params["due_on"]))
    title = params["title"][language()]
    return Explanation(
        _("not done, and due by {day}: {title}").format(day=day, title=title),
        data=_("no data is at risk; nobody has looked who may do what"),
        next_step=fill(
            N_("`{program} duty.review --duty {duty}`, then the same with `--conclusion TEXT`")
            if params["duty"] == "role-review"
            else N_("`{program} security.baseline` for each host"),
            {"duty": params["duty"]},
        ),
    )


def _explain_missed(params: Mapping[str, Any], _site: str, _zone: str) -> Explanation:
    text = ngettext(
        "{count} run was missed in the last 7 days",
        "{count} runs were missed in the last 7 days",
        params["count"],
    )
    return Explanation(
        text.format(count=params["count"]), next_step=fill(N_("`{program} service.missed`"), {})
    )


def _explain_renewal(params: Mapping[str, Any], _site: str, _zone: str) -> Explanation:
    day = date.fromisoformat(params["renew_on"])
    return explain_renewal(params["code"], day, params["stage"], params["basis"])


def _explain_held_gone(params: Mapping[str, Any], site: str, _zone: str) -> Explanation:
    return explain_held_gone(HeldGone(site=site, **params))


def _by_reason(code: str = "") -> Explainer:
    return lambda params, site, _zone: explain(code or params["reason"], params, site=site)


def _plain(what: str, *, data: str = "", next_step: str = "") -> Explainer:
    """Give what fills the params and the site into templates."""

    def fill_in(params: Mapping[str, Any], site: str, _zone: str) -> Explanation:
        told = {**params, "site": site}
        return Explanation(
            fill(what, told),
            data=fill(data, told) if data else "",
            next_step=fill(next_step, told) if next_step else "",
        )

    return fill_in


_EXPLAINERS: Mapping[str, Explainer] = {
    **dict.fromkeys((FAILED, INCOMPLETE, SUSPICIOUS, codes.ODD, codes.NOT_CHECKED), _explain_run),
    **dict.fromkeys((LATE, codes.NO_BACKUP), _explain_late),
    VANISHED: _explain_vanished,
    FROZEN: _by_reason(FROZEN),
    codes.MENDED: _by_reason(codes.MENDED),
    copies.LOSS: _by_reason(),
    DRILL_OVERDUE: lambda params, _site, _zone: explain_overdue(params),
    FINDING_OVERDUE: lambda params, _site, _zone: explain_finding(params),
    codes.FINDING_OPEN: lambda params, _site, _zone: explain_finding(params),
    codes.REVIEW_OVERDUE: _explain_review,
    codes.REPORT_OVERDUE: lambda params, _site, _zone: explain_request(params),
    codes.HELD_GONE: _explain_held_gone,
    codes.MEDIUM_RENEWAL: _explain_renewal,
    codes.MISSED_LATELY: _explain_missed,
    copies.COPY_LATE: lambda params, site, _zone: explain_late_copy(params, site),
    copies.BACKUPS_GONE: lambda params, _site, _zone: explain_gone_backups(params),
    copies.RULE_BROKEN: lambda params, _site, _zone: explain_broken_part(params),
    codes.NEVER_CHECKED: _plain(
        N_("the backups were never checked"), next_step=N_("`{program} backup.check --site {site}`")
    ),
    codes.NEVER_SAVED_ITSELF: _plain(
        N_("the service has not saved itself yet: journal, records and estate"),
        next_step=N_("`{program} backup.run --site {site}`"),
    ),
    codes.SERVICE_DOWN: _plain(
        N_("the service does not run on this machine: nothing happens by itself"),
        data=N_("backups that exist are untouched"),
        next_step=N_("`{program} service.run`, or `systemctl start giucong`"),
    ),
    codes.NO_RELAY: _plain(
        N_("nobody is told when something fails: the estate names no relay"),
        next_step=N_("set `[notices] relay` and routes in the estate file"),
    ),
    codes.DUTY_VACANT: _plain(
        N_("nobody is on duty today: everybody is told at once"),
        next_step=N_("fill the gap in `[[notices.roster]]` of the estate file"),
    ),
    codes.MEDIUM_UNREADABLE: _plain(
        N_("the medium {code} did not read back as it was written"),
        data=N_("the stores are untouched; do not count on this medium"),
        next_step=N_("write another: `{program} backup.export-media --to FOLDER --code CODE`"),
    ),
    codes.MEDIUM_OUTDATED: _plain(
        N_("the medium {code} opens only with a key that has leaked: {sites}"),
        data=N_("the stores are untouched; whoever has the old key and the medium can read it"),
        next_step=N_(
            "write it anew: `{program} backup.export-media --to FOLDER --code {code}`; one"
            " that is lost: `{program} backup.retire-media --code {code} --reason TEXT`"
        ),
    ),
    codes.DATED_AHEAD: _explain_ahead,
    codes.CATALOG_DOUBTED: lambda params, _site, _zone: explain(params["reason"], params["params"]),
    codes.NOTICES_GIVEN_UP: _plain(
        N_("{count} notices were given up: whom they were for has not been told"),
        data=N_("what is red is listed here all the same"),
        next_step=N_(
            "put the relay right; once `{program} service.notify-test` gets through this is"
            " told no more"
        ),
    ),
    codes.NOTICES_WAITING: _plain(
        N_("{count} notices did not get through"),
        next_step=N_("check the relay; undelivered notices are tried again by themselves"),
    ),
}


def _doubts_backup(problem: Problem) -> bool:
    """Tell whether it is about the newest backup itself: what it lacks is not well backed up."""
    subjects = {job_subject(backup_job(problem.site)), frozen_subject(problem.site)}
    return bool(problem.site) and problem.subject in subjects


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
