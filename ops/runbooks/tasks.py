"""Tasks around runbooks: procedures that people read and the service carries out."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "runbook"
TITLE = N_("runbooks: procedures that people read and the service carries out")

_PLAN_ONLY = N_("Print every step and command with its values, secrets masked, and do nothing.")
_REASON = N_("Why; a second person who has to approve a step reads it.")


@operator_task(name="list", help={"json": flags.JSON})
def list_(_context: Context, json: bool = False) -> None:
    """List the runbooks, and the runs that are not over."""
    from ops.runbooks.cli import show_runbooks

    show_runbooks(as_json=json)


@operator_task(
    help={
        "id": N_("Id of the runbook, as `runbook.list` shows it."),
        "run": N_("A run instead: its steps, who did them, the hashes of what they wrote."),
        "json": flags.JSON,
    }
)
def show(
    _context: Context,
    id: str = "",  # noqa: A002 - the flag's name
    run: str = "",
    json: bool = False,
) -> None:
    """Show a runbook's steps and values, or what became of a run."""
    from ops.runbooks.cli import show_runbook

    show_runbook(id, run, as_json=json)


@operator_task(name="print", help={"id": N_("Id of the runbook; left out: all of them.")})
def print_(
    _context: Context,
    id: str = "",  # noqa: A002 - the flag's name
) -> None:
    """Make a booklet for A4 paper: runbooks, phones, hosts, repositories, key holders.

    It is one HTML page, written to standard output.
    """
    from ops.runbooks.booklet import print_booklet

    print_booklet(id)


@operator_task(
    help={
        "id": N_("Id of the runbook, as `runbook.list` shows it."),
        "set": N_("A value, NAME=VALUE; may be given several times."),
        "only_begin": N_("Keep the run, and carry out nothing yet."),
        "reason": _REASON,
        "document": flags.DOCUMENT,
        "dry_run": _PLAN_ONLY,
    },
    iterable=("set",),
    two_people=True,
)
def run(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    set: list[str] | None = None,  # noqa: A002 - the flag's name
    only_begin: bool = False,
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Carry a runbook out, step by step.

    It stops where a step fails, an answer is no, or another person has to agree; `runbook.resume`
    goes on there, also after the machine was switched off.
    """
    from ops.runbooks.run import RunWish, begin_run

    wish = RunWish(
        runbook=id, values=tuple(set or ()), only_begin=only_begin, reason=reason,
        document=document, dry_run=dry_run,
    )  # fmt: skip
    return begin_run(wish)


@operator_task(
    help={
        "run": N_("The run, as `runbook.list` shows it."),
        "set": N_("Correct a value, NAME=VALUE, that no step was carried out with yet."),
        "roll_back": N_("Take back what was done: the rollback steps, last first."),
        "abandon": N_("Give the run up: what was done stays, unused approvals end."),
        "step": N_("Carry out this one step, which has to be the next; it asks nobody anything."),
        "answer": N_("What that step asks for; no secret."),
        "reason": _REASON,
        "document": flags.DOCUMENT,
        "dry_run": _PLAN_ONLY,
    },
    iterable=("set",),
    two_people=True,
)
def resume(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    run: str,
    set: list[str] | None = None,  # noqa: A002 - the flag's name
    roll_back: bool = False,
    abandon: bool = False,
    step: int = 0,
    answer: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Go on with a run at the step that is not done, take back what was done, or give it up."""
    from ops.runbooks.run import RunWish, resume_run

    wish = RunWish(
        run=run, values=tuple(set or ()), roll_back=roll_back, abandon=abandon, step=step,
        answer=answer, reason=reason, document=document, dry_run=dry_run,
    )  # fmt: skip
    return resume_run(wish)
