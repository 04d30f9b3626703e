"""Every wrong turn is answered: what, why, whether data is safe, what to do next, exit code.

The texts are golden: tests/golden/commands.en.txt.
"""

import json
import re
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.format.crypto import Envelope
from backup.repository.repository import Repository
from backup.stores import open_store
from tests.command_line import Answer, run_ours
from tests.golden_texts import assert_golden
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository

_IDS = re.compile(r"\b[0-9a-f]{8,64}\b|(?<=data/)[0-9a-f]{2}\b")


def _add_lock(repository: OracleRepository, **changes: object) -> None:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    lock = {"time": now, "exclusive": True, "hostname": "elsewhere", "username": "nva", "pid": 1}
    repository._store("locks", json.dumps(lock | changes).encode())


def _newer_version(repository: OracleRepository) -> None:
    config = {"version": 3, "id": "ab" * 32, "chunker_polynomial": "3d8dcc0c2c005d"}
    path = repository.folder / "config"
    path.write_bytes(Envelope(repository.master_key).seal(json.dumps(config).encode()))


def _cut_index(repository: OracleRepository) -> None:
    for path in (repository.folder / "index").iterdir():
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-20])


def _damage_config(repository: OracleRepository) -> None:
    path = repository.folder / "config"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _damage_all_snapshots(repository: OracleRepository) -> None:
    for path in (repository.folder / "snapshots").iterdir():
        path.chmod(0o600)
        path.write_bytes(b"not a snapshot")


def _garbage_lock(repository: OracleRepository) -> None:
    (repository.folder / "locks" / ("0" * 64)).write_bytes(b"garbage")


def _remove_data(repository: OracleRepository) -> None:
    shutil.rmtree(repository.folder / "data")


def _nothing(_repository: OracleRepository) -> None:
    pass


# What is wrong, words of the command line, what is done to the repository before, exit code.
CASES: list[tuple[str, list[str], Callable[[OracleRepository], None], int]] = [
    ("wrong password", ["-p", "{}/wrong", "snapshots"], _nothing, 12),
    ("no repository", ["-r", "{}/nowhere", "snapshots"], _nothing, 10),
    ("a file is no repository", ["-r", "{}/wrong", "snapshots"], _nothing, 10),
    ("a newer version", ["snapshots"], _newer_version, 1),
    ("a damaged config", ["snapshots"], _damage_config, 1),
    ("a truncated index", ["ls", "latest", "--no-lock"], _cut_index, 1),
    ("damaged snapshots", ["ls", "latest", "--no-lock"], _damage_all_snapshots, 1),
    ("data is gone", ["dump", "latest", "/src/a/one.txt", "--no-lock"], _remove_data, 1),
    ("a garbage lock", ["unlock"], _garbage_lock, 0),
    ("a garbage lock in the way", ["snapshots"], _garbage_lock, 11),
    ("somebody's lock", ["snapshots"], _add_lock, 11),
    ("empty password file", ["-p", "{}/empty", "snapshots"], _nothing, 1),
    ("missing password file", ["-p", "{}/nowhere", "snapshots"], _nothing, 1),
    ("two passwords", ["-p", "{}/wrong", "--password-command", "x", "snapshots"], _nothing, 1),
    ("failing password command", ["--password-command", "false", "snapshots"], _nothing, 1),
    ("missing password command", ["--password-command", "/no/such", "snapshots"], _nothing, 1),
    ("no repository named", ["-r", "", "snapshots"], _nothing, 1),
    ("two repositories named", ["--repository-file", "x", "snapshots"], _nothing, 1),
    ("unknown verb", ["snapshot"], _nothing, 1),
    ("unknown verb without a neighbour", ["xyz"], _nothing, 1),
    ("left to stock restic", ["mount", "/mnt"], _nothing, 1),
    ("list what", ["list"], _nothing, 1),
    ("list nonsense", ["list", "files"], _nothing, 1),
    ("rewrite what", ["rewrite"], _nothing, 1),
    ("a pack size too small", ["--pack-size", "3", "snapshots"], _nothing, 1),
    ("unknown flag", ["snapshots", "--lates", "1"], _nothing, 1),
    ("unknown short flag", ["ls", "-lZ", "latest"], _nothing, 1),
    ("flag without value", ["snapshots", "--host"], _nothing, 1),
    ("flag with a value too many", ["snapshots", "--compact=yes"], _nothing, 1),
    ("not a duration", ["--retry-lock", "soon", "snapshots"], _nothing, 1),
    ("not a rate", ["--limit-upload", "-3", "snapshots"], _nothing, 1),
    ("not an option", ["-o", "sftp", "snapshots"], _nothing, 1),
    ("not a compression", ["--compression", "best", "snapshots"], _nothing, 1),
    ("no versions", ["--at", "2026-11-01", "snapshots"], _nothing, 1),
    ("a kind of store we lack", ["-r", "rclone:remote:x", "snapshots"], _nothing, 1),
    ("no such snapshot", ["ls", "ffff", "--no-lock"], _nothing, 1),
    ("no snapshot of that host", ["ls", "latest", "--host", "h9", "--no-lock"], _nothing, 1),
    ("no such folder", ["ls", "latest:nope", "--no-lock"], _nothing, 1),
    ("a file for a folder", ["ls", "latest:src/added", "--host", "h2", "--no-lock"], _nothing, 1),
    ("ls without id", ["ls"], _nothing, 1),
    ("ls of a relative path", ["ls", "latest", "src"], _nothing, 1),
    ("a fifo has no content", ["dump", "{first}", "/src/pipe", "--no-lock"], _nothing, 1),
    ("nothing to back up", ["backup"], _nothing, 1),
    ("nothing of it exists", ["backup", "{}/nowhere"], _nothing, 1),
    ("paths and stdin", ["backup", "--stdin", "x"], _nothing, 1),
    ("a failing command", ["backup", "--stdin-from-command", "false"], _nothing, 1),
    ("a missing command", ["backup", "--stdin-from-command", "/no/such"], _nothing, 1),
    ("a broken pattern", ["backup", "--exclude", "[a", "{}"], _nothing, 1),
    ("not a time", ["backup", "--time", "yesterday", "{}/empty"], _nothing, 1),
    ("restore without target", ["restore", "latest"], _nothing, 1),
    ("restore with both", ["restore", "latest", "-t", "x", "-i", "a", "-e", "b"], _nothing, 1),
    ("init over a repository", ["init"], _nothing, 1),
    ("cat what", ["cat"], _nothing, 1),
    ("cat nonsense", ["cat", "nonsense", "x"], _nothing, 1),
    ("cat half a blob id", ["cat", "blob", "abcd", "--no-lock"], _nothing, 1),
    ("key what", ["key", "show"], _nothing, 1),
    ("the key in use", ["key", "remove", "{key}"], _nothing, 1),
    ("check both ways", ["check", "--read-data", "--read-data-subset", "1/2"], _nothing, 1),
    ("repair what", ["repair", "everything"], _nothing, 1),
    ("stats in a mode we lack", ["stats", "--mode", "weight"], _nothing, 1),
    ("group by nonsense", ["snapshots", "--group-by", "size"], _nothing, 1),
]  # fmt: skip


