"""Restore a site for a person at a terminal: into a folder, or in its place.

1. Choose the store and the snapshot; in place, look which parts are gone, and have people confirm.
2. Put each folder's files back; what the snapshot does not have is left where it is.
3. In place, restore each database into the scratch folder and from there into the live file
   (`ops.backups.restore.sqlite_in_place`).
4. Journal what was put back, also where the restore failed on its way.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from backup.progress import Progress
from backup.repository.repository import Repository
from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.malware.records import require_scan
from ops.backups.repositories.catalog_index import read_newest_whole
from ops.backups.repositories.moments import State
from ops.backups.repositories.open import open_to_read, read_patiently
from ops.backups.restore.restore import Done, RestoreIncompleteError, RestoreWork
from ops.backups.restore.state import (
    choose_asked,
    refuse_lacking,
    tell_doubt,
    tell_flag,
    tell_moment,
    wish_doubt,
    write_skew,
    write_state,
)
from ops.backups.restore.targets import (
    Chosen,
    choose_parts,
    closed_folders,
    refuse_target,
    take_target,
)
from ops.backups.restore.tasks import Restore
from ops.backups.restore.there import look_there
from ops.backups.restore.this_machine import send_to_own_server
from ops.backups.sources.availability import check_site
from ops.errors import WrongUseError
from ops.estate.choose import read_moment
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.sites import RESERVED_SITE_NAMES, Site
from ops.estate.model.stores import Store
from ops.jobs.site_lock import hold_site_lock
from ops.language.formats import format_number, format_second
from ops.language.text import _, as_typed, ngettext
from ops.schedule.ledger.job import describe_failure
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_line
from ops.terminal.progress import Expecting, NamesInTheEnd, need_confirmation, showing_progress


@showing_progress
def restore_site(wish: Restore, progress: Progress) -> int:
    """Restore, write the result, and give the exit code.

    Raises:
        WrongUseError: The flags make no sense, or nobody confirmed.
        RestoreIncompleteError: Something is not back; the rest is.
    """
    _refuse_nonsense(wish)
    estate = load_estate()
    title_of_known(estate, wish.site)
    if wish.target and is_elsewhere():
        look_there(closed_folders(estate), progress)
    elif wish.target:
        refuse_target(estate, Path(wish.target))
        take_target(Path(wish.target).absolute(), dry_run=wish.dry_run)
    site = estate.site(wish.site) if wish.in_place else None
    with at_bench(estate, dry_run=wish.dry_run) as bench, ExitStack() as held:
        if wish.in_place:
            held.enter_context(hold_site_lock(estate.service.state, wish.site, holder="restore"))
        store = estate.store(wish.store) if wish.store else estate.primary_store
        keeps_past = wish.at and store.object_lock is not None
        past = read_moment(wish.at, estate) if keeps_past else None
        repository = open_to_read(estate, wish.site, store, at=past)
        if past is None:
            held.enter_context(read_patiently(repository, wish.site, store, estate.stores))
        state = choose_asked(repository, estate, wish)
        _tell_state(bench, repository, wish, store, state)
        done = _carry_out(bench, wish, site, repository, state, progress)
    _ensure_whole(wish, done)
    return INCOMPLETE if done.unset else 0


def _tell_state(
    bench: Bench, repository: Repository, wish: Restore, store: Store, state: State
) -> None:
    """Say what is in doubt, what is taken, how far its parts lie apart, what stores hold newer."""
    zone = bench.estate.organisation.timezone
    tell_doubt(bench, repository, state, wish.site)
    write_state(state, wish.site, zone)
    write_skew(repository, state, wish.site)
    if state.whole is None or wish.snapshot or wish.at:
        return
    with bench.catalog.reading() as session:
        newest = read_newest_whole(session, wish.site)
    for name, moment in newest.items():
        if name != store.name and moment > state.whole.time:
            text = _("  this is the newest in {store}; {other} has a newer one, of {moment}")
            told = format_second(moment, zone)
            write_line(text, store=store.name, other=name, moment=told)


def _carry_out(
    bench: Bench,
    wish: Restore,
    site: Site | None,
    repository: Repository,
    state: State,
    progress: Progress,
) -> Done:
    """Look, ask where something is overwritten, and restore."""
    estate, agreed, chosen = bench.estate, None, None
    if site is not None:
        chosen = _choose(bench, wish, site, state)
        refuse_lacking(repository, state, chosen, site.name)
        chosen = send_to_own_server(repository, state, site, chosen, wish.way)
    scratch = estate.service.scratch / wish.site / "in-place"
    told = NamesInTheEnd(Expecting(progress, {"restore files": _expected(wish, state)}))
    work = RestoreWork(repository, state, wish, chosen, scratch, told, estate)
    if site and chosen:
        work.require_places()
        if state.whole is not None:
            work.tell_newer()
        agreed = _ask(bench, wish, site, state, chosen)
    if wish.delete and not wish.dry_run:
        count = work.find_removed()
        text = ngettext(
            "What lies in {folder} and not in the backup will be removed: {count} entry.",
            "What lies in {folder} and not in the backup will be removed: {count} entries.",
            count,
        ).format(folder=as_typed(wish.target), count=format_number(count))
        need_confirmation(wish.site, wish.confirm, text)
    with _recorded(bench, wish, state, agreed) as done:
        work.run(done)
    return done


def _ensure_whole(wish: Restore, done: Done) -> None:
    """Refuse to call it done where something is not back."""
    if done.failed and done.denied >= done.failed:
        raise RestoreIncompleteError(
            "{count} files or folders could not be restored",
            why="the system denies them to you: what is there belongs to somebody else now",
            data="everything else is restored; the repository was only read",
            next_step="name a new folder, or have root type the same command",
            count=done.failed,
        )
    if done.failed:
        raise RestoreIncompleteError(
            "{count} files or folders could not be restored",
            why="they are listed above",
            data="everything else is restored; the repository was only read",
            next_step="check the repository: `{program} backup.check --site {site} --read-data`",
            count=done.failed,
            site=wish.site,
        )
    if wish.include and not done.met:
        raise RestoreIncompleteError(
            "nothing in the snapshot matches --include, so nothing was restored",
            data="no file was changed; the repository was only read",
            next_step="see what it holds: `{program} backup.files --site {site}`",
            site=wish.site,
        )


def _expected(wish: Restore, state: State) -> int | None:
    """Give the bytes of a whole restore; None where a part is wanted, or parts of several."""
    if wish.include or len(state.snapshots) != 1:
        return None
    size = state.snapshots[0].summary.get("total_bytes_processed")
    return size if isinstance(size, int) else None


def _refuse_nonsense(wish: Restore) -> None:
    """Refuse what can be seen from the flags alone."""
    if wish.in_place and wish.site in RESERVED_SITE_NAMES:
        raise WrongUseError(
            "the service itself is not restored in place like a site",
            next_step="`{program} service.recover --repo STORE/giucong --dry-run`",
        )
    if bool(wish.target) == wish.in_place:
        raise WrongUseError(
            "a restore goes into a folder or in its place",
            next_step="give either `--target FOLDER` or `--in-place`",
        )
    if wish.in_place and (wish.delete or wish.overwrite != Restore.overwrite):
        raise WrongUseError(
            "--overwrite goes with --target, as --delete does",
            next_step="leave them out, or see `{program} backup.restore --help`",
        )


def _choose(bench: Bench, wish: Restore, site: Site, state: State) -> Chosen:
    """Choose the parts; refuse what cannot be put back from here, or was not looked through."""
    with bench.catalog.reading() as session:
        for snapshot in state.snapshots:
            require_scan(session, bench.estate.security, site.name, snapshot)
    check_site(site, must_exist=False)
    return choose_parts(site, wish.include, enters_hosts=bool(wish.way.login))


def _ask(bench: Bench, wish: Restore, site: Site, state: State, chosen: Chosen) -> Agreed | None:
    """Have the person confirm what is overwritten, and another one agree; the plan binds that."""
    if chosen.absent:
        text = _("  not there now, and made anew: {places}. Is a disk not mounted? Mount it first.")
        write_line(text, places=", ".join(chosen.absent))
    places = [it.part.path for it in chosen.files] + [it.part.database for it in chosen.databases]
    places += [it.place for it in chosen.elsewhere]
    question = _(
        "The state of {moment} will overwrite: {places}. Stop the site first; what it wrote since"
        " then is lost unless it was backed up."
    )
    told = tell_moment(state, bench.estate.organisation.timezone)
    asked = question.format(moment=told, places=", ".join(places))
    hint = _("to restore this very state after the approval, add {flag}")
    return ask_second_person(
        bench,
        _wish_overwriting(bench, wish, site, state, chosen),
        confirm=partial(need_confirmation, site.name, wish.confirm, asked),
        hint=hint.format(flag=tell_flag(state)),
    )


def _wish_overwriting(
    bench: Bench, wish: Restore, site: Site, state: State, chosen: Chosen
) -> Wish:
    plan = {
        **state.as_values(),
        "include": list(wish.include),
        **wish_doubt(bench, site.name, {it.id: it.time for it in state.snapshots}),
        "files": {it.part.name: it.place for it in (*chosen.files, *chosen.elsewhere)},
        "databases": {it.part.name: it.part.database for it in chosen.databases},
        **({"store": wish.store} if wish.store else {}),
    }
    return Wish("restore-in-place", site.name, plan, wish.reason, wish.document)


@contextmanager
def _recorded(bench: Bench, wish: Restore, state: State, agreed: Agreed | None) -> Iterator[Done]:
    """Journal what was done in one row, however it ends."""
    done = Done()
    try:
        yield done
    except BaseException as error:
        reason = describe_failure(error).reason
        _record(bench, wish, state, agreed, done, "failed", reason=reason, text=str(error))
        raise
    is_whole = not done.failed and not done.unset
    _record(bench, wish, state, agreed, done, "ok" if is_whole else "incomplete")


def _record(
    bench: Bench,
    wish: Restore,
    state: State,
    agreed: Agreed | None,
    done: Done,
    outcome: str,
    **why: str,
) -> None:
    if wish.dry_run:
        return
    details: dict[str, object] = {
        "store": wish.store,
        **state.as_values(),
        "target": wish.target,
        "in_place": wish.in_place,
        "include": list(wish.include),
        "outcome": outcome,
        "failed": done.failed,
        "put_back": done.put_back,
        "half_written": done.under_way,
        "kept_aside": done.kept,
        "left_there": done.left_there,
        "unset": done.unset,
        "owners_list": done.owners_list,
        **({"removed": done.removed} if wish.delete else {}),
        **why,
    }
    if agreed is not None:
        agreed.note("backup.restore", wish.site, details)
        return
    said = {"reason": wish.reason, "document": wish.document}
    bench.note("backup.restore", wish.site, details, **said)
