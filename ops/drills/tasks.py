"""Tasks around restore drills: prove that a site comes back, and show the minutes of it."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "drill"
TITLE = N_("drills: prove that a backup comes back to life")

_DRILL = N_("Id of the drill, as `drill.list` shows it.")
_SHARE = N_("File with the words of a share from paper; one flag each; left out: asks.")
_KEY_FILE = N_("File with a key file from paper, where the repository has lost its own.")


@operator_task(
    help={
        "site": N_(
            "Name of the site; with --file or --from archive it may be left out: all sites."
        ),
        "from": N_("backup, or archive: items by lot, from a copy of the archive."),
        "with": N_("Who restores: ours, or stock restic."),
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "file": N_("Restore and compare one file by lot instead of the whole site."),
        "from_paper": N_("Take the keys from paper; the folder of keys is not read."),
        "share": _SHARE,
        "key_file": _KEY_FILE,
        "incident_at": N_("When the loss is taken to have happened, YYYY-MM-DD HH:MM."),
        "reason": flags.REASON_FOR_JOURNAL,
        "document": flags.DOCUMENT,
        "dry_run": N_("Say which copy would be drilled, how and with how much room; do nothing."),
        "json": flags.JSON,
    },
    iterable=("share", "key_file"),
)
def run(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str = "",
    from_: str = "backup",
    with_: str = "ours",
    store: str = "",
    snapshot: str = "",
    file: bool = False,
    from_paper: bool = False,
    share: list[str] | None = None,
    key_file: list[str] | None = None,
    incident_at: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Rehearse the restore of a site in a sandbox, or of one file by lot.

    Production is not touched. It ends with 0 where the drill was passed, 1 where it failed, and 3
    where something could not be checked.
    """
    from ops.drills.cli import DrillFlags, drill_sites
    from ops.terminal.progress import shown_progress

    wish = DrillFlags(
        site=site,
        source=from_,
        engine=with_,
        store=store,
        snapshot=snapshot,
        file=file,
        from_paper=from_paper,
        shares=tuple(share or ()),
        key_files=tuple(key_file or ()),
        incident_at=incident_at,
        reason=reason,
        document=document,
    )
    with shown_progress() as progress:
        return drill_sites(wish, progress, dry_run=dry_run, as_json=json)


@operator_task(
    name="list",
    help={
        "site": flags.SITE_OR_ALL,
        "findings": N_("List what drills have shown and none has shown fixed instead."),
        "due": N_("List which drills are overdue, due and next instead, and why."),
        "json": flags.JSON,
    },
)
def list_(
    _context: Context,
    site: str = "",
    findings: bool = False,
    due: bool = False,
    json: bool = False,
) -> int:
    """List the drills, newest first; or what they have shown; or which are due.

    With --due it ends with 1 where one is overdue.
    """
    from ops.drills.minutes.cli import show_drills, show_findings
    from ops.drills.rotation.cli import show_due

    if due:
        return show_due(site, as_json=json)
    show = show_findings if findings else show_drills
    show(site, as_json=json)
    return 0


@operator_task(
    help={
        "drill": _DRILL,
        "site": N_("Name of a site instead: its newest drill."),
        "json": flags.JSON,
    }
)
def show(_context: Context, drill: str = "", site: str = "", json: bool = False) -> None:
    """Show the minutes of a drill: targets, what was reached, the evidence."""
    from ops.drills.minutes.cli import show_drill

    show_drill(drill, site, as_json=json)


@operator_task(
    help={
        "drill": _DRILL,
        "phase": N_("prepare, keys, fetch, scan, rehearse, wipe or conclude."),
        "share": _SHARE,
        "key_file": _KEY_FILE,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("share", "key_file"),
)
def phase(
    _context: Context,
    drill: str,
    phase: str,
    share: list[str] | None = None,
    key_file: list[str] | None = None,
    dry_run: bool = False,
) -> int:
    """Carry out one phase of a drill; the runbook restore-drill does so step by step."""
    from ops.drills.cli import carry_out_by_hand
    from ops.terminal.progress import shown_progress

    papers = tuple(share or ()), tuple(key_file or ())
    with shown_progress() as progress:
        return carry_out_by_hand(drill, phase, papers, progress, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE,
        "database": N_("Name of its database, as in the estate file."),
        "table": N_("The table; PostgreSQL's may bear its schema, as public.posts."),
        "target": N_("Empty folder that gets the rows, as rows.csv and rows.sql."),
        "where": N_("Only rows with this value, COLUMN=VALUE; may be given several times."),
        "contains": N_("Only rows in which some column contains this text."),
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "store": flags.STORE_OR_PRIMARY,
        "reason": flags.REASON_FOR_JOURNAL,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("where",),
)
def extract(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    database: str,
    table: str,
    target: str,
    where: list[str] | None = None,
    contains: str = "",
    snapshot: str = "",
    store: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Take one article or one table out of a backup, to hand over or to copy back.

    The database is loaded in a sandbox of this machine; production is neither asked nor changed.
    """
    from ops.drills.extract import ExtractWish, extract_rows
    from ops.terminal.progress import shown_progress

    wish = ExtractWish(
        site=site,
        database=database,
        table=table,
        where=tuple(where or ()),
        contains=contains,
        snapshot=snapshot,
        store=store,
        target=target,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return extract_rows(wish, progress)


@operator_task(
    help={
        "target": N_("The folder that `drill.extract` has put the rows into."),
        "dry_run": flags.DRY_RUN,
    }
)
def wipe(_context: Context, target: str, dry_run: bool = False) -> int:
    """Overwrite and remove the rows that were taken out of a backup; nothing else in the folder."""
    from ops.drills.wipe_rows import wipe_rows

    return wipe_rows(target, dry_run=dry_run)
