"""Tasks around papers: reports, minutes, notices, lists, evidence."""

import inspect
from typing import Any

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "report"
TITLE = N_("reports: the year, sites, minutes, notices, lists, evidence")

_KIND = N_("Kind of paper, as `report.kinds` lists them.")
_FIRST, _LAST = N_("First day, such as 15/12/2025."), N_("Last day.")
_HELP = {
    "kind": _KIND,
    "out": N_("Folder for the files; it is made where it is not there."),
    "year": N_("The year; it runs from 15 December before it to 14 December."),
    "from": _FIRST,
    "to": _LAST,
    "site": flags.SITE,
    "of": N_("The drill or the planned stop; left out: the newest, or the next."),
    "drill": N_("The drill, as `drill.list` shows it; left out: the newest with minutes."),
    "stop": N_("Code of the planned stop; left out: the next."),
    "number": N_("Number of the paper; left out: a draft, with DỰ THẢO on it."),
    "date": N_("The paper's day; left out: today."),
    "request": N_("Who asked for it once: the request, as `report.requests` lists them."),
    "json": flags.JSON,
}
_NUMBERS, _SWITCHES = {"year", "number"}, {"json"}
_FIELDS = {"from_": "first", "to": "last", "id": "of", "json": "as_json"}
"""Flags whose name is not that of the field of `MakeWish`."""


def _paper(kind: str, flag_names: str, *told: str, id_is: str = "") -> type[Any]:
    """Make the task that makes a paper; `report.make`, and the short form of each kind.

    Args:
        kind: Of paper; empty where a flag says it.
        flag_names: The flags that are no part of all, with blanks between; those with a ! must
            be given.
        told: Paragraphs that say what it does.
        id_is: What `--id` is, as a key of the helps.
    """
    required = ["out", *(it[:-1] for it in flag_names.split() if it.endswith("!"))]
    names = [*required, *(it for it in flag_names.split() if not it.endswith("!")), "json"]

    def body(_context: Context, **values: Any) -> int:
        from ops.reports.cli import MakeWish, make_report

        given = {_FIELDS.get(name, name): value for name, value in values.items()}
        return make_report(MakeWish(**{"kind": kind, **given}))

    body.__name__, body.__doc__ = kind or "make", "\n\n".join(told)
    body.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # invoke reads it
        [
            inspect.Parameter("_context", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *(_parameter(it, is_required=it in required) for it in names),
        ]
    )
    return operator_task(help={it: _HELP[id_is if it == "id" else it] for it in names})(body)


def _parameter(name: str, *, is_required: bool) -> inspect.Parameter:
    default: object = 0 if name in _NUMBERS else False if name in _SWITCHES else ""
    return inspect.Parameter(
        "from_" if name == "from" else name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if is_required else default,
    )


@operator_task(help={"json": flags.JSON})
def kinds(_context: Context, json: bool = False) -> int:
    """List the kinds of papers: what each is, what it is about, which files it gives."""
    from ops.reports.cli import show_kinds

    return show_kinds(as_json=json)


make = _paper(
    "", "kind! year from to site of number date request",
    N_("Make a paper of a kind, as DOCX and PDF, or the files that `report.kinds` names."),
    N_("Every figure names its source; what nobody knows is said to be so."),
)  # fmt: skip
annual = _paper(
    "annual", "year number date request",
    N_("Make the report on the portal's year, as DOCX and PDF."),
)  # fmt: skip
activity = _paper(
    "activity", "from to year number date request",
    N_("Make a report on some time, also one that somebody has asked for once."),
)  # fmt: skip
site = _paper(
    "site", "site! year number date request",
    N_("Make the report on a site's year, with what its unit says itself."),
)  # fmt: skip
security = _paper(
    "security", "year number date request",
    N_("Make the letter on the security of information systems, form 08."),
)  # fmt: skip
drill = _paper(
    "drill", "id site", N_("Make the minutes of a restore drill, to be signed."), id_is="drill"
)
notice = _paper(
    "notice", "id number date", N_("Make the notice of a planned stop to the public."),
    id_is="stop",
)  # fmt: skip
policy = _paper("policy", "number date", N_("Make the backup policy as a paper, for approval."))
evidence = _paper(
    "evidence", "from to year",
    N_("Make a package of evidence: tables, the journal with its chain, hashes, how to check"
       " them."),
)  # fmt: skip


