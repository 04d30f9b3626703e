"""What a site lacks by the rules is told unless a written exception still holds."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from ops.estate.edit.sample import write_sample
from ops.estate.load.load import load_estate
from ops.estate.site_rules import Rules, check_required, shipped_rules
from tests.unit.ops.estate.conftest import SITE, Load

TODAY = date(2026, 11, 24)
ROOT = Path(__file__).parents[5]
WHOLE = """
[[people]]
name = "nva"
title = "Nguyễn Văn A"
[[classes]]
name = "news"
[[sites]]
name = "so-y-te"
title = "Sở Y tế"
unit = "so-y-te"
owner = "nva"
classes = ["news"]
[[sites.files]]
name = "www"
path = "/www"
[[sites.files]]
name = "config"
path = "/etc"
kind = "config"
[[sites.files]]
name = "system"
path = "/img"
kind = "system"
[[sites.databases]]
name = "db"
engine = "sqlite"
database = "/db"
"""


def lacking(load: Load, text: str) -> list[str]:
    return [
        str(problem.params.get("name", problem.key.rpartition(".")[2]))
        for problem in check_required(load(text), TODAY)
    ]


def test_a_site_with_everything_lacks_nothing(load: Load) -> None:
    assert lacking(load, WHOLE) == []


def test_each_kind_an_owner_and_a_class_are_asked_for(load: Load) -> None:
    assert lacking(load, SITE) == ["configuration", "system", "database", "owner", "classes"]


@pytest.mark.parametrize("word", ["configuration", "config", "Cấu hình"])
def test_an_exception_excuses_up_to_its_last_day(load: Load, word: str) -> None:
    def with_lack(until: str) -> list[str]:
        lack = f'[[sites.exceptions]]\nlacks = "{word}"\nreason = "x"\nuntil = {until}\n'
        return lacking(load, SITE + lack)

    assert "configuration" not in with_lack("2026-11-24")
    assert "configuration" in with_lack("2026-11-23")


def test_findings_do_not_stop_the_service_and_name_their_basis(load: Load) -> None:
    problems = check_required(load(SITE), TODAY)

    assert {problem.severity for problem in problems} == {"warning"}
    assert all(problem.fix for problem in problems)
    assert problems[0].params["basis"] == shipped_rules().basis


def test_the_rules_are_data(load: Load) -> None:
    rules = msgspec.convert(
        {"basis": "x", "kinds": [{"name": "mail", "title": {"vi": "thư", "en": "mail"},
                                  "lacks": ["mail"], "parts": [{"section": "databases"}]}]},
        Rules,
    )  # fmt: skip

    assert [it.params["name"] for it in check_required(load(SITE), TODAY, rules)[:1]] == ["mail"]


def test_the_sample_and_the_demo_lack_nothing(tmp_path: Path) -> None:
    sample = tmp_path / "sample.toml"
    sample.write_text(write_sample(), encoding="utf-8")

    for path in (sample, ROOT / "examples" / "demo_estate.toml"):
        assert check_required(load_estate(path), TODAY) == []
