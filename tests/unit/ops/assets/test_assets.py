"""Assets: read from sheets, written so that they read back the same, compared, hostile sheets."""

import io
import unicodedata
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.assets.asset import FIELDS, HEADS, AssetRow, find_field, read_assets, write_lines
from ops.assets.records import plan_import
from ops.assets.sheet import MOST_BYTES, SheetError, read_lines, write_csv, write_xlsx
from ops.errors import Problem

SERVER = AssetRow(
    name="may-chu-1",
    kind="server",
    title="Máy chủ =1+1 của Sở Y tế",
    host="web1",
    serial="=cmd|'/c calc'!A0",
    price=125_000_000,
    bought_on=date(2023, 3, 31),
    warranty_until=date(2026, 3, 31),
    note="+84 đừng gọi",
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=30)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_written_reads_back_the_same(form: str, tmp_path: Path) -> None:
    lines = write_lines([SERVER, AssetRow(name="upe", kind="ups", title="UPS")])
    path = tmp_path / f"assets.{form}"
    path.write_bytes(write_csv(lines) if form == "csv" else write_xlsx(lines, title="Tài sản"))
    problems: list[Problem] = []
    found = read_assets(read_lines(path), problems)

    assert problems == []
    assert found[0] == SERVER
    assert plan_import(found, found) == []


@given(title=texts.filter(bool), note=texts, price=st.integers(0, 10**14) | st.none())
def test_any_text_and_price_survive_a_sheet(title: str, note: str, price: int | None) -> None:
    asset = AssetRow(name="a", kind="server", title=title, note=note, price=price)
    problems: list[Problem] = []
    found = read_assets(write_lines([asset]), problems)

    assert problems == []
    assert found[0].title == unicodedata.normalize("NFC", title)
    assert found[0].price == price


def test_no_cell_of_a_file_is_a_formula() -> None:
    lines = write_lines([SERVER])

    assert not any(
        str(cell).startswith(("=", "+", "@")) for line in lines for cell in line if cell is not None
    )
    with zipfile.ZipFile(io.BytesIO(write_xlsx(lines, title="x"))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_heads_are_known_in_both_languages() -> None:
    assert set(HEADS) == set(FIELDS)
    assert all(find_field(head) == name for name, heads in HEADS.items() for head in heads)
    assert find_field(" Hết  Bảo hành ") == "warranty_until"
    assert find_field("warranty until") == "warranty_until"
    assert find_field("khác") == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["A B", "server", "x", "", ""], "cannot be the name"),
        (["a", "rocket", "x", "", ""], "is no {name}"),
        (["a", "server", "", "", ""], "no title"),
        (["a", "server", "x", "31/02/2027", ""], "is no day"),
        (["a", "server", "x", "", "twelve"], "is no price"),
        (["a", "server", "x", "", "-5"], "is no price"),
        (["a", "server", "x", "", "1" * 16], "is no price"),
        (["a", "server", "x" * 2_001, "", ""], "too long"),
    ],
)
def test_each_mistake_is_told_with_its_line(line: list[object], told: str) -> None:
    problems: list[Problem] = []
    found = read_assets([["mã", "loại", "tên", "hết bảo hành", "nguyên giá"], line], problems)

    assert found == []
    assert any(told in it.what for it in problems)
    assert {it.key for it in problems} == {"2"}


def test_days_and_prices_as_people_write_them() -> None:
    problems: list[Problem] = []
    lines: list[list[object]] = [["mã", "loại", "tên", "hết bảo hành", "giá"]]
    lines += [
        ["a", "server", "x", "1/2/2027", "12.500.000"],
        ["b", "server", "x", "2027-02-01", 5.0],
        ["c", "server", "x", date(2027, 2, 1), "12 500 000 đ"],
        ["", "", "", "", ""],
    ]
    found = read_assets(lines, problems)

    assert problems == []
    assert {it.warranty_until for it in found} == {date(2027, 2, 1)}
    assert [it.price for it in found] == [12_500_000, 5, 12_500_000]


@pytest.mark.parametrize("kind", ["huge", "not-utf8", "bomb", "truncated", "absent", "folder"])
def test_a_hostile_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "assets.xlsx"
    if kind == "huge":
        with path.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
    elif kind == "not-utf8":
        path.write_bytes("mã,tên".encode("utf-16"))
    elif kind == "bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/worksheets/sheet1.xml", b"0" * 110_000_000)
    elif kind == "truncated":
        path.write_bytes(write_xlsx(write_lines([SERVER]), title="x")[:900])
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(SheetError):
        read_lines(path)


def test_a_plan_names_what_changes() -> None:
    changed = AssetRow(name="may-chu-1", kind="server", title="Máy chủ mới", price=5)
    new = AssetRow(name="moi", kind="line", title="Đường truyền")
    plan = plan_import([SERVER], [changed, new])

    assert [it.before is None for it in plan] == [False, True]
    assert plan[0].as_values()["price"] == [125_000_000, 5]
    assert plan[0].as_values()["warranty_until"] == ["2026-03-31", None]
    assert plan[1].as_values() == {
        "kind": [None, "line"], "title": [None, "Đường truyền"], "state": [None, "in-use"],
    }  # fmt: skip
