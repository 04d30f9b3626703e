"""The same command lines through stock restic and through ours: messages, values, exit codes.

Both work on repositories of their own that hold the same. What cannot be equal (ids, times, what
compressing saved) is compared by its type; everything else by its value.
"""

import os
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Answer, read_documents, run_ours, shape
from tests.restic_oracle import OracleRepository, create_oracle_repository

pytestmark = pytest.mark.slow  # stock restic takes part in every test

# Differ by their nature: ids, times, zstd's choice, device numbers in trees, who wrote it.
_INCOMPARABLE = {
    "id", "short_id", "snapshot_id", "tree", "parent", "original", "snapshot", "repository",
    "old_snapshot_id", "new_snapshot_id", "time", "backup_start", "backup_end", "total_duration",
    "duration", "data_added", "data_added_packed",
    "program_version", "go_version", "version", "message", "created", "current_files",
    # How much of one file or folder was new we do not know; the summary has the sums.
    "data_size", "data_size_in_repo", "metadata_size", "metadata_size_in_repo",
}  # fmt: skip
# Are there only from the first whole second on, or for a snapshot that a dry run does not write.
_OPTIONAL = {"seconds_elapsed", "snapshot_id"}
# What only says how far it is: as often as the clock wills it.
_PASSING = {"status"}
_STATUS = {
    "message_type", "seconds_elapsed", "seconds_remaining", "percent_done", "total_files",
    "files_done", "files_restored", "files_skipped", "files_deleted", "total_bytes", "bytes_done",
    "bytes_restored", "bytes_skipped", "error_count", "current_files",
}  # fmt: skip


_LONG_AGO = 1_767_225_600 * 10**9


@dataclass(frozen=True)
class Pair:
    """Two repositories in one folder, which is the working folder too."""

    place: Path
    ours: OracleRepository
    theirs: OracleRepository

    def run(self, line: str) -> tuple[Answer, Answer]:
        """Run one command line through both; OUT is a folder of each its own."""
        words = shlex.split(line)

        def filled(name: str) -> list[str]:
            return [word.replace("OUT", f"out/{name}") for word in words]

        ours = run_ours(*filled("ours"), repository=self.ours.folder)
        done = self.theirs.run(*filled("theirs"), cwd=self.place)
        return ours, Answer(done.returncode, done.stdout, done.stderr.decode())

    def agree(self, line: str) -> Any:
        """Both give the same exit code and documents; gives ours."""
        ours, theirs = self.run(line)
        assert ours.code == theirs.code, (line, ours, theirs)
        mine, stock = _documents(ours), _documents(theirs)
        if [_is_scan(it) for it in mine].count(True) != [_is_scan(it) for it in stock].count(True):
            # Whose backup ends first does not say how much there would have been.
            mine, stock = ([it for it in them if not _is_scan(it)] for them in (mine, stock))
        assert mine == stock, line
        assert _endings(ours) == _endings(theirs), line
        return mine

    def both(self, line: str) -> None:
        """Run it through both without a look at what they say."""
        ours, theirs = self.run(line)
        assert (ours.code, theirs.code) == (0, 0), (line, ours, theirs)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    _make_source(tmp_path / "src")
    ours = create_oracle_repository(tmp_path / "ours")
    return Pair(tmp_path, ours, create_oracle_repository(tmp_path / "theirs"))


def _make_source(source: Path) -> None:
    (source / "sub" / "deep").mkdir(parents=True)
    (source / "a.txt").write_text("hello")
    (source / "b.log").write_text("log" * 100)
    (source / "sub" / "c.txt").write_text("c")
    (source / "sub" / "deep" / "Tiếng Việt.html").write_text("xin chào")
    (source / "link").symlink_to("a.txt")
    (source / "empty").touch()
    for path in source.rglob("*"):
        os.utime(path, ns=(_LONG_AGO, _LONG_AGO), follow_symlinks=False)


def _let_time_pass() -> None:
    time.sleep(2.1)  # what has just changed is read again, as it may change once more unseen


