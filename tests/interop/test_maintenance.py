"""Forget, prune, copy and tag, ours and stock restic's, on repositories of both."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.archiver.create import BackupRequest, Mount, create_snapshot
from backup.check.check import CheckRequest, check_repository
from backup.check.findings import Severity
from backup.format.snapshot import Snapshot
from backup.prune.prune import PrunePlan, PruneRequest, prune
from backup.quantities import UnusedLimit
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.repository.tree_readers import open_tree_readers
from backup.repository.used_blobs import find_used
from backup.sources.source import FolderSource
from backup.stores.folder import FolderStore
from tests.command_line import Answer, run_ours
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository

pytestmark = pytest.mark.slow  # stock restic takes part in every test

FIRST = datetime(2026, 11, 20, 1, 3, tzinfo=UTC)
DAYS = 5
ROOT = Path(__file__).parent.parent.parent


class Site:
    """A folder that changes a little every day, and always in the same way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.states: list[dict[str, bytes]] = []
        self._chance = random.Random(5)
        folder.mkdir()
        for number in range(60):
            self._write(number)

    def _write(self, number: int) -> None:
        size = self._chance.choice((0, 20, 3000, 40_000, 700_000 if number < 3 else 9000))
        below = self.folder / f"d{number % 7}"
        below.mkdir(exist_ok=True)
        content = self._chance.randbytes(size // 2) + b"word " * (size // 10)
        (below / f"f{number}").write_bytes(content)

    def live_a_day(self) -> None:
        for number in self._chance.sample(range(60), 12):
            self._write(number)

    def read(self) -> dict[str, bytes]:
        return read_files(self.folder)


def read_files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def open_oracle(oracle: OracleRepository) -> Repository:
    return Repository.open(FolderStore(oracle.folder), PASSWORD.encode())


def back_up_with_restic(oracle: OracleRepository, folder: Path, time: datetime) -> None:
    mode = "off" if time.day % 2 else "auto"
    answer = oracle.run(
        "backup", "--host", "site", "--compression", mode,
        "--time", f"{time:%Y-%m-%d %H:%M:%S}", str(folder),
    )  # fmt: skip
    assert answer.returncode == 0, answer


def back_up_with_ours(oracle: OracleRepository, folder: Path, time: datetime) -> None:
    repository = open_oracle(oracle)
    path = os.fsencode(folder)
    request = BackupRequest(
        mounts=(Mount(path, FolderSource(path)),),
        hostname="site",
        paths=(str(folder),),
        time=time,
        workers=0,
    )
    with hold_lock(repository) as lock:
        assert create_snapshot(repository, request, lock=lock).outcome == "ok"


class Made:
    """A repository with `DAYS` snapshots and what the site was on each day."""

    def __init__(self, folder: Path, back_up: Callable[[OracleRepository, Path, datetime], None]):
        self.oracle = create_oracle_repository(folder / "repository")
        site = Site(folder / "site")
        self.place = folder / "site"
        self.states = []
        for day in range(DAYS):
            back_up(self.oracle, site.folder, FIRST + timedelta(days=day))
            self.states.append(site.read())
            site.live_a_day()


@pytest.fixture(scope="module", params=[back_up_with_restic, back_up_with_ours])
def made_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"), request.param)


@pytest.fixture
def made(made_once: Made, tmp_path: Path) -> Made:
    """A copy of its own for each test."""
    own = object.__new__(Made)
    own.place, own.states = made_once.place, made_once.states
    shutil.copytree(made_once.oracle.folder, tmp_path / "repository")
    own.oracle = OracleRepository(tmp_path / "repository", made_once.oracle.master_key)
    return own


def snapshots_of(oracle: OracleRepository) -> list[Snapshot]:
    return open_oracle(oracle).load_snapshots()


def ours(oracle: OracleRepository, *words: str, **environment: str) -> Answer:
    answer = run_ours(
        *words,
        "--no-cache",
        repository=oracle.folder,
        environment={"RESTIC_FROM_PASSWORD": PASSWORD, **environment},
    )
    assert answer.code == 0, answer
    return answer


def prove_whole(made: Made, oracle: OracleRepository, days: range, target: Path) -> None:
    """Stock restic finds no error, and restores the very bytes of each day; we find none either."""
    answer = oracle.run("check", "--read-data")
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert b"no errors were found" in answer.stdout
    result = check_repository(open_oracle(oracle), CheckRequest(read_data="all"))
    assert [it.code for it in result.findings if it.severity is Severity.ERROR] == []
    snapshots = snapshots_of(oracle)
    assert [it.time for it in snapshots] == [FIRST + timedelta(days=day) for day in days]
    for day, snapshot in zip(days, snapshots, strict=True):
        place = target / str(day)
        answer = oracle.run("restore", f"{snapshot.id}:{made.place}", "--target", str(place))
        assert answer.returncode == 0, answer
        assert read_files(place) == made.states[day]


def test_our_forget_and_prune_leave_a_repository_whole(made: Made, tmp_path: Path) -> None:
    before = len(open_oracle(made.oracle).list_packs())
    ours(made.oracle, "forget", "--keep-last", "2", "--prune", "--max-unused", "0")

    prove_whole(made, made.oracle, range(3, 5), tmp_path)
    repository = open_oracle(made.oracle)
    assert set(repository.list_packs()) == set(repository.load_index().pack_ids)
    assert len(repository.list_packs()) < before
    nothing_left = made.oracle.run("prune", "--dry-run", "--max-unused", "0")
    assert b"total prune:           0 blobs" in nothing_left.stdout


def test_restic_prunes_after_our_forget_and_we_after_its(made: Made, tmp_path: Path) -> None:
    ours(made.oracle, "forget", "--keep-last", "3")
    assert made.oracle.run("prune", "--max-unused", "0").returncode == 0
    assert made.oracle.run("forget", "--keep-last", "2").returncode == 0
    ours(made.oracle, "prune", "--max-unused", "0")

    prove_whole(made, made.oracle, range(3, 5), tmp_path)


def test_both_count_the_same_blobs(made: Made) -> None:
    ours(made.oracle, "forget", "--keep-last", "2")
    theirs = made.oracle.run("prune", "--dry-run", "--max-unused", "0").stdout.decode()
    our_words = ours(made.oracle, "prune", "--dry-run", "--max-unused", "0").text

    def figures(text: str) -> dict[str, int]:
        rows = (line.partition(":") for line in text.splitlines() if " blobs / " in line)
        return {name: int(rest.split()[0]) for name, _, rest in rows}

    assert figures(our_words) == figures(theirs)


def test_forget_tells_what_restic_tells(made: Made) -> None:
    words = (
        "forget", "--dry-run", "--json", "--keep-last", "1", "--keep-within", "1d",
        "--keep-weekly", "2", "--keep-tag", "gold", "--group-by", "host,tags",
    )  # fmt: skip
    assert made.oracle.run("tag", "--add", "gold", snapshots_of(made.oracle)[1].id).returncode == 0

    def in_order(text: str | bytes) -> list[dict[str, Any]]:
        # restic walks a hash map: the order of its groups differs from run to run.
        return sorted(json.loads(text), key=lambda group: group["tags"] or [])

    theirs = in_order(made.oracle.run(*words).stdout)
    mine = in_order(ours(made.oracle, *words).stdout)

    assert [set(group) for group in mine] == [set(group) for group in theirs]
    assert [strip(group) for group in mine] == [strip(group) for group in theirs]


def strip(group: dict[str, Any]) -> dict[str, Any]:
    """Reduce a group to ids; nanoseconds of the summaries are not ours to keep."""

    def ids(rows: list[dict[str, Any]] | None) -> list[str] | None:
        return None if rows is None else [row["id"] for row in rows]

    reasons = [(row["snapshot"]["id"], row["matches"]) for row in group["reasons"] or ()]
    return {
        **group,
        "keep": ids(group["keep"]),
        "remove": ids(group["remove"]),
        "reasons": reasons,
    }


def test_worker_processes_repack_as_well(made: Made, tmp_path: Path) -> None:
    ours(made.oracle, "forget", "--keep-last", "2")
    request = PruneRequest(max_unused=UnusedLimit(size=0), workers=2)
    result = prune(open_oracle(made.oracle), request)

    assert result.moved.packs >= 1
    prove_whole(made, made.oracle, range(3, 5), tmp_path)


# Beside a backup ---------------------------------------------------------------------------------


def start_ours(oracle: OracleRepository) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "backup", "--no-cache", "backup", "--host", "beside"]
    return start(oracle, *command, "--stdin", "--stdin-filename", "dump")


