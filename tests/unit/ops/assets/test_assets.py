"""Assets: read from sheets, written so that they read back the same, compared, hostile sheets."""

import io
import tracemalloc
import unicodedata
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.assets.asset import (
    FIELDS,
    HEADS,
    KINDS,
    STATES,
    AssetRow,
    AssetSheet,
    read_assets,
    write_lines,
)
from ops.assets.compare import Seen, compare_hosts, read_equipment
from ops.assets.records import plan_import
from ops.assets.sheet import (
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_LINES,
    find_field,
    read_lines,
    read_whole,
    write_xlsx,
)
from ops.csv_file import tame, write_csv
from ops.errors import OpsError, Problem
from ops.language.text import Language, speaking

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
    assert found.rows[0] == SERVER
    assert plan_import(found.rows, found) == []


@given(title=texts.filter(bool), note=texts, price=st.integers(0, 10**14) | st.none())
def test_any_text_and_price_survive_a_sheet(title: str, note: str, price: int | None) -> None:
    asset = AssetRow(name="a", kind="server", title=title, note=note, price=price)
    problems: list[Problem] = []
    found = read_assets([list(map(tame, line)) for line in write_lines([asset])], problems)

    assert problems == []
    assert found.rows[0].title == unicodedata.normalize("NFC", title)
    assert found.rows[0].price == price


@pytest.mark.parametrize("reader", ["vi", "en"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
def test_the_words_that_an_export_prints_are_taken_back(
    kind: str, state: str, reader: Language
) -> None:
    asset = AssetRow(name="a", kind=kind, title="A", state=state)
    with speaking(reader):
        lines = write_lines([asset])
    assert kind not in lines[1] or reader == "en"
    problems: list[Problem] = []

    assert read_assets(lines, problems).rows == (asset,)
    assert problems == []


def test_no_cell_of_a_file_is_a_formula() -> None:
    lines = [list(map(tame, line)) for line in write_lines([SERVER])]

    assert not any(
        str(cell).startswith(("=", "+", "@")) for line in lines for cell in line if cell is not None
    )
    with zipfile.ZipFile(io.BytesIO(write_xlsx(lines, title="x"))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_heads_are_known_in_both_languages() -> None:
    assert set(HEADS) == set(FIELDS)
    assert all(find_field(head, HEADS) == name for name, heads in HEADS.items() for head in heads)
    assert find_field(" Hết  Bảo hành ", HEADS) == "warranty_until"
    assert find_field("warranty until", HEADS) == "warranty_until"
    assert find_field("khác", HEADS) == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["A B", "server", "x", "", ""], "cannot be the name"),
        (["a", "rocket", "x", "", ""], "is no {name}"),
        (["a", "server", "", "", ""], "no title"),
        (["a", "server", "x", "31/02/2027", ""], "is no day"),
        (["a", "server", "x", "", "twelve"], "is no price"),
        (["a", "server", "x", "", "-5"], "is no price"),
        (["a", "server", "x", "", "12,5"], "is no price"),
        (["a", "server", "x", "", "1" * 16], "is no price"),
        (["a", "server", "x" * 2_001, "", ""], "too long"),
    ],
)
def test_each_mistake_is_told_with_its_line(line: list[object], told: str) -> None:
    problems: list[Problem] = []
    found = read_assets([["mã", "loại", "tên", "hết bảo hành", "nguyên giá"], line], problems)

    assert found.rows == ()
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
    assert {it.warranty_until for it in found.rows} == {date(2027, 2, 1)}
    assert [it.price for it in found.rows] == [12_500_000, 5, 12_500_000]


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
    with pytest.raises(OpsError, match="no sheet"):
        read_lines(path)


def test_a_plan_names_what_changes() -> None:
    changed = AssetRow(name="may-chu-1", kind="server", title="Máy chủ mới", price=5)
    new = AssetRow(name="moi", kind="line", title="Đường truyền")
    plan = plan_import([SERVER], AssetSheet((changed, new), frozenset(FIELDS)))

    assert [it.before is None for it in plan] == [False, True]
    assert plan[0].as_values()["price"] == [125_000_000, 5]
    assert plan[0].as_values()["warranty_until"] == ["2026-03-31", None]
    assert plan[1].as_values() == {
        "kind": [None, "line"], "title": [None, "Đường truyền"], "state": [None, "in-use"],
    }  # fmt: skip


def test_what_a_sheet_has_no_column_for_stays() -> None:
    problems: list[Problem] = []
    sheet = read_assets([["mã", "loại", "tên"], ["may-chu-1", "server", "Máy chủ mới"]], problems)
    [change] = plan_import([SERVER], sheet)

    assert problems == []
    assert change.as_values() == {"title": [SERVER.title, "Máy chủ mới"]}
    assert change.asset == replace(SERVER, title="Máy chủ mới")


def test_two_columns_for_one_field_are_told() -> None:
    problems: list[Problem] = []
    read_assets([["mã", "loại", "tên", "Tên thiết bị"], ["a", "server", "x", "y"]], problems)

    assert [it.params for it in problems] == [{"heads": "tên"}]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("12500000", 12_500_000), ("12.500.000 đ", 12_500_000), ("1,234", 1_234),
        ("12 500", 12_500), ("12.5", None), ("1.5", None), ("1.234,567", None), ("1..234", None),
        ("", None), ("-1", None), ("1e3", None), ("٣", None), ("1001", 1_001), ("9" * 9_999, None),
    ],
)  # fmt: skip
def test_only_whole_numbers_are_read(text: str, number: int | None) -> None:
    assert read_whole(text, 10**14) == number


