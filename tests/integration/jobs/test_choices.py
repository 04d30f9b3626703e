"""The lists that a runbook offers: what each snapshot holds is said beside its id."""

from pathlib import Path

import pytest

from ops.runbooks.choices import list_choices
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow


def test_a_snapshot_of_a_database_alone_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate = build_estate(tmp_path / "estate")
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"],
                  ["backup.run", "--site", "cong-xa", "--database", "db"]):  # fmt: skip
        done = giucong(estate, *words)
        assert done.returncode == 0, done.stderr
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    monkeypatch.setenv("GIUCONG_LANG", "vi")

    alone, whole = list_choices("snapshot", {"site": "cong-xa"})
    assert alone.said.endswith("· riêng cơ sở dữ liệu db")
    assert whole.said.endswith("· cả trang")
