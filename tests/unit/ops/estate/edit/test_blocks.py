"""Blocks read back as what was written, whatever the texts hold, and are found again."""

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.estate.edit.import_sites import find_block, write_site, write_sites

SITE = {
    "name": "so-y-te",
    "title": 'Sở "Y tế" \\ Đồng Nai',
    "classes": ["news", "feedback"],
    "files": [{"name": "www", "path": "/var/www/Cổng xã\x7f"}, {"name": "config", "path": "/etc"}],
    "databases": [{"name": "db", "engine": "mariadb", "port": 3306}],
    "exceptions": [{"lacks": "system", "reason": "chờ", "until": date(2027, 12, 31)}],
}


def test_a_block_reads_back_as_the_same_table() -> None:
    assert tomllib.loads(write_sites([SITE, SITE]))["sites"] == [SITE, SITE]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back(text: str) -> None:
    site = {"name": text, "files": [{"path": text}]}

    assert tomllib.loads(write_site(site))["sites"] == [site]


TEXT = """\
schema = 1
[[sites]]
name = "first"
  [[sites.files]]
  name = "www"

# about the second
[[sites]] # a remark
title = '[[sites]]'
name = "second"

[defaults.schedule]
backup = ""
"""


@pytest.mark.parametrize(
    ("name", "lines"), [("first", (2, 5)), ("second", (8, 10)), ("www", None), ("", None)]
)
def test_the_lines_of_a_block_are_found(name: str, lines: tuple[int, int] | None) -> None:
    assert find_block(TEXT, name) == lines
