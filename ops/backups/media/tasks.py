"""Tasks around removable media that hold backups."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "to": N_("Folder at which the medium is mounted."),
        "code": N_("The medium's code, as it stands on its outside."),
        "site": flags.SITE_OR_ALL,
        "kind": N_("What the medium is; left out: disk, or what its label says."),
        "kept_at": N_("Where it is kept afterwards."),
        "holder": N_("Who keeps it; left out: you, or what its label says."),
        "started": N_("Day on which it was first used; left out: today, or what its label says."),
        "allow_folder": N_("Write into a folder although no medium is mounted there."),
        "dry_run": flags.DRY_RUN,
    }
)
def export_media(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    to: str,
    code: str,
    site: str = "",
    kind: str = "",
    kept_at: str = "",
    holder: str = "",
    started: str = "",
    allow_folder: bool = False,
    dry_run: bool = False,
) -> int:
    """Write backups onto a removable medium, byte for byte, and read them back from it.

    The medium also gets its label, the way back as a text, and the list of all copies. Written
    again later, it is brought up to date.
    """
    from ops.backups.media.export_medium import export_media
    from ops.backups.media.new_label import MediaWish
    from ops.terminal.progress import shown_progress

    wish = MediaWish(
        to=to,
        code=code,
        site=site,
        kind=kind,
        kept_at=kept_at,
        holder=holder,
        started=started,
        allow_folder=allow_folder,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return export_media(wish, progress)


@operator_task(
    help={
        "from": N_("Folder at which the medium is mounted."),
        "site": N_("Name of the site; left out: all sites on it."),
        "store": flags.STORE_OR_PRIMARY,
        "dry_run": N_("Only read the medium back, and say what would be taken."),
    }
)
def import_media(
    _context: Context, from_: str, site: str = "", store: str = "", dry_run: bool = False
) -> int:
    """Take backups that a store lacks from a removable medium, after reading them back.

    A repository that is in the store already stays as it is, and another one is never written to.
    """
    from ops.backups.media.import_medium import ImportWish, import_media
    from ops.terminal.progress import shown_progress

    wish = ImportWish(source=from_, site=site, store=store, dry_run=dry_run)
    with shown_progress() as progress:
        return import_media(wish, progress)


@operator_task(
    help={
        "code": N_("The medium's code, as it stands on its outside."),
        "reason": N_("Why, and what became of it; goes into the journal."),
        "document": flags.DOCUMENT,
        "confirm": N_("The medium's code, instead of typing it when asked."),
        "dry_run": flags.DRY_RUN,
    }
)
def retire_media(
    _context: Context,
    code: str,
    reason: str,
    document: str = "",
    confirm: str = "",
    dry_run: bool = False,
) -> int:
    """Take a removable medium out of use: lost, broken, or renewed by another one."""
    from ops.backups.media.retire_medium import RetireWish, retire_medium

    return retire_medium(
        RetireWish(code=code, reason=reason, document=document, confirm=confirm, dry_run=dry_run)
    )
