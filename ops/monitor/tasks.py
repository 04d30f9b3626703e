"""Tasks around what is red, and who takes it up."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "monitor"
TITLE = N_("monitoring: what is red, who was told, who answers")


@operator_task(
    help={
        "all": N_("Those of the last 7 days that are green again too."),
        "pending": N_("What is red and not told too: it waits, is silenced, or stands on it."),
        "json": flags.JSON,
    },
)
def alerts(
    _context: Context,
    all: bool = False,  # noqa: A002 - the flag's name
    pending: bool = False,
    json: bool = False,
) -> int:
    """List what is red: since when, who was told, who has taken it up.

    Exit code 0 when nothing is red, 1 when something is.
    """
    from ops.monitor.alerts import show_alerts

    return show_alerts(closed_too=all, untold_too=pending, as_json=json)


@operator_task(
    help={
        "alert": N_("The alert, as `monitor.alerts` lists it."),
        "note": N_("What you are doing about it."),
        "dry_run": flags.DRY_RUN,
    }
)
def ack(_context: Context, alert: str, note: str, dry_run: bool = False) -> int:
    """Take an alert up: nobody else is told of it until its cause changes or it gets graver."""
    from ops.monitor.alerts import take_up

    return take_up(alert, note, dry_run=dry_run)


@operator_task(
    help={
        "host": N_("Only this host; `this-machine` for the one you are on."),
        "site": N_("Only this site."),
        "json": flags.JSON,
    }
)
def check(_context: Context, host: str = "", site: str = "", json: bool = False) -> int:
    """Look once, now: hosts, devices and sites, what is red first.

    Exit code 0 when nothing is red, 1 when something is. Nothing is written and nobody is told.
    """
    from ops.monitor.check import check_now

    return check_now(host=host, site=site, as_json=json)


@operator_task(
    help={
        "about": N_("What, with all below it: host:web1, site:NAME, host:web1/disk:/var, host:."),
        "until": N_("When it ends, such as '2026-12-20 22:00'; 30 days ahead at most."),
        "reason": N_("Why nobody is to be told; goes into the journal."),
        "critical": N_("What is critical too; 24 hours at most."),
        "end": N_("End this silence now, as the list names it."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def silence(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    about: str = "",
    until: str = "",
    reason: str = "",
    critical: bool = False,
    end: str = "",
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """List what is silenced; with --about nobody is told of something for a while.

    What becomes critical is told all the same, except with --critical. What is still red when the
    silence ends is told then.
    """
    from ops.monitor.silences import Typed, change_silence, show_silences

    if not (about or end):
        return show_silences(as_json=json)
    typed = Typed(about=about, until=until, reason=reason, critical=critical, end=end)
    return change_silence(typed, dry_run=dry_run)
