"""The works that are timed, grouped by the data they share, peers by turns in every round.

| group | works |
|---|---|
| a | first-a, unchanged-a, check-a, restore-a on the portal |
| b | first-b on the large dump |
| c | first-c, unchanged-c, restore-c on the small files |
| d | after-a: the portal a day later |
| prune | prune after forgetting every second of ten snapshots |
| s3 | s3-first, s3-unchanged, s3-restore on the portal, in buckets (`bench.buckets`) |

The groups of `bench.real` follow: hosts, databases and lines; then those of `bench.preservation`
and of the watch (`bench.probing`, `bench.watching`, `bench.charting`).

A group makes its repositories, uses and removes them; only the data stays on the disk.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace

from bench import charting, preservation, probing, watching
from bench.buckets import in_buckets
from bench.dataset import Dataset
from bench.measure import Command, CommandFailedError, run
from bench.mutation import pass_day
from bench.peers import Archiver, Borg, Peer, ResticLike
from bench.real import run_bad_line, run_many, run_mariadb, run_ssh
from bench.restored import DifferentError, compare_trees
from bench.rounds import (
    Note,
    Setting,
    aside,
    clean_run_folder,
    describe,
    do_rounds,
    empty_files,
    make_fresh,
    put_back,
    read_once,
    remove_laid_away,
)

SNAPSHOTS = 10
PRUNE_SHARE = 0.05  # of the files change between two of the ten snapshots
SETTLE_SECONDS = 3.0  # between a change of the sources and a backup: nobody sees a racy file


def run_works(setting: Setting, note: Note) -> list[str]:
    """Do all works wanted and hand each outcome on as soon as it is complete.

    A group in which a peer fails ends there; the next group follows.

    Returns:
        One text per failure, empty when all went well.
    """
    failures = []
    groups: tuple[tuple[frozenset[str], Callable[[Setting, Note], None]], ...] = (
        (frozenset({"first-a", "unchanged-a", "check-a", "restore-a"}), run_portal),
        (frozenset({"first-b"}), run_dump),
        (frozenset({"first-c", "unchanged-c", "restore-c"}), run_small),
        (frozenset({"after-a"}), run_day_later),
        (frozenset({"prune"}), run_prune),
        (frozenset({"s3-first", "s3-unchanged", "s3-restore"}), run_buckets),
        (frozenset({"ssh-first", "ssh-unchanged"}), run_ssh),
        (frozenset({"ssh-many", "ssh-many-apart"}), run_many),
        (frozenset({"mariadb"}), run_mariadb),
        (frozenset({"bad-line", "bad-line-short"}), run_bad_line),
        (preservation.INGEST, preservation.run_ingest),
        *((frozenset({work}), group) for work, group in preservation.RUNS.items()),
        (frozenset({probing.WORK}), probing.run_probes),
        (watching.LOOKS, watching.run_looks),
        (frozenset({watching.IDLE}), watching.run_idle),
        (charting.WORKS, charting.run_series),
    )
    for works, group in groups:
        if not works & setting.works:
            continue
        try:
            with clean_run_folder(setting):
                group(setting, note)
        except (CommandFailedError, DifferentError) as error:
            failures.append(str(error))
            setting.say(f"FAILED: {error}")
    remove_laid_away(setting)
    return failures


def run_portal(setting: Setting, note: Note) -> None:
    """Time the works on data set (a)."""
    data = setting.data("site")
    _first(setting, "first-a", data, note)
    _unchanged(setting, "unchanged-a", data, note)
    _check(setting, "check-a", data, note)
    _restore(setting, "restore-a", data, note)


def run_dump(setting: Setting, note: Note) -> None:
    """Time the work on data set (b)."""
    _first(setting, "first-b", setting.data("dump"), note)


def run_small(setting: Setting, note: Note) -> None:
    """Time the works on data set (c)."""
    data = setting.data("small")
    _first(setting, "first-c", data, note)
    _unchanged(setting, "unchanged-c", data, note)
    _restore(setting, "restore-c", data, note)


def run_buckets(setting: Setting, note: Note) -> None:
    """Time the works on data set (a) with the repositories in buckets."""
    data = setting.data("site")
    with in_buckets(setting.peers, setting.folder / "run") as peers:
        inner = replace(setting, peers=peers)
        _first(inner, "s3-first", data, note)
        _unchanged(inner, "s3-unchanged", data, note)
        _restore(inner, "s3-restore", data, note)


def run_day_later(setting: Setting, note: Note) -> None:
    """Time the backup of data set (d) after that of (a), each round from the same state."""
    source = _copy_portal(setting)
    _settle()
    for peer in setting.archivers:
        setting.say(f"after-a: {peer.name} backs the portal up, not timed")
        make_fresh(setting, peer)
        run(peer.backup(setting.state(peer), source.root, "first"))
        setting.state(peer).rename(aside(setting, peer))
    changes = pass_day(source.root, scale=setting.scales["site"])
    _settle()

    def turn(peer: Archiver, number: int) -> Command:
        put_back(setting, peer)
        return peer.backup(setting.state(peer), source.root, f"day-{number}")

    what = f"{describe(source)}; {changes.changed} files changed, {changes.renamed} renamed, "
    what += f"{changes.added} new, {changes.deleted} deleted, the dump changed in the middle"
    note(do_rounds(setting, "after-a", what, setting.archivers, turn))


def run_prune(setting: Setting, note: Note) -> None:
    """Time prune after every second of ten snapshots was forgotten, each round from that state."""
    peers = [peer for peer in setting.peers if isinstance(peer, ResticLike)]
    source = _copy_portal(setting)
    for peer in peers:
        make_fresh(setting, peer)
    for day in range(SNAPSHOTS):
        setting.say(f"prune: snapshot {day + 1} of {SNAPSHOTS}, not timed")
        if day:
            pass_day(source.root, day=day, scale=setting.scales["site"], share=PRUNE_SHARE)
            _settle()
        for peer in peers:
            run(peer.backup(setting.state(peer), source.root, f"day-{day}"))
    for peer in peers:
        peer.forget_half(setting.state(peer))
        setting.state(peer).rename(aside(setting, peer))

    def turn(peer: ResticLike, number: int) -> Command:
        del number
        put_back(setting, peer)
        return peer.prune(setting.state(peer))

    what = f"{describe(source)}, {SNAPSHOTS} snapshots with {PRUNE_SHARE:.0%} changed a day"
    outcome = do_rounds(setting, "prune", what, peers, turn)
    for peer in peers:
        run(peer.check(setting.state(peer)))
    note(outcome)


def _first(setting: Setting, work: str, data: Dataset, note: Note) -> None:
    """Time first backups; the repositories of the last round stay for the works that follow."""
    if work not in setting.works:
        for peer in setting.archivers:
            setting.say(f"{work}: {peer.name} backs up, not timed")
            make_fresh(setting, peer)
            run(peer.backup(setting.state(peer), data.root, "first"))
        return

    def turn(peer: Peer, number: int) -> Command:
        del number
        make_fresh(setting, peer)
        return peer.backup(setting.state(peer), data.root, "first")

    read_once(data.root)
    note(do_rounds(setting, work, describe(data), setting.peers, turn))
    for other in setting.peers:
        if not isinstance(other, ResticLike | Borg):
            shutil.rmtree(setting.state(other))


def _unchanged(setting: Setting, work: str, data: Dataset, note: Note) -> None:
    if work not in setting.works:
        return

    def turn(peer: Archiver, number: int) -> Command:
        return peer.backup(setting.state(peer), data.root, f"unchanged-{number}")

    note(do_rounds(setting, work, describe(data), setting.archivers, turn))


def _check(setting: Setting, work: str, data: Dataset, note: Note) -> None:
    if work not in setting.works:
        return

    def turn(peer: Archiver, number: int) -> Command:
        del number
        return peer.check(setting.state(peer))

    note(do_rounds(setting, work, describe(data), setting.archivers, turn))


def _restore(setting: Setting, work: str, data: Dataset, note: Note) -> None:
    """Time restores into an empty folder; compare what each peer restored first, not timed."""
    if work not in setting.works:
        return
    targets = setting.folder / "run" / "restored"

    def turn(peer: Archiver, number: int) -> Command:
        target = targets / f"{peer.name}-{number}"
        target.mkdir(parents=True)
        return peer.restore(setting.state(peer), "first", target)

    def after(peer: Archiver, number: int) -> None:
        target = targets / f"{peer.name}-{number}"
        if number == 0:
            setting.say(f"{work}: comparing what {peer.name} restored")
            compare_trees(data.root, target / data.root.relative_to("/"))
        empty_files(target)

    note(do_rounds(setting, work, describe(data), setting.archivers, turn, after))


def _copy_portal(setting: Setting) -> Dataset:
    """Return a copy of data set (a) that may be changed."""
    data = setting.data("site")
    root = setting.folder / "run" / "portal"
    run(Command(("cp", "-a", str(data.root), str(root))))
    return Dataset(data.name, root, data.files, data.size)


def _settle() -> None:
    os.sync()
    time.sleep(SETTLE_SECONDS)
