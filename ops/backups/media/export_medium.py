"""Write sites' repositories onto a removable medium, byte for byte, and read them back from it.

Order:

1. Refuse what is no medium, or another one than was named, or one whose label was changed.
   `--dry-run` ends after the plan.
2. Put the label on it, so that it is known whose it is should the writing be cut off.
3. For each site: mirror its repository of the primary store (`backup.copies.mirror`); read every
   file of it back from the medium and digest it.
4. Write the way back, and the label with what lies on the medium now.
5. Record the medium, and journal it.
6. Write the list of copies, in which this medium now stands.

From 2 on the medium is held by a descriptor, through which everything goes, and is looked at again
at each file and at the end: one that was unmounted meanwhile is not recorded as written. One that
fails from 3 on is recorded as damaged: it is neither as it was nor as its label says.

Killed after any step, the same command goes on; what a label says was read back when it was said.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from backup.copies.mirror import MirrorResult, look_at_mirror, update_mirror
from backup.copies.mirror_plan import plan_mirror
from backup.errors import BackupError
from backup.format.crypto import MasterKey
from backup.progress import Progress
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.stores.folder import FolderStore
from ops.access.session import Bench, at_bench
from ops.backups.keys.key_holders import choose_with_own
from ops.backups.kinds import EXPORT
from ops.backups.media.copy_list import NAME as LIST_NAME
from ops.backups.media.copy_list import list_copies, write_copy_list
from ops.backups.media.label import Held, Label, MediumContent, replace_contents
from ops.backups.media.label_proof import (
    Inventory,
    doubt_label,
    find_openable,
    prove_label,
    sign_label,
    take_inventory,
)
from ops.backups.media.mount_point import (
    HeldMedium,
    MediumStore,
    check_code,
    check_place,
    hold_medium,
    read_label,
    repository_on,
    write_file,
    write_label,
)
from ops.backups.media.records import note_read_back, note_written, read_codes, read_media
from ops.backups.repositories.guide import put_guide, write_guide
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.retention.look_before_deleting import find_standing_brake
from ops.backups.tasks import ExportMedia
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.index import is_ahead
from ops.duties.evidence.judge import plan_renewal
from ops.duties.table.load import load_calendar, load_duties
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_place, read_day
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_date, format_number, format_size
from ops.language.text import N_, _
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, report
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress

_DAMAGED = {
    "what": N_("{count} files do not read back from the medium as they were written: {first}"),
    "why": N_("the medium, its socket or its cable is failing"),
    "data": N_("the stores are untouched; do not count on this medium"),
    "next_step": N_("write another: `{program} backup.export-media --to FOLDER --code CODE`"),
}
_KEEPS = {
    "what": N_("the medium keeps what the primary store has lost; what is new was added"),
    "why": N_("that happens when somebody deletes backups, or a disk is not what it was"),
    "data": N_("the medium still has all of it"),
    "next_step": N_("look at the store first: `{program} backup.check --site {site}`"),
}


def make_label(estate: Estate, wish: ExportMedia, found: Label | None, by: str) -> Label:
    """Make the label; of one that is there what is not said anew stays.

    Raises:
        WrongUseError: The code is empty, or the first day cannot be read.
    """
    if not wish.code.strip():
        raise WrongUseError(
            "a medium needs a code",
            data="nothing was written",
            next_step="add `--code CODE`, as it stands on the medium's outside",
        )
    today = datetime.now(UTC).astimezone(estate.zone).date()
    started_on = _started(wish, found, today)
    renewal = plan_renewal(load_duties(estate).duties, started_on, today, load_calendar(estate))
    return Label(
        code=wish.code,
        organisation=estate.name_at(),
        kind=wish.kind or (found.kind if found else "disk"),
        started_on=started_on,
        renew_on=renewal.renew_on if renewal else None,
        kept_at=wish.kept_at or (found.kept_at if found else ""),
        holder=wish.holder or (found.holder if found else by),
        written_by=by,
        written_at=found.written_at if found else None,
        contents=found.contents if found else (),
    )


def _started(wish: ExportMedia, found: Label | None, today: date) -> date:
    if wish.started:
        return read_day(wish.started)
    return found.started_on if found else today


def describe(repository: Repository, site: str, inventory: Inventory) -> MediumContent:
    """Say what a label tells of one repository."""
    snapshots = sorted(load_readable_snapshots(repository).snapshots, key=lambda it: it.time)
    now = repository.clock.now()
    whole = [
        it.time for it in snapshots if it.paths == (f"/{site}",) and not is_ahead(it.time, now)
    ]
    return MediumContent(
        site=site,
        repository=repository.id,
        snapshots=tuple(Held(it.id, it.time.astimezone(UTC)) for it in snapshots),
        newest_at=whole[-1].astimezone(UTC) if whole else None,
        objects=inventory.objects,
        size_bytes=inventory.size_bytes,
        digest=inventory.digest,
    )


def conclude(mirrored: MirrorResult, content: MediumContent, inventory: Inventory) -> JobResult:
    """Give the result of one site; what does not read back as it was written has failed."""
    plan = mirrored.plan
    summary = {
        "snapshots": len(content.snapshots),
        "objects": content.objects,
        "size_bytes": content.size_bytes,
        "digest": content.digest,
        "added": len(plan.add),
        "added_bytes": plan.add_bytes,
        "removed": mirrored.removed,
        "damaged": len(inventory.damaged),
    }
    if inventory.damaged:
        params = {"count": len(inventory.damaged), "first": inventory.damaged[0]}
        return JobResult("failed", "medium_damaged", {**_DAMAGED, "params": params}, summary)
    if plan.held_back:
        params = {"held_back": plan.held_back}
        return JobResult("incomplete", "medium_keeps_more", {**_KEEPS, "params": params}, summary)
    return JobResult("ok", summary=summary)


def export_media(wish: ExportMedia, progress: Progress) -> int:
    """Write the medium; gives the exit code.

    Raises:
        WrongUseError: It is no medium, or another one.
        LabelError: Its label cannot be read or written.
    """
    estate = load_estate()
    folder = check_place(choose_place(estate, wish.to), allow_folder=wish.allow_folder)
    found = read_label(folder)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            known, in_use = read_codes(session), {it.code for it in read_media(session)}
        check_code(found, wish.code, known, in_use, folder)
        found, keys = _believe(bench, folder, found)
        label = make_label(estate, wish, found, bench.origin.person or bench.origin.login)
        write_line(_tell(label, folder))
        sites = choose_with_own(estate, wish.site)
        if wish.dry_run:
            return gravest([_rehearse(estate, site, folder) for site in sites])
        with hold_medium(folder, allow_folder=wish.allow_folder) as medium:
            write_label(medium.root, sign_label(label, keys))
            with _noting_failure(bench, label.code, sites):
                exported = [_export(bench, site, medium, progress) for site in sites]
                fresh = {it.content.site: it.content for it in exported if it.content is not None}
                label = replace(replace_contents(label, fresh), written_at=datetime.now(UTC))
                keys |= {it.content.site: it.key for it in exported if it.content and it.key}
                _finish(
                    bench,
                    sign_label(label, keys),
                    medium,
                    sum(it.damaged for it in exported),
                    read_back=fresh,
                )
    return gravest([it.code for it in exported])


export = showing_progress(export_media)


@contextmanager
def _noting_failure(bench: Bench, code: str, sites: Collection[Site]) -> Iterator[None]:
    """Note that a medium is damaged which fails before its label says what lies there now."""
    try:
        yield
    except (BackupError, OpsError):
        with bench.catalog.writing() as session:
            damaged = [it.name for it in sites]
            note_read_back(session, bench.origin, code, damaged=damaged, now=datetime.now(UTC))
        raise


def _believe(
    bench: Bench, folder: Path, label: Label | None
) -> tuple[Label | None, dict[str, MasterKey]]:
    """Give what is believed of a label, and the keys that can sign the next one, by site.

    Raises:
        LabelError: Somebody has changed it.
    """
    if label is None or not label.contents:
        return label, {}
    is_proven = prove_label(bench.estate, folder, label) is not None
    if not is_proven:
        told = _("the label of {code} bears no proof of who wrote it; it gets one now")
        write_line(told, code=label.code)
        with bench.catalog.reading() as session:
            label = doubt_label(label, session.get(Medium, label.code))
    openable = find_openable(bench.estate, folder, label)
    keys = {site: it.key for site, it in openable.items()}
    lost = [it.site for it in label.contents if it.site not in openable]
    if lost and not is_proven:
        told = _("  not taken over from it, since their repositories do not open: {sites}")
        write_line(told, sites=", ".join(lost))
        kept = tuple(it for it in label.contents if it.site in openable)
        label = replace(label, contents=kept)
    return label, keys


def _tell(label: Label, folder: Path) -> str:
    told = _("medium {code} at {folder}, in use since {day}").format(
        code=label.code, folder=folder, day=format_date(label.started_on)
    )
    if label.renew_on is None:
        return told
    return told + _("; to be renewed by {day}").format(day=format_date(label.renew_on))


@dataclass(frozen=True, slots=True)
class _Exported:
    """What became of one site.

    Attributes:
        content: What lies there now; None where that is not whole.
        key: The repository's, where there is content.
        damaged: How many files are damaged.
        code: The exit code.
    """

    content: MediumContent | None
    key: MasterKey | None
    damaged: int
    code: int


def _export(bench: Bench, site: Site, medium: HeldMedium, progress: Progress) -> _Exported:
    done: list[tuple[MediumContent, MasterKey]] = []
    work = partial(_mirror, bench.estate, medium, done, progress)
    job = f"{EXPORT.name}/{site.name}"
    try:
        result = run_by_hand(bench, work, job=job, kind=EXPORT.name, site=site.name)
    except (BackupError, OpsError) as error:
        return _Exported(None, None, int(site.name in medium.failed), report(error))
    write_line(
        "  "
        + _("{site}: {objects} files, {size}; written now: {added}").format(
            site=site.name,
            objects=format_number(result.summary["objects"]),
            size=format_size(result.summary["size_bytes"]),
            added=format_size(result.summary["added_bytes"]),
        )
    )
    if result.outcome != "ok":
        write_outcome(result, job=job, site=site.name)
    damaged = int(result.summary["damaged"])
    content, key = (None, None) if damaged else done[0]
    return _Exported(content, key, damaged, EXIT_CODES[result.outcome])


def _mirror(
    estate: Estate,
    medium: HeldMedium,
    done: list[tuple[MediumContent, MasterKey]],
    progress: Progress,
    context: RunContext,
) -> JobResult:
    """Mirror one site and read it back; the caller holds the site's lock."""
    site = context.site
    source = open_repository(estate, site)
    with context.catalog.reading() as session:
        is_frozen = find_standing_brake(session, site) is not None
    place = MediumStore(medium, site)
    mirrored = update_mirror(source, place, keep_all=is_frozen, progress=progress)
    there = replace_store(source, place)
    inventory = take_inventory(medium.root / site)
    medium.ensure_there()
    content = describe(there, site, inventory)
    done.append((content, there.key))
    return conclude(mirrored, content, inventory)


