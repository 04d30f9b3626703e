"""Where rows of a backup are looked for."""

from pathlib import Path

import pytest

from ops.drills.extract import _make_work_folder
from ops.errors import OpsError


def test_a_work_folder_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "tep").write_text("x")
    with pytest.raises(OpsError, match="cannot be made") as refused:
        _make_work_folder(tmp_path / "tep" / "extract-cong-xa")
    assert "`workdir` in `[drill]`" in refused.value.next_step
    _make_work_folder(tmp_path / "moi" / "extract-cong-xa")
    assert (tmp_path / "moi" / "extract-cong-xa").is_dir()
