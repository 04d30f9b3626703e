"""What the writing verbs do and say, judged by stock restic."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.archiver.run_writer import RunWriter
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from tests.command_line import read_documents, run_ours, shape
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository

pytestmark = pytest.mark.slow  # stock restic takes most of a second for each backup


def _make_source(folder: Path) -> Path:
    source = folder / "source"
    (source / "sub" / "cache").mkdir(parents=True)
    (source / "a.txt").write_text("a")
    (source / "B.TMP").write_text("b")
    (source / "big").write_bytes(bytes(3000))
    (source / "sub" / "keep.txt").write_text("keep")
    (source / "sub" / "cache" / "CACHEDIR.TAG").write_text(
        "Signature: 8a477f597d28d172789f06886806bc55"
    )
    (source / "sub" / "cache" / "x").write_text("x")
    return source


def _listing(repository: OracleRepository, snapshot: str = "latest") -> list[str]:
    return repository.run("ls", "-q", snapshot).stdout.decode().splitlines()


def test_a_new_repository_is_one_that_restic_opens(tmp_path: Path) -> None:
    place = tmp_path / "new"

    ours = run_ours("init", "--json", repository=place)
    theirs = subprocess.run(
        ["restic", "-r", str(tmp_path / "theirs"), "init", "--json"],
        env={"RESTIC_PASSWORD": PASSWORD, "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    opened = OracleRepository(place, None).run("cat", "config")  # type: ignore[arg-type] # its key is not needed

    (message,) = ours.documents()
    assert shape(message) == shape(json.loads(theirs.stdout))
    assert json.loads(opened.stdout)["id"] == message["id"]


def test_chunker_parameters_are_taken_over(own: OracleRepository, tmp_path: Path) -> None:
    words = ["init", "--copy-chunker-params", "--from-repo", str(own.folder)]

    answer = run_ours(
        *words, repository=tmp_path / "new", environment={"RESTIC_FROM_PASSWORD": PASSWORD}
    )

    assert answer.code == 0
    config = json.loads(run_ours("cat", "config", repository=tmp_path / "new").stdout)
    theirs = json.loads(own.run("cat", "config").stdout)
    assert config["chunker_polynomial"] == theirs["chunker_polynomial"]
    assert config["id"] != theirs["id"]


def test_a_backup_says_what_restic_says(own: OracleRepository, tmp_path: Path) -> None:
    source = _make_source(tmp_path)
    for _ in range(2):  # the first time everything is new, the second time nothing is
        ours = run_ours("backup", str(source), "--json", repository=own.folder)
        theirs = own.run("backup", str(source), "--json")

        mine, stock = ours.documents()[-1], read_documents(theirs.stdout)[-1]
        assert shape(mine) == shape(stock)
        assert ours.code == 0
    assert own.run("check", "--read-data").returncode == 0
    text = run_ours("backup", str(source), repository=own.folder).text
    stock_text = own.run("backup", str(source)).stdout.decode()
    assert _without_figures(text) == _without_figures(stock_text)


def _without_figures(text: str) -> list[str]:
    words = (
        re.sub(r"\b[0-9a-f]{8}\b|[0-9.:]+|\b[KM]i?B\b", "", line) for line in text.splitlines()
    )
    return [" ".join(line.split()) for line in words]


def test_each_item_is_told_with_restics_keys(own: OracleRepository, tmp_path: Path) -> None:
    source = _make_source(tmp_path)

    ours = run_ours("backup", str(source), "--json", "-v", repository=own.folder).documents()
    theirs = read_documents(own.run("backup", str(source / "a.txt"), "--json", "-v").stdout)

    item = next(it for it in ours if it["message_type"] == "verbose_status")
    stock = next(it for it in theirs if it.get("action") == "new")
    assert shape(item).items() <= shape(stock).items()
    assert {it["item"] for it in ours if it.get("action") == "new"} >= {str(source / "a.txt")}


# Flags of backup that decide what is left out; both programs must choose the same.
EXCLUDING = [
    ["--exclude", "*.txt"],
    ["--exclude", "*.txt", "--exclude", "!keep.txt"],
    ["--iexclude", "*.tmp"],
    ["--exclude-caches"],
    ["--exclude-if-present", "keep.txt"],
    ["--exclude-larger-than", "2k"],
    ["--exclude-file", "patterns"],
    ["--iexclude-file", "patterns"],
    ["--files-from", "list"],
    ["--files-from-verbatim", "list"],
    ["--files-from-raw", "raw"],
]


@pytest.mark.parametrize("flags", EXCLUDING, ids=" ".join)
def test_what_is_left_out_is_what_restic_leaves_out(
    flags: list[str], own: OracleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _make_source(tmp_path)
    (tmp_path / "patterns").write_text("# a comment\n\nb.tmp\n*.txt\n")
    (tmp_path / "list").write_text(f"{source}/sub\n")
    (tmp_path / "raw").write_bytes(os.fsencode(source / "a.txt") + b"\0")
    monkeypatch.chdir(tmp_path)
    targets = [] if any(flag.startswith("--files") for flag in flags) else ["source"]

    ours = run_ours("backup", *flags, *targets, "--host", "ours", repository=own.folder)
    theirs = own.run("backup", *flags, *targets, "--host", "theirs", cwd=tmp_path)

    assert (ours.code, theirs.returncode) == (0, 0)
    listings = [
        own.run("ls", "-q", "latest", "--host", host).stdout.decode() for host in ("ours", "theirs")
    ]
    snapshots = [
        json.loads(own.run("snapshots", "--json", "--host", host).stdout)[0]
        for host in ("ours", "theirs")
    ]
    assert listings[0] == listings[1]
    assert "source" in listings[0]
    assert snapshots[0]["paths"] == snapshots[1]["paths"]


@pytest.mark.parametrize("target", ["source", "source/sub", ".", "../tree/source", "/{}/source/"])
def test_files_lie_in_the_snapshot_where_restic_places_them(
    target: str, own: OracleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tree").mkdir()
    _make_source(tmp_path / "tree")
    monkeypatch.chdir(tmp_path / "tree")
    target = target.replace("/{}", str(tmp_path / "tree"))

    ours = run_ours("backup", target, "--host", "ours", repository=own.folder)
    own.run("backup", target, "--host", "theirs", cwd=tmp_path / "tree")

    assert ours.code == 0
    trees = [
        json.loads(own.run("snapshots", "--json", "--host", host).stdout)[0]
        for host in ("ours", "theirs")
    ]
    assert trees[0]["paths"] == trees[1]["paths"]
    listings = [own.run("ls", "-q", tree["id"]).stdout for tree in trees]
    assert listings[0] == listings[1]


def test_targets_within_each_other_are_saved_once(own: OracleRepository, tmp_path: Path) -> None:
    source = _make_source(tmp_path)

    answer = run_ours("backup", str(source), str(source / "sub"), repository=own.folder)

    assert answer.code == 0
    assert f"{source}/sub/keep.txt" in _listing(own)


def test_labels_host_and_time_are_kept(own: OracleRepository, tmp_path: Path) -> None:
    source = _make_source(tmp_path)
    words = ["--tag", "a,b", "--tag", "c", "--host", "h", "--time", "2026-01-02 03:04:05"]

    run_ours("backup", *words, str(source), repository=own.folder)

    (snapshot,) = json.loads(own.run("snapshots", "--json", "--host", "h").stdout)
    assert snapshot["tags"] == ["a", "b", "c"]
    assert snapshot["time"].startswith("2026-01-02T03:04:05")
    assert snapshot["paths"] == [str(source)]


def test_stdin_and_commands_become_files(own: OracleRepository) -> None:
    from_stdin = run_ours(
        "backup", "--stdin", "--stdin-filename", "dump.sql", repository=own.folder, stdin=b"INSERT"
    )
    assert from_stdin.code == 0
    assert own.run("dump", "latest", "/dump.sql").stdout == b"INSERT"
    command = ["--stdin-filename", "x", "--stdin-from-command", "--", "echo", "-n", "out"]
    from_command = run_ours("backup", *command, repository=own.folder)
    assert from_command.code == 0
    assert own.run("dump", "latest", "/x").stdout == b"out"


def test_a_failing_command_leaves_no_snapshot(own: OracleRepository) -> None:
    before = len(list((own.folder / "snapshots").iterdir()))

    words = ["--stdin-from-command", "--", "sh", "-c", "echo half; exit 7"]
    answer = run_ours("backup", *words, repository=own.folder)

    assert answer.code == 1
    assert "status 7" in answer.stderr
    assert len(list((own.folder / "snapshots").iterdir())) == before


def test_nothing_is_stored_by_a_dry_run_or_where_nothing_changed(
    own: OracleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _make_source(tmp_path)
    monkeypatch.chdir(tmp_path)  # by an absolute path the folders above, which change, would count
    run_ours("backup", "source", repository=own.folder)
    files = sorted(path for path in own.folder.rglob("*") if path.is_file())
    (source / "more").write_text("more")

    dry = run_ours("backup", "source", "--dry-run", "--json", repository=own.folder)
    (source / "more").unlink()
    os.utime(source, ns=(1, 1))
    first = run_ours("backup", "source", repository=own.folder)
    again = run_ours("backup", "source", "--skip-if-unchanged", repository=own.folder)

    assert dry.documents()[-1]["dry_run"] is True
    assert dry.documents()[-1]["files_new"] == 1
    assert first.code == 0
    assert again.text.splitlines()[-1] == "skipped creating snapshot"
    after = sorted(path for path in own.folder.rglob("*") if path.is_file())
    assert len([path for path in after if path.parent.name == "snapshots"]) == 1 + len(
        [path for path in files if path.parent.name == "snapshots"]
    )


def test_check_and_repair_agree_with_restic_about_a_lost_index(
    own: OracleRepository, tmp_path: Path
) -> None:
    healthy = run_ours("check", "--json", "--read-data", repository=own.folder)
    stock = read_documents(own.run("check", "--json").stdout)
    assert healthy.documents() == stock
    index = own.folder / "index"
    shutil.move(next(index.iterdir()), tmp_path / "lost")

    damaged = run_ours("check", "--json", repository=own.folder)
    assert damaged.code == own.run("check").returncode == 1
    assert shape(damaged.documents()[-1]).keys() == shape(stock[-1]).keys()
    assert damaged.documents()[-1]["suggest_repair_index"] is True
    assert all("message_type" in json.loads(line) for line in damaged.stderr.splitlines())
    repaired = run_ours("repair", "index", repository=own.folder)
    assert repaired.code == 0
    assert own.run("check", "--read-data").returncode == 0


def test_packs_with_flipped_bits_are_repaired_as_restic_likes_it(own: OracleRepository) -> None:
    packs = sorted((own.folder / "data").glob("*/*"))
    for path in packs:
        content = bytearray(path.read_bytes())
        content[20] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)
    damaged = run_ours("check", "--json", "--read-data", "--no-cache", repository=own.folder)
    broken = damaged.documents()[-1]["broken_packs"]
    assert sorted(broken) == [path.name for path in packs]

    dry = run_ours("repair", "packs", "--dry-run", *broken, repository=own.folder)
    assert dry.code == 0
    assert all(path.exists() for path in packs)
    repaired = run_ours("repair", "packs", *broken, repository=own.folder)

    assert repaired.code == 0
    assert not any(path.exists() for path in packs)
    own.remove_snapshots()  # nothing is left that they could show
    assert own.run("check", "--read-data").returncode == 0


def test_passwords_are_added_changed_and_removed(own: OracleRepository, tmp_path: Path) -> None:
    new, other = tmp_path / "new", tmp_path / "other"
    new.write_text("new password\n")
    other.write_text("other password\n")
    words = ["--new-password-file", str(new), "--user", "nva", "--host", "so-y-te"]

    added = run_ours("key", "add", *words, repository=own.folder)
    changed = run_ours(
        "-p", str(new), "key", "passwd", "--new-password-file", str(other), repository=own.folder
    )
    first = next(
        row["id"] for row in json.loads(own.run("key", "list", "--json").stdout) if row["current"]
    )
    removed = run_ours("-p", str(other), "key", "remove", first[:8], repository=own.folder)

    assert (added.code, changed.code, removed.code) == (0, 0, 0)
    keys = run_ours("-p", str(other), "key", "list", "--json", repository=own.folder).documents()
    assert len(keys[0]) == 1
    assert run_ours("snapshots", repository=own.folder).code == 12
    assert run_ours("-p", str(new), "snapshots", repository=own.folder).code == 12
    stock = own.run("-p", str(other), "snapshots")
    assert stock.returncode == 0


def test_a_restore_says_what_restic_says(
    own: OracleRepository, ids: list[str], tmp_path: Path
) -> None:
    words = ["restore", ids[0], "--json", "--target"]

    ours = run_ours(*words, str(tmp_path / "ours"), repository=own.folder)
    theirs = own.run(*words, str(tmp_path / "theirs"))

    mine, stock = ours.documents()[-1], read_documents(theirs.stdout)[-1]
    for figures in (mine, stock):
        figures.pop("seconds_elapsed", None)
        # Of a file with two names restic counts the content once, we count it twice.
        figures.pop("total_bytes")
    assert mine == stock
    left, right = (
        subprocess.run(
            ["find", ".", "-printf", r"%p %m %s %T@ %l\n"], cwd=tmp_path / name, check=True,
            capture_output=True,
        )
        for name in ("ours", "theirs")
    )  # fmt: skip
    assert sorted(left.stdout.splitlines()[1:]) == sorted(right.stdout.splitlines()[1:])


def test_a_subfolder_is_restored_with_patterns(
    own: OracleRepository, ids: list[str], tmp_path: Path
) -> None:
    target = tmp_path / "out"

    answer = run_ours(
        "restore", f"{ids[0]}:src", "-t", str(target), "-i", "*.txt", repository=own.folder
    )

    assert answer.code == 0
    assert (target / "a" / "one.txt").read_text() == "hello\n"
    assert not (target / "a" / "b" / "big.bin").exists()


def test_limits_and_repository_files_are_heeded(own: OracleRepository, tmp_path: Path) -> None:
    (tmp_path / "place").write_text(f"{own.folder}\n")
    limits = ["--limit-download", "100000", "--limit-upload", "100000"]

    answer = run_ours(
        *limits, "-q", "--repository-file", str(tmp_path / "place"), "stats", "--json"
    )

    assert answer.documents()[0]["snapshots_count"] == 3


def test_an_empty_repository_answers_every_reading_verb(tmp_path: Path) -> None:
    repository = create_oracle_repository(tmp_path / "empty")

    for line in ("snapshots --json", "find --json x", "stats --json", "check --json"):
        ours = run_ours(*line.split(), repository=repository.folder)
        theirs = repository.run(*line.split())
        assert ours.documents() == read_documents(theirs.stdout), line
        assert ours.code == theirs.returncode == 0


def test_packs_are_of_the_size_asked_for(own: OracleRepository, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(21 << 20))
    before = set((own.folder / "data").rglob("*"))

    answer = run_ours("backup", str(tmp_path / "big"), "--pack-size", "4", repository=own.folder)

    sizes = [it.stat().st_size for it in (own.folder / "data").rglob("*") if it not in before]
    assert answer.code == 0
    assert len([it for it in sizes if it > 4 << 20]) >= 2  # full ones, the last blob over the edge
    assert max(sizes) <= 12 << 20
    assert own.run("check", "--read-data").returncode == 0


def test_a_snapshot_that_cannot_be_read_at_all_goes_only_if_asked(own: OracleRepository) -> None:
    for pack in (own.folder / "data").rglob("*"):
        if pack.is_file():
            pack.unlink()
    run_ours("repair", "index", repository=own.folder)

    left = run_ours("repair", "snapshots", repository=own.folder)
    shown = run_ours("repair", "snapshots", "--forget", "--dry-run", repository=own.folder)
    there = len(list((own.folder / "snapshots").iterdir()))
    gone = run_ours("repair", "snapshots", "--forget", repository=own.folder)

    assert (left.code, shown.code, there) == (1, 1, 3)
    assert gone.code == 0
    assert list((own.folder / "snapshots").iterdir()) == []


def test_a_snapshot_with_a_lost_folder_is_not_rewritten(own: OracleRepository) -> None:
    """What cannot be looked through may hold what is to go."""
    for pack in (own.folder / "data").rglob("*"):
        if pack.is_file():
            pack.unlink()

    answer = run_ours("rewrite", "--exclude", "x", repository=own.folder)

    assert answer.code == 1
    assert "cannot be written anew" in answer.stderr
    assert len(list((own.folder / "snapshots").iterdir())) == 3


def test_fields_that_nobody_knows_survive_a_rewrite(own: OracleRepository) -> None:
    tree = (
        b'{"nodes":[{"name":"gone","type":"fifo","mtime":"2026-01-01T00:00:00Z","new":{"a":[1]}},'
        b'{"name":"kept","type":"fifo","mtime":"2026-01-01T00:00:00Z","new":{"subtree":"ab"}}]}\n'
    )
    repository = Repository.open(FolderStore(own.folder), PASSWORD.encode())
    writer = RunWriter(repository, width=0)
    snapshot = Snapshot(datetime.now(UTC), writer.save_tree(tree), ("/x",), hostname="odd")
    writer.checkpoint()
    writer.close()
    repository.save_snapshot(snapshot)

    answer = run_ours("rewrite", "--exclude", "gone", "--host", "odd", repository=own.folder)

    (new,) = [it for it in repository.load_snapshots() if "rewrite" in it.tags]
    kept = repository.load_blob(repository.load_index(), new.tree, expected=BlobType.TREE)
    assert answer.code == 0
    assert kept == b'{"nodes":[' + tree[tree.index(b'{"name":"kept"') :]
