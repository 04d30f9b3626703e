"""Duties in words: periods, whom they concern, how sure they are, and what a verdict means."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ops.duties.evidence.due import Period
from ops.duties.evidence.verdicts import GRAVEST, Verdict
from ops.duties.table.models import Basis, Duty, Every
from ops.estate.versions import find_changes
from ops.language.formats import format_date, format_number
from ops.language.text import N_, _, language, ngettext
from ops.terminal.output import verdict_cell

NATURES = {"law": N_("law"), "own-figure": N_("law, own figure"), "own": N_("own target")}
CERTAINTIES = {
    "S": N_("read in a copy of the text"),
    "S*": N_("read in a summary"),
    "M": N_("from memory, NOT verified"),
    "own": N_("set by the Center"),
}
REASONS = {
    "proven": N_("proven"),
    "by_paper": N_("proven by a paper; who signed it was not checked"),
    "stated": N_("stated, with a document that is kept; nothing here proves it"),
    "by_word": N_("stated by word of mouth; no document of it is kept"),
    "failures": N_("it was tried and failed"),
    "late": N_("done, but after its day"),
    "partly": N_("what there is proves too little"),
    "nothing_yet": N_("nothing yet; the term still runs"),
    "nothing": N_("nothing was done in time"),
    "no_records": N_("not recorded at that time"),
    "not_rebuildable": N_("what the stores held in that period is not kept"),
    "not_looked": N_("it could not be checked, or what it showed then is not kept"),
}
MEDIA = {"disk": N_("disk"), "object": N_("object store"), "tape": N_("tape")}
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


def tell_validity(duty: Duty) -> str:
    """Give the first and, where there is one, the last day of validity."""
    since = format_date(duty.valid_from)
    if duty.valid_until is None:
        return _("from {since}").format(since=since)
    until = format_date(duty.valid_until)
    return _("from {since} until {until}").format(since=since, until=until)


def tell_who(name: str) -> str:
    """Give a role in the reader's language; a person's name as it stands."""
    return _(_ROLES[name]) if name in _ROLES else name


def tell_duty(duty: Duty, day: date, levels: Collection[int]) -> dict[str, str]:
    """Give all that people are told of a duty on a day, by what it tells."""
    return {
        "name": duty.name,
        "title": tell_title(duty),
        "nature": tell_nature(duty, day, levels),
        "rhythm": tell_rhythm(duty),
        "scope": tell_scope(duty),
        "validity": tell_validity(duty),
        "who": tell_who(duty.responsible),
        "basis": tell_bases(duty.basis),
    }


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


def tell_counts(standings: Iterable[str]) -> str:
    """Count how duties stand, proven ones first: `passed: 3 · stated, not proven: 1`."""
    counts = Counter(standings)
    shown = [it for it in reversed(GRAVEST) if counts[it] or it == "ok"]
    return " · ".join(f"{verdict_cell(it).text}: {format_number(counts[it])}" for it in shown)


def tell_reason(verdict: Verdict) -> str:
    """Say why a verdict is what it is."""
    return _(REASONS[verdict.reason])


def tell_medium(medium: str) -> str:
    """Give what a store's copies lie on; a word of the estate's own as it stands."""
    return _(MEDIA[medium]) if medium in MEDIA else medium


_ROW = re.compile(r"(?:duties|rows)\[(?P<row>[^\]]+)\]\.(?P<rest>.+)")
_STEP = re.compile(r"\[[^\]]*\]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

CODES: Mapping[str, str] = {
    "business-data": N_("business data"),
    "configuration": N_("configuration"),
    "database": N_("database"),
    "system": N_("system"),
    "incremental": N_("incremental"),
    "encrypted": N_("encrypted"),
    "full_read": N_("full read at times"),
}
"""Parts and methods of the policy, as its table names them."""

_WORDS: Mapping[str, str] = {
    "applies.kind": N_("whom it concerns"), "applies.levels": N_("levels"),
    "applies.role": N_("role of the sites"), "basis": N_("basis"), "due.before": N_("due before"),
    "due.count": N_("term"), "due.since": N_("term counted from"),
    "due.unit": N_("unit of the term"),
    "event": N_("event"), "every.count": N_("period"), "every.dates": N_("dates"),
    "every.start": N_("period begins"), "every.unit": N_("unit of the period"),
    "evidence": N_("evidence"), "figure": N_("whose figure"), "lead.count": N_("reminded before"),
    "lead.unit": N_("unit of the reminder"), "note": N_("note"),
    "responsible": N_("who answers for it"),
    "title.en": N_("title in English"), "title.vi": N_("title"), "transition": N_("transition"),
    "valid_from": N_("valid from"), "valid_until": N_("valid until"),
    "data_class": N_("class of content"), "title": N_("title"),
    "personal_data": N_("personal data"),
    "sites": N_("sites"), "parts": N_("parts"), "method": N_("method"),
    "frequency.backup": N_("backup at"), "frequency.full_read": N_("full read at"),
    "frequency.check": N_("check at"), "frequency.databases": N_("databases alone at"),
    "places": N_("place"), "places.location": N_("location"), "places.medium": N_("medium"),
    "places.role": N_("role of the store"), "places.locked_days": N_("days locked"),
    "places.retention": N_("retention"), "places.retention.keep_last": N_("the newest"),
    "places.retention.keep_daily": N_("daily"), "places.retention.keep_weekly": N_("weekly"),
    "places.retention.keep_monthly": N_("monthly"), "places.retention.keep_yearly": N_("yearly"),
    "places.retention.minimum_days": N_("days at least"), "rpo_hours": N_("RPO, hours"),
    "rto_hours": N_("RTO, hours"), "restore_tests": N_("restore test"), "persons": N_("person"),
}  # fmt: skip


def tell_changes(changes: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield a line for each thing that differs, in the reader's language.

    Args:
        changes: Dotted key to what it was and what it is; None stands for what is not there.
    """
    groups: dict[str, dict[str, Sequence[Any]]] = {}
    for key, pair in changes.items():
        found = _ROW.fullmatch(key)
        row, rest = (found["row"], found["rest"]) if found else ("", key)
        groups.setdefault(row, {})[rest] = pair
    for row, parts in groups.items():
        yield from _tell_row(row, parts)


