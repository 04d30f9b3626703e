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
