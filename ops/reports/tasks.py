"""Tasks around papers: reports, minutes, notices, lists, evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from ops.access.rights import ADMIN, INCIDENT, OFFICE, OPERATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json, Site, SiteOrAll
from ops.terminal.task import Flag, Form, task

TITLE = N_("reports: the year, sites, minutes, notices, lists, evidence")

_CLERKS = INCIDENT | {"archivist", "head"}
_WRITERS = OPERATE | {"unit_contact"}

_KINDS = "ops.reports.kinds.table:KINDS"
_Kind = Annotated[str, Flag("Kind of paper, as `report.kinds` lists them.", "Kind", one_of=_KINDS)]
_Out = Annotated[
    str,
    Flag(
        "Folder for the files; it is made where it is not there.",
        shape="output-folder",
        endings=(".docx", ".pdf", ".xlsx", ".zip"),
    ),
]
_Year = Annotated[int, Flag("The year; it runs from 15 December before it to 14 December.")]
_First = Annotated[str, Flag("First day, such as 15/12/2025.", shape="date")]
_Last = Annotated[str, Flag("Last day.", shape="date")]
_Number = Annotated[int, Flag("Number of the paper; left out: a draft, with DỰ THẢO on it.")]
_Date = Annotated[str, Flag("The paper's day; left out: today.", shape="date")]
_Request = Annotated[
    str,
    Flag(
        "Who asked for it once: the request, as `report.requests` lists them.",
        "Request that it answers",
    ),
]


@task("report.kinds", "ops.reports.cli:show_kinds", roles=OFFICE)
class Kinds:
    """List the kinds of papers: what each is, what it is about, which files it gives."""

    json: Json = False


@task(
    "report.make",
    "ops.reports.cli:make_report",
    roles=OFFICE,
    keeps=True,
    forms=(Form("Make a paper", "Made from what the service knows, to be downloaded.", out="out"),),
)
class Make:
    """Make a paper of a kind, as DOCX and PDF, or the files that `report.kinds` names.

    Every figure names its source; what nobody knows is said to be so.
    """

    out: _Out
    kind: Annotated[str, Flag("Kind of paper, as `report.kinds` lists them.", one_of=_KINDS)]
    year: Annotated[
        int, Flag("The year; it runs from 15 December before it to 14 December.", "Year")
    ] = 0
    from_: _First = ""
    to: _Last = ""
    site: Site = ""
    of: Annotated[
        str,
        Flag(
            "The drill, the planned stop, the register's entry or the plan's line; left out: the"
            " newest, or the next.",
            "What it is about: a drill, a planned stop, an entry, a line",
        ),
    ] = ""
    number: _Number = 0
    date: _Date = ""
    request: _Request = ""
    json: Json = False


@dataclass(frozen=True, kw_only=True)
class OneKind:
    """The short form of `report.make` for a kind; its `id` is there `of`."""

    kind: ClassVar[str]
    out: _Out


@dataclass(frozen=True, kw_only=True)
class _OfYear(OneKind):
    year: _Year = 0
    number: _Number = 0
    date: _Date = ""
    request: _Request = ""
    json: Json = False


@task("report.annual", "ops.reports.cli:make_kind", roles=OFFICE, keeps=True)
class Annual(_OfYear):
    """Make the report on the portal's year, as DOCX and PDF."""

    kind = "annual"


@task("report.activity", "ops.reports.cli:make_kind", roles=OFFICE, keeps=True)
class Activity(OneKind):
    """Make a report on some time, also one that somebody has asked for once."""

    kind = "activity"
    from_: _First = ""
    to: _Last = ""
    year: _Year = 0
    number: _Number = 0
    date: _Date = ""
    request: _Request = ""
    json: Json = False


@task(
    "report.site",
    "ops.reports.cli:make_kind",
    roles=OFFICE | {"unit_contact"},
    own_sites=True,
    keeps=True,
    forms=(Form("Make the report", fields="site year", out="out"),),
)
class OfSite(OneKind):
    """Make the report on a site's year, with what its unit says itself."""

    kind = "site"
    site: Site
    year: _Year = 0
    number: _Number = 0
    date: _Date = ""
    request: _Request = ""
    json: Json = False


@task(
    "report.security",
    "ops.reports.cli:make_kind",
    roles=OFFICE - {"viewer", "archivist"},
    keeps=True,
)
class Security(_OfYear):
    """Make the letter on the security of information systems, form 08."""

    kind = "security"


@task(
    "report.drill",
    "ops.reports.cli:make_kind",
    roles=OFFICE,
    keeps=True,
    forms=(Form("Minutes as a paper", fields="id", out="out"),),
)
class MakeDrillMinutes(OneKind):
    """Make the minutes of a restore drill, to be signed."""

    kind = "drill"
    id: Annotated[
        str,
        Flag(
            "The drill, as `drill.list` shows it; left out: the newest with minutes.", shape="drill"
        ),
    ] = ""
    site: Site = ""
    json: Json = False


@task("report.notice", "ops.reports.cli:make_kind", roles=OFFICE, keeps=True)
class Notice(OneKind):
    """Make the notice of a planned stop to the public."""

    kind = "notice"
    id: Annotated[str, Flag("Code of the planned stop; left out: the next.")] = ""
    number: _Number = 0
    date: _Date = ""
    json: Json = False


