"""Conclude a drill: judge it, write its minutes, open or close findings.

1. Judge from what the phases have found, and write the minutes (pure).
2. In one transaction: the phase, the outcome with minutes and hash, findings, their journal rows.

Killed before 2, nothing is concluded; after it, everything is.
"""

import socket
from datetime import UTC, datetime, timedelta

from ops.drills.findings import find_terms, settle
from ops.drills.minutes.minutes import DrillVerdict, Minutes, Setting, make_minutes
from ops.drills.minutes.verdict import Aims, judge_drill, measure_drill
from ops.drills.phases.work import Work
from ops.drills.records import Conclusion, PhaseResult, conclude_drill, end_phase
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.runbooks.library import find_runbook
from ops.sandbox.rehearse import remove_tree


def wipe(work: Work) -> PhaseResult:
    """Remove it; recorded with whether personal data was among what is gone now."""
    facts = {
        "folder": str(work.folder),
        "classes": list(work.site.classes),
        "personal_data": holds_personal_data(work.estate, work.site),
        "files": work.drill.phases["fetch"].facts.get("files", 0)
        if "fetch" in work.drill.phases
        else 0,
    }
    try:
        remove_tree(work.folder)
    except OSError as error:
        params = {"folder": str(work.folder), "reason": error.strerror or type(error).__name__}
        return PhaseResult(outcome="failed", reason="drill_not_wiped", params=params, facts=facts)
    return PhaseResult(outcome="ok", facts=facts)


def holds_personal_data(estate: Estate, site: Site) -> bool:
    """Tell whether a class of content that a site holds is personal data."""
    personal = {it.name for it in estate.classes if it.personal_data}
    return bool(personal & set(site.classes))


RUNBOOK = "restore-drill"
PAPER_RUNBOOK = "restore-drill-from-paper"


def conclude(work: Work, attempt: int) -> PhaseResult:
    """Do it; `attempt` is this phase's own."""
    now, drill = datetime.now(UTC), work.drill
    measured, aims = measure_drill(drill), find_aims(work.estate, work.site)
    judgement = judge_drill(drill, measured, aims)
    terms = find_terms(work.estate, work.site.name, now)
    verdict = DrillVerdict(judgement, measured, aims, terms)
    setting = describe_setting(work.estate, work.site, work.store, now)
    minutes = make_minutes(drill, setting, verdict, ended_at=now)
    result = PhaseResult(outcome="ok")
    with work.catalog.writing() as session:
        end_phase(session, work.origin, drill.id, "conclude", attempt, result, now=now)
        conclude_drill(session, work.origin, drill.id, _conclusion(verdict, minutes), now=now)
        settle(session, work.origin, drill.id, owner=terms.owner, due=terms.due, now=now)
    return result


def _conclusion(verdict: DrillVerdict, minutes: Minutes) -> Conclusion:
    judged = verdict.judgement
    return Conclusion(
        outcome=judged.outcome,
        reason=judged.reason,
        params=judged.params,
        isolated=judged.isolated,
        minutes=minutes.as_values(),
    )


def find_aims(estate: Estate, site: Site) -> Aims:
    """Give what the site asks for; where neither it nor the defaults say, what the runbook does."""
    runbook = find_runbook(estate.path, RUNBOOK)
    said = site.targets.model_fields_set
    rto = site.targets.rto_hours if "rto_hours" in said else runbook.rto_hours
    rpo = site.targets.rpo_hours if "rpo_hours" in said else runbook.rpo_hours
    return Aims(
        timedelta(hours=rto or site.targets.rto_hours),
        timedelta(hours=rpo or site.targets.rpo_hours),
    )


def describe_setting(estate: Estate, site: Site, store: Store, now: datetime) -> Setting:
    """Give the names that are valid on the day."""
    day = now.astimezone(estate.zone).date()
    organisation = estate.organisation
    unit = next((it for it in estate.units if it.name == site.unit), None)
    return Setting(
        organisation=organisation.name_on(day),
        authority=organisation.authority,
        place=organisation.place,
        site_title=site.title_on(day),
        unit_title=site.unit if unit is None else unit.title_on(day),
        system=site.system or "",
        location=store.location,
        medium=store.medium,
        machine=socket.gethostname(),
        people={it.name: it.title for it in estate.people},
        owner=site.owner or "",
        personal_data=holds_personal_data(estate, site),
    )
