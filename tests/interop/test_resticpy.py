"""resticpy, people's wrapper, works with ours wherever it works with stock restic."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import restic

from tests.command_line import shape
from tests.restic_oracle import PASSWORD, create_oracle_repository

pytestmark = pytest.mark.slow  # each call is a process

ROOT = Path(__file__).parents[2]
KEY = "new-password"


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = restic.binary_path, restic.repository, restic.password_file, restic.use_cache
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    restic.binary_path, restic.repository, restic.password_file, restic.use_cache = before


def _program(folder: Path) -> str:
    """Make a program named restic that is ours."""
    program = folder / "bin" / "restic"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m backup "$@"\n')
    program.chmod(0o755)
    return str(program)


def _work(place: Path, source: Path) -> dict[str, Any]:
    """Call everything it has, as its own documentation does; gives what it answered."""
    said: dict[str, Any] = {"version": restic.version(), "init": restic.init()}
    restic.repository = str(place / "repository")
    said["backup"] = restic.backup(paths=[str(source)], tags=["one"], host="h")
    said["dry"] = restic.backup(paths=[str(source)], dry_run=True, scan=False, host="h")
    said["again"] = restic.backup(
        paths=[str(source)], host="h", exclude_patterns=["*.log"], skip_if_unchanged=True
    )
    said["snapshots"] = restic.snapshots(group_by=["host"], host="h")
    said["tagged"] = restic.snapshots(tags=["one"], path=str(source))
    said["find"] = restic.find("a.txt")
    said["stats"] = [restic.stats(mode=mode) for mode in (None, "raw-data", "files-by-contents")]
    said["restore"] = json.loads(
        restic.restore(include="a.txt", target_dir=str(place / "target")).splitlines()[-1]
    )
    said["check"] = restic.check(read_data=True) is not None
    said["locks"] = restic.list.locks()
    said["unlock"] = restic.unlock()
    said["rewrite"] = restic.rewrite(exclude=["b.log"], forget=True) != ""
    said["config"] = restic.cat.config()
    said["masterkey"] = restic.cat.masterkey()
    said["keys"] = restic.key.list()
    (place / KEY).write_text("another\n")
    restic.key.add(host="x", user="y", new_password_file=str(place / KEY))
    said["two keys"] = restic.key.list()
    restic.key.remove(next(it["id"] for it in said["two keys"] if not it["current"]))
    said["kept"] = restic.forget(dry_run=True, keep_daily=3, group_by=["host"])
    said["forget"] = restic.forget(keep_last=1, host="h", prune=True)
    restic.key.passwd(new_password_file=str(place / KEY))
    restic.password_file = str(place / KEY)
    said["left"] = restic.snapshots()
    return said


def _copy(place: Path) -> Any:
    restic.repository = str(place / "copy")
    restic.copy(from_repo=str(place / "repository"), from_password_file=str(place / KEY))
    return restic.snapshots()


def _run(program: str, place: Path, source: Path) -> dict[str, Any]:
    place.mkdir()
    (place / "password").write_text(PASSWORD)
    create_oracle_repository(place / "repository")  # its key costs no second to open
    create_oracle_repository(place / "copy")
    restic.binary_path, restic.use_cache = program, False
    restic.password_file, restic.repository = str(place / "password"), str(place / "new")
    said = _work(place, source)
    restic.password_file = str(place / "password")
    said["copy"] = _copy(place)
    assert (place / "target" / source.relative_to("/") / "a.txt").read_text() == "hello"
    return said


def test_it_gets_from_ours_what_it_gets_from_restic(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("hello")
    (source / "b.log").write_text("log")

    ours = _run(_program(tmp_path), tmp_path / "ours", source)
    theirs = _run("restic", tmp_path / "theirs", source)

    for call, answer in theirs.items():
        assert _without(shape(ours[call])) == _without(shape(answer)), call
    assert ours["version"]["restic_version"] == theirs["version"]["restic_version"]
    assert len(ours["left"]) == len(theirs["left"]) == 1


def _without(shaped: Any) -> Any:
    """Leave out what is there from the first second on, for what a dry run does not write, and
    for files with several names.
    """
    if isinstance(shaped, dict):
        optional = {"seconds_elapsed", "snapshot_id", "device_id"}
        return {key: _without(value) for key, value in shaped.items() if key not in optional}
    return [_without(value) for value in shaped] if isinstance(shaped, list) else shaped


@pytest.mark.parametrize("call", [restic.generate, restic.self_update])
def test_what_is_left_to_stock_restic_says_so(
    call: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", os.devnull)
    restic.binary_path = _program(tmp_path)

    with pytest.raises(restic.errors.ResticFailedError, match="stock restic"):
        call()
