"""Tasks around the yearly plan: from its draft to the report on it."""

from invoke.context import Context

from ops.errors import WrongUseError
from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "plan"
TITLE = N_("plan: the year's work and money, from draft to report")


def given(year: int, task: str) -> int:
    """Give the year back where one was given; invoke takes a flag for a number by its default.

    Raises:
        WrongUseError: None was.
    """
    if not year:
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag="year",
            task=f"plan.{task}",
        )
    return year


_YEAR = N_("Year of the plan.")
_ITEM = N_("Number of the item, as `plan.show` has it.")
_OUT = N_("Folder for the papers: Kế hoạch, Tờ trình, draft of the Quyết định, as DOCX and PDF.")


@operator_task(help={"year": _YEAR, "out": _OUT, "dry_run": flags.DRY_RUN, "json": flags.JSON})
def draft(
    _context: Context, year: int = 0, out: str = "", dry_run: bool = False, json: bool = False
) -> int:
    """Draft the plan of a year from what the service knows, each item with its evidence.

    Again, it adds and withdraws what the facts ask for now; what people changed or rejected stays.
    """
    from ops.planning.cli import draft as run

    return run(given(year, "draft"), out, dry_run=dry_run, as_json=json)


@operator_task(
    help={
        "year": _YEAR,
        "item": _ITEM,
        "out": _OUT,
        "calendar": N_("File for the decided items and windows as a calendar (iCalendar)."),
        "json": flags.JSON,
    }
)
def show(
    _context: Context,
    year: int = 0,
    item: int = 0,
    out: str = "",
    calendar: str = "",
    json: bool = False,
) -> int:
    """Show a plan: items, money, what falls where less is granted, what is missing."""
    from ops.planning.cli_show import show as run

    return run(given(year, "show"), item, out, calendar, as_json=json)


@operator_task(
    help={
        "year": _YEAR,
        "item": _ITEM,
        "add": N_("Add an item."),
        "set": N_("name=value, such as quarter=2 or unit_price=12500000; several times."),
        "reject": N_("Take the item out of the plan, for this reason; next year too."),
        "take_up": N_("Take a rejected item up again."),
        "quotation": N_("Id of the document that holds the price (`document.list`)."),
        "opinion": N_("Note what somebody said about the plan or the item."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
        "json": flags.JSON,
    },
    iterable=["set"],
)
def edit(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    year: int = 0,
    item: int = 0,
    add: bool = False,
    set: list[str] | None = None,  # noqa: A002 - the flag's name
    reject: str = "",
    take_up: bool = False,
    quotation: str = "",
    opinion: str = "",
    document: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Change, add, reject or take up an item of a draft."""
    from ops.planning.cli import EditWish
    from ops.planning.cli import edit as run

    return run(
        EditWish(year=given(year, "edit"), item=item, add=add, values=set or (), reject=reject,
                 take_up=take_up, quotation=quotation, opinion=opinion, document=document,
                 dry_run=dry_run, as_json=json)
    )  # fmt: skip


@operator_task(
    help={
        "year": _YEAR,
        "review": N_("Only note that the Center has reviewed the draft."),
        "document": N_("Number of the Tờ trình."),
        "dry_run": flags.DRY_RUN,
    }
)
def submit(
    _context: Context,
    year: int = 0,
    review: bool = False,
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Hand a reviewed plan in: its figures are frozen and stay as they are then."""
    from ops.planning.cli import submit as run

    return run(given(year, "submit"), review=review, document=document, dry_run=dry_run)


@operator_task(
    help={
        "year": _YEAR,
        "number": N_("Number of the decision."),
        "date": N_("Its date, such as 15/12/2026."),
        "signer": N_("Who has signed it."),
        "document": N_("Id of the document that holds its scan."),
        "grant": N_("N=AMOUNT: what an item gets; others get all they ask for; several times."),
        "defer": N_("Number of an item that is put off; several times."),
        "returned": N_("The plan comes back, for this reason."),
        "reason": flags.REASON_FOR_APPROVER,
        "dry_run": flags.DRY_RUN,
    },
    iterable=["grant", "defer"],
    two_people=True,
)
def record_decision(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    year: int = 0,
    number: str = "",
    date: str = "",
    signer: str = "",
    document: str = "",
    grant: list[str] | None = None,
    defer: list[str] | None = None,
    returned: str = "",
    reason: str = "",
    dry_run: bool = False,
) -> int:
    """Record what was decided on paper; a person who never drafted the plan has to agree."""
    from ops.planning.cli import DecideFlags, decide

    return decide(
        DecideFlags(year=given(year, "record-decision"), number=number, date=date, signer=signer,
                    document=document, grant=grant or (), defer=defer or (), returned=returned,
                    reason=reason, dry_run=dry_run)
    )  # fmt: skip


@operator_task(help={"year": _YEAR, "reason": N_("Why it is revised."), "dry_run": flags.DRY_RUN})
def revise(_context: Context, year: int = 0, reason: str = "", dry_run: bool = False) -> int:
    """Begin a revision of a decided plan, which stays in force until the revision is decided."""
    from ops.planning.cli import revise as run

    return run(given(year, "revise"), reason, dry_run=dry_run)


@operator_task(
    help={
        "year": _YEAR,
        "item": _ITEM,
        "contracted": N_("Đồng under contract, in all until now."),
        "paid": N_("Đồng paid, in all until now."),
        "done": N_("What was done; goes into the maintenance log."),
        "result": N_("What came of it."),
        "begins": N_("When a window or the work begins, such as '20/03/2027 22:00'."),
        "until": N_("When it ends."),
        "stops": N_(
            "Name of the site that stops meanwhile: its notice is due 07 working days ahead."
        ),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
        "json": flags.JSON,
    }
)
def progress(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    year: int = 0,
    item: int = 0,
    contracted: str = "",
    paid: str = "",
    done: str = "",
    result: str = "",
    begins: str = "",
    until: str = "",
    stops: str = "",
    document: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Show how far a decided plan has come; with more flags note how an item goes on."""
    from ops.planning.cli_show import show_progress
    from ops.planning.cli_work import StepFlags
    from ops.planning.cli_work import progress as run

    if not any((contracted, paid, done, result, begins, until, stops, document)):
        return show_progress(given(year, "progress"), as_json=json)
    return run(
        StepFlags(year=given(year, "progress"), item=item, contracted=contracted, paid=paid,
                  done=done, result=result, begins=begins, until=until, stops=stops,
                  document=document, dry_run=dry_run)
    )  # fmt: skip


@operator_task(
    help={
        "year": _YEAR,
        "item": _ITEM,
        "amount": N_("Đồng that are accepted; left out: all that is under contract, or granted."),
        "date": N_("Day of the acceptance; left out: today."),
        "document": N_("Number of the acceptance record."),
        "trial": N_("Number of the trial run's record, where the form asks for one."),
        "report": N_("Number of the report on the whole plan, once everything is accepted."),
        "dry_run": flags.DRY_RUN,
    }
)
def complete(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    year: int = 0,
    item: int = 0,
    amount: str = "",
    date: str = "",
    document: str = "",
    trial: str = "",
    report: str = "",
    dry_run: bool = False,
) -> int:
    """Accept the work on an item, or note the report on the whole plan."""
    from ops.planning.cli_work import CompleteFlags
    from ops.planning.cli_work import complete as run

    return run(
        CompleteFlags(year=given(year, "complete"), item=item, amount=amount, date=date,
                      document=document, trial=trial, report=report, dry_run=dry_run)
    )  # fmt: skip
