"""The lists that a runbook offers: what each snapshot holds is said beside its id."""

import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from ops.runbooks.choices import list_choices, refuse_unknown
from runbooks.errors import RunbookUseError
from tests.integration.jobs.small_estate import (
    GIUCONG,
    INIT,
    build_estate,
    build_used_estate,
    giucong,
)
from tests.lab.terminal import type_at_terminal

pytestmark = pytest.mark.slow


def test_whole_moments_stand_first_and_what_was_chosen_is_marked(
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
    assert [it.value for it in before] == [whole.value, later.value, sooner.value]
    assert before[1].said.endswith("· đã chọn ở trên")
    good = list_choices("snapshot", {"site": "cong-xa", "evidence": whole.value[:6]})
    assert [it.value for it in good] == [later.value, sooner.value]
    told = whole.said.partition(" · ")[0]
    assert datetime.strptime(told, "%d/%m/%Y %H:%M:%S %z").tzinfo is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [("site", "cong-khac"), ("database", "x"), ("snapshot", "deadbeef"),
     ("snapshot", "ab12cd")],
)  # fmt: skip
def test_what_names_nothing_is_refused_when_it_is_given(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    with pytest.raises(RunbookUseError):
        refuse_unknown(name, value, {"site": "cong-xa", "evidence": "ab12"})
    refuse_unknown("site", "cong-xa", {})
    refuse_unknown("database", "db", {"site": "cong-xa"})
    refuse_unknown("reason", "deadbeef", {})


def test_enter_alone_reads_the_list_anew_and_an_unknown_id_is_asked_for_again(
    tmp_path: Path,
) -> None:
    estate = build_estate(tmp_path / "estate")
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        assert giucong(estate, *words).returncode == 0
    asked: list[str] = []

    def answer(told: str) -> str:
        asked.append(told.rpartition("\n3. ")[2])
        if len(asked) == 1:
            assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
        if len(asked) == 4:
            raise EOFError
        return ["", "deadbeef", "1"][len(asked) - 1]

    typed = type_at_terminal(
        [str(GIUCONG), "runbook.run", "--id", "restore-site-in-place", "--set", "site=cong-xa",
         "--set", "reason=thử", "--set", "login=", "--set", "identity="],
        answer,
        environment={**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "vi"},
    )  # fmt: skip

    rows = [len(re.findall(r"cả trang", it)) for it in asked]
    assert rows[:3] == [1, 3, 5], typed.told
    assert "deadbeef" in asked[2]
    assert asked[3].count("đã chọn ở trên") == 1
    assert typed.code == 1
