"""Tasks around the yearly plan: from its draft to the report on it."""

from typing import Annotated

from ops.access.rights import ADMIN, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import Document, DryRun, Json, ReasonForApprover
from ops.terminal.task import Flag, Form, task

TITLE = N_("plan: the year's work and money, from draft to report")

_Year = Annotated[int, Flag("Year of the plan.")]
_Item = Annotated[int, Flag("Number of the item, as `plan.show` has it.")]
_Out = Annotated[
    str,
    Flag(
        "Folder for the papers: Kế hoạch, Tờ trình, draft of the Quyết định, as DOCX and PDF.",
        shape="output-folder",
        endings=(".docx", ".pdf"),
    ),
]


@task(
    "plan.draft",
    "ops.planning.cli:draft",
    roles=OPERATE,
    forms=(Form("Draft from what the service knows"),),
)
class Draft:
    """Draft the plan of a year from what the service knows, each item with its evidence.

    Again, it adds and withdraws what the facts ask for now; what people changed or rejected stays.
    """

    year: _Year
    out: _Out = ""
    dry_run: DryRun = False
    json: Json = False


@task(
    "plan.show",
    "ops.planning.cli_show:show",
    roles=OFFICE,
    forms=(
        Form(
            "Make the papers",
            "The papers of the plan as DOCX and PDF, to be downloaded.",
            fields="year",
            out="out",
        ),
    ),
)
class ShowPlan:
    """Show a plan: items, money, what falls where less is granted, what is missing."""

    year: _Year
    item: _Item = 0
    out: _Out = ""
    calendar: Annotated[
        str,
        Flag(
            "File for the decided items and windows as a calendar (iCalendar).", shape="output-file"
        ),
    ] = ""
    json: Json = False


@task("plan.edit", "ops.planning.cli:edit", roles=OPERATE, forms=(Form("Change the item"),))
class Edit:
    """Change, add, reject or take up an item of a draft."""

    year: _Year
    item: _Item = 0
    add: Annotated[bool, Flag("Add an item.")] = False
    set: Annotated[
        tuple[str, ...],
        Flag("name=value, such as quarter=2 or unit_price=12500000; several times.", shape="pairs"),
    ] = ()
    reject: Annotated[
        str, Flag("Take the item out of the plan, for this reason; next year too.", shape="long")
    ] = ""
    take_up: Annotated[bool, Flag("Take a rejected item up again.")] = False
    quotation: Annotated[
        str,
        Flag(
            "Id of the document that holds the price (`document.list`).",
            "Document that holds the price",
        ),
    ] = ""
    opinion: Annotated[
        str, Flag("Note what somebody said about the plan or the item.", shape="long")
    ] = ""
    opinion_of: Annotated[str, Flag("The body whose opinion it is, such as Sở Tài chính.")] = ""
    answer: Annotated[
        str,
        Flag(
            "How that body's opinion was taken up, or why it was not; also later, alone.",
            shape="long",
        ),
    ] = ""
    document: Document = ""
    dry_run: DryRun = False
    json: Json = False


@task("plan.submit", "ops.planning.cli:submit", roles=OPERATE | {"head"}, forms=(Form("Hand in"),))
class Submit:
    """Hand a reviewed plan in: its figures are frozen and stay as they are then."""

    year: _Year
    review: Annotated[bool, Flag("Only note that the Center has reviewed the draft.")] = False
    document: Annotated[str, Flag("Number of the Tờ trình.")] = ""
    dry_run: DryRun = False


@task(
    "plan.record-decision",
    "ops.planning.cli:decide",
    roles=ADMIN,
    second=("plan-decision",),
    forms=(Form("Record the decision"),),
)
class RecordDecision:
    """Record what was decided on paper; a person who never drafted the plan has to agree."""

    year: _Year
    number: Annotated[str, Flag("Number of the decision.")] = ""
    date: Annotated[str, Flag("Its date, such as 15/12/2026.", shape="date")] = ""
    signer: Annotated[str, Flag("Who has signed it.")] = ""
    document: Annotated[str, Flag("Id of the document that holds its scan.")] = ""
    amount: Annotated[
        str, Flag("Đồng that it grants in all; what the items get has to come to that.")
    ] = ""
    grant: Annotated[
        tuple[str, ...],
        Flag("N=AMOUNT: what an item gets; others get all they ask for; several times."),
    ] = ()
    defer: Annotated[
        tuple[str, ...],
        Flag(
            "Number of an item that is put off; several times.",
            "Numbers of the items that are put off, one a line",
        ),
    ] = ()
    returned: Annotated[str, Flag("The plan comes back, for this reason.", shape="long")] = ""
    reason: ReasonForApprover = ""
    dry_run: DryRun = False


