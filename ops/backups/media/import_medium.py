"""Take repositories from a removable medium back into a store, byte for byte.

Order:

1. Refuse what has no label, or one that was changed. Read every file of each repository back and
   compare it with the label; one that is not as the label says is left where it is, and noted.
   `--dry-run` ends here.
2. For each site that the store lacks: mirror the medium's repository into it
   (`backup.copies.mirror`). One that is there already stays as it is; one of another id is never
   written to.
3. Bring the index tables up to date; journal that the medium was read.

The medium itself is only read. Killed after any step, the same command goes on.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from backup.copies.mirror import ensure_same, update_mirror
from backup.errors import BackupError, ObjectNotFoundError
from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.backups.kinds import IMPORT
from ops.backups.media.label import Label, LabelError, MediumContent
from ops.backups.media.label_proof import open_on_medium, prove_label, take_inventory
from ops.backups.media.mount_point import read_label, repository_on
from ops.backups.media.records import note_read_back
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import open_place, open_repository
from ops.backups.tasks import ImportMedia
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_place
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_size
from ops.language.text import _
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import gravest, report
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress


class MediumDamagedError(OpsError):
    """What lies on a medium is not what its label says."""


@showing_progress
def import_media(wish: ImportMedia, progress: Progress) -> int:
    """Take repositories back; gives the exit code.

    Raises:
        WrongUseError: The medium has no label or not the site, or the store is a copy.
        LabelError: The label cannot be read.
    """
    estate = load_estate()
    folder, label = open_medium(choose_place(estate, wish.from_))
    store = choose_target(estate, wish.store)
    contents = choose_contents(label, wish.site)
    codes, damaged = [], []
    if prove_label(estate, folder, label) is None:
        write_line(
            _(
                "the label of {code} bears no proof of who wrote it; what lies there is proven"
                " by its own key"
            ).format(code=label.code)
        )
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        for content in contents:
            try:
                check_content(folder, content, label.code)
                codes.append(_take(bench, folder, content, store, progress, dry=wish.dry_run))
            except (BackupError, OpsError) as error:
                if isinstance(error, MediumDamagedError):
                    damaged.append(content.site)
                codes.append(report(error))
    is_all = len(contents) == len(label.contents)
    if damaged or (is_all and not wish.dry_run):
        # Damage was found whatever was only rehearsed.
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            now = datetime.now(UTC)
            note_read_back(session, bench.origin, label.code, damaged=damaged, now=now)
    if damaged:
        write_line(_("the damage is noted for the medium {code}"), code=label.code)
    return gravest(codes)


def open_medium(source: str) -> tuple[Path, Label]:
    """Give a medium's folder and label.

    Raises:
        LabelError: There is none, or it cannot be read.
    """
    folder = Path(source).absolute()
    label = read_label(folder)
    if label is None:
        raise LabelError(
            "{folder} is no medium of this service: it has no label",
            data="nothing was changed",
            next_step="mount the medium, and name the folder it is mounted at",
            folder=folder,
        )
    return folder, label


def choose_target(estate: Estate, name: str) -> Store:
    """Give the store that takes them; the primary where none is named.

    Raises:
        WrongUseError: It is a copy, which has repositories of its own.
    """
    store = estate.store(name) if name else estate.primary_store
    if store.role == "copy":
        raise WrongUseError(
            'the store "{store}" is a copy: it has repositories and a key of its own',
            why="what lies on a medium is the primary store's, byte for byte",
            next_step="leave `--store` out, then `{program} backup.copy --to {store}`",
            store=store.name,
        )
    return store


def choose_contents(label: Label, site: str) -> tuple[MediumContent, ...]:
    """Give what is to be taken.

    Raises:
        WrongUseError: The medium holds nothing of the site.
    """
    if not site:
        return label.contents
    content = label.content_of(site)
    if content is None:
        raise WrongUseError(
            'the medium {code} holds nothing of the site "{site}"',
            next_step="mount another medium; `{program} backup.status --xml` lists what each holds",
            code=label.code,
            site=site,
        )
    return (content,)


def check_content(folder: Path, content: MediumContent, code: str) -> None:
    """Read a repository back from the medium.

    Raises:
        MediumDamagedError: It is not what the label says.
    """
    found = take_inventory(repository_on(folder, content.site))
    if found.damaged or found.digest != content.digest:
        raise MediumDamagedError(
            'the repository of "{site}" on the medium {code} is not what its label says',
            why="{damaged} files are damaged; {objects} files are there, the label says {wanted}",
            data="nothing was taken from it; the stores are untouched",
            next_step="use another medium or store; restic itself may still restore from"
            " this one: `restic -r {place} check --read-data`",
            site=content.site,
            code=code,
            damaged=len(found.damaged),
            objects=found.objects,
            wanted=content.objects,
            place=folder / content.site,
        )


def _take(
    bench: Bench,
    folder: Path,
    content: MediumContent,
    store: Store,
    progress: Progress,
    *,
    dry: bool,
) -> int:
    """Take one site; gives 0 where the store has it already."""
    estate = bench.estate
    size = format_size(content.size_bytes)
    if is_there(estate, folder, content.site, store):
        text = _("  {site}: as the label says; {store} has this repository already")
        write_line(text, site=content.site, store=store.name)
        return 0
    if dry:
        text = _("  {site}: as the label says; would be taken into {store}, {size}")
        write_line(text, site=content.site, store=store.name, size=size)
        return 0
    work = partial(_mirror, estate, folder, store, progress)
    job = f"{IMPORT.name}/{content.site}"
    run_by_hand(bench, work, job=job, kind=IMPORT.name, site=content.site)
    text = _("  {site}: taken into {store}: {count} files, {size}")
    write_line(text, site=content.site, store=store.name, count=content.objects, size=size)
    return 0


def is_there(estate: Estate, folder: Path, site: str, store: Store) -> bool:
    """Say whether the store has this very repository already.

    Raises:
        UsageError: It has another one.
        StoreError: The store failed.
    """
    place = open_place(estate, site, store)
    try:
        place.size("config")
    except ObjectNotFoundError:
        return False
    return ensure_same(open_on_medium(estate, folder, site), place)


def _mirror(
    estate: Estate, folder: Path, store: Store, progress: Progress, context: RunContext
) -> JobResult:
    """Mirror one site into the store; the caller holds the site's lock."""
    source = open_on_medium(estate, folder, context.site)
    done = update_mirror(
        source, open_place(estate, context.site, store), keep_all=True, progress=progress
    )
    repository = open_repository(estate, context.site, store, any_id=True)  # a person put it there
    stored = update_index(context.catalog, repository, site=context.site, store=store.name)
    summary = {
        "store": store.name,
        "snapshots": len(stored),
        "added": len(done.plan.add),
        "added_bytes": done.plan.add_bytes,
    }
    return JobResult("ok", summary=summary)