def _is_scan(document: Any) -> bool:
    return isinstance(document, dict) and document.get("action") == "scan_finished"


def _documents(answer: Answer) -> list[Any]:
    """Give stdout's documents, comparable, in an order that does not depend on who was faster."""
    documents = []
    lines = [line for line in answer.stdout.splitlines() if line[:2] in {b"[{", b'{"'}]
    for document in read_documents(b"\n".join(lines)):
        if isinstance(document, dict) and document.get("message_type") in _PASSING:
            assert document.keys() <= _STATUS
            assert 0 <= document["percent_done"] <= 1
        else:
            documents.append(_comparable(document))
    return sorted(documents, key=repr)


def _endings(answer: Answer) -> list[Any]:
    """Give the documents of stderr."""
    lines = [line for line in answer.stderr.splitlines() if line.startswith("{")]
    return [_comparable(document) for document in read_documents("\n".join(lines).encode())]


def _comparable(value: Any, key: str = "") -> Any:
    if key in _INCOMPARABLE:
        return shape(value)
    if isinstance(value, dict):
        return {
            name: _comparable(member, name)
            for name, member in sorted(value.items())
            if name not in _OPTIONAL
        }
    if isinstance(value, list):
        members = [_comparable(member, key) for member in value]
        return sorted(members, key=repr) if key != "paths" else members
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_backups_are_told_alike(pair: Pair) -> None:
    first = pair.agree("backup src --json -v")
    _let_time_pass()
    unchanged = pair.agree("backup src --json -v")
    (pair.place / "src" / "a.txt").write_text("changed")
    (pair.place / "src" / "sub" / "new").write_text("new")
    (pair.place / "src" / "b.log").chmod(0o600)
    pair.agree("backup src --json -vv")
    pair.agree("backup src --json -q --force")
    pair.agree("backup src/a.txt src/sub --json -v --tag one,two --host other")
    pair.agree("backup src --json --skip-if-unchanged")
    pair.agree("backup src --json --exclude '*.txt' --time '2026-11-01 10:00:00'")
    pair.agree("snapshots --json")

    assert [it["action"] for it in first[:-1]].count("new") == 8
    assert {it["action"] for it in unchanged if "action" in it} == {"unchanged", "scan_finished"}


def test_what_was_touched_but_is_the_same_counts_as_unmodified(pair: Pair) -> None:
    """Ours reads it again, since it is so young; what counts is what came of it."""
    pair.both("backup src")

    (summary,) = pair.agree("backup src --json -q")

    assert (summary["files_unmodified"], summary["dirs_unmodified"]) == (5, 3)


def test_what_cannot_be_read_is_counted_alike(pair: Pair) -> None:
    memory = f"/proc/{os.getpid()}/mem"  # a file that even root cannot read

    *_, summary = pair.agree(f"backup src {memory} --json -v")
    ours, theirs = pair.run(f"backup src {memory} --json")

    assert (summary["files_new"], summary["total_files_processed"]) == (5, 5)
    assert (ours.code, theirs.code) == (3, 3)


def test_the_same_files_are_read_again_or_not(pair: Pair) -> None:
    pair.both("backup src")
    _let_time_pass()
    log, text = pair.place / "src" / "b.log", pair.place / "src" / "a.txt"
    text.chmod(0o600)
    os.setxattr(text, "user.note", b"kept")
    log.rename(log.with_name("old"))
    log.write_text("log" * 100)
    os.utime(log, ns=(_LONG_AGO, _LONG_AGO))
    log.with_name("old").unlink()  # only now, so that its inode is another one

    pair.agree("backup src --json -q --dry-run --ignore-ctime")
    pair.agree("backup src --json -q --dry-run --ignore-inode")
    pair.agree("backup src --json -q --dry-run")
    pair.agree("backup src --json -v --ignore-inode")
    pair.agree("ls latest --json")
    (newest,) = run_ours("snapshots", "--latest", "1", "--json", repository=pair.ours.folder
                         ).documents()[0]  # fmt: skip
    assert b"user.note" in pair.ours.run("cat", "tree", f"{newest['id']}:src").stdout


