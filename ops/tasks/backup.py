"""Tasks around backups: make, look, restore, check, forget."""

from typing import Literal

from invoke.context import Context

from ops.tasks import flags
from ops.tasks.running import operator_task
from ops.text import N_

TITLE = N_("backups: make them, prove them, give data back")


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "anew": N_("Store whose disk was lost and replaced: make anew what it held."),
        "confirm": N_("Name of that store."),
        "dry_run": flags.DRY_RUN,
    }
)
def init(
    _context: Context, site: str = "", anew: str = "", confirm: str = "", dry_run: bool = False
) -> int:
    """Make the repositories of sites, and the key if there is none yet."""
    from ops.jobs.making import make_repositories

    return make_repositories(site, anew=anew, confirm=confirm, dry_run=dry_run)


@operator_task(
    help={
        "site": flags.SITE,
        "database": N_("Back up this database alone."),
        "full_read": N_("Read every byte of the source again, whatever looks unchanged."),
        "accept_size": N_(
            "The site is whole although it shrank or grew: take this size for normal."
        ),
        "dry_run": N_("Read everything and say what would be stored, but store nothing."),
        "json": flags.JSON,
    }
)
def run(
    _context: Context,
    site: str,
    database: str = "",
    full_read: bool = False,
    accept_size: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Back up one site now."""
    from ops.jobs.running import rehearse_site, run_site
    from ops.progress import shown_progress

    with shown_progress() as progress:
        if dry_run:
            return rehearse_site(site, progress, as_json=json)
        return run_site(
            site,
            progress,
            database=database,
            full_read=full_read,
            accept_size=accept_size,
            as_json=json,
        )


@operator_task(help={"dry_run": flags.DRY_RUN})
def run_all(_context: Context, dry_run: bool = False) -> int:
    """Back up all sites; one that fails does not stop the others."""
    from ops.jobs.running import run_all_sites
    from ops.progress import shown_progress

    with shown_progress() as progress:
        return run_all_sites(progress, dry_run=dry_run)


@operator_task(
    help={
        "to": N_("The mirror or copy; left out: each of them."),
        "site": flags.SITE_OR_ALL,
        "allow_shrink": N_("Follow the source although it has lost most of its snapshots."),
        "dry_run": flags.DRY_RUN,
    }
)
def copy(
    _context: Context,
    to: str = "",
    site: str = "",
    allow_shrink: bool = False,
    dry_run: bool = False,
) -> int:
    """Bring mirrors and copies up to date now; the service does so after each backup."""
    from ops.jobs.copying_by_hand import copy_sites
    from ops.progress import shown_progress

    with shown_progress() as progress:
        return copy_sites(to, site, progress, allow_shrink=allow_shrink, dry_run=dry_run)


@operator_task(help={"json": flags.JSON, "xml": N_("Print the list of all copies as XML.")})
def status(_context: Context, json: bool = False, xml: bool = False) -> int:
    """Show each site: its newest backup, its age, its last check."""
    if xml:
        from ops.jobs.listing_copies import print_copy_list

        return print_copy_list()
    from ops.status import show_sites

    return show_sites(as_json=json)


@operator_task(
    name="list",
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "deletions": N_("List what was deleted instead, by which rule or approval."),
        "holds": N_("List what is held instead."),
        "json": flags.JSON,
    },
)
def list_(
    _context: Context,
    site: str,
    store: str = "",
    deletions: bool = False,
    holds: bool = False,
    json: bool = False,
) -> None:
    """List the snapshots of a site, newest last."""
    from ops.jobs.holding import show_holds
    from ops.jobs.looking import list_snapshots
    from ops.jobs.showing_deletions import show_deletions

    if holds:
        show_holds(site, as_json=json)
    elif deletions:
        show_deletions(site, as_json=json)
    else:
        list_snapshots(site, store=store, as_json=json)


@operator_task(
    help={
        "site": flags.SITE,
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "folder": N_("Only what lies in this folder of the snapshot, e.g. cong-xa/files/www."),
        "all": N_("Also what lies below its folders."),
        "json": flags.JSON,
    }
)
def files(
    _context: Context,
    site: str,
    store: str = "",
    snapshot: str = "latest",
    folder: str = "",
    all: bool = False,  # noqa: A002 - the flag's name
    json: bool = False,
) -> None:
    """List the files of a snapshot."""
    from ops.jobs.looking import list_files

    list_files(site, store=store, snapshot=snapshot, folder=folder, recursive=all, as_json=json)


@operator_task(
    help={
        "site": flags.SITE,
        "target": N_("Folder that gets the content; made if it is missing."),
        "store": flags.STORE_OR_PRIMARY,
        "snapshot": flags.SNAPSHOT_OR_NEWEST,
        "at": N_("The newest snapshot before this moment, e.g. '20/11/2026 18:00'."),
        "include": N_("Only what this pattern matches; may be given several times."),
        "in_place": N_("Put files and databases back where they came from; asks first."),
        "login": N_("With --in-place: an administrator's account on the host the files belong to."),
        "identity": N_("File with that account's private SSH key (ed25519)."),
        "passphrase_file": N_("File with the key's passphrase."),
        "verify": N_("Read every restored file back and compare it."),
        "confirm": flags.CONFIRM_SITE,
        "reason": N_("Why; the person who approves a restore in place reads it."),
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    iterable=("include",),
    two_people=True,
)
def restore(  # noqa: PLR0913, PLR0917 - one flag each
    _context: Context,
    site: str,
    target: str = "",
    store: str = "",
    snapshot: str = "",
    at: str = "",
    include: list[str] | None = None,
    in_place: bool = False,
    login: str = "",
    identity: str = "",
    passphrase_file: str = "",
    verify: bool = False,
    confirm: str = "",
    reason: str = "",
    document: str = "",
    dry_run: bool = False,
) -> int:
    """Restore a site, or a part of it, into a folder or in its place."""
    from ops.jobs.restoring import RestoreWish, restore_site
    from ops.jobs.way_in import WayIn
    from ops.progress import shown_progress

    wish = RestoreWish(
        site=site,
        target=target,
        store=store,
        snapshot=snapshot,
        at=at,
        include=tuple(include or ()),
        in_place=in_place,
        way=WayIn(login=login, identity=identity, passphrase_file=passphrase_file),
        verify=verify,
        confirm=confirm,
        reason=reason,
        document=document,
        dry_run=dry_run,
    )
    with shown_progress() as progress:
        return restore_site(wish, progress)


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "read_data": N_("Read every stored byte back."),
        "share": N_("Read the day's share of the stored bytes back, as the service does."),
        "store": N_("Store; left out: every one that has been brought up to date before."),
        "json": flags.JSON,
    }
)
def check(
    _context: Context,
    site: str = "",
    store: str = "",
    read_data: bool = False,
    share: bool = False,
    json: bool = False,
) -> int:
    """Check repositories: is everything there, and is it sound?"""
    from ops.jobs.running import check_sites
    from ops.progress import shown_progress

    with shown_progress() as progress:
        if read_data:
            return check_sites(site, progress, "all", as_json=json, store=store)
        wanted: Literal["share", "none"] = "share" if share else "none"
        return check_sites(site, progress, wanted, as_json=json, store=store)


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
    from ops.jobs.removing import forget_site
    from ops.jobs.removing_named import Naming, accept_present_state, forget_named_snapshots
    from ops.progress import shown_progress

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
    from ops.jobs.removing import prune_site
    from ops.progress import shown_progress

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
    from ops.jobs.holding import place, show_holds
    from ops.retention.holds import HoldWish

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
    from ops.jobs.holding import release as release_hold

    return release_hold(hold, reason, dry_run=dry_run)
