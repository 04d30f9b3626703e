"""Tasks around runbooks: procedures that people read and the service carries out."""

from typing import Annotated

from ops.access.rights import OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import Document, Json
from ops.terminal.task import Flag, Form, task

TITLE = N_("runbooks: procedures that people read and the service carries out")

_Runbook = Annotated[str, Flag("Id of the runbook, as `runbook.list` shows it.", shape="runbook")]
_Reason = Annotated[
    str, Flag("Why; a second person who has to approve a step reads it.", shape="long")
]
_PlanOnly = Annotated[
    bool, Flag("Print every step and command with its values, secrets masked, and do nothing.")
]


@task("runbook.list", "ops.runbooks.cli:show_runbooks", roles=OFFICE)
class ListRunbooks:
    """List the runbooks, and the runs that are not over."""

    json: Json = False


@task("runbook.show", "ops.runbooks.cli:show_runbook", roles=OFFICE)
class ShowRunbook:
    """Show a runbook's steps and values, or what became of a run."""

    id: _Runbook = ""
    run: Annotated[
        str,
        Flag("A run instead: its steps, who did them, the hashes of what they wrote.", shape="run"),
    ] = ""
    json: Json = False


@task("runbook.print", "ops.runbooks.booklet:print_booklet", roles=OFFICE)
class Print:
    """Make a booklet for A4 paper: runbooks, phones, hosts, repositories, key holders.

    It is one HTML page, written to standard output.
    """

    id: Annotated[str, Flag("Id of the runbook; left out: all of them.", shape="runbook")] = ""


@task(
    "runbook.run",
    "ops.runbooks.run:begin_run",
    roles=OPERATE,
    second=("runbook-step",),
    forms=(Form("Begin a run", always={"only_begin": True}, proves=False),),
)
class RunRunbook:
    """Carry a runbook out, step by step.

    It stops where a step fails, an answer is no, or another person has to agree; `runbook.resume`
    goes on there, also after the machine was switched off.
    """

    id: _Runbook
    set: Annotated[tuple[str, ...], Flag("A value, NAME=VALUE; may be given several times.")] = ()
    only_begin: Annotated[bool, Flag("Keep the run, and carry out nothing yet.")] = False
    reason: _Reason = ""
    document: Document = ""
    dry_run: _PlanOnly = False


@task(
    "runbook.resume",
    "ops.runbooks.run:resume_run",
    roles=OPERATE,
    second=("runbook-step",),
    forms=(Form("Carry this step out", fields="run step answer roll_back reason document"),),
)
class Resume:
    """Go on with a run at the step that is not done, take back what was done, or give it up."""

    run: Annotated[str, Flag("The run, as `runbook.list` shows it.", shape="run")]
    set: Annotated[
        tuple[str, ...], Flag("Correct a value, NAME=VALUE, that no step was carried out with yet.")
    ] = ()
    roll_back: Annotated[
        bool,
        Flag(
            "Take back what was done: the rollback steps, last first.",
            "Take back what was done, the last first",
        ),
    ] = False
    abandon: Annotated[
        bool, Flag("Give the run up: what was done stays, unused approvals end.")
    ] = False
    step: Annotated[
        int, Flag("Carry out this one step, which has to be the next; it asks nobody anything.")
    ] = 0
    answer: Annotated[str, Flag("What that step asks for; no secret.")] = ""
    reason: _Reason = ""
    document: Document = ""
    dry_run: _PlanOnly = False