@operator_task(
    help={
        "kind": _KIND,
        "file": N_("The signed PDF; with --scan a scan of the paper."),
        "number": N_("Its number as it stands on it, such as 05/BC-TTCNTT."),
        "date": N_("The paper's day, such as 16/12/2026."),
        "year": N_("The year that it is about; left out: that of its day."),
        "site": N_("The site that it is about, where it is about one."),
        "request": N_("The request that it answers, as `report.requests` lists them."),
        "scan": N_("It was signed by hand: nothing about its signature can be checked."),
        "dry_run": flags.DRY_RUN,
    }
)
def issue(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    kind: str,
    file: str,
    number: str,
    date: str,
    year: int = 0,
    site: str = "",
    request: str = "",
    scan: bool = False,
    dry_run: bool = False,
) -> int:
    """Take an issued paper back: verify its signatures, keep it as a document, journal it.

    A PDF that is not signed, or was changed after it was signed, is refused.
    """
    from ops.reports.cli import read_day
    from ops.reports.issue import IssueWish
    from ops.reports.issue import issue as take_back

    day = read_day(date, "date")
    return take_back(
        IssueWish(kind=kind, file=file, number=number, day=day, year=year or day.year,
                  site=site, request=request, is_scan=scan, dry_run=dry_run)
    )  # fmt: skip


@operator_task(
    help={
        "requester": N_("Who asks for it."),
        "due": N_("Until when, such as 5/4/2027."),
        "reference": N_("Number of the document that asks for it."),
        "about": N_("What it is to say, in a line."),
        "kind": _KIND,
        "from": _FIRST,
        "to": _LAST,
        "end": N_("Instead end a request that no paper from here answers."),
        "reason": N_("Why it ends."),
        "document": N_("Number of the document that ends it."),
        "dry_run": flags.DRY_RUN,
    }
)
def request(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    requester: str = "",
    due: str = "",
    reference: str = "",
    about: str = "",
    kind: str = "activity",
    from_: str = "",
    to: str = "",
    end: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Note a report that somebody asks for once, with its day; or end such a request.

    It is told of when its day is near; what has passed is red until `report.issue --request` takes
    the answer back.
    """
    from ops.reports.cli_requests import RequestWish, end_it, note_it

    if end:
        return end_it(end, reason=reason, document=document, dry_run=dry_run)
    return note_it(
        RequestWish(requester=requester, due=due, reference=reference, about=about, kind=kind,
                    first=from_, last=to, dry_run=dry_run)
    )  # fmt: skip


@operator_task(help={"all": N_("Also those that were answered or ended."), "json": flags.JSON})
def requests(_context: Context, all: bool = False, json: bool = False) -> int:  # noqa: A002 - the flag's name
    """List what was asked for once, what is due first first.

    Exit code 1 where the day of one has passed.
    """
    from ops.reports.cli_requests import show_requests

    return show_requests(every=all, as_json=json)


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "year": N_("The report's year; left out: the one that runs."),
        "board": N_("Who is on the editorial board."),
        "content": N_("How much information was given in the year."),
        "shortcomings": N_("What fell short; that nothing did, too."),
        "proposals": N_("What the unit proposes; that it proposes nothing, too."),
        "confirm": N_("Confirm what stands there; the contact of the site's unit does."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def section(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str = "",
    year: int = 0,
    board: str = "",
    content: str = "",
    shortcomings: str = "",
    proposals: str = "",
    confirm: bool = False,
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Show, write or confirm what a unit says itself in the report on its site.

    Without a text it shows what stands there; without a site, how far every unit is. What is
    changed after it was confirmed is a draft again.
    """
    from ops.reports.cli_sections import SectionWish, work_on_section

    told = {"board": board, "content": content, "shortcomings": shortcomings,
            "proposals": proposals}  # fmt: skip
    return work_on_section(
        SectionWish(site=site, year=year, texts={name: it for name, it in told.items() if it},
                    confirm=confirm, as_json=json, dry_run=dry_run)
    )  # fmt: skip