def _run_case(
    words: list[str],
    spoil: Callable[[OracleRepository], None],
    own: OracleRepository,
    first: str,
) -> Answer:
    place = own.folder.parent
    (place / "wrong").write_text("not the password\n")
    (place / "empty").touch()
    spoil(own)
    key = next(path.name for path in (own.folder / "keys").iterdir())
    known = {"{}": str(place), "{key}": key[:8], "{first}": first}
    filled = words
    for name, value in known.items():
        filled = [word.replace(name, value) for word in filled]
    return run_ours(*filled, repository=own.folder)


@pytest.mark.parametrize(("what", "words", "spoil", "code"), CASES, ids=[it[0] for it in CASES])
def test_a_wrong_turn_is_answered(
    what: str,
    words: list[str],
    spoil: Callable[[OracleRepository], None],
    code: int,
    own: OracleRepository,
    ids: list[str],
) -> None:
    answer = _run_case(words, spoil, own, ids[0])

    text = answer.stderr.replace(str(own.folder.parent), "PLACE")
    text = re.sub(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d \+\d{4}", "TIME", _IDS.sub("ID", text))
    text = re.sub(r"\d+ minutes ago", "AGE ago", text)
    assert answer.code == code
    assert "Traceback" not in answer.stderr
    assert PASSWORD not in answer.stderr
    if code:
        labels = [line.split(":")[0].strip() for line in text.splitlines() if "warning" not in line]
        assert labels[0] == "error"
        assert {"data", "next"} <= set(labels)
    assert_golden(f"commands/{what.replace(' ', '-')}.en.txt", f"exit code {code}\n{text}")


def test_with_json_an_error_is_restics_message_on_stderr(own: OracleRepository) -> None:
    answer = run_ours("snapshots", "--json", "-r", str(own.folder.parent / "nowhere"))
    theirs = own.run("snapshots", "--json", "-r", str(own.folder.parent / "nowhere"))

    ours = json.loads(answer.stderr)
    assert answer.stdout == b""
    assert answer.code == theirs.returncode == 10
    assert ours.keys() == json.loads(theirs.stderr).keys()
    assert (ours["message_type"], ours["code"]) == ("exit_error", 10)


def test_an_unreadable_source_gives_an_incomplete_snapshot(own: OracleRepository) -> None:
    answer = run_ours(
        "backup", str(own.folder / "config"), str(own.folder / "nope"), repository=own.folder
    )

    assert answer.code == 3
    assert "nope does not exist" in answer.stderr


def test_a_dead_process_of_ours_does_not_lock_us_out(own: OracleRepository) -> None:
    import getpass

    _add_lock(own, hostname=socket.gethostname(), username=getpass.getuser(), pid=2**22 - 1)

    assert run_ours("snapshots", repository=own.folder).code == 0
    assert list((own.folder / "locks").iterdir()) == []


def test_unlock_removes_what_is_stale_and_leaves_what_is_not(own: OracleRepository) -> None:
    _add_lock(own, time="2020-01-01T00:00:00Z")
    _add_lock(own)

    answer = run_ours("unlock", repository=own.folder)
    everything = run_ours("unlock", "--remove-all", repository=own.folder)

    assert (answer.code, answer.text) == (0, "successfully removed 1 locks\n")
    assert "left lock" in answer.stderr
    assert everything.text == "successfully removed 1 locks\n"
    assert list((own.folder / "locks").iterdir()) == []


def test_a_repository_whose_snapshots_are_gone_says_so(tmp_path: Path) -> None:
    repository = create_oracle_repository(tmp_path / "empty")

    answer = run_ours("ls", "latest", "--no-lock", repository=repository.folder)

    assert answer.code == 1
    assert "no snapshot yet" in answer.stderr


def test_the_master_key_is_printed_only_by_name(own: OracleRepository) -> None:
    opened = Repository.open(open_store(str(own.folder)), PASSWORD.encode())
    secrets = [part.hex() for part in opened.key]

    for words in (["cat", "config"], ["key", "list"], ["snapshots", "-vv"], ["check"]):
        answer = run_ours(*words, repository=own.folder)
        assert answer.code == 0
        assert not any(secret in answer.text + answer.stderr for secret in secrets)
