"""Drills that are due, overdue or next, and what they have shown, in words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ops.alerts.drafts import DRILL_OVERDUE, FINDING_OVERDUE
from ops.alerts.notice_wording import PROBLEM, NoticeKind
from ops.duties.wording import tell_who
from ops.language.formats import format_date
from ops.language.text import N_, _, fill, language
from ops.outcomes import Explanation, explain

_MOST_NAMED = 3


def tell_kind(scope: str, engine: str, *, from_paper: bool) -> str:
    """Say what kind of drill it is: one file or the whole site, and what is not as usual."""
    kinds = {"file": _("one file"), "archive": _("items of the archive")}
    parts = [kinds.get(scope, _("the whole site"))]
    parts += [_("stock restic")] if engine == "restic" else []
    parts += [_("keys from paper")] if from_paper else []
    return ", ".join(parts)


def tell_command(choice: Mapping[str, Any]) -> str:
    """Give the command that runs a drill.

    Args:
        choice: Fields of `ops.drills.rotation.turns.Choice`.
    """
    parts = [fill(N_("{program} drill.run --site {site}"), {"site": choice["site"]})]
    if choice["scope"] == "file":
        parts.append("--file")
    if choice["scope"] == "archive":
        parts.append("--from archive")
    if choice["engine"] == "restic":
        parts.append("--with restic")
    if choice["from_paper"]:
        parts.append("--from-paper")
    if choice["store"]:
        parts.append(f"--store {choice['store']}")
    return f"`{' '.join(parts)}`"


def explain_overdue(params: Mapping[str, Any]) -> Explanation:
    """Explain a drill that is overdue, in the current language.

    Args:
        params: Of `ops.drills.rotation.read.Overdue.as_params`.
    """
    title = params["title"][language()]
    day = format_date(date.fromisoformat(params["due_on"]))
    whys = {
        "": _("the service asks for it by itself; it has not gone well since"),
        "tried": _("it was tried and did not go well; it is tried again"),
        "no_backup": _("there is no backup that could be restored"),
        "by_people": _("only people can do it: the keys come from paper"),
    }
    what = _("no good restore drill by {day}: {title}").format(day=day, title=title)
    names = _name(params["subjects"])
    choice = params["choice"]
    return Explanation(
        f"{what} ({names})" if names else what,
        whys[params["hindrance"]],
        _("the backups are untouched; nothing proves yet that they restore"),
        tell_command(choice) if choice else fill(N_("`{program} drill.list --due`"), {}),
    )


def explain_finding(params: Mapping[str, Any]) -> Explanation:
    """Explain what a drill has shown and none has shown fixed, in the current language.

    Args:
        params: Of `ops.drills.rotation.read.finding_params`.
    """
    found = explain(params["code"], params["params"], site=params["site"])
    day = format_date(date.fromisoformat(params["due_on"]))
    owner = tell_who(params["owner"]) if params["owner"] else _("nobody")
    told = {"day": day, "owner": owner}
    why = _("{owner} sees to it that it is fixed by {day}; only a good drill shows that")
    if params["is_late"]:
        why = _("{owner} was to have it fixed by {day}; only a good drill shows that")
    return Explanation(
        _("a restore drill did not go well: {what}").format(what=found.what).rstrip(": "),
        "; ".join(it for it in (found.why, why.format(**told)) if it),
        found.data or _("the backups are untouched; nothing proves yet that they restore"),
        fill(N_("`{program} drill.show --drill {drill}`"), {"drill": params["drill"]}),
    )


def word_overdue(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice about an overdue drill."""
    found = explain_overdue(params)
    return found.what, Explanation("", found.why, found.data, found.next_step)


def word_finding(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of the notice about a finding whose day has passed."""
    return _("what a restore drill has shown is not fixed in time"), explain_finding(params)


def _name(subjects: Sequence[str]) -> str:
    shown = ", ".join(it for it in subjects[:_MOST_NAMED] if it)
    more = len(subjects) - _MOST_NAMED
    return f"{shown} " + _("and {count} more").format(count=more) if more > 0 else shown


NOTICE_KINDS = {
    DRILL_OVERDUE: NoticeKind(
        lambda told, _zone: word_overdue(told.params), about_sites=False, label=PROBLEM
    ),
    FINDING_OVERDUE: NoticeKind(lambda told, _zone: word_finding(told.params), label=PROBLEM),
}
