"""What is red and told to nobody: it waits for its time, is silenced, or stands on what is red."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ops.access.session import reading
from ops.alerts.looks import RED, Held, find_hidden
from ops.alerts.overview import AlertView
from ops.alerts.subjects import name_subject, name_subjects
from ops.alerts.watch import read_states
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration, format_moment
from ops.language.text import N_, _
from ops.terminal.output import write_line, write_table

_UNTOLD = {
    "pending": N_("told if it lasts until {moment}"),
    "suppressed": N_("told with what it stands on: {above}"),
    "hushed": N_("silenced, or a planned stop"),
}


def look_for_states(estate: Estate) -> dict[str, Held]:
    """Open the catalog and give every state, by subject."""
    with reading(estate) as session:
        return read_states(session)


def list_untold(states: Iterable[Held]) -> list[dict[str, Any]]:
    """Give a row for each thing that is red and told to nobody, the oldest first."""
    return [
        {
            "subject": it.subject,
            "stage": it.stage,
            "state": it.state,
            "severity": it.severity,
            "code": it.code,
            "params": it.params,
            "parent": it.parent,
            "site": it.site,
            "since": it.since,
            "told_from": it.since + it.holds_for,
        }
        for it in _find_untold(states)
    ]


def _find_untold(states: Iterable[Held]) -> list[Held]:
    found = (it for it in states if it.stage in _UNTOLD and it.state in RED)
    return sorted(found, key=lambda it: (it.since, it.subject))


def write_untold(states: Iterable[Held], now: datetime, zone: str) -> None:
    """Write a table of what is red and told to nobody."""
    untold = _find_untold(states)
    if not untold:
        write_line(_("Nothing else is red."))
        return
    heads = [_("Red, and told to nobody"), _("For"), _("Why not told")]
    write_table(heads, [
        (name_subject(it.subject), format_duration(now - it.since), _tell_why(it, zone))
        for it in untold
    ])  # fmt: skip


def _tell_why(held: Held, zone: str) -> str:
    moment = format_moment(held.since + held.holds_for, zone)
    above = name_subject(held.parent)
    return _(_UNTOLD[held.stage]).format(moment=moment, above=above)


def list_under(alert: AlertView, states: Mapping[str, Held]) -> dict[str, list[str]]:
    """Give what an alert stands for besides its subject, by name.

    Returns:
        `members`: what became red together; `hidden`: what is not told because of it.
    """
    members = sorted(it.subject for it in states.values() if _is_member(it, alert))
    hidden = find_hidden(states, {alert.subject, *members})
    return {"members": members, "hidden": [it.subject for it in hidden]}


def _is_member(held: Held, alert: AlertView) -> bool:
    is_told = held.alert is not None and held.alert.hex == alert.full_id
    return is_told and held.subject != alert.subject


def tell_under(alert: AlertView, states: Mapping[str, Held], now: datetime) -> Iterator[str]:
    """Yield the lines for people that say so, and whether it keeps changing."""
    under = list_under(alert, states)
    texts = {
        "members": _("still red of them ({count}): {names}"),
        "hidden": _("red with it, and not told apart ({count}): {names}"),
    }
    for kind, subjects in under.items():
        if subjects and len(subjects) != alert.params.get("count"):  # else it names all of them
            names = name_subjects(subjects, len(subjects))
            yield texts[kind].format(count=len(subjects), names=names)
    held = states.get(alert.subject)
    if held is not None and held.is_flapping(now):
        text = _("it changed {count} times within an hour; the alert stays open until it is steady")
        yield text.format(count=len(held.changes))
