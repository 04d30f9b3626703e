"""What a restore into a folder says of what it removes, did not compare, and was denied."""

from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.restorer.request import ItemFailure, RestoreResult
from ops.backups.restore.cli import _ensure_whole
from ops.backups.restore.into_folder import write_result
from ops.backups.restore.restore import Done, RestoreIncompleteError
from ops.backups.restore.tasks import Restore
from ops.terminal.progress import LineProgress, NamesInTheEnd


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


def test_what_is_removed_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    names = tuple(b"/x/%d" % it for it in range(20))
    result = RestoreResult(1, 0, 1, 22, 0, 0, 0, 0, 0, (), removed=names)
    write_result(Path("/srv/back"), result, dry_run=True)
    would = capsys.readouterr().out
    assert "would remove 22 entries" in would
    assert "    /x/19\n    and 2 more\n" in would
    write_result(Path("/srv/back"), result, dry_run=False)
    assert "  removed 22 entries" in capsys.readouterr().out


def test_reading_back_says_what_it_did_not_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    result = RestoreResult(24, 0, 24, 0, 0, 0, 0, 0, 0, (), unread=24)
    write_result(Path("/srv/back"), result, dry_run=False, verify=True)
    said = capsys.readouterr().out
    assert "read back and found right: 0 files" in said
    assert "not compared with the backup: 24 files" in said
    write_result(Path("/srv/back"), result, dry_run=False)
    assert "read back" not in capsys.readouterr().out


def test_a_failure_is_named_once_and_as_one_of_writing(capsys: pytest.CaptureFixture[str]) -> None:
    error = BackupError("{cause}", cause="Operation not permitted")
    failures = (ItemFailure(b"/a", error),)
    NamesInTheEnd(LineProgress()).item_error(b"/a", "restore", error)
    result = RestoreResult(1, 0, 0, 0, 0, 0, 0, 0, 1, failures)
    write_result(Path("/srv/back"), result, dry_run=False)
    said = capsys.readouterr()
    assert (said.out + said.err).count("not restored: /a: Operation not permitted") == 1
    LineProgress().item_error(b"/a", "restore", error)
    assert "not restored: /a" in capsys.readouterr().err
    LineProgress().item_error(b"/a", "archival", error)
    assert "not read: /a" in capsys.readouterr().err


def test_what_belongs_to_somebody_else_is_no_fault_of_the_repository() -> None:
    wish = Restore(site="cong-xa", target="/srv/back")
    with pytest.raises(RestoreIncompleteError) as denied:
        _ensure_whole(wish, Done(failed=2, denied=2))
    assert "belongs to somebody else" in denied.value.why
    assert "root" in denied.value.next_step
    with pytest.raises(RestoreIncompleteError) as damaged:
        _ensure_whole(wish, Done(failed=2, denied=1))
    assert "--read-data" in damaged.value.next_step