def replace_store(source: Repository, place: FolderStore) -> Repository:
    """Give the same repository where it lies on a medium."""
    return Repository(
        place, source.config, key=source.key, key_id=source.key_id, clock=source.clock
    )


def _rehearse(estate: Estate, site: Site, folder: Path) -> int:
    """Say what would be written; nothing is but a lock on the source."""
    try:
        source = open_repository(estate, site.name)
        with hold_reading_lock(source):
            plan = plan_mirror(
                look_at_mirror(source, FolderStore(repository_on(folder, site.name)))
            )
    except (BackupError, OpsError) as error:
        return report(error)
    write_line(
        _("  {site}: would write {count} files, {size}; would remove {removed}"),
        site=site.name,
        count=len(plan.add),
        size=format_size(plan.add_bytes),
        removed=len(plan.remove),
    )
    return 0


def _finish(
    bench: Bench, label: Label, medium: HeldMedium, damaged: int, *, read_back: Collection[str]
) -> None:
    estate = bench.estate
    medium.ensure_there()
    named = estate.primary_store.model_copy(
        update={"name": label.code, "location": label.kept_at or estate.primary_store.location}
    )
    guide = write_guide(estate, named, str(medium.folder), [it.site for it in label.contents])
    put_guide(MediumStore(medium), guide)
    write_label(medium.root, label)
    medium.ensure_there()
    with bench.catalog.writing() as session:
        note_written(session, bench.origin, label, damaged=damaged, read_back=read_back)
    with bench.catalog.reading() as session:
        copies = list_copies(session, estate)
    now = datetime.now(UTC)
    document = write_copy_list(copies, estate.name_at(now), now)
    write_file(medium.root / LIST_NAME, document)
    write_line(_("the medium's label, the way back and the list of copies are on it"))
