"""Tasks around the register: what was brought to the Center, and what came of it."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "register"
TITLE = N_("register: remarks, requests, incidents, difficulties")

_ENTRY = N_("The entry, as `register.list` shows it.")
_LINK = {
    "run": N_("A run that belongs to it."),
    "alert": N_("An alert that belongs to it."),
    "drill": N_("A drill that belongs to it."),
    "finding": N_("A finding of security tools that belongs to it."),
}
_SERIOUS = N_("The incident is serious: the law's clocks run from when it happened.")
_DATA = N_("Somebody's data may have come into wrong hands: that clock runs too.")


@operator_task(
    help={
        "kind": N_("remark, support, restore, incident or difficulty."),
        "title": N_("What it is about, in one line."),
        "unit": N_("Unit that it comes from; left out: that of the site."),
        "site": N_("Name of the site; left out: none."),
        "reporter": N_("Who brought it."),
        "document": flags.DOCUMENT,
        "occurred": N_("When it happened or was noticed; left out: when it was received."),
        "received": N_("When the Center learnt of it; left out: now."),
        "serious": _SERIOUS,
        "personal_data": _DATA,
        "from_alert": N_("Begin an incident with what an alert says."),
        "from_drill": N_("Begin an incident with a drill that failed."),
        "from_finding": N_("Begin an incident with what security tools found."),
        "dry_run": flags.DRY_RUN,
    }
)
def add(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    kind: str = "",
    title: str = "",
    unit: str = "",
    site: str = "",
    reporter: str = "",
    document: str = "",
    occurred: str = "",
    received: str = "",
    serious: bool = False,
    personal_data: bool = False,
    from_alert: str = "",
    from_drill: str = "",
    from_finding: str = "",
    dry_run: bool = False,
) -> int:
    """Enter a remark, a request, an incident or a difficulty.

    Write no phone numbers and no papers of citizens into it: the register is read by many.
    """
    from ops.register.cli import AddWish, add

    wish = AddWish(
        kind=kind,
        title=title,
        unit=unit,
        site=site,
        reporter=reporter,
        document=document,
        occurred=occurred,
        received=received,
        is_serious=serious,
        has_personal_data=personal_data,
        alert=from_alert,
        drill=from_drill,
        finding=from_finding,
        dry_run=dry_run,
    )
    return add(wish)


@operator_task(
    name="list",
    help={
        "kind": N_("Only of this kind."),
        "site": flags.SITE_OR_ALL,
        "unit": N_("Name of the unit; left out: all units."),
        "all": N_("Closed ones too."),
        "year": N_("Sum up a year instead: figures by kind and by unit, and the difficulties."),
        "json": flags.JSON,
    },
)
def list_(
    _context: Context,
    kind: str = "",
    site: str = "",
    unit: str = "",
    all: bool = False,  # noqa: A002 - the flag's name
    year: int = 0,
    json: bool = False,
) -> int:
    """List what is open, received last first; with --year the figures of that year."""
    from ops.register.cli_show import show_entries, show_year

    asked = {"kind": kind, "site": site, "unit": unit}
    if year:
        return show_year(year, **asked, as_json=json)
    return show_entries(**asked, closed_too=all, as_json=json)


@operator_task(help={"id": _ENTRY, "json": flags.JSON})
def show(_context: Context, id: str, json: bool = False) -> int:  # noqa: A002 - the flag's name
    """Show an entry: how it stands, its clocks, what belongs to it, what happened around it."""
    from ops.register.cli_show import show_entry

    return show_entry(id, as_json=json)


@operator_task(
    help={
        "id": _ENTRY,
        "acknowledged": N_("Somebody answers for it now; or since the moment of --at."),
        "restored": N_("It works again now; or since the moment of --at."),
        "at": N_("The moment of --acknowledged or --restored; left out: now."),
        "note": N_("What was done or found."),
        "cause": N_("What has caused it."),
        "document": flags.DOCUMENT,
        "serious": _SERIOUS,
        "personal_data": _DATA,
        **_LINK,
        "dry_run": flags.DRY_RUN,
    }
)
def update(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    acknowledged: bool = False,
    restored: bool = False,
    at: str = "",
    note: str = "",
    cause: str = "",
    document: str = "",
    serious: bool = False,
    personal_data: bool = False,
    run: str = "",
    alert: str = "",
    drill: str = "",
    finding: str = "",
    dry_run: bool = False,
) -> int:
    """Note how an entry goes on."""
    from ops.register.cli import ChangeWish, change

    wish = ChangeWish(
        entry=id,
        acknowledged=acknowledged,
        restored=restored,
        at=at,
        note=note,
        cause=cause,
        document=document,
        is_serious=serious,
        has_personal_data=personal_data,
        links={"run": run, "alert": alert, "drill": drill, "finding": finding},
        dry_run=dry_run,
    )
    return change(wish)


@operator_task(
    help={
        "id": _ENTRY,
        "result": N_("What came of it."),
        "cause": N_("What has caused it."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    }
)
def close(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    result: str,
    cause: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Conclude an entry; it stays in the register as it is then."""
    from ops.register.cli import ChangeWish, change

    return change(
        ChangeWish(entry=id, result=result, cause=cause, document=document, closes=True,
                   dry_run=dry_run)
    )  # fmt: skip
