"""Change what has leaked, for a person at a terminal: a password, or a site's master key.

Order: look (`--dry-run` ends here); have another person agree; journal what goes; rename each so
that nothing takes it for whole; remove it. Cut off, what was renamed is removed by the next call.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.format.snapshot import Snapshot
from backup.progress import Progress
from backup.repository.repository import Repository
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.keys.key_holders import choose_own_key
from ops.backups.keys.master_key import OLD, MasterRotation, plan_master_rotation, rotate_master
from ops.backups.keys.master_key import stage_of as master_stage_of
from ops.backups.keys.password import (
    PasswordRotation,
    plan_password_rotation,
    rotate_password,
    stage_of,
)
from ops.backups.keys.tasks import KeyRotate
from ops.backups.media.records import ROTATED, read_media, read_outdated
from ops.backups.repositories.stores import terms_of
from ops.backups.retention.forget_named import BELOW_MINIMUM
from ops.backups.retention.holds import read_holds
from ops.backups.retention.look_before_deleting import find_standing_brake
from ops.backups.retention.protection import HoldView, is_held
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.language.text import N_, _, fill
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation, showing_progress

PASSWORD, MASTER_KEY = "password", "master-key"
_PASSWORD_STEPS: Mapping[str, str] = {
    "made": N_("a new password is made"),
    "added": N_("{place}: the new password is added"),
    "proven": N_("all of them open with the new password"),
    "kept": N_("the old password is kept beside it until the end"),
    "switched": N_("the new password has taken the old one's place"),
    "removed": N_("{place}: the old password is removed"),
}
_MASTER_STEPS: Mapping[str, str] = {
    "noted": N_("it is noted that a change has begun"),
    "copied": N_("the new repository holds every backup"),
    "verified": N_("all of it was read back"),
    "mirrored": N_("{place}: the mirror is filled"),
    "switched": N_("{place}: the new repository has taken the old one's place"),
    "indexed": N_("the catalog knows the new one"),
}
"""Step that is done → what is told of it."""


@showing_progress
def rotate_key(wish: KeyRotate, progress: Progress) -> int:
    """Change a password or a master key; gives the exit code.

    Raises:
        WrongUseError: The flags make no sense, or nobody confirmed.
        OpsError: Something is not as it has to be; nothing was taken away.
        BackupError: A store failed; the same command goes on.
    """
    is_master = wish.leaked == MASTER_KEY
    if is_master != bool(wish.site) or (wish.remove_old and not is_master):
        raise WrongUseError(
            "say what has leaked: `--leaked password`, or `--leaked master-key --site NAME`",
            why="a password is changed in all repositories it opens; a master key belongs to one"
            " site, and only with it goes `--remove-old`",
            next_step="who may have had both the password and a key file has the master key",
        )
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        if is_master:
            return _rotate_master(bench, wish, progress)
        return _rotate_password(bench, wish)


def _rotate_password(bench: Bench, wish: KeyRotate) -> int:
    store = choose_own_key(bench.estate, wish.store)
    rotation = plan_password_rotation(bench.estate, bench.catalog, store)
    _tell_password(rotation)
    if wish.dry_run:
        return 0
    question = _("The password will be changed in all of them, and the old one removed.")
    need_confirmation(store.name, wish.confirm, question)
    details: dict[str, object] = {
        "repositories": [f"{it.name}/{site}" for site, it in rotation.places]
    }
    _note(bench, "backup.key-rotate-begin", wish, store.name, details)
    for step in rotate_password(rotation):
        _tell_step(step, _PASSWORD_STEPS)
    details |= {"added": rotation.added, "removed": rotation.removed}
    _note(bench, ROTATED, wish, store.name, details)
    write_line(_("done: the old password opens nothing any more"))
    _tell_kept(rotation)
    _tell_media(bench)
    _tell_void()
    return 0


def _tell_media(bench: Bench) -> None:
    """Name the removable media that are not touched by a rotation, and keep the old key."""
    with bench.catalog.reading() as session:
        outdated, media = read_outdated(session, bench.estate), read_media(session)
    for medium in media:
        if medium.code in outdated:
            text = N_(
                "  the medium {code} ({place}) opens only with the old one: write it anew:"
                " `{program} backup.export-media --to FOLDER --code {code}`"
            )
            told = {"code": medium.code, "place": medium.kept_at or medium.holder}
            write_line(fill(text, told))


def _tell_kept(rotation: PasswordRotation) -> None:
    """Say where a bucket keeps what was hidden: its promise holds for a leaked key file, too."""
    stores = {it.name: it.object_lock for _site, it in rotation.places if it.object_lock}
    for name, lock in stores.items():
        text = _(
            "  but in {store} the old key files are only hidden, and stay locked for up to {days}"
            " days: whoever may read earlier versions there opens them with the old password until"
            " then; change its access keys"
        )
        write_line(text, store=name, days=(terms_of(lock).period + terms_of(lock).margin).days)


def _rotate_master(bench: Bench, wish: KeyRotate, progress: Progress) -> int:
    site = require_site(bench.estate, bench.catalog, wish.site)
    store = choose_own_key(bench.estate, wish.store)
    rotation = plan_master_rotation(bench.estate, site.name, store)
    if wish.remove_old:
        return remove_old(bench, rotation, wish.reason, wish.document)
    told = {
        "begin": _("a new repository will be filled and take the place of {path}"),
        "copy": _("a change that was cut off goes on: {path} is still the old one"),
        "switch": _("a change that was cut off goes on: the new one takes the place of {path}"),
    }
    write_line(told[master_stage_of(rotation)].format(path=rotation.here(store)))
    if wish.dry_run:
        return 0
    question = _("The old repository is kept beside it until two people have it removed.")
    need_confirmation(site.name, wish.confirm, question)
    details: dict[str, object] = {"stores": [it.name for it in rotation.stores]}
    _note(bench, "backup.key-rotate-begin", wish, site.name, details)
    for step in rotate_master(rotation, bench.catalog, progress):
        _tell_step(step, _MASTER_STEPS)
    details["repository"] = rotation.open(rotation.here(store)).id
    _note(bench, ROTATED, wish, site.name, details)
    write_line(_("done: the site has a new master key; the old repository is kept"))
    text = N_(
        "when nobody needs it: `{program} backup.key-rotate --leaked master-key --site {site}"
        " --remove-old --reason TEXT`"
    )
    write_line(fill(text, {"site": site.name}))
    _tell_media(bench)
    _tell_void()
    return 0


def _tell_step(step: str, steps: Mapping[str, str]) -> None:
    """Write what is done: a step's name, and the place after it."""
    name, _blank, place = step.partition(" ")
    write_line("  " + _(steps[name]), place=place)