def start_restic(oracle: OracleRepository) -> subprocess.Popen[bytes]:
    command = ["restic", "--no-cache", "backup", "--host", "beside"]
    return start(oracle, *command, "--stdin", "--stdin-filename", "dump")


def start(oracle: OracleRepository, *command: str) -> subprocess.Popen[bytes]:
    environment = {
        "RESTIC_REPOSITORY": str(oracle.folder),
        "RESTIC_PASSWORD": PASSWORD,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": os.devnull,
    }
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes], rest: bytes) -> None:
    _, messages = process.communicate(rest, timeout=60)
    assert process.returncode == 0, messages


DUMP = random.Random(9).randbytes(5_000_000)
MOST_OF_IT = 4_500_000


def forget_dump(oracle: OracleRepository, begin: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Store the dump and forget it, so that all its blobs are there and not needed."""
    finish(begin(oracle), DUMP)
    (snapshot,) = [it for it in snapshots_of(oracle) if it.hostname == "beside"]
    ours(oracle, "forget", snapshot.id)


def read_dump(oracle: OracleRepository) -> bytes:
    (snapshot,) = [it for it in snapshots_of(oracle) if it.hostname == "beside"]
    return oracle.run("dump", snapshot.id, "/dump").stdout


@pytest.fixture
def small(tmp_path: Path) -> OracleRepository:
    oracle = create_oracle_repository(tmp_path / "beside")
    site = Site(tmp_path / "site")
    back_up_with_ours(oracle, site.folder, FIRST)
    return oracle


@pytest.mark.slow
@pytest.mark.parametrize("begin", [start_ours, start_restic])
def test_a_backup_that_ends_while_we_prune_keeps_its_blobs(
    small: OracleRepository, begin: Callable[[OracleRepository], subprocess.Popen[bytes]]
) -> None:
    forget_dump(small, begin)
    backup = begin(small)
    assert backup.stdin is not None
    backup.stdin.write(DUMP[:MOST_OF_IT])  # comes back when it has been read: the backup runs
    backup.stdin.flush()

    def end_backup(plan: PrunePlan) -> None:
        assert plan.remove
        assert len(snapshots_of(small)) == 1
        finish(backup, DUMP[MOST_OF_IT:])

    result = prune(open_oracle(small), PruneRequest(), on_plan=end_backup)

    assert result.outcome == "ok"
    assert result.kept_back > 0
    assert read_dump(small) == DUMP
    assert small.run("check", "--read-data").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("begin", [start_ours, start_restic])
def test_while_a_backup_runs_removing_is_postponed(
    small: OracleRepository, begin: Callable[[OracleRepository], subprocess.Popen[bytes]]
) -> None:
    forget_dump(small, begin)
    backup = begin(small)
    assert backup.stdin is not None
    backup.stdin.write(DUMP[:MOST_OF_IT])
    backup.stdin.flush()

    answer = run_ours("prune", "--no-cache", repository=small.folder)
    assert answer.code == 11
    assert "postponed" in answer.stderr
    finish(backup, DUMP[MOST_OF_IT:])

    assert read_dump(small) == DUMP
    ours(small, "prune")
    assert read_dump(small) == DUMP
    assert small.run("check", "--read-data").returncode == 0


# Copy --------------------------------------------------------------------------------------------


def restic_copy(source: OracleRepository, target: OracleRepository) -> str:
    environment = {
        "RESTIC_FROM_REPOSITORY": str(source.folder),
        "RESTIC_FROM_PASSWORD": PASSWORD,
        "RESTIC_REPOSITORY": str(target.folder),
        "RESTIC_PASSWORD": PASSWORD,
        "PATH": os.environ["PATH"],
    }
    command = ["restic", "--no-cache", "copy", "-v"]
    answer = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
    return answer.stdout.decode()


def our_copy(source: OracleRepository, target: OracleRepository) -> str:
    return ours(target, "copy", "-v", "--from-repo", str(source.folder)).text


Copy = Callable[[OracleRepository, OracleRepository], str]


@pytest.mark.slow
@pytest.mark.parametrize("copy", [our_copy, restic_copy])
def test_snapshots_are_copied_whole_and_once(made: Made, copy: Copy, tmp_path: Path) -> None:
    target = create_oracle_repository(tmp_path / "target")
    copy(made.oracle, target)

    prove_whole(made, target, range(DAYS), tmp_path)
    sources, copies = snapshots_of(made.oracle), snapshots_of(target)
    assert [it.original for it in copies] == [it.id for it in sources]
    assert [it.tree for it in copies] == [it.tree for it in sources]
    assert {it.parent for it in copies} == {""}
    for again in (our_copy, restic_copy):
        assert again(made.oracle, target).count("skipping") == DAYS
    assert snapshots_of(target) == copies


@pytest.mark.slow
def test_a_copy_only_takes_what_is_missing(made: Made, tmp_path: Path) -> None:
    target = create_oracle_repository(tmp_path / "target")
    first = snapshots_of(made.oracle)[0].id
    ours(target, "copy", "--from-repo", str(made.oracle.folder), first)
    before = open_oracle(target).load_index()
    ours(target, "copy", "--from-repo", str(made.oracle.folder))
    after = open_oracle(target).load_index()

    prove_whole(made, target, range(DAYS), tmp_path)
    assert set(before.pack_ids) < set(after.pack_ids)
    assert len(after) == len({(it.blob.id, it.blob.type) for it in after})


# Tag ---------------------------------------------------------------------------------------------


def test_restic_reads_our_tags_and_we_change_its(made: Made, tmp_path: Path) -> None:
    before = snapshots_of(made.oracle)
    assert ours(made.oracle, "tag", "--add", "a,b", "--json").documents()[-1] == {
        "message_type": "summary",
        "changed_snapshots": DAYS,
    }
    assert made.oracle.run("tag", "--add", "c", "--remove", "a").returncode == 0
    ours(made.oracle, "tag", "--set", "d", "latest")

    listed = json.loads(made.oracle.run("snapshots", "--json").stdout)
    tags = [sorted(row["tags"]) for row in listed]  # restic's --remove does not keep their order
    assert tags == [["b", "c"]] * (DAYS - 1) + [["d"]]
    assert [row["original"] for row in listed] == [it.id for it in before]
    ours(made.oracle, "tag", "--set", "")
    assert {it.tags for it in snapshots_of(made.oracle)} == {()}
    prove_whole(made, made.oracle, range(DAYS), tmp_path)


def test_worker_processes_find_what_one_finds(made: Made) -> None:
    repository = open_oracle(made.oracle)
    roots = [(it.tree, bytes.fromhex(it.id)) for it in snapshots_of(made.oracle)]
    index = repository.load_index()
    with open_tree_readers(repository, workers=2) as readers:
        assert readers is not None
        theirs = find_used(repository, index, roots, readers=readers)
    mine = find_used(repository, index, roots)

    assert (theirs.marks == mine.marks).all()
    assert (theirs.trees, theirs.missing, theirs.unreadable) == (mine.trees, (), ())


def test_worker_processes_tell_a_tree_that_is_damaged(made: Made) -> None:
    repository = open_oracle(made.oracle)
    snapshot = snapshots_of(made.oracle)[-1]
    index = repository.load_index()
    place = index.find(snapshot.tree)
    assert place is not None
    name = place.pack.hex()
    path = made.oracle.folder / "data" / name[:2] / name
    content = bytearray(path.read_bytes())
    content[place.blob.offset + 20] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    roots = [(snapshot.tree, bytes.fromhex(snapshot.id))]
    with open_tree_readers(repository, workers=2) as readers:
        found = find_used(repository, index, roots, readers=readers)

    assert [it.id for it in found.unreadable] == [snapshot.tree]