def _tell_row(row: str, parts: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    name = _tell_name(row)
    old, new = parts.get("name", (None, None))
    if old is None and new is not None:
        yield _("{row}: new: {what}").format(row=name, what=_sum_up(parts, 1))
    elif new is None and old is not None:
        yield _("{row}: no longer there: {what}").format(row=name, what=_sum_up(parts, 0))
    else:
        for key, (before, after) in _by_name(parts):
            told = f"{_tell_key(key)}: {_tell_value(before)} → {_tell_value(after)}"
            yield f"{name}: {told}" if name else told


def _by_name(parts: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield each pair; of two lists of stores or duties what differs, by their names."""
    for key, pair in parts.items():
        named = [_name_each(it) for it in pair]
        if all(it is not None for it in named):
            yield from find_changes({key: named[0]}, {key: named[1]}).items()
        else:
            yield key, pair


def _name_each(value: Any) -> list[dict[str, Any]] | None:  # JSON values
    rows = value if isinstance(value, list) else []
    if not rows or not all(
        isinstance(it, Mapping) and {"store", "duty"} & it.keys() for it in rows
    ):
        return None
    return [{"name": it.get("store") or it["duty"], **it} for it in rows]


def _tell_name(row: str) -> str:
    """Give `name, from 01/01/2026` for a row of duties, `class · site` for one of the policy."""
    name, at, since = row.partition("@")
    if at and _DAY.fullmatch(since):
        return _("{name}, from {day}").format(name=name, day=format_date(date.fromisoformat(since)))
    data_class, slash, site = row.partition("/")
    if not slash:
        return row
    return f"{_('without a class') if data_class == '-' else data_class} · {site}"


def _sum_up(parts: Mapping[str, Sequence[Any]], side: int) -> str:
    """Say what a row that came or went is about: its title, how often, who answers for it."""

    def value(key: str) -> Any:  # JSON values
        return parts[key][side] if key in parts else None

    told = [value(f"title.{language()}") or value("title") or ""]
    if value("every.count") and value("every.unit"):
        length = tell_count(value("every.count"), value("every.unit"))
        told.append(_("every {length}").format(length=length))
    if value("event"):
        told.append(tell_event(value("event")))
    told += [tell_who(value("responsible") or ""), ", ".join(value("sites") or ())]
    return "; ".join(it for it in told if it) or "–"


def _tell_key(key: str) -> str:
    """Give words for a key; what stands in brackets is a name and stays beside them."""
    names = ", ".join(it[1:-1] for it in _STEP.findall(key))
    bare, rest = _STEP.sub("", key), ""
    while bare and bare not in _WORDS:
        bare, _dot, last = bare.rpartition(".")
        rest = f".{last}{rest}"
    words = _(_WORDS[bare]) if bare else ""
    return ", ".join(it for it in (words, names, rest.removeprefix(".")) if it)


def _tell_value(value: Any) -> str:  # JSON values
    if value is None or value in ("", [], {}):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return " ".join(_tell_value(it) for it in value.values() if it not in (None, "", []))
    if isinstance(value, list):
        return ", ".join(_tell_value(it) for it in value)
    text = str(value)
    if _DAY.fullmatch(text):
        return format_date(date.fromisoformat(text))
    return _(CODES[text]) if text in CODES else tell_who(text)
