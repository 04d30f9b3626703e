"""Tasks around papers: reports, minutes, notices, lists, evidence."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "report"
TITLE = N_("reports: the year, sites, minutes, notices, lists, evidence")

_OUT = N_("Folder for the files; it is made where it is not there.")
_YEAR = N_("The year; it runs from 15 December before it to 14 December.")
_FIRST = N_("First day, such as 15/12/2025.")
_LAST = N_("Last day.")
_NUMBER = N_("Number of the paper; left out: a draft, with DỰ THẢO on it.")
_DATE = N_("The paper's day; left out: today.")
_ASKED = {
    "requester": N_("Who has asked for it, where it is asked for once."),
    "reference": N_("Number of the document that asks for it."),
    "due": N_("Until when."),
}
_LIKE = {"out": _OUT, "number": _NUMBER, "date": _DATE,
         "json": flags.JSON}  # fmt: skip


@operator_task(help={"json": flags.JSON})
def kinds(_context: Context, json: bool = False) -> int:
    """List the kinds of papers: what each is, what it is about, which files it gives."""
    from ops.reports.cli import show_kinds

    return show_kinds(as_json=json)


@operator_task(
    help={
        "kind": N_("Kind of paper, as `report.kinds` lists them."),
        "year": _YEAR,
        "from": _FIRST,
        "to": _LAST,
        "site": flags.SITE,
        "of": N_("The drill or the planned stop; left out: the newest, or the next."),
        **_ASKED,
        **_LIKE,
    }
)
def make(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    kind: str,
    out: str,
    year: int = 0,
    from_: str = "",
    to: str = "",
    site: str = "",
    of: str = "",
    number: int = 0,
    date: str = "",
    requester: str = "",
    reference: str = "",
    due: str = "",
    json: bool = False,
) -> int:
    """Make a paper of a kind, as DOCX and PDF, or the files that `report.kinds` names.

    Every figure names its source; what nobody knows is said to be so.
    """
    from ops.reports.cli import MakeWish, make_report

    asked = {"requester": requester, "reference": reference, "due": due}
    return make_report(
        MakeWish(kind=kind, out=out, year=year, first=from_, last=to, site=site, of=of,
                 number=number, date=date, occasion=asked, as_json=json)
    )  # fmt: skip


@operator_task(help={"year": _YEAR, **_LIKE})
def annual(
    _context: Context,
    out: str,
    year: int = 0,
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make the report on the portal's year, as DOCX and PDF."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(
        MakeWish(kind="annual", out=out, year=year, number=number, date=date,
                 as_json=json)
    )  # fmt: skip


@operator_task(help={"from": _FIRST, "to": _LAST, "year": _YEAR, **_ASKED, **_LIKE})
def activity(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    out: str,
    from_: str = "",
    to: str = "",
    year: int = 0,
    requester: str = "",
    reference: str = "",
    due: str = "",
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make a report on some time, also one that somebody has asked for once."""
    from ops.reports.cli import MakeWish, make_report

    asked = {"requester": requester, "reference": reference, "due": due}
    return make_report(
        MakeWish(kind="activity", out=out, first=from_, last=to, year=year, occasion=asked,
                 number=number, date=date,
                 as_json=json)
    )  # fmt: skip


@operator_task(help={"site": flags.SITE, "year": _YEAR, **_LIKE})
def site(
    _context: Context,
    site: str,
    out: str,
    year: int = 0,
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make the report on a site's year, for its unit to complete."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(
        MakeWish(kind="site", out=out, site=site, year=year, number=number, date=date,
                 as_json=json)
    )  # fmt: skip


@operator_task(help={"year": _YEAR, **_LIKE})
def security(
    _context: Context,
    out: str,
    year: int = 0,
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make the letter on the security of information systems, form 08."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(
        MakeWish(kind="security", out=out, year=year, number=number, date=date,
                 as_json=json)
    )  # fmt: skip


_DRILL = N_("The drill, as `drill.list` shows it; left out: the newest with minutes.")
_STOP = N_("Code of the planned stop; left out: the next.")


@operator_task(help={"id": _DRILL, "site": flags.SITE_OR_ALL, "out": _OUT,
                     "json": flags.JSON})  # fmt: skip
def drill(
    _context: Context,
    out: str,
    id: str = "",  # noqa: A002 - the flag's name
    site: str = "",
    json: bool = False,
) -> int:
    """Make the minutes of a restore drill, to be signed."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(MakeWish(kind="drill", out=out, of=id, site=site, as_json=json))


@operator_task(help={"id": _STOP, **_LIKE})
def notice(
    _context: Context,
    out: str,
    id: str = "",  # noqa: A002 - the flag's name
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make the notice of a planned stop to the public."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(
        MakeWish(kind="notice", out=out, of=id, number=number, date=date,
                 as_json=json)
    )  # fmt: skip


@operator_task(help=_LIKE)
def policy(
    _context: Context,
    out: str,
    number: int = 0,
    date: str = "",
    json: bool = False,
) -> int:
    """Make the backup policy as a paper, for approval."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(MakeWish(kind="policy", out=out, number=number, date=date, as_json=json))


@operator_task(help={"from": _FIRST, "to": _LAST, "year": _YEAR, "out": _OUT,
                     "json": flags.JSON})  # fmt: skip
def evidence(
    _context: Context,
    out: str,
    from_: str = "",
    to: str = "",
    year: int = 0,
    json: bool = False,
) -> int:
    """Make a package of evidence: tables, the journal with its chain, hashes, how to check them."""
    from ops.reports.cli import MakeWish, make_report

    return make_report(
        MakeWish(kind="evidence", out=out, first=from_, last=to, year=year,
                 as_json=json)
    )  # fmt: skip


@operator_task(
    help={
        "kind": N_("Kind of paper, as `report.kinds` lists them."),
        "file": N_("The signed PDF; with --scan a scan of the paper."),
        "number": N_("Its number as it stands on it, such as 05/BC-TTCNTT."),
        "date": N_("The paper's day, such as 16/12/2026."),
        "year": N_("The year that it is about; left out: that of its day."),
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
                  is_scan=scan, dry_run=dry_run)
    )  # fmt: skip