def test_restores_are_told_alike(pair: Pair) -> None:
    pair.both("backup src")
    pair.agree("restore latest --target OUT/a --json")
    pair.agree("restore latest --target OUT/a --json -vv")
    pair.agree("restore latest --target OUT/b --json -vv --dry-run")
    pair.agree("restore latest:src --target OUT/c --json -v --exclude '*.txt'")
    (pair.place / "out/ours/a/src/a.txt").write_text("another")
    (pair.place / "out/theirs/a/src/a.txt").write_text("another")
    pair.agree("restore latest --target OUT/a --json -vv --verify")


def test_percent_goes_to_the_end(pair: Pair) -> None:
    for number in range(6):
        (pair.place / "src" / f"big{number}").write_bytes(os.urandom(4 << 20))
    for line in ("backup src --json", "restore latest --target OUT --json"):
        answer = run_ours(*line.split(), repository=pair.ours.folder,
                          environment={"RESTIC_PROGRESS_FPS": "60"})  # fmt: skip
        told = [it for it in answer.documents() if it["message_type"] == "status"]

        percents = [it["percent_done"] for it in told]
        assert percents == sorted(percents)
        assert percents[-1] == 1, line
        assert told[-1]["total_bytes"] == sum(
            path.stat().st_size for path in (pair.place / "src").rglob("*")
            if path.is_file() and not path.is_symlink()
        )  # fmt: skip


def test_forgetting_is_told_alike(pair: Pair) -> None:
    for day in (1, 2, 3):
        pair.both(f"backup src --time '2026-11-0{day} 10:00:00' --host h")
    (group,) = pair.agree("forget --keep-last 5 --json")
    pair.agree("forget --keep-last 2 --json --dry-run")
    pair.agree("forget --keep-daily 1 --json --prune")
    pair.agree("forget latest --json")
    pair.agree("forget --keep-last 1 --json")

    assert group[0]["remove"] is None


def test_snapshots_are_rewritten_alike(pair: Pair) -> None:
    pair.both("backup src --time '2026-11-01 10:00:00'")
    pair.both("backup src --time '2026-11-02 10:00:00' --tag kept")
    for line in (
        "rewrite --exclude c.txt --dry-run",
        "rewrite --exclude nothing",
        "rewrite --iexclude C.TXT --tag kept",
        "rewrite --exclude /src/sub/deep --forget",
    ):
        ours, theirs = pair.run(line)
        assert (ours.code, theirs.code) == (0, 0)
        assert ours.text.splitlines()[-1] == theirs.text.splitlines()[-1], line
        assert pair.agree("snapshots --json")
        pair.agree("ls latest --tag rewrite --json")  # two are of one time: either is the latest

    assert pair.theirs.run("rewrite", "--exclude", "nothing").returncode == 0
    strict = replace(pair.ours).run("rewrite", "--exclude", "nothing")
    assert b"no snapshots were modified" in strict.stdout  # restic would write our trees just so
    assert pair.ours.run("check", "--read-data").returncode == 0


def test_what_is_lost_is_taken_out_of_snapshots_alike(pair: Pair) -> None:
    (pair.place / "src" / "big").write_bytes(os.urandom(9 << 20))
    pair.both("backup src")
    (pair.place / "src" / "extra").write_bytes(os.urandom(300_000))  # one piece for both
    pair.both("backup src/extra --tag other")
    for repository in (pair.ours, pair.theirs):
        largest = max((repository.folder / "data").rglob("*"), key=lambda it: it.stat().st_size)
        largest.unlink()
    for line in ("repair index", "repair snapshots --dry-run", "repair snapshots --forget"):
        ours, theirs = pair.run(line)
        assert ours.code == theirs.code == 0, line

    assert ours.text.splitlines()[-1] == theirs.text.splitlines()[-1] == "modified 1 snapshots"
    for repository in (pair.ours, pair.theirs):
        assert repository.run("check").returncode == 0
    listed = [it for it in pair.agree("ls latest --tag other --json") if it.get("name") == "extra"]
    assert listed[0]["size"] == 300_000
    sizes = [run_ours("ls", "latest", "--json", "--path", str(pair.place / "src"),
             repository=it.folder).documents() for it in (pair.ours, pair.theirs)]  # fmt: skip
    for documents in sizes:
        assert next(it for it in documents if it.get("name") == "big")["size"] < 9 << 20


