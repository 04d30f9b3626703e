"""The tools, what they look at (hosts and sites of the estate), and which looks are due; pure.

A host has the levels of all systems whose sites it carries: the strictest control counts.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from ops.catalog.tables.security import SecurityFinding
from ops.duties.table.versions import Document, hosts_of
from ops.duties.wording import tell_subject
from ops.language.formats import format_date
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation
from ops.security import host_facts
from ops.security.controls import Control, rhythm_of
from ops.security.findings import Sighting
from ops.terminal.output import Tone
from ops.terminal.view import (
    Column,
    Row,
    View,
    age,
    moment,
    number,
    outcome,
    short_id,
    verdict,
    words,
)

Where = Literal["host", "site"]
ALLOWED = ("ports", "keys", "sudoers")
"""Tools that list what is on a host, for the list of what is allowed there."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: For life: findings, looks and controls name it.
        title: A message.
        where: What it looks at.
    """

    name: str
    title: str
    where: Where


TOOLS: Mapping[str, Tool] = {
    it.name: it
    for it in (
        Tool("updates", N_("security updates"), "host"),
        Tool("reboot", N_("restart"), "host"),
        Tool("ports", N_("open ports"), "host"),
        Tool("keys", N_("SSH keys"), "host"),
        Tool("sudoers", N_("administrator rights"), "host"),
        Tool("accounts", N_("accounts"), "host"),
        Tool("logs", N_("logs"), "host"),
        Tool("clock", N_("clock"), "host"),
        Tool("lynis", "Lynis", "host"),
        Tool("ssh", "ssh-audit", "host"),
        Tool("tls", "testssl.sh", "site"),
        Tool("unicode", N_("Vietnamese text"), "site"),
    )
}
FACTS = tuple(host_facts.SECTIONS)
"""Tools that one program on the host feeds together."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A host or a site.

    Attributes:
        where: Which of the two.
        name: In the estate; `localhost` is this machine.
        levels: Of the systems that it belongs to or carries; None for a site without a system.
        sites: Names of the sites that it is or carries, in the estate's order.
    """

    where: Where
    name: str
    levels: frozenset[int | None]
    sites: tuple[str, ...]

    @property
    def key(self) -> str:
        """Give what findings and looks call it: `host:web1`."""
        return f"{self.where}:{self.name}"

    @property
    def tools(self) -> tuple[str, ...]:
        """Give the tools that look at it."""
        return tuple(it.name for it in TOOLS.values() if it.where == self.where)


def list_subjects(estate: Document) -> list[Subject]:
    """Give the hosts, this machine, and the sites, of an estate's stored document."""
    levels = {it["name"]: it.get("level") for it in estate.get("systems", ())}
    sites = {it["name"]: levels.get(it.get("system")) for it in estate.get("sites", ())}
    carried: dict[str, list[str]] = {it["name"]: [] for it in estate.get("hosts", ())}
    for site in estate.get("sites", ()):
        for host in hosts_of(site):
            carried.setdefault(host, []).append(site["name"])
    hosts = [
        Subject("host", name, frozenset(sites[it] for it in names), tuple(names))
        for name, names in carried.items()
    ]
    own = [Subject("site", name, frozenset({level}), (name,)) for name, level in sites.items()]
    return [*hosts, *own]


_SLACK = timedelta(hours=2)
"""A run that begins a little earlier than the last one did must not put a look off by a day."""


class LastLook(Protocol):
    """When a look was taken; a row of `ops.catalog.tables.security.SecurityLook`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be looked at.

    Attributes:
        subject: Host or site.
        tools: By which tools, in their order.
    """

    subject: Subject
    tools: tuple[str, ...]


