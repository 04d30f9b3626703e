"""How far a run is, as another process reads it."""

from pathlib import Path

import pytest

from backup.errors import StoreError
from ops.jobs.live import LiveProgress, read_live


def test_stage_amount_and_lines_are_there_for_who_looks(tmp_path: Path) -> None:
    progress = LiveProgress(tmp_path, "cong-xa", "run-1")
    progress.start("back up", 100, "bytes")
    progress.advance(40, items=2)
    progress.item_error(b"/tep-\xff\nhai", "scan", StoreError("cannot be read"))
    progress.finish()
    found = read_live(tmp_path, "cong-xa", "run-1")
    assert found is not None
    assert (found.stage, found.done, found.total, found.items) == ("back up", 40, 100, 2)
    assert found.errors == 1
    assert found.lines[0].path == "/tep-\\xff\\nhai"
    assert read_live(tmp_path, "cong-xa", "run-2") is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"run": 3}', b"[]" * 200_000])
def test_a_file_that_is_none_tells_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "cong-xa.json").write_bytes(content)
    assert read_live(tmp_path, "cong-xa", "run-1") is None


def test_a_folder_that_cannot_be_written_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("no folder")
    progress = LiveProgress(tmp_path, "cong-xa", "run-1")
    progress.start("back up", None, "bytes")
    progress.close()
    assert read_live(tmp_path, "cong-xa", "run-1") is None