@task("report.policy", "ops.reports.cli:make_kind", roles=OFFICE, keeps=True)
class Policy(OneKind):
    """Make the backup policy as a paper, for approval."""

    kind = "policy"
    number: _Number = 0
    date: _Date = ""
    json: Json = False


@task("report.evidence", "ops.reports.cli:make_kind", roles=OFFICE, keeps=True)
class MakeEvidence(OneKind):
    """Make a package of evidence: tables, the journal with its chain, hashes, how to check them."""

    kind = "evidence"
    from_: _First = ""
    to: _Last = ""
    year: _Year = 0
    json: Json = False


@task(
    "report.issue",
    "ops.reports.issue:issue",
    roles=ADMIN,
    forms=(Form("Take the signed paper back", upload="file"),),
)
class Issue:
    """Take an issued paper back: verify its signatures, keep it as a document, journal it.

    A PDF that is not signed, or was changed after it was signed, is refused.
    """

    kind: _Kind
    file: Annotated[
        str, Flag("The signed PDF; with --scan a scan of the paper.", shape="input-file")
    ]
    number: Annotated[str, Flag("Its number as it stands on it, such as 05/BC-TTCNTT.")]
    date: Annotated[str, Flag("The paper's day, such as 16/12/2026.", shape="date")]
    year: Annotated[int, Flag("The year that it is about; left out: that of its day.")] = 0
    site: Annotated[
        str, Flag("The site that it is about, where it is about one.", shape="site")
    ] = ""
    of: Annotated[
        str,
        Flag(
            "What it is about, where it is about one thing: the code of the planned stop, the entry"
            " of the register, the number of the plan's line.",
            "Planned stop, entry or line that it is about",
        ),
    ] = ""
    request: Annotated[
        str,
        Flag(
            "The request that it answers, as `report.requests` lists them.",
            "Request that it answers",
        ),
    ] = ""
    scan: Annotated[
        bool, Flag("It was signed by hand: nothing about its signature can be checked.")
    ] = False
    dry_run: DryRun = False


@task(
    "report.request",
    "ops.reports.requests:note_or_end",
    roles=_CLERKS,
    forms=(Form("Note a request"),),
)
class NoteRequest:
    """Note a report that somebody asks for once, with its day; or end such a request.

    It is told of when its day is near; what has passed is red until `report.issue --request` takes
    the answer back.
    """

    requester: Annotated[str, Flag("Who asks for it.")] = ""
    due: Annotated[str, Flag("Until when, such as 5/4/2027.", shape="date")] = ""
    reference: Annotated[str, Flag("Number of the document that asks for it.")] = ""
    about: Annotated[str, Flag("What it is to say, in a line.")] = ""
    kind: _Kind = "activity"
    from_: _First = ""
    to: _Last = ""
    end: Annotated[str, Flag("Instead end a request that no paper from here answers.")] = ""
    reason: Annotated[str, Flag("Why it ends.", shape="long")] = ""
    document: Annotated[str, Flag("Number of the document that ends it.")] = ""
    dry_run: DryRun = False


@task("report.requests", "ops.reports.requests:show_requests", roles=OFFICE)
class Requests:
    """List what was asked for once, what is due first first.

    Exit code 1 where the day of one has passed.
    """

    all: Annotated[bool, Flag("Also those that were answered or ended.")] = False
    json: Json = False


@task(
    "report.section",
    "ops.reports.sections:work_on_section",
    roles=OFFICE | {"unit_contact"},
    own_sites=True,
    forms=(Form("Write the unit's part"),),
)
class Section:
    """Show, write or confirm what a unit says itself in the report on its site.

    Without a text it shows what stands there; without a site, how far every unit is. What is
    changed after it was confirmed is a draft again.
    """

    site: SiteOrAll = ""
    year: Annotated[int, Flag("The report's year; left out: the one that runs.")] = 0
    # The unit's own words: its contact writes and confirms them, operators type what came on paper.
    board: Annotated[str, Flag("Who is on the editorial board.", shape="long", roles=_WRITERS)] = ""
    content: Annotated[
        str, Flag("How much information was given in the year.", shape="long", roles=_WRITERS)
    ] = ""
    shortcomings: Annotated[
        str, Flag("What fell short; that nothing did, too.", shape="long", roles=_WRITERS)
    ] = ""
    proposals: Annotated[
        str,
        Flag(
            "What the unit proposes; that it proposes nothing, too.", shape="long", roles=_WRITERS
        ),
    ] = ""
    confirm: Annotated[
        bool,
        Flag(
            "Confirm what stands there; the contact of the site's unit does.",
            roles=frozenset({"unit_contact"}),
        ),
    ] = False
    json: Json = False
    dry_run: DryRun = False

    @property
    def texts(self) -> Mapping[str, str]:
        """What is to be written, by part."""
        told = {
            "board": self.board,
            "content": self.content,
            "shortcomings": self.shortcomings,
            "proposals": self.proposals,
        }
        return {name: it for name, it in told.items() if it}
