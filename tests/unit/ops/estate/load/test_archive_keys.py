"""Every mistake in `[archive]` and `[sites.archive]` is told, and all at once."""

from pathlib import Path

import pytest

from ops.errors import EstateError
from ops.estate.load.load import load_estate

ROOT = Path(__file__).parents[5]
DEMO = (ROOT / "examples" / "demo_estate.toml").read_text(encoding="utf-8").replace("PORT", "80")


def problems(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """Give what is told of the demo's estate after some changes."""
    text = DEMO
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "estate.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load_estate(path)
    except EstateError as error:
        return "\n".join(
            f"{it.key}: {it.what.format(**it.params)}: {it.fix}" for it in error.problems
        )
    return ""


CONNECTOR = 'connector = "mapping"'


def beside(line: str) -> tuple[str, str]:
    """Add a line to what the site archives."""
    return CONNECTOR, f"{CONNECTOR}\n  {line}"


CASES = {
    "one in the other": (
        ('private = "archive-private"', 'private = "archive/private"'),
        "lies in another",
    ),
    "the same": (('url = "archive-second"', 'url = "archive"'), "folders of the archive are one"),
    "a root's name": (('name = "second"', 'name = "private"'), "belongs to a root of the archive"),
    "no such connector": ((CONNECTOR, 'connector = "joomla"'), "sites[cong-xa].archive.connector"),
    "no mapping": (('  mapping = "archive.toml" #', "  #"), "belong together"),
    "no such folder": (('  files = "www"\n', '  files = "web"\n'), 'no folder "web"'),
    "no such database": (beside('part = "x"'), "no database that the archive"),
    "no such officer": (beside('officer = "nv"'), 'no person is called "nv"'),
    "no such class": (beside('classes = { "Tin" = "tin" }'), 'no content class is called "tin"'),
    "feeds of a database": (beside('feeds = ["/rss"]'), "have feeds"),
    "a word of nobody": (beside("javascript = true"), "javascript"),
    "drawn pages": (
        ("    pages = 40\n", "    pages = 40\n    javascript = true\n"),
        "a browser has to draw",
    ),
}


def test_the_demo_is_right(tmp_path: Path) -> None:
    assert problems(tmp_path) == ""


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told(tmp_path: Path, name: str) -> None:
    change, told = CASES[name]

    assert told in problems(tmp_path, change)


def test_copies_have_names_of_their_own_and_all_mistakes_come_together(tmp_path: Path) -> None:
    twin = (
        '  [[archive.copies]]\n  name = "second"\n  url = "third"\n  location = "x"\n\n[[sites]]\n'
    )
    told = problems(tmp_path, ("[[sites]]\n", twin), CASES["no such class"][0])

    assert 'the name "second" is given twice' in told
    assert 'no content class is called "tin"' in told


def test_a_site_is_not_archived_where_there_is_no_archive(tmp_path: Path) -> None:
    begin, rest = DEMO.split("[archive] #")
    path = tmp_path / "estate.toml"
    path.write_text(begin + "[[sites]]\n" + rest.partition("[[sites]]\n")[2], encoding="utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate(path)

    archived = ("cong-xa", "phuong-tan-lap", "so-cong-thuong")
    assert [it.key for it in caught.value.problems] == [f"sites[{it}].archive" for it in archived]


def test_the_archive_is_a_site_that_stands_in_no_file(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_text(DEMO, encoding="utf-8")
    estate = load_estate(path)

    names = ["cong-xa", "phuong-tan-lap", "so-cong-thuong", "luu-tru"]
    assert [it.name for it in estate.sites] == names
    assert [it.name for it in estate.named_sites] == names[:-1]
    assert [it["name"] for it in estate.document()["sites"]] == names[:-1]
    assert estate.title_at("luu-tru") != estate.title_at("giucong")