def _tell_password(rotation: PasswordRotation) -> None:
    told = {
        "begin": _("a new password will be made in {path}"),
        "add": _("a change that was cut off goes on: the new password is in {path}"),
        "remove": _("a change that was cut off goes on: the old password is still to be removed"),
    }
    write_line(told[stage_of(rotation.paths)].format(path=rotation.paths.next))
    for site, store in rotation.places:
        write_line(f"  {store.name} · {site}")


def _tell_void() -> None:
    text = N_("the sheets on paper are out of date; print new ones: `{program} backup.key-escrow`")
    write_line(fill(text, {}))


def _note(
    bench: Bench, action: str, wish: KeyRotate, subject: str, details: dict[str, object]
) -> None:
    told = {"leaked": wish.leaked, **details}
    bench.note(action, subject, told, reason=wish.reason, document=wish.document)


_REMOVING = ".removing-"


@dataclass(frozen=True, slots=True)
class OldRepository:
    """A repository that was left behind.

    Attributes:
        path: Where it lies.
        snapshots: What it holds.
    """

    path: Path
    snapshots: tuple[Snapshot, ...]


def remove_old(bench: Bench, rotation: MasterRotation, reason: str, document: str) -> int:
    """Remove what a change of the master key has left behind; gives the exit code.

    Raises:
        OpsError: A hold or the site's minimum keeps one of them.
        ApprovalAwaitedError: Another person has to agree first.
        OpsError: There is no second person.
    """
    found = find_old(rotation)
    for it in found:
        write_line(f"  {it.path}")
        _refuse_needed(bench, rotation, it)
    if not found:
        if not bench.is_rehearsal:
            delete_old(rotation, found)
        write_line(_("nothing is left behind"))
        return 0
    names = sorted(str(it.path) for it in found)
    plan = {"act": "remove-old-key", "repositories": names}
    asked = Wish(BELOW_MINIMUM, rotation.site, plan, reason, document)
    agreed = ask_second_person(bench, asked)
    if agreed is None:
        return 0
    agreed.note("backup.key-remove-old", rotation.site, plan)
    delete_old(rotation, found)
    write_line(_("removed; repositories: {count}"), count=len(found))
    return 0


