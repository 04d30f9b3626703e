"""Every mistake is told, all at once, each with its key, in both languages."""

from pathlib import Path

import pytest

from ops.errors import EstateError
from ops.estate.load.load import load_estate
from ops.language.text import render_error
from tests.golden_texts import GOLDEN, assert_golden
from tests.unit.ops.estate.conftest import SITE, SMALL, Load

FILE = GOLDEN / "twenty-mistakes" / "estate.toml"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_twenty_mistakes_give_twenty_lines(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    with pytest.raises(EstateError) as caught:
        load_estate(FILE)
    text = render_error(caught.value).replace(f"{FILE.parent}/", "")

    assert len(caught.value.problems) == 20
    assert_golden(f"twenty-mistakes.{language}.txt", f"{text}\n")
    assert "matkhau" not in text
    assert "rat-bi-mat" not in text


STORE = """
[[stores]]
name = "far"
url = "s3:https://s3.example.vn/far"
location = "Biên Hòa"
medium = "object"
"""


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (STORE + 'role = "primary"', "stores[far].role"),
        (STORE + 'role = "mirror"', "stores[far].of"),
        (STORE + 'role = "mirror"\nof = "nera"', "stores[far].of"),
        (STORE + 'role = "mirror"\nof = "near"\nkey = "env:K"', "stores[far].key"),
        (STORE + 'role = "copy"\nof = "near"', "stores[far].key"),
        (
            STORE + 'role = "copy"\nof = "near"\nkey = "env:K"\n'
            'object_lock = { mode = "compliance", days = 90 }',
            "stores[far].object_lock",
        ),
        (
            STORE + 'role = "copy"\nof = "near"\nkey = "env:K"\nlimit_mbps = { default = 0 }',
            "stores[far].limit_mbps.default",
        ),
        ('[defaults.schedule]\ncheck = "61 * * * *"', "defaults.schedule.check"),
        ('[defaults.schedule]\ncheck = "0 0 31 2 *"', "defaults.schedule.check"),
        ('[defaults.schedule]\nbackup = "22:00-22:00"', "defaults.schedule.backup"),
        (
            (
                "[defaults.retention]\nkeep_last = 0\nkeep_daily = 0\nkeep_weekly = 0\n"
                "keep_monthly = 0\nkeep_yearly = 0"
            ),
            "defaults.retention",
        ),
        ('[[systems]]\nname = "cong"\nlevel = 6', "systems[cong].level"),
        ('[[systems]]\nname = "cong"\nlevel = true', "systems[cong].level"),
        ('[[hosts]]\nname = "web1"\naddress = "a"\nline = "x"', "hosts[web1].line"),
        ('[[units]]\nname = "so-y-te"\ntitle = "Lại là Sở Y tế"', "units[so-y-te].name"),
    ],
)
def test_each_mistake_is_told_at_its_key_and_alone(load: Load, text: str, key: str) -> None:
    with pytest.raises(EstateError) as caught:
        load(f"{text}\n{SITE}")

    assert [problem.key for problem in caught.value.problems] == [key]


def test_all_that_a_block_lacks_is_told_at_once_with_examples(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(f'[[stores]]\nname = "far"\nrole = "copy"\n{SITE}')
    fixes = {it.key.partition(".")[2]: it.fix.format(**it.params) for it in caught.value.problems}

    assert list(fixes) == ["url", "of", "location", "medium", "key"]
    assert all(f"`{key} = " in fix for key, fix in fixes.items())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('host = "web9"', "sites[so-y-te].host"),
        ('classes = ["news"]', "sites[so-y-te].classes[0]"),
        ('pages = ["/"]', "sites[so-y-te]"),
        ('url = "so-y-te.vn"\npages = ["/"]', "sites[so-y-te]"),
        ('owner = "nobody"', "sites[so-y-te].owner"),
        ('system = "none"', "sites[so-y-te].system"),
        ('profile = "none"', "sites[so-y-te].profile"),
        ('page_check.ignore = ["div > p"]', "sites[so-y-te].page_check.ignore"),
        ("page_check.alike_percent = 0", "sites[so-y-te].page_check.alike_percent"),
        ('page_check.must_contain = { "/x" = ["a"] }', "sites[so-y-te]"),
        ("colour = 1", "sites[so-y-te].colour"),
        ('schedule = { backup = "always" }', "sites[so-y-te].schedule.backup"),
        ("retention = 5", "sites[so-y-te].retention"),
        (
            'databases = [{ name = "d", engine = "oracle", database = "x" }]',
            "sites[so-y-te].databases[d].engine",
        ),
        (
            'databases = [{ name = "d", engine = "sqlite", database = "x", port = 1 }]',
            "sites[so-y-te].databases[d]",
        ),
        (
            'databases = [{ name = "d", engine = "mariadb", database = "x", password = "12345" }]',
            "sites[so-y-te].databases[d].password",
        ),
    ],
)
def test_a_mistake_in_a_site_names_the_site(load: Load, text: str, key: str) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE.replace("[[sites.files]]", f"{text}\n[[sites.files]]"))

    assert [problem.key for problem in caught.value.problems] == [key]
    assert "12345" not in repr(caught.value.problems)


def test_a_relative_path_on_another_host_is_a_mistake(load: Load) -> None:
    host = '[[hosts]]\nname = "web1"\naddress = "192.0.2.10"\n'
    with pytest.raises(EstateError) as caught:
        load(host + SITE.replace('path = "/', 'host = "web1"\npath = "'))

    assert [problem.key for problem in caught.value.problems] == ["sites[so-y-te].files[www].path"]


def test_a_site_without_files_and_databases_saves_nothing(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE.partition("[[sites.files]]")[0])

    assert [problem.key for problem in caught.value.problems] == ["sites[so-y-te]"]


def test_the_services_own_name_is_no_name_for_a_site(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE.replace('name = "so-y-te"\ntitle', 'name = "giucong"\ntitle'))
    (problem,) = caught.value.problems

    assert problem.key == "sites[giucong].name"
    assert "belongs to the service itself" in problem.what


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_text("\ufeff" + SMALL + SITE, encoding="utf-8")

    assert [site.name for site in load_estate(path).sites] == ["so-y-te"]


def test_endless_brackets_are_a_mistake_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_text("a = " + "[" * 5_000 + "]" * 5_000, encoding="utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate(path)

    assert caught.value.problems[0].what == "lists or tables lie too deep inside each other"


def test_a_file_that_is_not_utf_8_is_told_by_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_bytes(b"schema = 1\n# \xff\n")
    with pytest.raises(EstateError) as caught:
        load_estate(path)

    assert caught.value.problems[0].params == {"position": 13}
