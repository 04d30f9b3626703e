"""Tasks around what is red, and who takes it up."""

from typing import Annotated

from ops.access.rights import INCIDENT, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("monitoring: what is red, who was told, who answers")


@task("monitor.alerts", "ops.monitor.alerts:show_alerts", roles=OFFICE)
class Alerts:
    """List the alerts: since when, who was told, who has taken it up.

    Exit code 0 when none is open, 1 when one is, a warning too.
    """

    all: Annotated[bool, Flag("Those of the last 7 days that are green again too.")] = False
    pending: Annotated[
        bool, Flag("What is red and not told too: it waits, is silenced, or stands on it.")
    ] = False
    json: Json = False


@task(
    "monitor.ack",
    "ops.monitor.alerts:take_up",
    roles=INCIDENT,
    when_asked=True,
    forms=(Form("Take up"),),
)
class Ack:
    """Take an alert up: nobody else is told of it until its cause changes or it gets graver."""

    alert: Annotated[str, Flag("The alert, as `monitor.alerts` lists it.", shape="alert")]
    note: Annotated[str, Flag("What you are doing about it.", shape="long")]
    dry_run: DryRun = False


@task("monitor.check", "ops.monitor.check:check_now", roles=OPERATE, forms=(Form("Look once now"),))
class CheckOnce:
    """Look once, now: hosts, devices and sites, what is red first.

    Exit code 0 when nothing is red, 1 when something is. Nothing is written and nobody is told.
    """

    host: Annotated[
        str,
        Flag(
            "Only this host; `this-machine` for the one you are on.",
            "Only this machine",
            shape="host",
        ),
    ] = ""
    site: Annotated[str, Flag("Only this site.", shape="site")] = ""
    json: Json = False


@task(
    "monitor.silence",
    "ops.monitor.alerts:show_or_change",
    roles=OFFICE,
    forms=(Form("Silence", "Nobody is told of it for a time; it is still seen here."),),
)
class Silence:
    """List what is silenced; with --about nobody is told of something for a while.

    What becomes critical is told all the same, except with --critical. What is still red when the
    silence ends is told then.
    """

    about: Annotated[
        str,
        Flag(
            "What, with all below it: host:web1, site:NAME, host:web1/disk:/var, host:.",
            "What, with all that belongs to it",
            roles=OPERATE,
        ),
    ] = ""
    until: Annotated[
        str,
        Flag(
            "When it ends, such as '2026-12-20 22:00'; 30 days ahead at most.",
            "Until when; at most 30 days",
            shape="moment",
        ),
    ] = ""
    reason: Annotated[
        str, Flag("Why nobody is to be told; goes into the journal.", shape="long")
    ] = ""
    critical: Annotated[bool, Flag("What is critical too; 24 hours at most.")] = False
    end: Annotated[
        str, Flag("End this silence now, as the list names it.", shape="hidden", roles=OPERATE)
    ] = ""
    json: Json = False
    dry_run: DryRun = False


@task("monitor.status", "ops.monitor.overview:show_overview", roles=OFFICE)
class ShowWatched:
    """Show hosts, devices, sites and stores as they were last seen, what is red first.

    Exit code 0 when nothing is red, 1 when something is.
    """

    json: Json = False


@task("monitor.chart", "ops.monitor.chart:show_chart", roles=OFFICE)
class Chart:
    """Draw what was measured: as a line in the terminal, or as SVG for a report."""

    host: Annotated[
        str, Flag("Of this host; `this-machine` for the one you are on.", shape="host")
    ] = ""
    site: Annotated[str, Flag("Of this site.", shape="site")] = ""
    subject: Annotated[
        str, Flag("Of something else, such as `store:near` or `archive:public`.")
    ] = ""
    metric: Annotated[
        str, Flag("What to draw; left out: lists what there is. `availability` of a site.")
    ] = ""
    days: Annotated[int, Flag("How many days back, 1 to 760.")] = 7
    out: Annotated[
        str,
        Flag(
            "New file for the chart as SVG; its figures go beside it as CSV.",
            shape="output-file",
            endings=(".csv",),
        ),
    ] = ""
    json: Json = False


@task("monitor.forecast", "ops.monitor.forecast_wording:show_forecasts", roles=OFFICE)
class Forecast:
    """Tell when disks, stores and certificates are at their end, with a range.

    Exit code 0 when nothing is full within its limit of days, 1 when something is.
    """

    json: Json = False
