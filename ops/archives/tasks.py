"""`archive.*`: what portals said, kept for good."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA, TITLE = "archive", N_("The archive")
_ID = N_("Beginning or end of the item's id, or an address it has or had.")
_PRIVATE = N_("Look among access grades 3 and 4; it is journaled.")


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "items": N_("Items only, not pages."),
        "web": N_("Pages only, as citizens see them, not items."),
        "accept_gone": N_("Believe it, however many items are gone from the portal."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def capture(
    _context: Context,
    site: str = "",
    items: bool = False,
    web: bool = False,
    accept_gone: bool = False,
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Archive a site: the items of its portal, new, changed or gone, and its pages as seen."""
    from ops.archives.cli_capture import Wish
    from ops.archives.cli_capture import capture as run
    from ops.terminal.progress import shown_progress

    wish = Wish(items=items or not web, pages=web or not items, accept_gone=accept_gone)
    with shown_progress() as progress:
        return run(site, wish, progress, as_json=json, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE,
        "month": N_("Month, as 2026-11; left out: the newest."),
        "port": N_("Port on this machine; left out: a free one."),
    }
)
def replay(_context: Context, site: str, month: str = "", port: int = 0) -> int:
    """Show captured pages in a browser of this machine, as citizens saw them, until Ctrl-C."""
    from ops.archives.replay import replay as run

    return run(site, month=month, port=port)


