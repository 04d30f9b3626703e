"""Word a notice, in the current language: a subject line and a plain text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ops.alerts import drafts
from ops.alerts.subjects import tell_watch
from ops.language.formats import format_duration, format_moment
from ops.language.text import LABELS, N_, _
from ops.outcomes import Explanation, explain
from ops.parts import Seam
from ops.schedule.kinds import tell_kind

SEVERITIES = {"info": N_("for information"), "warning": N_("warning"), "critical": N_("critical")}
_MOST_JOBS = 5

PROBLEM = N_("problem")
STATE = N_("state")
REQUEST = N_("request")
"""What stands before what a notice says, where that is no error."""


@dataclass(frozen=True, slots=True)
class Message:
    """A worded notice.

    Attributes:
        title: One line.
        body: Plain text, with a final newline.
    """

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What a notice's row says, as plain values; fields as in `ops.catalog.tables.core.Notice`.

    Attributes:
        title: The site's, on the day of the notice; empty where it is of none.
    """

    severity: str
    code: str
    params: Mapping[str, Any]
    job: str
    site: str
    created_at: datetime
    title: str = ""


def word_notice(told: NoticeRow, *, organisation: str, zone: str) -> Message:
    """Word a notice.

    Args:
        told: What the outbox says.
        organisation: Whose service speaks.
        zone: Time zone for moments.
    """
    kind, (headline, explanation) = _find_for(told), explain_notice(told, zone)
    place = tell_place(told)
    title = f"[Giữ Cổng] {_(SEVERITIES[told.severity])}: {place}{headline}"
    if "unanswered" in told.params:
        title = title.replace("]", "] " + _("NOBODY ANSWERS:"), 1)
    lines = [headline[:1].upper() + headline[1:] + "."]
    parts = (
        (kind.label, explanation.what),
        (LABELS["why"], explanation.why),
        (LABELS["data"], explanation.data),
        (LABELS["next_step"], explanation.next_step),
        (RUNBOOK, tell_runbook(told.code, told.params) if "alert" in told.params else ""),
    )
    lines += [f"  {_(label)}: {text}" for label, text in parts if text]
    lines += [f"  {text}" for text in tell_watch(told.params)]
    lines += _answering(told)
    lines += [
        "",
        _("Written {moment} by {organisation}.").format(
            moment=format_moment(told.created_at, zone), organisation=organisation
        ),
    ]
    return Message(title, "\n".join(lines) + "\n")


