"""Duties in words: periods, whom they concern, how sure they are, and what a verdict means."""

from collections.abc import Collection, Iterable
from datetime import date

from ops.duties.evidence.due import Period
from ops.duties.evidence.verdicts import Verdict
from ops.duties.table.models import Duty
from ops.duties.table.parts import Basis, Every
from ops.language.formats import format_date
from ops.language.text import N_, _, language, ngettext

NATURES = {
    "law": N_("law"),
    "own-figure": N_("law, own figure"),
    "own": N_("own target"),
}
CERTAINTIES = {
    "S": N_("read in a copy of the text"),
    "S*": N_("read in a summary"),
    "M": N_("from memory, NOT verified"),
    "own": N_("set by the Center"),
}
REASONS = {
    "proven": N_("proven"),
    "by_paper": N_("proven by a paper; who signed it was not checked"),
    "failures": N_("it was tried and failed"),
    "late": N_("done, but after its day"),
    "partly": N_("what there is proves too little"),
    "nothing_yet": N_("nothing yet; the term still runs"),
    "nothing": N_("nothing was done in time"),
    "no_records": N_("not recorded at that time"),
    "not_rebuildable": N_("what the stores held in that period is not kept"),
    "not_looked": N_("it could not be checked, or what it showed then is not kept"),
}
MEDIA = {
    "disk": N_("disk"),
    "object": N_("object store"),
    "tape": N_("tape"),
}
_ROLES = {
    "operator": N_("operator"),
    "backup admin": N_("backup admin"),
    "security officer": N_("security officer"),
    "head": N_("head of the Center"),
    "archivist": N_("archivist"),
    "editors": N_("editors"),
    "unit": N_("the site's unit"),
}
_EVENTS = {
    "planned-stop": N_("a planned stop"),
    "planned-stop-called-off": N_("a planned stop that was announced and is called off"),
    "spokesperson-appointed": N_("a spokesperson is appointed"),
    "feedback-received": N_("feedback is received"),
    "incident": N_("an incident is found"),
    "personal-data-breach": N_("a breach of personal data"),
    "year-of-work-ends": N_("the year in which the work ends"),
    "construction-settled": N_("a construction is settled"),
    "handed-in-to-current-archive": N_("hand-in to the current archive"),
    "records-transferred": N_("records are moved to another store"),
    "destruction-decided": N_("destruction is decided"),
    "plan-approved": N_("the plan is approved"),
    "accepted": N_("work is accepted"),
    "restored-over-production": N_("a restore over production"),
    "backup-failed": N_("a backup fails"),
    "key-changed": N_("a key or its place changes"),
    "drill-finding": N_("a drill shows something that is not right"),
    "last-sign-in": N_("a person's last sign-in"),
}


def tell_count(count: int, unit: str) -> str:
    """Give a number of units: `3 months`."""
    texts = {
        "hours": ngettext("{count} hour", "{count} hours", count),
        "days": ngettext("{count} day", "{count} days", count),
        "working-days": ngettext("{count} working day", "{count} working days", count),
        "weeks": ngettext("{count} week", "{count} weeks", count),
        "months": ngettext("{count} month", "{count} months", count),
        "years": ngettext("{count} year", "{count} years", count),
    }
    return texts[unit].format(count=count)


def tell_event(name: str) -> str:
    """Give an event in the reader's language; a name of the Center's own as it stands."""
    return _(_EVENTS.get(name, name))


def tell_rhythm(duty: Duty) -> str:
    """Say when a duty comes: `every 3 months`, or within what time of which event."""
    if duty.every is not None:
        return _tell_every(duty.every)
    event = tell_event(duty.event)
    term = tell_count(duty.due.count, duty.due.unit)
    if duty.due.before:
        return _("{term} before: {event}").format(term=term, event=event)
    return _("{term} after: {event}").format(term=term, event=event)


def _tell_every(every: Every) -> str:
    if every.dates:
        days = ", ".join(format_date(day) for day in every.dates)
        return _("once, by {days}").format(days=days)
    return _("every {length}").format(length=tell_count(every.count or 1, every.unit or "days"))


def tell_scope(duty: Duty) -> str:
    """Say whom a duty concerns, and at which levels."""
    kinds = {
        "organisation": _("the Center"),
        "system": _("each information system"),
        "site": _("each site"),
    }
    roles = {"main": _("the main portal"), "component": _("each component site")}
    whom = roles[duty.applies.role] if duty.applies.role else kinds[duty.applies.kind]
    if not duty.applies.levels:
        return whom
    levels = ", ".join(str(level) for level in duty.applies.levels)
    return _("{whom}, level {levels}").format(whom=whom, levels=levels)


def tell_bases(bases: Iterable[Basis]) -> str:
    """Give documents with articles, each with its certainty."""
    return "; ".join(
        _("the Center's own") if it.certainty == "own" else f"{it} ({it.certainty})" for it in bases
    )


def tell_nature(duty: Duty, day: date, levels: Collection[int] = ()) -> str:
    """Say whether a duty is law or the Center's own target, and whether it is in transition.

    Args:
        duty: Which.
        day: On which day.
        levels: Security levels there are; empty for any.
    """
    nature = _(NATURES[duty.nature])
    if duty.nature != "own" and duty.is_transitional(day, levels):
        return _("{nature}, in transition").format(nature=nature)
    return nature


def tell_short_nature(duty: Duty, day: date, levels: Collection[int] = ()) -> str:
    """Say the same in a narrow column: `in transition` where systems still have time."""
    is_open = duty.nature != "own" and duty.is_transitional(day, levels)
    return _("in transition") if is_open else _(NATURES[duty.nature])


def tell_validity(duty: Duty) -> str:
    """Give the first and, where there is one, the last day of validity."""
    since = format_date(duty.valid_from)
    if duty.valid_until is None:
        return _("from {since}").format(since=since)
    until = format_date(duty.valid_until)
    return _("from {since} until {until}").format(since=since, until=until)


def tell_responsible(duty: Duty) -> str:
    """Give the role in the reader's language, or the person's name."""
    return tell_who(duty.responsible)


def tell_who(name: str) -> str:
    """Give a role in the reader's language; a person's name as it stands."""
    return _(_ROLES[name]) if name in _ROLES else name


def tell_title(duty: Duty) -> str:
    """Give the title in the reader's language."""
    return duty.title.told(language())


def tell_period(period: Period) -> str:
    """Give `01/07/2026–30/09/2026`, or one date for one day."""
    if period.start == period.end:
        return format_date(period.end)
    return f"{format_date(period.start)}–{format_date(period.end)}"


def tell_subject(name: str) -> str:
    """Give a subject's name; the organisation is called the Center."""
    return name or _("the Center")


def tell_reason(verdict: Verdict) -> str:
    """Say why a verdict is what it is."""
    return _(REASONS[verdict.reason])


def tell_medium(medium: str) -> str:
    """Give what a store's copies lie on; a word of the estate's own as it stands."""
    return _(MEDIA[medium]) if medium in MEDIA else medium
