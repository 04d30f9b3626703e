"""Tasks that look at hosts and sites for what is unsafe, and keep what is allowed and accepted."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "security"
TITLE = N_("what is unsafe on hosts and sites, what is accepted, and what it proves")

_ONLY = N_("Only this tool, e.g. ports; may be given several times.")


@operator_task(
    iterable=("host", "site", "only"),
    help={
        "host": N_("Name of a host, localhost for this machine; may be given several times."),
        "site": N_("Name of a site; may be given several times."),
        "only": _ONLY,
        "all": N_("Look at everything now, not only at what is due today."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    },
)
def audit(
    _context: Context,
    host: list[str] | None = None,
    site: list[str] | None = None,
    only: list[str] | None = None,
    all: bool = False,  # noqa: A002 - the flag's name
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Look at hosts and sites: Lynis, SSH, TLS, updates, ports, keys, accounts, logs, clock, text.

    Without flags: what the controls ask for today, by the level of the systems. Nothing is changed
    on any host. What could not be looked at is told as not checked, never as good.
    """
    from ops.security.cli import audit_now
    from ops.terminal.progress import shown_progress

    asked = {"hosts": host, "sites": site, "only": only}
    arguments = {name: list(it) for name, it in asked.items() if it}
    if all or arguments:
        arguments["all"] = ["yes"]
    with shown_progress() as progress:
        return audit_now(arguments, progress, as_json=json, dry_run=dry_run)


@operator_task(
    help={
        "host": N_("Only this host; localhost is this machine."),
        "site": N_("Only this site."),
        "tool": N_("Only what this tool found, e.g. lynis."),
        "severity": N_("Only this grave or graver: low, medium, high, critical."),
        "fixed": N_("Show also what is fixed."),
        "looks": N_("Show the last look of each tool instead, and why it saw nothing."),
        "trend": N_("Show how many were open at the end of each of so many months instead."),
        "compliance": N_("Show each control and duty instead: whether it is proven, by what."),
        "json": flags.JSON,
    },
)
def findings(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    host: str = "",
    site: str = "",
    tool: str = "",
    severity: str = "",
    fixed: bool = False,
    looks: bool = False,
    trend: int = 0,
    compliance: bool = False,
    json: bool = False,
) -> int:
    """Show what is unsafe: open, accepted until a day, or fixed; since when, and how grave.

    With --compliance: each control and duty, by system and level, with its verdict and the rows
    behind it; in JSON also the table of Mẫu số 08.
    """
    from ops.security.cli import Shown, show_findings, show_looks, show_trend
    from ops.security.cli_compliance import show_compliance

    if compliance:
        return show_compliance(as_json=json)
    shown = Shown(host=host, site=site, tool=tool, severity=severity, with_fixed=fixed)
    if looks:
        return show_looks(shown, as_json=json)
    if trend:
        return show_trend(shown, trend, as_json=json)
    return show_findings(shown, as_json=json)


@operator_task(
    iterable=("only",),
    help={
        "host": N_("Name of the host; localhost is this machine."),
        "only": N_("Only this list: ports, keys, sudoers; may be given several times."),
        "approve": N_("Have what is there now approved as what is allowed."),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def baseline(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    host: str,
    only: list[str] | None = None,
    approve: bool = False,
    reason: str = "",
    document: str = "",
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Show ports, keys and rights on a host against what is allowed; have two people allow them.

    What was not approved is a finding at the next look.
    """
    from ops.security.allowed import BaselineWish, keep_baseline

    wish = BaselineWish(
        host=host,
        tools=tuple(only or ()),
        approve=approve,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    return keep_baseline(wish, as_json=json)


@operator_task(
    help={
        "id": N_("End of the finding's id, as `security.findings` shows it."),
        "until": N_("Last day on which it is accepted, e.g. 31/03/2027."),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def accept(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    until: str,
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Accept a finding until a day: a second person agrees, who is not the one who found it.

    It is never accepted for ever. Where it is fixed and comes back, or becomes graver, it is open.
    """
    from ops.duties.table.calendar import read_day
    from ops.security.accept import AcceptWish, accept_finding

    return accept_finding(
        AcceptWish(id=id, until=read_day(until), reason=reason, document=document, dry_run=dry_run)
    )