def explain_notice(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    """Give a notice's headline, and what, why, whether data is safe and what to do."""
    return _find_for(told).word(told, zone)


def tell_place(told: NoticeRow) -> str:
    """Give the site that a notice is about, as it stands before the headline; may be empty."""
    several = _("several sites") if _find_for(_as_it_was(told)).about_sites else ""
    about = told.title or told.site or several
    return f"{about}: " if about else ""


def _answering(told: NoticeRow) -> list[str]:
    """Say who was told already, and how to take an alert up."""
    lines = []
    if "unanswered" in told.params:
        unanswered = told.params["unanswered"]
        lines = [
            "",
            _("Nobody has answered for {minutes} minutes. Told so far: {names}.").format(
                minutes=unanswered["minutes"], names=", ".join(unanswered["told"]) or "–"
            ),
        ]
    if "alert" in told.params:
        text = _("Take it up: `giucong monitor.ack --alert {alert} --note TEXT`")
        lines += ["", text.format(alert=told.params["alert"])]
    return lines


Wording = Callable[[NoticeRow, str], tuple[str, Explanation]]
"""Gives the headline and the rest, in the current language; the zone is for moments."""


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How a notice of one code is worded.

    Attributes:
        word: Words it.
        about_sites: Whether one without a site is about several.
        label: Stands before what it says: "error" is for errors alone.
    """

    word: Wording
    about_sites: bool = True
    label: str = LABELS["what"]


NOTICE_KINDS: Seam[Mapping[str, NoticeKind]] = Seam("notice-kinds")
"""By code, from each slice that writes notices."""
MESSAGES: Seam[Mapping[str, Callable[..., Message]]] = Seam("messages")
"""By code, what is no notice of one thing and makes its message whole, as `word_notice` does."""


def find_wording(code: str) -> Callable[..., Message]:
    """Give what makes a message of a notice of that code."""
    tables = (table for table in MESSAGES.parts() if code in table)
    return next(tables, {}).get(code, word_notice)


RUNBOOK = N_("runbook")
_RUNBOOKS: Mapping[str, str] = {
    "store_full": "disk-full",
    "repository_missing": "main-store-gone",
    "host_unavailable": "lost-host",
    "malware_found": "defacement",
    "page_shows": "defacement",
    "pages_unlike": "defacement",
    "site_down": "site-down",
    "certificate_refused": "certificate-expired",
    "certificate_runs_out": "certificate-expired",
    drafts.FROZEN: "ransomware",
    drafts.VANISHED: "site-retired",
    drafts.DRILL_OVERDUE: "restore-drill",
    drafts.FINDING_OVERDUE: "restore-drill",
}
"""By reason, else by code of the alert: the procedure to carry out."""


def tell_runbook(code: str, params: Mapping[str, Any]) -> str:
    """Give the command that shows what to do about an alert; where no runbook is its own, all."""
    found = _RUNBOOKS.get(params.get("reason", "")) or _RUNBOOKS.get(code)
    return f"`giucong runbook.show --id {found}`" if found else "`giucong runbook.list`"


UNKNOWN = "unknown_condition"
"""Code whose words serve every condition that nobody gives words for."""


def _as_it_was(told: NoticeRow) -> NoticeRow:
    return replace(told, code=told.params["was"]) if told.code == drafts.CLEARED else told


def _find_for(told: NoticeRow) -> NoticeKind:
    return _find(told.code, is_watched="watch" in told.params)


def _find(code: str, *, is_watched: bool = False) -> NoticeKind:
    """Give how a notice is worded; KeyError for a code nobody gives, where it is no condition."""
    tables = [_OWN, *NOTICE_KINDS.parts()]
    found = next((table[code] for table in tables if code in table), None)
    if found is None:
        return _find(UNKNOWN) if is_watched and code != UNKNOWN else _OWN[code]
    return found


def _kind(told: NoticeRow) -> str:
    return tell_kind(str(told.params.get("kind", "backup")))


def _due(told: NoticeRow, zone: str) -> str:
    return format_moment(datetime.fromisoformat(told.params["due_at"]), zone)


def _explained(told: NoticeRow) -> Explanation:
    params = told.params
    return explain(params["reason"], params["params"], job=told.job, site=told.site, by_clock=True)


def _word_failed(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} failed").format(kind=_kind(told), due=_due(told, zone))
    return headline, _explained(told)


def _word_incomplete(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} is incomplete").format(kind=_kind(told), due=_due(told, zone))
    return headline, _explained(told)


def _word_suspicious(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} was suspiciously fast or small").format(
        kind=_kind(told), due=_due(told, zone)
    )
    return headline, _explained(told)


def _word_recovered(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} is good again").format(kind=_kind(told), due=_due(told, zone))
    return headline, Explanation("")


def _word_lost(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} was cut off and is tried again").format(
        kind=_kind(told), due=_due(told, zone)
    )
    found = _explained(told)
    return headline, Explanation(found.what, found.why, found.data)


def _word_overdue(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    headline = _("{kind} of {due} has not ended").format(kind=_kind(told), due=_due(told, zone))
    return headline, Explanation(
        _("it still waits or runs, hours after it was due"),
        data=_("earlier backups are untouched"),
        next_step="giucong service.jobs",
    )


def _word_missed(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    first, last = (
        format_moment(datetime.fromisoformat(told.params[name]), zone) for name in ("first", "last")
    )
    jobs = told.params["jobs"]
    shown = ", ".join(jobs[:_MOST_JOBS]) + (" …" if len(jobs) > _MOST_JOBS else "")
    headline = _("{count} runs were missed").format(count=told.params["count"])
    return headline, Explanation(
        _("nobody ran them: {jobs}").format(jobs=shown),
        why=_("they were due from {first} to {last}; the service was down or busy").format(
            first=first, last=last
        ),
        data=_("the newest one of each job is run now, where it may be"),
        next_step="giucong service.missed",
    )


def _word_late(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    rpo = format_duration(timedelta(seconds=told.params["rpo_seconds"]))
    headline = _("no backup is as young as it must be")
    if told.params["newest"] is None:
        what = _("there is no backup at all; the target is one every {rpo}").format(rpo=rpo)
        data = _("what the site holds is saved nowhere")
    else:
        newest = format_moment(datetime.fromisoformat(told.params["newest"]), zone)
        what = _("the newest backup is of {newest}; the target is one every {rpo}").format(
            newest=newest, rpo=rpo
        )
        data = _("what is younger than that is saved nowhere; the backup itself is untouched")
    next_step = f"giucong backup.run --site {told.site}"
    return headline, Explanation(what, data=data, next_step=next_step)


def _word_vanished(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    stores = ", ".join(told.params["stores"])
    return _("the site has vanished from the estate and was not retired"), Explanation(
        _("nobody backs it up any more"),
        why=_("its backups lie in: {stores}").format(stores=stores) if stores else "",
        data=_("the backups that exist are kept; nothing of them is removed"),
        next_step=_(
            "put its lines back, or `giucong estate.retire --site {site} --reason TEXT"
            " --document NUMBER`"
        ).format(site=told.site),
    )


def _word_frozen(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    headline = _("a backup looks like the work of ransomware; the site's backups are frozen")
    if told.params.get("reason") == "pages_unlike":
        headline = _("its pages look defaced; the site's backups are frozen")
    return headline, explain(drafts.FROZEN, told.params, site=told.site)


def _word_broken(told: NoticeRow, _zone: str) -> tuple[str, Explanation]:
    return _("the estate file cannot be used; the one from before is in force"), Explanation(
        _("mistakes found: {count}").format(count=told.params["count"]),
        why=_("it was changed while the service runs: {files}").format(files=told.params["files"]),
        data=_("backups go on as the earlier file says; what was added is not backed up yet"),
        next_step=_("`giucong estate.check` names every mistake; a restart would fail until then"),
    )


def _word_cleared(told: NoticeRow, zone: str) -> tuple[str, Explanation]:
    was = _as_it_was(told)
    headline = _("no longer red: {headline}").format(headline=_find_for(was).word(was, zone)[0])
    if told.params.get("retired"):
        return headline, Explanation(_("the site was retired; its backups are kept"))
    if was.code == drafts.VANISHED:
        return headline, Explanation(_("the estate names the site again"))
    if was.code == drafts.FROZEN:
        return headline, Explanation(_("somebody has looked; the rules decide again"))
    return headline, Explanation(_("nothing is left to do; you were told when it was red"))


_OWN: Mapping[str, NoticeKind] = {
    drafts.FAILED: NoticeKind(_word_failed),
    drafts.INCOMPLETE: NoticeKind(_word_incomplete, label=PROBLEM),
    drafts.SUSPICIOUS: NoticeKind(_word_suspicious, label=PROBLEM),
    drafts.RECOVERED: NoticeKind(_word_recovered),
    drafts.LOST_AND_TRIED_AGAIN: NoticeKind(_word_lost),
    drafts.OVERDUE: NoticeKind(_word_overdue, label=PROBLEM),
    drafts.MISSED: NoticeKind(_word_missed, label=PROBLEM),
    drafts.LATE: NoticeKind(_word_late, label=PROBLEM),
    drafts.VANISHED: NoticeKind(_word_vanished, label=PROBLEM),
    drafts.FROZEN: NoticeKind(_word_frozen, label=PROBLEM),
    drafts.ESTATE_BROKEN: NoticeKind(_word_broken, label=PROBLEM),
    drafts.CLEARED: NoticeKind(_word_cleared, label=STATE),
}
