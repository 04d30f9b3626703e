"""A task around the minimums that backups are kept for."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def lower_minimum(
    _context: Context, site: str, reason: str = "", document: str = "", dry_run: bool = False
) -> int:
    """Let a lower minimum count for the snapshots that are there; takes a second person.

    The lower figure stands in the estate already. Without this, snapshots keep the minimum they
    were made under, and the lower one counts for later ones only.
    """
    from ops.backups.retention.cli_lower_minimum import LoweringWish, lower_minimum

    wish = LoweringWish(site=site, reason=reason, document=document, dry_run=dry_run)
    return lower_minimum(wish)


@operator_task(
    help={
        "site": flags.SITE,
        "snapshot": N_(
            "Delete this snapshot past the rules; takes a second person; may be given several"
            " times."
        ),
        "accept": N_("Take what is there, and the clock, as right; deletes nothing."),
        "reason": N_("Why; needed with --snapshot and --accept."),
        "document": flags.DOCUMENT,
        "confirm": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("snapshot",),
    two_people=True,
)
def forget(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    store: str = "",
    snapshot: list[str] | None = None,
    accept: bool = False,
    reason: str = "",
    document: str = "",
    confirm: str = "",
    dry_run: bool = False,
) -> int:
    """Remove the snapshots that the site's retention no longer keeps."""
    from ops.backups.retention.cli import forget_site
    from ops.backups.retention.cli_forget_named import (
        Naming,
        accept_present_state,
        forget_named_snapshots,
    )
    from ops.terminal.progress import shown_progress

    if accept:
        return accept_present_state(
            site, reason, named=bool(snapshot), store=store, dry_run=dry_run
        )
    if snapshot:
        naming = Naming(site, tuple(snapshot), reason, document, confirm, dry_run, store)
        with shown_progress() as progress:
            return forget_named_snapshots(naming, progress)
    with shown_progress() as progress:
        return forget_site(site, progress, confirm=confirm, dry_run=dry_run, store=store)


@operator_task(
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "confirm": flags.SITE,
        "dry_run": flags.DRY_RUN,
    }
)
def prune(
    _context: Context, site: str, store: str = "", confirm: str = "", dry_run: bool = False
) -> int:
    """Remove the data that no snapshot needs any more."""
    from ops.backups.retention.cli import prune_site
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return prune_site(site, progress, confirm=confirm, dry_run=dry_run, store=store)


@operator_task(
    help={
        "site": N_("Name of the site; with --list left out: all sites."),
        "snapshot": N_("Beginning of one snapshot's id; left out: all, later ones too."),
        "reason": N_("Why it must stay."),
        "reference": N_("Reference of the document that asks for it."),
        "list": N_("List the holds instead of placing one."),
        "json": N_("Print the list as JSON."),
        "dry_run": flags.DRY_RUN,
    }
)
def hold(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str = "",
    snapshot: str = "",
    reason: str = "",
    reference: str = "",
    list: bool = False,  # noqa: A002 - the flag's name
    json: bool = False,
    dry_run: bool = False,
) -> int:
    """Hold snapshots for an inspection: nothing deletes them until two people release the hold."""
    from ops.backups.retention.cli_holds import place, show_holds
    from ops.backups.retention.holds import HoldWish

    if list or json:
        return show_holds(site, as_json=json)
    wish = HoldWish(site=site, snapshot=snapshot, reason=reason, reference=reference)
    return place(wish, dry_run=dry_run)


@operator_task(
    help={
        "hold": N_("The hold, as `backup.hold --list` prints it."),
        "reason": N_("Why it may end; the person who approves it reads it."),
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def release(_context: Context, hold: str, reason: str, dry_run: bool = False) -> int:
    """End a hold; always takes a second person."""
    from ops.backups.retention.cli_holds import release as release_hold

    return release_hold(hold, reason, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE,
        "to": N_(
            "Moment that the backups are given; left out: the last one that the journal believes"
            " before each."
        ),
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def redate(
    _context: Context,
    site: str,
    to: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Give backups that a wrong clock has dated ahead of now a moment that is believed.

    It always takes a second person. Their content stays as it is; a hold on one goes on.
    """
    from ops.backups.retention.redate import RedateWish, redate

    return redate(RedateWish(site=site, to=to, reason=reason, document=document, dry_run=dry_run))
