"""Say in words what differs between two tables, of duties or of the policy; one line each.

Both are compared as plain values (`ops.estate.history.versions.find_changes`): a dotted key, what
it was and what it is. What came or went whole is one line; JSON carries every value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ops.duties.wording import tell_count, tell_event, tell_who
from ops.estate.history.versions import find_changes
from ops.language.formats import format_date
from ops.language.text import N_, _, language

_ROW = re.compile(r"(?:duties|rows)\[(?P<row>[^\]]+)\]\.(?P<rest>.+)")
_STEP = re.compile(r"\[[^\]]*\]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

CODES: Mapping[str, str] = {
    "business-data": N_("business data"), "configuration": N_("configuration"),
    "database": N_("database"), "system": N_("system"), "incremental": N_("incremental"),
    "encrypted": N_("encrypted"), "full_read": N_("full read at times"),
}  # fmt: skip
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