@pytest.mark.parametrize("line", ["init -q", "unlock", "unlock --json", "unlock -q"])
def test_what_is_silent_there_is_silent_here(line: str, pair: Pair, tmp_path: Path) -> None:
    words = f"-r OUT/new {line}" if line.startswith("init") else line
    (tmp_path / "out" / "ours").mkdir()
    (tmp_path / "out" / "theirs").mkdir()

    ours, theirs = pair.run(words)

    assert (ours.code, ours.stdout, ours.stderr) == (0, b"", "")
    assert (theirs.code, theirs.stdout) == (0, b"")


def test_objects_are_listed_alike(pair: Pair) -> None:
    pair.both("backup src")
    for kind in ("snapshots", "packs", "index", "keys", "locks", "blobs"):
        ours, theirs = pair.run(f"list {kind} --json")

        assert ours.code == theirs.code == 0
        if kind == "blobs":
            data = [sorted(it for it in each.text.splitlines() if it.startswith("data"))
                    for each in (ours, theirs)]  # fmt: skip
            assert data[0] == data[1]
        assert [len(it) for it in ours.text.splitlines()] == [
            len(it) for it in theirs.text.splitlines()
        ]


def test_the_version_is_read_by_wrappers_and_says_who_we_are(pair: Pair) -> None:
    ours, theirs = pair.run("version --json")
    (mine,), (stock,) = ours.documents(), theirs.documents()
    text, stock_text = (answer.text.split() for answer in pair.run("version"))

    assert shape(stock).items() <= shape(mine).items()
    assert (mine["version"], mine["go_os"], mine["go_arch"]) == (
        stock["version"], stock["go_os"], stock["go_arch"],
    )  # fmt: skip
    assert text[:2] == stock_text[:2]
    assert mine["program"].startswith("giucong ")
    assert "giucong" in text


WRONG = [
    "backup", "backup nowhere", "backup --nonsense", "backup --stdin src", "backup -e '[a' src",
    "nonsense", "snapshots --nonsense", "ls", "ls ffff", "ls latest", "cat", "cat nonsense x",
    "restore latest", "restore", "restore latest --target OUT -i a -e b", "diff a", "find",
    "stats --mode weight", "tag", "forget", "forget --keep-last -5", "forget --no-lock latest",
    "check --read-data --read-data-subset 1/2", "check --read-data-subset 0/1", "copy", "list",
    "list nonsense", "rewrite", "key remove", "key remove ffff", "dump latest", "init",
    "--pack-size 3 snapshots", "--pack-size 200 snapshots", "--compression best snapshots",
    "-p nowhere snapshots", "-r nowhere snapshots", "--retry-lock soon snapshots",
    "prune --max-unused nonsense", "init --copy-chunker-params", "unlock --nonsense",
]  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_wrong_use_ends_alike(line: str, pair: Pair) -> None:
    ours, theirs = pair.run(f"--json {line}")

    assert ours.code == theirs.code, (ours, theirs)
    assert _endings(ours)[-1:] == (_endings(theirs)[-1:] or _endings(ours)[-1:])


@pytest.mark.parametrize("line", ["key", "repair", "help"])
def test_families_of_commands_say_what_there_is(line: str, pair: Pair) -> None:
    ours, theirs = pair.run(line)

    assert ours.code == theirs.code == 0
    assert ours.text
    assert theirs.text
