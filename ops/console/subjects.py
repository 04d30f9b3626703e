"""What pages call what tasks and alerts name, and where the page about it is."""

from collections.abc import Mapping
from urllib.parse import quote

from ops.alerts.silences import FORECAST
from ops.alerts.subjects import name_subject
from ops.language.text import N_, _
from ops.monitor.samples.sample import THIS_MACHINE
from ops.terminal.output import Cell

AUDITED = "localhost"
"""What audits call this machine."""

_PAGES: Mapping[str, str] = {
    **dict.fromkeys(("site", "late", "frozen"), "/site?site="),
    "host": "/server?host=",
    "device": "/server?device=",
    "store": "/server?store=",
}

_ROWS: Mapping[str, str] = {
    "alert": "/alerts?alert=", "asset": "/assets?asset=", "documents": "/documents?id=",
    "drill": "/drill?drill=", "drill-finding": "/drill?finding=", "drill_findings":
    "/drill?finding=", "drills": "/drill?drill=", "duty": "/duty?duty=",
    "finding": "/findings?id=", "journal": "/journal?sequence=", "quotation": "/documents?id=",
    "register": "/entry?id=", "register_entries": "/entry?id=", "run": "/run?id=",
    "runs": "/run?id=", **dict.fromkeys(("changes", "minutes", "snapshots", "stores_seen"),
    "/site?site="),
}  # fmt: skip
"""Kind of a row, as plans, duties and the register call it → the page that shows it alone."""


def page_of(subject: str) -> str:
    """Give the path of the page about a subject; empty where nothing has one of its own.

    `host:web1/disk:/var` has the page of its host.
    """
    kind, _colon, rest = subject.removeprefix(FORECAST).partition(":")
    name = rest.partition("/")[0]
    if kind == "host" and name == AUDITED:
        name = THIS_MACHINE
    if kind in _PAGES and name:
        return _PAGES[kind] + quote(name, safe="")
    return "/servers" if kind == "line" else ""


def page_of_row(kind: str, row: str) -> str:
    """Give the path of the page that shows a row alone; empty where none does.

    Every address names its arguments in plain text here, so that a test can hold them against what
    the page reads.

    Args:
        kind: As plans, duties and the register call it.
        row: Its id; `NAME@PERIOD` and `NAME:SUBJECT` of a duty, `YEAR-NUMBER` of an item of a plan,
            a subject with what is forecast of it.
    """
    if kind == "forecast":
        return page_of(row)
    if kind == "plan":
        year, _hyphen, item = row.partition("-")
        return f"/plan?year={quote(year)}&item={quote(item)}"
    if kind == "duty":
        name, _at, period = row.partition("@")
        when = zip(("&year=", "&month="), period.split("-"), strict=False)
        told = "".join(f"{flag}{it}" for flag, it in when if it.isdecimal())
        return f"/duty?duty={quote(name.partition(':')[0], safe='')}{told}"
    return _ROWS[kind] + quote(row, safe="") if kind in _ROWS and row else ""


def describe_subject(subject: str) -> dict[str, str]:
    """Give what a page shows of a subject: its name in the reader's language, and its page."""
    named = f"host:{THIS_MACHINE}" if subject == f"host:{AUDITED}" else subject
    return {"subject": subject, "name": name_subject(named), "page": page_of(subject)}


def link(subject: str) -> Cell:
    """Give a subject as a list of a page shows it."""
    about = describe_subject(subject)
    return Cell(about["name"], link=about["page"])


_ACTS: Mapping[str, str] = {
    "alert.ack": N_("took an alert up"), "approval.approve": N_("approved a request"),
    "approval.refuse": N_("refused a request"), "approval.request": N_("asked for an approval"),
    "approval.use": N_("did what was approved"),
    "approval.withdraw": N_("took a request back"), "archive.ingest": N_("archived content"),
    "asset.added": N_("entered an asset"), "asset.changed": N_("changed an asset"),
    "backup.init": N_("made a repository"), "backup.restore": N_("restored from a backup"),
    "document.added": N_("kept a document"), "document.exported": N_("downloaded a document"),
    "drill.begin": N_("drill begun"), "drill.end": N_("drill ended"),
    "drill.finding": N_("the drill found something"), "drill.fixed": N_("found mended by a drill"),
    "drill.phase": N_("phase of a drill"), "duty.changed": N_("table of duties changed"),
    "duty.done": N_("stated that a duty was done"), "duty.reviewed": N_("reviewed for a duty"),
    "duty.policy-approved": N_("policy approved"),
    "estate.changed": N_("estate file changed"),
    "estate.part-changed": N_("changed titles, people, routes or days"),
    "estate.proposed": N_("proposed a change of the estate file"),
    "estate.taken": N_("took a proposed change of the estate file"),
    "estate.written": N_("changed a file of the estate"), "job.ended": N_("job ended"),
    "job.triggered": N_("asked for a run"), "media.written": N_("wrote an offline medium"),
    "plan.begin": N_("began a plan"),
    "plan.carry-over": N_("carried an item into the next plan"),
    "plan.decide": N_("recorded the plan's decision"),
    "plan.decide-item": N_("recorded what an item gets"), "plan.draft": N_("drafted a plan"),
    "plan.edit": N_("changed an item of the plan"), "plan.note": N_("noted on the plan"),
    "plan.review": N_("reviewed the plan"), "plan.submit": N_("submitted the plan"),
    "register.add": N_("entered into the register"), "register.close": N_("closed an entry"),
    "register.update": N_("noted on an entry"), "report.issued": N_("took a signed paper back"),
    "report.made": N_("made a paper"), "runbook.begin": N_("runbook begun"),
    "runbook.end": N_("runbook ended"), "runbook.step": N_("step of a runbook"),
    "security.accepted": N_("accepted a finding"), "security.looked": N_("audited"),
    "silence.end": N_("ended a silence"), "silence.make": N_("silenced alerts"),
    "user.add": N_("gave credentials"), "user.disable": N_("took credentials away"),
    "user.login": N_("logged in"), "user.logout": N_("logged out"),
    "user.proof-failed": N_("failed to prove who it is"), "user.role": N_("gave or took a role"),
}  # fmt: skip

_VIA: Mapping[str, str] = {"cli": N_("terminal"), "clock": N_("schedule"), "console": N_("console")}


def tell_act(row: Mapping[str, object]) -> dict[str, object]:
    """Give a row of the journal with its act in words, and by which way it was done."""
    action, via = str(row["action"]), str(row["via"])
    told = {"title": _(_ACTS.get(action, action)), "via_told": _(_VIA.get(via, via))}
    return {**row, **told}
