"""Tasks around the register: what was brought to the Center, and what came of it."""

from typing import Annotated

from ops.access.rights import INCIDENT, OFFICE
from ops.language.text import N_
from ops.terminal.flags import Document, DryRun, Json, SiteOrAll
from ops.terminal.task import Flag, Form, task

TITLE = N_("register: remarks, requests, incidents, difficulties")

_KINDS = "ops.register.entry:KINDS"
_CLERKS = INCIDENT | {"archivist", "head"}
_Entry = Annotated[str, Flag("The entry, as `register.list` shows it.")]
_Serious = Annotated[
    bool, Flag("The incident is serious: the law's clocks run from when it happened.")
]
_PersonalData = Annotated[
    bool, Flag("Somebody's data may have come into wrong hands: that clock runs too.")
]
_Cause = Annotated[str, Flag("What has caused it.", shape="long")]


@task(
    "register.add",
    "ops.register.cli:add",
    roles=_CLERKS | {"unit_contact"},
    own_sites=True,
    forms=(Form("Enter something"),),
)
class AddEntry:
    """Enter a remark, a request, an incident or a difficulty.

    Write no phone numbers and no papers of citizens into it: the register is read by many.
    """

    kind: Annotated[str, Flag("What kind of entry.", "Kind", one_of=_KINDS)] = ""
    title: Annotated[str, Flag("What it is about, in one line.")] = ""
    unit: Annotated[
        str, Flag("Unit that it comes from; left out: that of the site.", roles=_CLERKS)
    ] = ""
    site: Annotated[str, Flag("Name of the site; left out: none.", shape="site")] = ""
    reporter: Annotated[str, Flag("Who brought it.")] = ""
    document: Document = ""
    occurred: Annotated[
        str,
        Flag("When it happened or was noticed; left out: when it was received.", shape="moment"),
    ] = ""
    received: Annotated[
        str, Flag("When the Center learnt of it; left out: now.", shape="moment")
    ] = ""
    serious: _Serious = False
    personal_data: _PersonalData = False
    # A unit's contact enters for the own unit, and reads of no alert by beginning with it.
    from_alert: Annotated[
        str,
        Flag(
            "Begin an incident with what an alert says.",
            "Id of the alert that it comes from",
            roles=_CLERKS,
        ),
    ] = ""
    from_drill: Annotated[
        str,
        Flag(
            "Begin an incident with a drill that failed.",
            "Id of the drill that it comes from",
            roles=_CLERKS,
        ),
    ] = ""
    from_finding: Annotated[
        str,
        Flag(
            "Begin an incident with what security tools found.",
            "Id of the finding that it comes from",
            roles=_CLERKS,
        ),
    ] = ""
    dry_run: DryRun = False


@task(
    "register.list", "ops.register.cli_show:show", roles=OFFICE | {"unit_contact"}, own_sites=True
)
class ListEntries:
    """List what is open, received last first; with --year the figures of that year."""

    kind: Annotated[str, Flag("Only of this kind.", one_of=_KINDS)] = ""
    site: SiteOrAll = ""
    unit: Annotated[str, Flag("Name of the unit; left out: all units.")] = ""
    all: Annotated[bool, Flag("Closed ones too.")] = False
    year: Annotated[
        int, Flag("Sum up a year instead: figures by kind and by unit, and the difficulties.")
    ] = 0
    json: Json = False


@task("register.show", "ops.register.cli_show:show_entry", roles=OFFICE)
class ShowEntry:
    """Show an entry: how it stands, its clocks, what belongs to it, what happened around it."""

    id: _Entry
    json: Json = False


@task(
    "register.update",
    "ops.register.cli:update",
    roles=_CLERKS,
    forms=(Form("Note how it goes on"),),
)
class Update:
    """Note how an entry goes on."""

    id: _Entry
    acknowledged: Annotated[
        bool,
        Flag(
            "Somebody answers for it now; or since the moment of --at.", "Somebody answers for it"
        ),
    ] = False
    restored: Annotated[
        bool, Flag("It works again now; or since the moment of --at.", "It works again")
    ] = False
    at: Annotated[
        str,
        Flag(
            "The moment of --acknowledged or --restored; left out: now.",
            "Since when somebody answers, or it works; empty: now",
            shape="moment",
        ),
    ] = ""
    note: Annotated[str, Flag("What was done or found.", shape="long")] = ""
    cause: _Cause = ""
    document: Document = ""
    serious: _Serious = False
    personal_data: _PersonalData = False
    run: Annotated[str, Flag("A run that belongs to it.")] = ""
    alert: Annotated[str, Flag("An alert that belongs to it.", shape="alert")] = ""
    drill: Annotated[str, Flag("A drill that belongs to it.", shape="drill")] = ""
    finding: Annotated[str, Flag("A finding of security tools that belongs to it.")] = ""
    dry_run: DryRun = False


@task("register.close", "ops.register.cli:close", roles=_CLERKS, forms=(Form("Conclude it"),))
class Close:
    """Conclude an entry; it stays in the register as it is then."""

    id: _Entry
    result: Annotated[str, Flag("What came of it.", shape="long")]
    cause: _Cause = ""
    document: Document = ""
    dry_run: DryRun = False
