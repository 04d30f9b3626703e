"""Tasks around what the law and the Center ask, and the backup policy."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "duty"
TITLE = N_("duties: what is due, what proves it, and the backup policy")


@operator_task(name="list", help={"json": flags.JSON})
def list_(_context: Context, json: bool = False) -> None:
    """List all duties with basis, certainty, period and validity; first what is due in 30 days.

    Each is printed as law, or as the Center's own target.
    """
    from ops.duties.cli import show_duties

    show_duties(as_json=json)


@operator_task(
    help={"days": N_("How many days to look ahead; 30 unless given."), "json": flags.JSON}
)
def due(_context: Context, days: int = 30, json: bool = False) -> None:
    """List what is overdue and what is due soon, and findings about the backup policy."""
    from ops.duties.cli import show_due

    show_due(days, as_json=json)


@operator_task(
    help={
        "duty": N_("Name of the duty, as `duty.list` lists it."),
        "year": N_("Periods that end in this year; the present one unless given."),
        "json": flags.JSON,
    }
)
def evidence(_context: Context, duty: str, year: int = 0, json: bool = False) -> None:
    """Show what proves a duty, period by period, by the estate of that day."""
    from ops.duties.evidence.cli import show_evidence

    show_evidence(duty, year, as_json=json)


@operator_task(
    help={
        "duty": N_("Name of the duty, as `duty.list` lists it."),
        "period": N_("Any day of the period, such as 2026-11-24."),
        "document": N_("Number of the document that shows it."),
        "subject": N_("Name of the system or site, where the duty is not the Center's."),
        "done": N_("Day on which it was done, such as 2026-11-24; today unless given."),
        "dry_run": flags.DRY_RUN,
    }
)
def record(
    _context: Context,
    duty: str,
    period: str,
    document: str,
    subject: str = "",
    done: str = "",
    dry_run: bool = False,
) -> None:
    """Record that a duty was done which leaves no trace here by itself: a report sent, say."""
    from ops.duties.evidence.record import DoneWish, record_done

    record_done(
        DoneWish(
            duty=duty,
            period=period,
            document=document,
            subject=subject,
            done=done,
            dry_run=dry_run,
        )
    )


@operator_task(
    help={
        "site": flags.SITE,
        "cancel": N_("Code of a planned stop that is called off, as it was told; with --reason."),
        "from": N_("When it begins, such as '2026-12-20 22:00'."),
        "until": N_("When the site is back."),
        "reason": N_("Why; stands in the notice."),
        "instead": N_("What people use meanwhile; stands in the notice."),
        "force_majeure": N_("Why it cannot wait for the term of the notice."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    }
)
def planned_stop(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    reason: str,
    site: str = "",
    from_: str = "",
    until: str = "",
    instead: str = "",
    force_majeure: str = "",
    cancel: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Plan a stop of a site: count the working days for its notice, and write the notice.

    A stop that is too near for the notice is refused, except by force majeure. Once the notice is
    published, record that with `duty.record`. One that is called off before it begins (--cancel)
    needs a notice again where it was announced.
    """
    from ops.duties.stops.call_off import CallOffWish, call_stop_off
    from ops.duties.stops.plan import StopWish, plan_planned_stop

    if cancel:
        wish = CallOffWish(code=cancel, reason=reason, document=document, dry_run=dry_run)
        return call_stop_off(wish)
    return plan_planned_stop(
        StopWish(
            site=site,
            begins=from_,
            until=until,
            reason=reason,
            instead=instead,
            force_majeure=force_majeure,
            document=document,
            dry_run=dry_run,
        )
    )


@operator_task(help={"json": flags.JSON})
def diff(_context: Context, json: bool = False) -> None:
    """Compare the duties in force with the shipped ones and with those journaled last."""
    from ops.duties.evidence.cli import show_differences

    show_differences(as_json=json)


@operator_task(
    name="import",
    help={
        "file": N_("The edited table: TOML, or CSV by its name; - reads TOML from standard input."),
        "dry_run": flags.DRY_RUN,
        "json": flags.JSON,
    },
)
def import_(_context: Context, file: str, dry_run: bool = False, json: bool = False) -> int:
    """Take over an edited table of the Center's own duties, and say what it changes.

    A TOML file takes the place of the last file under `[duties] include`; rows of a CSV table are
    added to it, or take the place of rows with the same name and first day.
    """
    from ops.duties.table.import_table import import_duties

    return import_duties(file, dry_run=dry_run, as_json=json)


@operator_task(
    help={
        "approve": N_("Record the policy as it is now as approved."),
        "withdraw": N_("Take a record back that was written by mistake."),
        "number": N_("Number of the decision that approves it."),
        "date": N_("Date of the decision, such as 24/11/2026."),
        "reason": N_("Why the record is taken back."),
        "dry_run": flags.DRY_RUN,
        "json": flags.JSON,
    }
)
def policy(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    approve: bool = False,
    withdraw: bool = False,
    number: str = "",
    date: str = "",
    reason: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Print the backup policy as the estate has it, and what differs from the approved one."""
    from ops.duties.policy.cli import show_policy
    from ops.duties.policy.decide import approve_policy, withdraw_policy

    if withdraw:
        withdraw_policy(number, date, reason, dry_run=dry_run)
    elif approve:
        approve_policy(number, date, dry_run=dry_run)
    else:
        show_policy(as_json=json)
