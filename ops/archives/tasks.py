"""`archive.*`: what portals said, kept for good."""

from typing import Annotated

from ops.access.rights import ADMIN, ARCHIVE, OFFICE, OPERATE, PRIVATE
from ops.language.text import N_
from ops.terminal.flags import DryRun, Json, Site, SiteOrAll
from ops.terminal.task import Flag, Form, task

TITLE = N_("The archive")

_KEEPERS = OPERATE | ARCHIVE
_Id = Annotated[str, Flag("Beginning or end of the item's id, or an address it has or had.")]
_Version = Annotated[str, Flag("Version, as v2; left out: the newest.")]
_Private = Annotated[
    bool, Flag("Look among access grades 3 and 4; it is journaled.", roles=PRIVATE)
]
_Class = Annotated[str, Flag("Content class; left out: all.")]
_Since = Annotated[str, Flag("First day of publication, dd/mm/yyyy.", shape="date")]
_Until = Annotated[str, Flag("Last day of publication, dd/mm/yyyy.", shape="date")]
_Limit = Annotated[int, Flag("So many at most.")]


@task("archive.capture", "ops.archives.job:capture", roles=_KEEPERS)
class Capture:
    """Archive a site: the items of its portal, new, changed or gone, and its pages as seen."""

    site: SiteOrAll = ""
    items: Annotated[bool, Flag("Items only, not pages.")] = False
    web: Annotated[bool, Flag("Pages only, as citizens see them, not items.")] = False
    accept_gone: Annotated[
        bool, Flag("Believe it, however many items are gone from the portal.")
    ] = False
    json: Json = False
    dry_run: DryRun = False


@task("archive.replay", "ops.archives.replay:replay", roles=OFFICE)
class Replay:
    """Show captured pages in a browser of this machine, as citizens saw them, until Ctrl-C."""

    site: Site
    month: Annotated[str, Flag("Month, as 2026-11; left out: the newest.")] = ""
    port: Annotated[int, Flag("Port on this machine; left out: a free one.")] = 0


@task("archive.ingest", "ops.archives.by_hand:ingest", roles=_KEEPERS)
class Ingest:
    """Archive what people hand in for a site: a folder, a table, a BagIt bag."""

    site: Site
    from_: Annotated[
        str,
        Flag(
            "A folder, with or without items.csv; a CSV file; or a BagIt bag.", shape="input-folder"
        ),
    ]
    content_class: Annotated[
        str, Flag("Content class of what names none; left out: the site's first.")
    ] = ""
    json: Json = False
    dry_run: DryRun = False


@task("archive.list", "ops.archives.cli:list_newest", roles=OFFICE)
class ListItems:
    """List archived items, the newest first."""

    site: SiteOrAll = ""
    content_class: _Class = ""
    since: _Since = ""
    until: _Until = ""
    limit: _Limit = 50
    private: _Private = False
    json: Json = False


@task("archive.search", "ops.archives.cli:search", roles=OFFICE)
class Search:
    """Find archived items by their words."""

    text: Annotated[
        str, Flag('Words; "in quotation marks" together; without marks also finds those with.')
    ]
    site: SiteOrAll = ""
    content_class: _Class = ""
    since: _Since = ""
    until: _Until = ""
    limit: _Limit = 50
    private: _Private = False
    json: Json = False


@task("archive.show", "ops.archives.cli:show", roles=OFFICE)
class ShowItem:
    """Show an item: where it comes from, its files, its versions, what changed."""

    id: _Id
    version: _Version = ""
    compare: Annotated[str, Flag("Version to compare it with; left out: the one before.")] = ""
    private: _Private = False
    json: Json = False


@task(
    "archive.export",
    "ops.archives.cli:export",
    roles=ARCHIVE,
    forms=(Form("Give the item out", fields="id as_ version", out="out"),),
)
class ExportItem:
    """Give an item out: its files, its description, a sheet to read, sums to check."""

    id: _Id
    out: Annotated[str, Flag("New or empty folder.", shape="output-folder")]
    as_: Annotated[str, Flag("As what.", one_of="ops.archives.item:FORMS")] = "folder"
    version: _Version = ""
    private: _Private = False
    dry_run: DryRun = False


@task("archive.reindex", "ops.archives.cli:remake_index", roles=_KEEPERS)
class Reindex:
    """Make the index of the archive anew from what is stored, or from a copy of it."""

    from_: Annotated[
        str,
        Flag(
            "public, private, the name of a copy, or a folder that luu-tru was restored to; left"
            " out: each root for itself."
        ),
    ] = ""
    dry_run: DryRun = False


@task("archive.verify", "ops.archives.cli_status:verify", roles=_KEEPERS)
class Verify:
    """Read the archive and its copies back, bring the copies up to date, heal what is damaged."""

    place: Annotated[
        str, Flag("public, private, or the name of a copy; left out: all of them.")
    ] = ""
    all: Annotated[bool, Flag("Read every byte now, not only what is due.")] = False
    json: Json = False
    dry_run: DryRun = False


@task("archive.repair", "ops.archives.cli_status:repair", roles=ADMIN)
class Repair:
    """Heal what is known to be damaged, from a copy that proves itself or from the backup."""

    confirm: Annotated[str, Flag("Type `luu-tru`: very much may be repaired at once.")] = ""
    json: Json = False
    dry_run: DryRun = False


@task("archive.status", "ops.archives.cli_status:status", roles=OFFICE)
class ArchiveStatus:
    """Say what is archived, whether it is intact, and what was refused or is late."""

    counts: Annotated[
        bool, Flag("What a year brought, for its report: by class and column, late, answered.")
    ] = False
    year: Annotated[int, Flag("With --counts: the year; left out: the present one.")] = 0
    since: Annotated[
        str, Flag("With --counts: first day instead of a year, dd/mm/yyyy.", shape="date")
    ] = ""
    until: Annotated[
        str, Flag("With --counts: last day, dd/mm/yyyy; left out: today.", shape="date")
    ] = ""
    site: SiteOrAll = ""
    json: Json = False