@operator_task(
    help={
        "site": flags.SITE,
        "from": N_("A folder, with or without items.csv; a CSV file; or a BagIt bag."),
        "content_class": N_("Content class of what names none; left out: the site's first."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def ingest(
    _context: Context,
    site: str,
    from_: str,
    content_class: str = "",
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Archive what people hand in for a site: a folder, a table, a BagIt bag."""
    from ops.archives.cli_by_hand import ingest as run
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return run(site, from_, progress, content_class=content_class, as_json=json,
                   dry_run=dry_run)  # fmt: skip


_FILTERS = {
    "site": N_("Name of the site; left out: all sites."),
    "content_class": N_("Content class; left out: all."),
    "since": N_("First day of publication, dd/mm/yyyy."),
    "until": N_("Last day of publication, dd/mm/yyyy."),
    "limit": N_("So many at most."),
    "private": _PRIVATE,
    "json": flags.JSON,
}


@operator_task(name="list", help=_FILTERS)
def list_(  # noqa: PLR0913, PLR0917 - one flag a filter
    _context: Context,
    site: str = "",
    content_class: str = "",
    since: str = "",
    until: str = "",
    limit: int = 50,
    private: bool = False,
    json: bool = False,
) -> int:
    """List archived items, the newest first."""
    return _search("", (site, content_class), (since, until), limit, (private, json))


@operator_task(
    help={
        "text": N_('Words; "in quotation marks" together; without marks also finds those with.'),
        **_FILTERS,
    }
)
def search(  # noqa: PLR0913, PLR0917 - one flag a filter
    _context: Context,
    text: str,
    site: str = "",
    content_class: str = "",
    since: str = "",
    until: str = "",
    limit: int = 50,
    private: bool = False,
    json: bool = False,
) -> int:
    """Find archived items by their words."""
    return _search(text, (site, content_class), (since, until), limit, (private, json))


def _search(
    text: str,
    where: tuple[str, str],
    days: tuple[str, str],
    limit: int,
    how: tuple[bool, bool],
) -> int:
    from archive.search.index import Wanted
    from ops.archives.cli import read_day
    from ops.archives.cli import search as find
    from ops.errors import WrongUseError

    site, content_class = where
    if limit < 1:
        raise WrongUseError("--limit says how many at most: 1 or more", data="nothing was changed")
    wanted = Wanted(
        text=text, site=site, content_class=content_class, since=read_day(days[0], "since"),
        until=read_day(days[1], "until"), limit=limit,
    )  # fmt: skip
    private, as_json = how
    return find(wanted, private=private, as_json=as_json)


@operator_task(
    help={
        "id": _ID,
        "version": N_("Version, as v2; left out: the newest."),
        "compare": N_("Version to compare it with; left out: the one before."),
        "private": _PRIVATE,
        "json": flags.JSON,
    }
)
def show(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    version: str = "",
    compare: str = "",
    private: bool = False,
    json: bool = False,
) -> int:
    """Show an item: where it comes from, its files, its versions, what changed."""
    from ops.archives.cli import show as run

    return run(id, version=version, compare=compare, private=private, as_json=json)


@operator_task(
    help={
        "id": _ID,
        "as": N_("folder or bagit."),
        "out": N_("New or empty folder."),
        "version": N_("Version, as v2; left out: the newest."),
        "private": _PRIVATE,
        "dry_run": flags.DRY_RUN,
    }
)
def export(
    _context: Context,
    id: str,  # noqa: A002 - the flag's name
    out: str,
    as_: str = "folder",
    version: str = "",
    private: bool = False,
    dry_run: bool = False,
) -> int:
    """Give an item out: its files, its description, a sheet to read, sums to check."""
    from ops.archives.cli import export as run

    return run(id, form=as_, out=out, version=version, private=private, dry_run=dry_run)


@operator_task(
    help={
        "from": N_(
            "public, private, the name of a copy, or a folder that luu-tru was restored to; left"
            " out: each root for itself."
        ),
        "dry_run": flags.DRY_RUN,
    }
)
def reindex(_context: Context, from_: str = "", dry_run: bool = False) -> int:
    """Make the index of the archive anew from what is stored, or from a copy of it."""
    from ops.archives.cli import remake_index
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return remake_index(from_, progress, dry_run=dry_run)


@operator_task(
    help={
        "place": N_("public, private, or the name of a copy; left out: all of them."),
        "all": N_("Read every byte now, not only what is due."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def verify(
    _context: Context, place: str = "", all: bool = False, json: bool = False,  # noqa: A002 - flag
    dry_run: bool = False,
) -> int:  # fmt: skip
    """Read the archive and its copies back, bring the copies up to date, heal what is damaged."""
    from ops.archives.cli_fixity import verify as run
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return run(place, progress, everything=all, as_json=json, dry_run=dry_run)


@operator_task(
    help={
        "confirm": N_("Type `luu-tru`: very much may be repaired at once."),
        "json": flags.JSON,
        "dry_run": flags.DRY_RUN,
    }
)
def repair(_context: Context, confirm: str = "", json: bool = False, dry_run: bool = False) -> int:
    """Heal what is known to be damaged, from a copy that proves itself or from the backup."""
    from ops.archives.cli_fixity import repair as run

    return run(confirm, as_json=json, dry_run=dry_run)


@operator_task(
    help={
        "counts": N_("What a year brought, for its report: by class and column, late, answered."),
        "year": N_("With --counts: the year; left out: the present one."),
        "since": N_("With --counts: first day instead of a year, dd/mm/yyyy."),
        "until": N_("With --counts: last day, dd/mm/yyyy; left out: today."),
        "site": flags.SITE_OR_ALL,
        "json": flags.JSON,
    }
)
def status(
    _context: Context,
    counts: bool = False,
    year: int = 0,
    since: str = "",
    until: str = "",
    site: str = "",
    json: bool = False,
) -> int:
    """Say what is archived, whether it is intact, and what was refused or is late."""
    if not counts and not (year or since or until or site):
        from ops.archives.cli_status import status as run

        return run(as_json=json)
    from ops.archives.cli import read_day
    from ops.archives.cli_counts import Asked, show_counts
    from ops.terminal.progress import shown_progress

    days = read_day(since, "since"), read_day(until, "until")
    with shown_progress() as progress:
        return show_counts(Asked(site, year, *days), progress, as_json=json)