def book(rows: str, place: str = "worksheets/sheet1.xml") -> bytes:
    """Give an XLSX of one sheet with these rows, whose part lies at this place."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="r"'
            f' Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="r"/></sheets></workbook>',
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="r" Type="{links}/worksheet" Target="{place}"/>'
            "</Relationships>",
        )
        packed.writestr(
            f"xl/{place}", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return buffer.getvalue()  # fmt: skip


FIRST = '<row r="1"><c r="A1"><v>1</v></c></row>'
FAR = f'{FIRST}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (book(FAR), "more than"),
        (book(FAR, "elsewhere.xml"), "more than"),
        (book('<row r="1"><c r="BI1"><v>1</v></c></row>'), "more than"),
        (book("<row><c><v>1</v></c></row>" * (MOST_LINES + 1)), "more than"),
        (book(f"<row>{'<c><v>1</v></c>' * (MOST_COLUMNS + 1)}</row>"), "more than"),
    ],
)
def test_two_cells_far_apart_take_no_memory(content: bytes, why: str, tmp_path: Path) -> None:
    """The reader would make room for every cell between them, and end the process."""
    path = tmp_path / "assets.xlsx"
    path.write_bytes(content)
    with pytest.raises(OpsError, match="no sheet") as caught:
        read_lines(path)

    assert why in str(caught.value.why)


def test_a_part_that_is_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    packed = bytearray(book(FIRST + f'<row r="2"><c r="A2"><v>{"1" * 60_000_000}</v></c></row>'))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        found = packed.rfind(mark)
        packed[found + at : found + at + 4] = (1_000).to_bytes(4, "little")
    path = tmp_path / "assets.xlsx"
    path.write_bytes(packed)
    tracemalloc.start()
    try:
        with pytest.raises(OpsError, match="no sheet"):
            read_lines(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000  # room to read a file
    finally:
        tracemalloc.stop()


def test_a_sheet_at_its_bounds_is_read(tmp_path: Path) -> None:
    path = tmp_path / "assets.xlsx"
    path.write_bytes(book(f'{FIRST}<row r="{MOST_LINES}"><c r="BH{MOST_LINES}"><v>1</v></c></row>'))
    lines = read_lines(path)

    assert (len(lines), len(lines[-1])) == (MOST_LINES, MOST_COLUMNS)


SAID = b"""serial ABC123
mac 02:FC:00:00:00:01
mac 00:00:00:00:00:00
ip 127.0.0.1
ip 192.0.2.2
ip6 00000000000000000000000000000001
ip6 fd000000000000000000000000000002
ip6 nonsense
os_PRETTY_NAME "Debian GNU/Linux 13 (trixie)"
os_VERSION_ID "13"
os_ID debian
end
"""


def test_what_a_host_says_is_read_and_bounded() -> None:
    seen = read_equipment(SAID)

    assert seen == Seen(
        addresses=frozenset({"192.0.2.2", "fd00::2"}), macs=frozenset({"02:fc:00:00:00:01"}),
        serial="ABC123", system="debian", version="13",
        system_title="Debian GNU/Linux 13 (trixie)",
    )  # fmt: skip
    assert read_equipment(SAID.removesuffix(b"end\n")) is None
    assert read_equipment(b"") is None
    hostile = read_equipment(b"serial \x1b[2J\xe2\x80\xaeabc" + b"x" * 9_999 + b"\nend\n")
    assert hostile is not None
    assert hostile.serial.startswith("[2Jabc")
    assert len(hostile.serial) == 200


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({}, set()),
        ({"address": "192.0.2.2, fd00::2", "serial": "02-fc-00-00-00-01"}, set()),
        ({"serial": "Dell abc123 / 02:FC:00:00:00:01"}, set()),
        ({"address": "192.0.2.3"}, {"address-differs"}),
        ({"serial": "02:fc:00:00:00:09"}, {"serial-differs"}),
        ({"serial": "XYZ"}, {"serial-differs"}),
        ({"state": "retired", "serial": "XYZ"}, set()),
    ],
)
def test_a_server_is_compared_with_what_it_says(values: dict[str, str], codes: set[str]) -> None:
    told = read_equipment(SAID)
    server = AssetRow(name="a", kind="server", title="x", host="web1", **values)  # type: ignore[arg-type] # fields by name
    system = AssetRow(name="b", kind="software", title="Debian", host="web1", version="13.2")
    found = {it.code for it in compare_hosts([server, system], {"web1": told})}

    assert found == codes


def test_systems_and_hosts_that_nobody_saw_are_told() -> None:
    told = read_equipment(SAID)
    old = AssetRow(name="b", kind="software", title="Hệ điều hành Debian", host="w", version="12")

    assert [it.code for it in compare_hosts([old], {"w": told})] == ["version-differs"]
    assert [it.code for it in compare_hosts([], {"w": told})] == ["system-without-asset"]
    assert [(it.code, it.name) for it in compare_hosts([old], {"w": None})] == [
        ("not-checked", "w")
    ]
    assert list(compare_hosts([], {"w": Seen()})) == []
