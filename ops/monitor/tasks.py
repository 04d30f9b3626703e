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
    """List the alerts: since when, who was told, who has taken it up.

    Exit code 0 when none is open, 1 when one is, a warning too.
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


@operator_task(help={"json": flags.JSON})
def status(_context: Context, json: bool = False) -> int:
    """Show hosts, devices, sites and stores as they were last seen, what is red first.

    Exit code 0 when nothing is red, 1 when something is.
    """
    from ops.monitor.overview import show_overview

    return show_overview(as_json=json)


@operator_task(
    help={
        "host": N_("Of this host; `this-machine` for the one you are on."),
        "site": N_("Of this site."),
        "subject": N_("Of something else, such as `store:near` or `archive:public`."),
        "metric": N_("What to draw; left out: lists what there is. `availability` of a site."),
        "days": N_("How many days back, 1 to 760."),
        "out": N_("New file for the chart as SVG; its figures go beside it as CSV."),
        "json": flags.JSON,
    }
)
def chart(  # noqa: PLR0913, PLR0917 - a flag each
    _context: Context,
    host: str = "",
    site: str = "",
    subject: str = "",
    metric: str = "",
    days: int = 7,
    out: str = "",
    json: bool = False,
) -> int:
    """Draw what was measured: as a line in the terminal, or as SVG for a report."""
    from pathlib import Path

    from ops.estate.load.load import load_estate
    from ops.monitor.chart import ChartWish, choose_subject, show_chart

    estate = load_estate()
    wish = ChartWish(
        subject=choose_subject(estate, subject=subject, host=host, site=site),
        metric=metric,
        days=days,
        out=Path(out) if out else None,
        as_json=json,
    )
    return show_chart(wish, estate=estate)


@operator_task(help={"json": flags.JSON})
def forecast(_context: Context, json: bool = False) -> int:
    """Tell when disks, stores and certificates are at their end, with a range.

    Exit code 0 when nothing is full within its limit of days, 1 when something is.
    """
    from ops.monitor.forecast.cli import show_forecasts

    return show_forecasts(as_json=json)
