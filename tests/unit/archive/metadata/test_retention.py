"""Terms: the estate's tables before the draft that ships; what no row covers is kept."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from archive.errors import WrongTableError
from archive.metadata.item import Agent, Item, Retention, Source
from archive.metadata.retention import read_tables, rule_of

DAY = datetime(2024, 2, 29, 5, tzinfo=UTC)


def make_item(content_class: str = "news", **more: Any) -> Item:
    return Item(
        id="urn:uuid:1", site="s", source_key="k", content_class=content_class, shape="other",
        title="t", creators=(Agent(name="a"),), source=Source(name="s"),
        **({"published": DAY} | more),
    )  # fmt: skip


def kept(item: Item, *paths: Path) -> Retention:
    return rule_of(read_tables(paths))(item)


def write(path: Path, *rows: str, version: str = 'version = "QĐ 12/2026"') -> Path:
    path.write_text("\n".join([version, *(f"[[rows]]\n{it}" for it in rows)]), encoding="utf-8")
    return path


_OWN = 'basis = "QĐ 12/2026"\ncertainty = "own"\n'


def test_the_table_that_ships_keeps_what_nobody_decided() -> None:
    assert kept(make_item("news")) == Retention()
    document = kept(make_item("legal-document", fields={"kind": "quyết định"}))
    assert (document.row, document.years, document.due) == (
        "van-ban-quy-pham-phap-luat", None, None,
    )  # fmt: skip
    other = kept(make_item("legal-document", fields={"kind": "Công văn"}))
    assert (other.years, other.due, other.action) == (50, date(2075, 1, 1), "review")
    assert "TT 09/2011" in other.basis
    assert other.table == "giucong-2026.11"


def test_a_term_counts_from_its_trigger_and_without_it_has_no_end() -> None:
    closed = datetime(2025, 6, 1, tzinfo=UTC)
    question = make_item("feedback", trail=((DAY, "received", ""), (closed, "closed", "")))

    assert kept(question).due == date(2041, 1, 1)
    assert kept(make_item("feedback")).due is None
    assert kept(make_item("feedback")).years == 15


def test_the_estates_tables_go_before_the_one_that_ships(tmp_path: Path) -> None:
    first = write(tmp_path / "a.toml", f'name = "a"\nclass = "feedback"\nyears = 5\n{_OWN}')
    second = write(
        tmp_path / "b.toml",
        f'name = "b"\nclass = "news"\nyears = 10\nfrom = 2020-01-01\nuntil = 2025-12-31\n{_OWN}',
        f'name = "c"\nclass = "news"\nyears = 20\nfrom = 2024-02-01\n{_OWN}',
        version='version = "b1"',
    )

    assert kept(make_item("feedback"), first, second).years == 5
    assert kept(make_item("news"), first, second).row == "c"
    assert kept(make_item("news"), first, second).table == "b1"
    assert kept(make_item("news", published=datetime(2023, 1, 1, tzinfo=UTC)), second).row == "b"
    assert kept(make_item("news", published=datetime(2019, 1, 1, tzinfo=UTC)), second).row == ""


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f'name = "x"\nclass = "news"\nyeers = 5\n{_OWN}', "yeers"),
        (f'name = "x"\nclass = "news"\nyears = 0\n{_OWN}', "1 to 200"),
        (f'name = "x"\nclass = "news"\nyears = "5"\n{_OWN}', "years"),
        ('name = "x"\nclass = "news"\ncertainty = "own"\n', "basis"),
        (f'name = "x"\nclass = "news"\naction = "destroy"\n{_OWN}', "for ever"),
        (f'name = "good"\nclass = "news"\n{_OWN}', "another row"),
        (f'name = "x"\nclass = "news"\nfrom = 2026-01-01\nuntil = 2025-01-01\n{_OWN}', "before"),
    ],
)
def test_a_mistake_is_told_with_file_and_row(tmp_path: Path, row: str, why: str) -> None:
    table = write(tmp_path / "own.toml", f'name = "good"\nclass = "news"\n{_OWN}', row)

    with pytest.raises(WrongTableError) as told:
        read_tables([table])

    assert told.value.params["file"] == str(table)
    assert str(told.value.params["row"]).startswith("2 ")
    assert why in str(told.value.params["reason"])


@pytest.mark.parametrize("text", ["", "version = 3", 'version = "a"', "[[rows]", 'rows = "x"'])
def test_what_is_no_table_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.toml").write_text(text)

    with pytest.raises(WrongTableError, match=r"own\.toml"):
        read_tables([tmp_path / "own.toml"])
    with pytest.raises(WrongTableError, match=r"none\.toml"):
        read_tables([tmp_path / "none.toml"])


@pytest.mark.parametrize(
    "page", ["docs/how-to/hand-things-in.md", "docs/vi/how-to/hand-things-in.md"]
)
def test_the_page_shows_a_table_that_is_right(tmp_path: Path, page: str) -> None:
    text = Path(page).read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(text.partition("```toml")[2].partition("```")[0])

    assert kept(make_item("news"), tmp_path / "own.toml").years == 20
