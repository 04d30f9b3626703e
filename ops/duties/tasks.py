"""Tasks around what the law and the Center ask, and the backup policy."""

from typing import Annotated

from ops.access.rights import ADMIN, INCIDENT, OFFICE, SECURITY
from ops.language.text import N_
from ops.terminal.flags import Document, DryRun, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("duties: what is due, what proves it, and the backup policy")

_Duty = Annotated[str, Flag("Name of the duty, as `duty.list` lists it.")]


@task("duty.list", "ops.duties.cli:show_duties", roles=OFFICE)
class ListDuties:
    """List all duties with basis, certainty, period and validity; first what is due in 30 days.

    Each is printed as law, or as the Center's own target.
    """

    json: Json = False


@task("duty.due", "ops.duties.cli:show_due", roles=OFFICE)
class Due:
    """List what is overdue and what is due soon, and findings about the backup policy."""

    days: Annotated[int, Flag("How many days to look ahead; 30 unless given.")] = 30
    json: Json = False


@task("duty.evidence", "ops.duties.cli:show_evidence", roles=OFFICE)
class ShowEvidence:
    """Show what proves a duty, period by period, by the estate of that day."""

    duty: _Duty
    year: Annotated[int, Flag("Periods that end in this year; the present one unless given.")] = 0
    json: Json = False


@task(
    "duty.record",
    "ops.duties.evidence.record:record_done",
    roles=INCIDENT | {"approver", "archivist"},  # whose a duty is to record, the duty says
    forms=(Form("Record that it was done"),),
)
class Record:
    """State that a duty was done which leaves no trace here; it is shown as stated, not as proven.

    What the service can prove is not taken, but for what was done where it could see nothing.
    """

    duty: _Duty
    period: Annotated[
        str,
        Flag("Any day of the period, such as 2026-11-24.", "Any day of the period", shape="date"),
    ]
    document: Annotated[
        str,
        Flag(
            "Number or id of the document that shows it, kept with `document.add`; without one"
            " it is shown as said by word of mouth.",
            "Number or id of a kept document",
        ),
    ] = ""
    subject: Annotated[
        str, Flag("Name of the system or site, where the duty is not the Center's.")
    ] = ""
    done: Annotated[
        str,
        Flag(
            "Day on which it was done, such as 2026-11-24; today unless given.",
            "Day on which it was done; empty: today",
            shape="date",
        ),
    ] = ""
    elsewhere: Annotated[
        str,
        Flag(
            "Why the service saw nothing of what it would prove, such as a drill on paper;"
            " takes a document.",
            "Done where the service saw nothing: why",
            shape="long",
        ),
    ] = ""
    dry_run: DryRun = False


@task(
    "duty.review",
    "ops.duties.review:review",
    roles=SECURITY,
    forms=(Form("Record that it was reviewed", fields="duty subject conclusion"),),
)
class Review:
    """Show what is gathered to be reviewed for a duty: roles, what logs told, or procedures.

    With --conclusion it is journaled who went over it, with its digest: that proves the duty.
    """

    duty: _Duty
    subject: Annotated[
        str, Flag("Name of the system, where the duty is not the Center's.", "Name of the system")
    ] = ""
    conclusion: Annotated[
        str, Flag("What was found, in a line; left out: it is only shown.", shape="long")
    ] = ""
    dry_run: DryRun = False
    json: Json = False


@task(
    "duty.planned-stop",
    "ops.duties.call_off:plan_or_call_off",
    roles=INCIDENT,
    forms=(
        Form("Plan a stop", fields="site from_ until reason instead force_majeure cancel document"),
    ),
)
class Stop:
    """Plan a stop of a site: count the working days for its notice, and write the notice.

    A stop that is too near for the notice is refused, except by force majeure. Once the notice is
    signed and published, `report.issue --kind notice --of CODE` takes it back. One that is called
    off before it begins (--cancel) needs a notice again where it was announced.
    """

    reason: Annotated[str, Flag("Why; stands in the notice.", shape="long")]
    site: Annotated[str, Flag("Name of the site.", shape="site")] = ""
    from_: Annotated[
        str, Flag("When it begins, such as '2026-12-20 22:00'.", "Begins", shape="moment")
    ] = ""
    until: Annotated[str, Flag("When the site is back.", shape="moment")] = ""
    instead: Annotated[str, Flag("What people use meanwhile; stands in the notice.")] = ""
    force_majeure: Annotated[str, Flag("Why it cannot wait for the term of the notice.")] = ""
    cancel: Annotated[
        str, Flag("Code of a planned stop that is called off, as it was told; with --reason.")
    ] = ""
    document: Document = ""
    dry_run: DryRun = False


@task("duty.diff", "ops.duties.cli:show_differences", roles=OFFICE)
class CompareDuties:
    """Compare the duties in force with the shipped ones and with those journaled last."""

    json: Json = False


@task("duty.import", "ops.duties.table.import_table:import_duties", roles=ADMIN)
class ImportDuties:
    """Take over an edited table of the Center's own duties, and say what it changes.

    A TOML file takes the place of the last file under `[duties] include`; rows of a CSV table are
    added to it, or take the place of rows with the same name and first day.
    """

    file: Annotated[
        str,
        Flag(
            "The edited table: TOML, or CSV by its name; - reads TOML from standard input.",
            shape="input-file",
        ),
    ]
    dry_run: DryRun = False
    json: Json = False


@task(
    "duty.policy",
    "ops.duties.policy_cli:show_or_decide",
    roles=OFFICE,
    forms=(
        Form(
            "Record that it is approved",
            "The policy as it is now was approved by a decision on paper: say by which.",
            fields="number date",
            name="duty.policy.approve",
            always={"approve": True},
        ),
        Form(
            "Take a wrong record back",
            "A decision was recorded by mistake. The journal keeps both.",
            fields="number date reason",
            name="duty.policy.withdraw",
            always={"withdraw": True},
        ),
    ),
)
class Policy:
    """Print the backup policy as the estate has it, and what differs from the approved one."""

    approve: Annotated[bool, Flag("Record the policy as it is now as approved.", roles=ADMIN)] = (
        False
    )
    withdraw: Annotated[
        bool, Flag("Take a record back that was written by mistake.", roles=ADMIN)
    ] = False
    number: Annotated[str, Flag("Number of the decision that approves it.")] = ""
    date: Annotated[str, Flag("Date of the decision, such as 24/11/2026.", shape="date")] = ""
    document: Annotated[
        str,
        Flag("The decision as it is kept, by its number or id; without it the review is stated."),
    ] = ""
    reason: Annotated[str, Flag("Why the record is taken back.", shape="long")] = ""
    dry_run: DryRun = False
    json: Json = False
