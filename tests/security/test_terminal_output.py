"""Names from a repository do not command the terminal of who reads them, nor forge a line."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.repository.keyring import add_key
from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from tests.small_repository import SmallRepository, file_node, id_of, tree_of

HOSTILE = "\x1b[31mred\x9b2J\u202egnp\x07\x7f"
FORGED = "x\n* abcdef01  root  us  2026-01-01 00:00:00"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which every name is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    store = FolderStore(folder / "r")
    opened = Repository.init(store, b"x")
    add_key(opened, b"y", username=HOSTILE, hostname=FORGED)
    planted = json.loads(store.read(f"keys/{opened.key_id}")) | {"created": HOSTILE + FORGED}
    text = json.dumps(planted).encode()  # as who has no key can write it
    store.write(f"keys/{hashlib.sha256(text).hexdigest()}", text)
    small = SmallRepository.__new__(SmallRepository)
    small.repository, small.packs = opened, {}
    name = HOSTILE.encode() + b"\n\xff"
    tree = tree_of([file_node(name, b"1")])
    small.add_pack([(BlobType.DATA, b"1")])
    small.add_pack([(BlobType.TREE, tree)])
    small.save_index()
    opened.save_snapshot(
        Snapshot(
            time=datetime(2026, 11, 24, 1, 3, tzinfo=UTC), tree=id_of(tree),
            paths=(f"/{HOSTILE}",), hostname=HOSTILE, username=FORGED, tags=(HOSTILE, FORGED),
        )
    )  # fmt: skip
    opened.write_file(
        "locks",
        json.dumps(
            {"time": "2026-01-01T00:00:00Z", "exclusive": True, "hostname": HOSTILE + FORGED,
             "username": HOSTILE, "pid": 1}
        ).encode(),
    )  # fmt: skip
    (folder / "password").write_text("x")
    return folder


def run(place: Path, *words: str, terminal: bool) -> tuple[str, str]:
    """Run a command; gives what reaches stdout, then stderr."""
    command = [sys.executable, "-m", "backup", "--no-cache", "-r", str(place / "r"),
               "--password-file", str(place / "password"), *words]  # fmt: skip
    if not terminal:
        done = subprocess.run(command, capture_output=True, check=False)
        return done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}  # no bars, which command the terminal themselves
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 1 << 16):
                seen += piece
        except OSError:  # the other end is closed
            pass
        process.wait()
    os.close(ours)
    return seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n"), ""


COMMANDS = (
    ("key", "list", "--no-lock"),
    ("snapshots", "--no-lock", "--group-by", "host,tags"),
    ("ls", "--no-lock", "latest"),
    ("restore", "latest", "--no-lock", "--target", "/nonexistent", "--dry-run"),
    ("cat", "snapshot", "latest", "--no-lock"),
    ("key", "list"),  # tells whose lock is in the way
)


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_that_commands_a_terminal_reaches_it(place: Path, words: tuple[str, ...]) -> None:
    shown, _ = run(place, *words, terminal=True)
    letters = {letter for letter in shown if not letter.isprintable()} - {"\n", "\t"}

    assert shown
    assert not letters


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS[:2] + COMMANDS[3:4] + COMMANDS[-1:], ids=" ".join)
def test_names_cannot_begin_a_line_of_their_own(place: Path, words: tuple[str, ...]) -> None:
    shown = "\n".join(run(place, *words, terminal=False))

    assert "\x1b" not in shown
    assert not [line for line in shown.split("\n") if line.startswith("* abcdef01")]


@pytest.mark.slow
def test_programs_read_names_as_they_are(place: Path) -> None:
    shown, _ = run(place, "ls", "--no-lock", "latest", terminal=False)
    listed, _ = run(place, "snapshots", "--no-lock", "--json", terminal=True)

    assert f"/{HOSTILE}\n\udcff\n" in shown
    assert json.loads(listed)[0]["hostname"] == HOSTILE