def decide_needed(
    snapshots: tuple[Snapshot, ...],
    holds: tuple[HoldView, ...],
    *,
    minimum_days: int,
    now: datetime,
    is_frozen: bool = False,
) -> str:
    """Say what keeps an old repository: `frozen`, `held`, `young`, or nothing; pure.

    Args:
        snapshots: What it holds.
        holds: In force for the site.
        minimum_days: Nothing younger goes.
        now: Present moment, aware.
        is_frozen: Whether a backup of the site looks like the work of ransomware.
    """
    if is_frozen:
        return "frozen"
    if any(is_held(it.id, holds) or is_held(it.original, holds) for it in snapshots):
        return "held"
    newest = max((it.time for it in snapshots), default=None)
    if newest is not None and newest > now - timedelta(days=minimum_days):
        return "young"
    return ""


def delete_old(rotation: MasterRotation, repositories: list[OldRepository]) -> None:
    """Remove repositories, and what an earlier removal that was cut off has left."""
    for it in repositories:
        it.path.rename(it.path.with_name(f"{_REMOVING}{it.path.name}"))
    for left in _cut_off(rotation):
        shutil.rmtree(left)


def find_old(rotation: MasterRotation) -> list[OldRepository]:
    """Find what a change of the site's master key has left behind."""
    found = []
    for store in rotation.stores:
        folder = Path(store.url) / OLD
        for path in sorted(folder.glob(f"{rotation.site}-*")):
            if _id_of(path, rotation.site):
                repository: Repository = rotation.open(path)
                found.append(OldRepository(path, tuple(repository.load_snapshots())))
    return found


def _cut_off(rotation: MasterRotation) -> list[Path]:
    """Find what two people had agreed on, and a removal that was cut off has left."""
    folders = [Path(store.url) / OLD for store in rotation.stores]
    return [it for folder in folders for it in folder.glob(f"{_REMOVING}{rotation.site}-*")]


def _id_of(path: Path, site: str) -> str:
    """Give the id in a name; empty where it is another site's, whose name begins alike."""
    rest = path.name.removeprefix(f"{site}-")
    return rest if "-" not in rest else ""


def _refuse_needed(bench: Bench, rotation: MasterRotation, old: OldRepository) -> None:
    estate = bench.estate
    with bench.catalog.reading() as session:
        holds = read_holds(session, rotation.site)
        is_frozen = find_standing_brake(session, rotation.site) is not None
    rules = estate.retention_for(estate.site(rotation.site), rotation.stores[0])
    why = decide_needed(
        old.snapshots,
        holds,
        minimum_days=rules.minimum_days,
        now=datetime.now(UTC),
        is_frozen=is_frozen,
    )
    if why == "frozen":
        raise OpsError(
            "{path} has to stay",
            why="a backup of the site looks like the work of ransomware, and nobody has looked yet",
            data="nothing was removed",
            next_step="look at the site, then `{program} backup.accept --site {site} --reason"
            " TEXT`",
            path=old.path,
            site=rotation.site,
        )
    if why:
        raise OpsError(
            "{path} has to stay",
            why="a hold is in force"
            if why == "held"
            else "its newest snapshot is younger than the minimum of {days} days",
            data="nothing was removed",
            next_step="`{program} backup.hold --list` lists the holds; otherwise come back later",
            path=old.path,
            days=rules.minimum_days,
        )
