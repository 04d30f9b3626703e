"""The lists that a runbook offers: what each snapshot holds is said beside its id."""

from datetime import datetime
from pathlib import Path

import pytest

from ops.runbooks.choices import list_choices
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow


def test_whole_moments_stand_first_and_what_was_chosen_is_offered_for_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate = build_estate(tmp_path / "estate")
    one = ["backup.run", "--site", "cong-xa", "--database", "db"]
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"], one, one):
        done = giucong(estate, *words)
        assert done.returncode == 0, done.stderr
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    monkeypatch.setenv("GIUCONG_LANG", "vi")

    whole, later, sooner = list_choices("snapshot", {"site": "cong-xa"})
    before = list_choices("before", {"site": "cong-xa", "snapshot": later.value})

    assert whole.said.endswith("· cả trang")
    assert "· riêng cơ sở dữ liệu db, tệp cũ hơn " in later.said
    assert [it.value for it in before] == [whole.value, sooner.value]
    told = whole.said.partition(" · ")[0]
    assert datetime.strptime(told, "%d/%m/%Y %H:%M:%S %z").tzinfo is not None