@task("plan.revise", "ops.planning.cli:revise", roles=OPERATE, forms=(Form("Begin a revision"),))
class Revise:
    """Begin a revision of a decided plan, which stays in force until the revision is decided."""

    year: _Year
    reason: Annotated[str, Flag("Why it is revised.", shape="long")] = ""
    dry_run: DryRun = False


@task(
    "plan.progress",
    "ops.planning.cli_work:show_or_note",
    roles=OFFICE,
    forms=(Form("Note how it goes on", "Notes what is under contract, paid and done."),),
)
class Progress:
    """Show how far a decided plan has come; with more flags note how an item goes on."""

    year: _Year
    item: _Item = 0
    contracted: Annotated[str, Flag("Đồng under contract, in all until now.", roles=OPERATE)] = ""
    paid: Annotated[str, Flag("Đồng paid, in all until now.", roles=OPERATE)] = ""
    done: Annotated[
        str, Flag("What was done; goes into the maintenance log.", shape="long", roles=OPERATE)
    ] = ""
    result: Annotated[str, Flag("What came of it.", shape="long")] = ""
    begins: Annotated[
        str,
        Flag(
            "When a window or the work begins, such as '20/03/2027 22:00'.",
            "Begins",
            shape="moment",
            roles=OPERATE,
        ),
    ] = ""
    until: Annotated[str, Flag("When it ends.", shape="moment", roles=OPERATE)] = ""
    stops: Annotated[
        str,
        Flag(
            "Name of the site that stops meanwhile: its notice is due 07 working days ahead.",
            shape="site",
            roles=OPERATE,
        ),
    ] = ""
    document: Document = ""
    dry_run: DryRun = False
    json: Json = False


@task(
    "plan.complete",
    "ops.planning.cli_work:complete",
    roles=OPERATE,
    forms=(Form("Accept the work"),),
)
class Complete:
    """Accept the work on an item, or note the report on the whole plan.

    An item about assets tells the register of them, in one act: what replaces a device, until when
    something is renewed or kept up, or why nothing changes.
    """

    year: _Year
    item: _Item = 0
    amount: Annotated[
        str, Flag("Đồng that are accepted; left out: all that is under contract, or granted.")
    ] = ""
    date: Annotated[str, Flag("Day of the acceptance; left out: today.", shape="date")] = ""
    document: Annotated[str, Flag("Number of the acceptance record.")] = ""
    trial: Annotated[
        str, Flag("Number of the trial run's record, where the form asks for one.")
    ] = ""
    serial: Annotated[
        tuple[str, ...],
        Flag(
            "Where a device is replaced: serial number of the new one, the old is retired; of"
            " several NAME=SERIAL, several times.",
            "Serial number of the new device",
        ),
    ] = ()
    bought_on: Annotated[
        str,
        Flag(
            "Day on which the new one was bought; left out: that of the acceptance.", shape="date"
        ),
    ] = ""
    warranty_until: Annotated[str, Flag("Until when the new one has a warranty.", shape="date")] = (
        ""
    )
    supported_until: Annotated[
        str, Flag("Until when its maker supports the new one.", shape="date")
    ] = ""
    price: Annotated[
        str,
        Flag("What one new one cost in đồng, with tax; left out: its part of what is accepted."),
    ] = ""
    asset_name: Annotated[
        str, Flag("Name of the new one; left out: the old one's with the year.")
    ] = ""
    ends_on: Annotated[
        tuple[str, ...],
        Flag(
            "Until when the assets are renewed, or their upkeep is paid for: a day for all of them,"
            " or NAME=DAY, several times.",
            "Until when it is renewed or paid for",
        ),
    ] = ()
    asset_unchanged: Annotated[
        str, Flag("Why the register of assets stays as it is.", shape="long")
    ] = ""
    report: Annotated[
        str, Flag("Number of the report on the whole plan, once everything is accepted.")
    ] = ""
    dry_run: DryRun = False
