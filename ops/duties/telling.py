"""Word the notice ahead of a duty's date, from what stands in the outbox."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ops.duties.due import Period
from ops.duties.wording import tell_period, tell_subject
from ops.jobs.reasons import Explanation
from ops.present import format_date
from ops.text import _, language

DUTY = "duty"
"""Code of the notice ahead of one date; a part of `DUTIES` since there are digests."""

DUTIES = "duties"
"""Code of a person's digest of what is due soon."""

UNREADABLE = "duties-unreadable"
"""Code of the notice that there are none, because a table has mistakes."""


def word_duty(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation, in the current language.

    Args:
        params: As `ops.duties.reminders` wrote them.
    """
    title = params["title"][language()]
    day = format_date(date.fromisoformat(params["due_on"]))
    period = Period(date.fromisoformat(params["from"]), date.fromisoformat(params["until"]))
    names = ", ".join(params["names"]) or tell_subject("")
    more = " …" if params["open"] > max(len(params["names"]), 1) else ""
    if params["nature"] == "own":
        why = _("the Center's own target; period {period}").format(period=tell_period(period))
    else:
        why = _("basis: {bases}; period {period}").format(
            bases="; ".join(params["basis"]), period=tell_period(period)
        )
    return _("{title} is due on {day}").format(title=title, day=day), Explanation(
        _("nothing proves it yet, for {names}").format(names=names + more),
        why=why,
        next_step=f"giucong duty.evidence --duty {params['duty']}",
    )


def word_duties(params: Mapping[str, Any]) -> tuple[str, Explanation]:
    """Give headline and explanation of a digest, in the current language.

    Args:
        params: As `ops.duties.digest` wrote them.
    """
    items = params["items"]
    if len(items) == 1:
        return word_duty(items[0])
    lines = []
    for item in items:
        headline, told = word_duty(item)
        lines.append(f"    ● {headline}\n      {told.what}; {told.why}")
    first = format_date(date.fromisoformat(items[0]["due_on"]))
    text = _("{count} duties are due soon, the first on {day}")
    return text.format(count=len(items), day=first), Explanation(
        "\n" + "\n".join(lines), next_step="giucong duty.due"
    )


def word_unreadable() -> tuple[str, Explanation]:
    """Give headline and explanation, in the current language."""
    return _("nobody is reminded of duties"), Explanation(
        _("a table of duties or holidays has mistakes"),
        data=_("backups already taken are not affected"),
        next_step="giucong duty.list",
    )
