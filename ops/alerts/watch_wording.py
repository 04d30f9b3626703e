"""Word what is told of many conditions at once, and of those that nobody else has words for."""

from datetime import datetime

from ops.alerts.drafts import CLEARED_TOGETHER, TOGETHER
from ops.alerts.notice_wording import PROBLEM, STATE, UNKNOWN, NoticeKind, Told
from ops.alerts.subjects import name_subject, name_subjects
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill
from ops.outcomes.plain import Explanation


def _word_together(told: Told, zone: str) -> tuple[str, Explanation]:
    params = told.params
    since = format_moment(datetime.fromisoformat(params["since"]), zone)
    headline = _("{count} things became red at once").format(count=params["count"])
    what = name_subjects(params["subjects"], params["count"])
    if params.get("left", params["count"]) < params["count"]:
        what += ". " + _("Still red of them: {count}").format(count=params["left"])
    return headline, Explanation(
        what,
        why=_("the first of them since {since}; look for what they share").format(since=since),
        next_step=fill(N_("`{program} monitor.alerts --pending` lists each"), {}),
    )


def _word_cleared_together(told: Told, _zone: str) -> tuple[str, Explanation]:
    params = told.params
    headline = _("{count} alerts are over").format(count=params["count"])
    return headline, Explanation(name_subjects(params["subjects"], params["count"]))


def _word_unknown(told: Told, zone: str) -> tuple[str, Explanation]:
    watch = told.params["watch"]
    since = format_moment(datetime.fromisoformat(watch["since"]), zone)
    headline = _("{subject} is not as it should be").format(subject=name_subject(watch["subject"]))
    return headline, Explanation(
        _("since {since}: {code}").format(since=since, code=told.code),
        next_step=fill(N_("`{program} monitor.alerts --pending` lists each"), {}),
    )


NOTICE_KINDS = {
    TOGETHER: NoticeKind(_word_together, about_sites=False, label=PROBLEM),
    CLEARED_TOGETHER: NoticeKind(_word_cleared_together, about_sites=False, label=STATE),
    UNKNOWN: NoticeKind(_word_unknown, about_sites=False, label=PROBLEM),
}
