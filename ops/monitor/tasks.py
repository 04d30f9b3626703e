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
        "json": flags.JSON,
    },
)
def alerts(_context: Context, all: bool = False, json: bool = False) -> int:  # noqa: A002 - the flag's name
    """List what is red: since when, who was told, who has taken it up.

    Exit code 0 when nothing is red, 1 when something is.
    """
    from ops.monitor.alerts import show_alerts

    return show_alerts(closed_too=all, as_json=json)


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