def plan_looks(
    subjects: Iterable[Subject],
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> list[Plan]:
    """Give the looks that are due; what could not be looked at is tried again each day.

    Args:
        subjects: All there are.
        controls: Those in force.
        answered: The newest look of each subject and tool that came about.
        now: The moment.
    """
    plans = []
    for subject in subjects:
        due = [it for it in subject.tools if _is_due(subject, it, controls, answered, now)]
        if due:
            plans.append(Plan(subject, tuple(due)))
    return plans


def _is_due(
    subject: Subject,
    tool: str,
    controls: Collection[Control],
    answered: Mapping[tuple[str, str], LastLook],
    now: datetime,
) -> bool:
    days = rhythm_of(tool, subject.levels, controls)
    last = answered.get((subject.key, tool))
    if days is None:
        return False
    return last is None or now - last.at >= timedelta(days=days) - _SLACK


def plan_asked(
    subjects: Iterable[Subject],
    *,
    hosts: Collection[str],
    sites: Collection[str],
    only: Collection[str],
) -> list[Plan]:
    """Give the looks that somebody asks for; without names, at everything."""
    wanted = {*(f"host:{it}" for it in hosts), *(f"site:{it}" for it in sites)}
    plans = (
        Plan(it, tuple(name for name in it.tools if not only or name in only))
        for it in subjects
        if not wanted or it.key in wanted
    )
    return [it for it in plans if it.tools]


SEVERITY_WORDS: Mapping[str, str] = {
    "low": N_("low"),
    "medium": N_("moderate"),
    "high": N_("high"),
    "critical": N_("critical"),
}

SEVERITY_TONES: Mapping[str, Tone] = {"critical": "bad", "high": "bad", "medium": "warning"}
STANDING_TONES: Mapping[str, Tone] = {"open": "bad", "accepted": "warning", "fixed": "good"}
STANDINGS = {"open": N_("open"), "accepted": N_("accepted"), "fixed": N_("fixed")}

TITLES: Mapping[str, str] = {
    "ports_unknown": N_("a port is open that was not approved: {item}"),
    "keys_unknown": N_("a key lets somebody in that was not approved: {item}"),
    "sudoers_unknown": N_("a right of an administrator that was not approved: {item}"),
    "update_pending": N_("security update not installed: {package} {old} → {new}"),
    "reboot_waits": N_("a restart waits; running {running}, installed {newest}"),
    "account_is_root": N_("the account {user} has the rights of root"),
    "account_open": N_("the account {user} has no password"),
    "account_idle": N_("nobody used the account {user} for {days} days; {most} are allowed"),
    "account_unused": N_("the account {user} has a password and was never used"),
    "log_short": N_("logs reach back {days} days; {least} are asked for"),
    "log_silent": N_("no log was written for {hours} hours"),
    "log_not_sent": N_("no copy of the logs is sent to another machine"),
    "clock_free": N_("nothing keeps the clock right"),
    "clock_off": N_("the clock is off by {seconds} seconds; {most} are allowed"),
    "ssh_algorithm": N_("SSH offers {name} ({kind}): {notes}"),
    "text_old": N_("{count} of {all} texts are in the old encoding {encoding}, first in {first}"),
    "text_unknown": N_("the encoding of {count} of {all} texts is not known, first in {first}"),
    "text_not_composed": N_(
        "{count} of {all} texts are Unicode, but not composed ({encoding}), first in {first}"
    ),
}
"""By code of a finding; its own parameters fill it."""

REASONS: Mapping[str, str] = {
    "unreachable": N_("the host was not entered: {why}"),
    "gate": N_(
        "the gate there refused the program; make the account anew: `{program} estate.account"
        " --audit`"
    ),
    "no_account": N_(
        "the estate names no account for audits on {host}: `{program} estate.account --host {host}"
        " --audit`"
    ),
    "no_answer": N_("it gave no answer that can be read: {why}"),
    "not_seen": N_("this account may not see it, or the machine cannot tell: {why}"),
    "missing": N_("not installed on the host: `apt-get install {package}`"),
    "missing_here": N_("not installed on this machine: `apt-get install {package}`"),
    "late": N_("it took longer than it may and was ended"),
    "flooding": N_("it said more than it may and was ended"),
    "too_many": N_("it showed more than can be kept"),
    "no_baseline": N_("what is allowed was not approved yet: `{program} security.baseline`"),
    "lists_old": N_("its package lists are {days} days old: `apt-get update` there"),
    "no_last_login": N_("nothing there keeps when accounts were used last"),
    "too_young": N_("the machine is younger than its logs must be: {days} of {least} days"),
    "cooldown": N_("it was scanned less than 30 minutes ago; its SSH server would shut us out"),
    "near_backup": N_("a backup through it runs or is near; a scan could shut it out"),
    "behind_jump": N_("it is reached through {jump} only"),
    "not_root": N_("it did not run as root, and so did not see all"),
    "no_tls": N_("its address is not https"),
    "partly_blind": N_("some of its checks could not be made: {first}"),
    "no_captures": N_("nothing of this site is archived"),
    "texts_unseen": N_("{count} texts could not be read"),
    "open_findings": N_("open: {count}"),
    "accepted_until": N_("accepted until {moment}: {count}"),
    "never": N_("nobody has looked yet"),
    "outdated": N_("the last look is too old: {moment}"),
}
"""By code of why a look is not whole."""


def tell_finding(finding: SecurityFinding | Sighting) -> str:
    """Tell a finding in the reader's language; a tool's own words stay as they are."""
    template = TITLES.get(finding.code)
    return fill(template, finding.params) if template else str(finding.title)


def tell_reason(code: str, params: Mapping[str, Any]) -> str:
    """Tell why a look is not whole; empty where it is."""
    return fill(REASONS[code], {"why": "", **params}).rstrip(": ") if code in REASONS else code


def _explain_found(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("the audit found grave things, new or graver than before: {count}").format(**params),
        "; ".join(params["first"]),
        _("nothing was changed on any host"),
        fill(N_("look at them: `{program} security.findings`"), params),
    )


def _explain_blind(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} of {all} looks did not come about, or did not see all").format(**params),
        "; ".join(params["first"]),
        _("what was found before stays as it is"),
        fill(N_("see why: `{program} security.findings --looks`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "audit_found": _explain_found,
    "not_all_looked": _explain_blind,
}
"""By reason code; what makes their parts."""

PLAN_WORDS: Mapping[str, Callable[[Any], str]] = {
    "severity": lambda value: _(SEVERITY_WORDS.get(value, value)),
    "tool": lambda value: _(TOOLS[value].title) if value in TOOLS else str(value),
    "until": lambda value: format_date(date.fromisoformat(value)),
}
"""Values of a plan that only this room can tell (`ops.access.approvals.notify`)."""


def tool(value: str, _zone: str) -> str:
    """Show a tool by its title."""
    return _(TOOLS[value].title) if value in TOOLS else value


def _why(row: Row) -> str:
    is_scored = not row["why"] and row["score"] is not None
    return _("hardening index: {score}").format(**row) if is_scored else row["why"]


def _month(value: str, _zone: str) -> str:
    return f"{value[5:]}/{value[:4]}"


def _levelled(row: Row) -> str:
    title = tell_subject(row["subject"])
    if row["level"] is None:
        return title
    return f"{title} · {_('level {level}').format(level=row['level'])}"


FINDINGS = View(
    N_("Nothing of that is open. What was not looked at, nobody knows:"),
    Column("id", N_("Id"), short_id),
    Column("severity", N_("Severity"), words(SEVERITY_WORDS, SEVERITY_TONES)),
    Column("subject", N_("Of")),
    Column("tool", N_("Tool"), tool),
    Column("text", N_("Finding")),
    Column("first_seen_at", N_("Since"), age),
    Column("state", N_("State"), words(STANDINGS, STANDING_TONES)),
)
LOOKS = View(
    REASONS["never"],
    Column("subject", N_("Of")),
    Column("tool", N_("Tool"), tool),
    Column("at", N_("Looked"), moment),
    Column("outcome", N_("Result"), outcome),
    Column("open", N_("Open"), number),
    Column("opened", N_("New"), number),
    Column("fixed", N_("Fixed"), number),
    Column("why", N_("Why"), of=_why),
)
MONTHS = View(
    REASONS["never"],
    Column("month", N_("Month"), _month),
    Column("looks", N_("Looks"), number),
    Column("not_whole", N_("Not whole"), number),
    Column("opened", N_("New"), number),
    Column("fixed", N_("Fixed"), number),
    Column("open", N_("Open at its end"), number),
)
VERDICTS = View(
    REASONS["never"],
    Column("subject", N_("For"), of=_levelled),
    Column("title", N_("Control or duty")),
    Column("outcome", N_("Verdict"), verdict, link="/compliance?name={name}&subject={subject}"),
    Column("why", N_("Why")),
    Column("evidence", N_("Rows"), number, of=lambda row: len(row["evidence"])),
)
