"""Checking a repository: is everything there that the snapshots need, and is it sound?

It reads snapshots, then the index, then the list of packs. A backup beside it writes packs, then
index, then snapshot; so whatever a snapshot that was seen needs, was seen too, and what came later
is at most reported as a pack that is not indexed yet. The caller holds a shared lock, so that
nothing is removed meanwhile.
"""

import ctypes
import random
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from backup.check.findings import Finding, Severity, found
from backup.check.metadata_files import (
    check_config,
    check_keys,
    check_locks,
    read_index,
    read_snapshots,
)
from backup.check.pack_reader import PackJob, PackReading, PackReport
from backup.check.tree_rules import ContentRules, TreeInspector
from backup.format.pack import pack_key
from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from backup.quantities import PackSubset, select_packs
from backup.repository.index import Index
from backup.repository.pack_table import PackTable, duplicated
from backup.repository.repository import Repository
from backup.repository.tree_walk import BadTree, MissingBlob, TreeWalk

_LOOK_UP_AT_ONCE = 32_768

Outcome = Literal["ok", "failed", "not_checked"]


@dataclass(frozen=True, slots=True)
class PackChoice:
    """Packs chosen by the caller, e.g. those that were not read for longest.

    Attributes:
        ids: Of the packs; ones that are not there are passed over.
    """

    ids: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check beside the structure, which is checked always.

    Attributes:
        read_data: Which packs to read back whole.
        seed: Makes a random choice of packs repeatable; None for another one every time.
        workers: How many processes read packs; None for what suits the machine.
    """

    read_data: Literal["none", "all"] | PackSubset | PackChoice = "none"
    seed: int | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """How much there was.

    Attributes:
        snapshots: Readable snapshots.
        index_files: Readable index files.
        packs: Packs that the index names.
        blobs: Entries of the index.
        used_blobs: Those that the snapshots need.
        trees: Trees read.
        packs_read: Packs read back whole.
        bytes_read: Bytes of these.
    """

    snapshots: int
    index_files: int
    packs: int
    blobs: int
    used_blobs: int
    trees: int
    packs_read: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check has shown. What did not run is never called good.

    Attributes:
        findings: In the order they were found; errors and hints.
        counts: How much was looked at.
        verified_packs: Ids of the packs that were read back whole and are sound, ascending.
        damaged_packs: Ids of the packs that were read back, or should have been, and are not.
    """

    findings: tuple[Finding, ...]
    counts: CheckCounts
    verified_packs: tuple[bytes, ...]
    damaged_packs: tuple[bytes, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def hints(self) -> list[Finding]:
        """The findings that are hints."""
        return [finding for finding in self.findings if finding.severity is Severity.HINT]

    @property
    def outcome(self) -> Outcome:
        """How the whole check ended: "ok" or "failed"."""
        return "failed" if self.errors else "ok"

    @property
    def data_outcome(self) -> Outcome:
        """How reading packs back ended; "not_checked" where none was read."""
        if self.damaged_packs:
            return "failed"
        return "ok" if self.verified_packs else "not_checked"

    @property
    def is_every_pack_verified(self) -> bool:
        """Whether all packs that the index names were read back and are sound."""
        return len(self.verified_packs) == self.counts.packs


def check_repository(
    repository: Repository, request: CheckRequest = CheckRequest(), progress: Progress = SILENT
) -> CheckResult:
    """Check a repository; the caller holds a shared lock.

    Raises:
        StoreError: The store could not even be listed.
        WorkerDiedError: A worker process was ended from outside.
    """
    return _Check(repository, request, progress).run()


class _Check:
    """One run: gathers the findings."""

    def __init__(self, repository: Repository, request: CheckRequest, progress: Progress) -> None:
        self._repository = repository
        self._request = request
        self._progress = progress
        self._findings: list[Finding] = []
        self._verified: list[bytes] = []
        self._damaged: list[bytes] = []
        self._bytes_read = 0
        self._bytes_shown = 0

    def run(self) -> CheckResult:
        if self._request.read_data == "none":
            return self._run(None)
        with PackReading(self._repository, width=self._request.workers) as reading:
            return self._run(reading)

    def _run(self, reading: PackReading | None) -> CheckResult:
        repository = self._repository
        self._findings += check_config(repository)
        self._findings += check_keys(repository)
        self._findings += check_locks(repository)
        snapshots, findings = read_snapshots(repository, self._progress)
        self._findings += findings
        read = read_index(repository, self._progress)
        index = read.index
        self._findings += read.findings
        _give_memory_back()
        table = PackTable(index)
        packs = self._check_packs(index, table)
        chosen = self._choose(index, packs)
        if reading:
            reading.start(_jobs(index, table, chosen))
        trees, used = self._check_trees(index, snapshots, reading)
        if reading:
            self._finish_reading(reading, sum(chosen.values()))
        counts = CheckCounts(
            snapshots=len(snapshots),
            index_files=len(index.file_ids),
            packs=len(table),
            blobs=len(index),
            used_blobs=used,
            trees=trees,
            packs_read=len(self._verified) + len(self._damaged),
            bytes_read=self._bytes_read,
        )
        return CheckResult(
            tuple(self._findings),
            counts,
            tuple(sorted(self._verified)),
            tuple(sorted(self._damaged)),
        )

    def _check_packs(self, index: Index, table: PackTable) -> dict[bytes, int]:
        """Compare the list of packs with the index; gives size by id of those in both."""
        there = self._repository.list_packs()
        both = {}
        rows = zip(index.pack_ids, table.sizes().tolist(), table.blob_counts(), strict=True)
        for pack_id, expected, blobs in rows:
            size = there.pop(pack_id, None)
            if size is None:
                self._report("pack_missing", pack_key(pack_id), blobs=int(blobs))
                continue
            both[pack_id] = size
            if size != expected:
                self._report("pack_wrong_size", pack_key(pack_id), size=size, expected=expected)
        for number in table.uneven():
            self._report("pack_entries_overlap", pack_key(index.pack_ids[number]))
        for pack_id, size in there.items():
            self._report("pack_unindexed", pack_key(pack_id), size=size)
        if mixed := table.mixed():
            self._report("packs_mixed", "index", count=mixed)
        count, size = duplicated(index)
        if count:
            self._report("blobs_duplicated", "index", count=count, size=size)
        return both

    def _choose(self, index: Index, packs: dict[bytes, int]) -> dict[bytes, int]:
        wanted = self._request.read_data
        if wanted == "none":
            return {}
        if wanted == "all":
            # A pack that is missing was not read, and so is not sound.
            self._damaged += [pack_id for pack_id in index.pack_ids if pack_id not in packs]
            return packs
        ids: Collection[bytes]
        if isinstance(wanted, PackChoice):
            ids = wanted.ids & packs.keys()
        else:
            chance = random.Random(self._request.seed)  # noqa: S311 -- picks samples, no secrets
            ids = select_packs(wanted, packs, chance=chance)
        return {pack_id: packs[pack_id] for pack_id in ids}

    def _check_trees(
        self, index: Index, snapshots: list[Snapshot], reading: PackReading | None
    ) -> tuple[int, int]:
        """Walk all trees; gives how many there were and how many blobs are in use."""
        walk = TreeWalk(self._repository, index)
        contents = ContentRules(index)
        inspect = TreeInspector().inspect
        for snapshot in snapshots:
            walk.want(snapshot.tree, bytes.fromhex(snapshot.id))
        trees = 0
        self._progress.start("check folders", None, "folders")
        for tree_id, tree in walk:
            facts = inspect(tree_id, tree)
            self._findings += facts.findings
            walk.want(bytes(facts.subtrees), tree_id)
            contents.add(tree_id, facts)
            trees += 1
            if len(contents) >= _LOOK_UP_AT_ONCE:
                self._findings += contents.settle()
            if reading and not trees % 64:
                self._take(reading.pump())
            self._progress.advance()
        self._findings += contents.settle()
        self._findings += [_bad_tree(bad) for bad in walk.bad]
        roots = {bytes.fromhex(snapshot.id) for snapshot in snapshots}
        for missing in (*walk.missing, *contents.mentions.missing):
            self._findings.append(_missing(missing, roots))
        self._progress.finish()
        return trees, int((walk.seen | contents.marks).sum())

    def _finish_reading(self, reading: PackReading, total: int) -> None:
        self._progress.start("read packs", total, "bytes")
        self._take(reading.pump())
        self._show_bytes()
        for report in reading.finish():
            self._take([report])
            self._show_bytes()
        self._progress.finish()

    def _show_bytes(self) -> None:
        self._progress.advance(self._bytes_read - self._bytes_shown)
        self._bytes_shown = self._bytes_read

    def _take(self, reports: list[PackReport]) -> None:
        for report in reports:
            (self._damaged if report.findings else self._verified).append(report.id)
            self._findings += report.findings
            self._bytes_read += report.size

    def _report(self, code: str, concerned: str, **params: object) -> None:
        self._findings.append(found(code, concerned, **params))


def _give_memory_back() -> None:
    """Return what decoding the index needed, several times its own size, to the system."""
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def _jobs(index: Index, table: PackTable, chosen: dict[bytes, int]) -> Iterator[PackJob]:
    for number, pack_id in enumerate(index.pack_ids):
        if pack_id in chosen:
            yield PackJob(pack_id, table.header(number), chosen[pack_id])


def _bad_tree(bad: BadTree) -> Finding:
    code = "tree_copy_damaged" if bad.is_recovered else "tree_unreadable"
    return found(code, f"tree {bad.id.hex()}", cause=bad.error, pack=bad.pack.hex())


def _missing(missing: MissingBlob, roots: set[bytes]) -> Finding:
    code = "blob_wrong_type" if missing.is_other_type else "blob_missing"
    kind = "snapshots/" if missing.wanted_by in roots else "tree "
    concerned = f"{kind}{missing.wanted_by.hex()}"
    return found(code, concerned, type=missing.type.word, id=missing.id.hex())
