"""A table of sites becomes blocks; every mistake is told with its row and column."""

import tomllib
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.estate.edit.csv_sheet import read_sheet
from ops.estate.edit.import_sites import ImportPlan, SheetError, plan_import, read_day
from ops.estate.load.load import load_estate
from ops.estate.load.read import read_document
from tests.unit.ops.estate.conftest import SITE, SMALL

INCLUDE = 'include = ["sites.d/*.toml"]\n'
HEAD = "name;title;unit;path\n"


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


def plan(
    folder: Path, content: bytes | str, *, include: str = INCLUDE, more: str = ""
) -> ImportPlan:
    path = folder / "estate.toml"
    path.write_text(include + SMALL + more, encoding="utf-8")
    load_estate(path)
    sheet = read_sheet(content if isinstance(content, bytes) else content.encode())
    return plan_import(
        read_document(path), sheet, name="sites.csv", out=folder / "sites.d/imported.toml"
    )


def mistakes(folder: Path, content: bytes | str) -> list[tuple[str, str]]:
    with pytest.raises(SheetError) as caught:
        plan(folder, content)
    assert all(problem.fix for problem in caught.value.problems)
    return [(problem.key, problem.what) for problem in caught.value.problems]


@pytest.mark.parametrize("mark", ["", "\ufeff", "sep=;\n", "\ufeffsep=;\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_form_of_the_table_gives_the_same_sites(
    tmp_path: Path, mark: str, delimiter: str
) -> None:
    text = f'{mark}{HEAD}xa-a;"Xã ""A"", mới";so-y-te;/srv/a\r\n\n'
    planned = plan(tmp_path, text.replace(";", delimiter))

    assert tomllib.loads(planned.text)["sites"] == [
        {
            "name": "xa-a",
            "title": 'Xã "A", mới',
            "unit": "so-y-te",
            "files": [{"name": "www", "path": "/srv/a", "kind": "content"}],
        }
    ]


def test_all_columns_go_where_they_belong(tmp_path: Path) -> None:
    head = (
        "Tên,Tiêu đề,Đơn vị,url,path,config_path,system_path,engine,database,address,port,user,"
        "password,lacks,reason,until\n"
    )
    row = (
        "xa-a,Xã A,so-y-te,https://a.vn,/a,/etc/nginx,/img,mariadb,cong,192.0.2.2,3307,u,"
        "file:var/keys/a,owner; classes,chờ phân công,31/12/2027\n"
    )
    planned = plan(tmp_path, head + row)
    (site,) = tomllib.loads(planned.text)["sites"]

    assert [(part["name"], part["kind"]) for part in site["files"]] == [
        ("www", "content"),
        ("config", "config"),
        ("system", "system"),
    ]
    assert site["databases"] == [
        {
            "name": "db", "engine": "mariadb", "database": "cong", "address": "192.0.2.2",
            "port": 3307, "user": "u", "password": "file:var/keys/a",
        }
    ]  # fmt: skip
    assert [it["lacks"] for it in site["exceptions"]] == ["owner", "classes"]
    assert site["exceptions"][0]["until"] == read_day("2027-12-31")
    assert site["title"] == "Xã A"


def test_sites_that_are_there_are_left_alone(tmp_path: Path) -> None:
    planned = plan(tmp_path, HEAD + "so-y-te;X;y;z\nxa-a;Xã A;so-y-te;/a\n", more=SITE)

    assert (planned.added, planned.skipped) == (("xa-a",), ("so-y-te",))
    assert 'so-y-te"\ntitle' not in planned.text


def test_all_mistakes_are_told_at_once_with_row_and_column(tmp_path: Path) -> None:
    text = (
        "name;title;unit;path;engine;database;port;password;until;lacks\n"
        "Xã A;;so-y-te;/a;;;;;;\n"
        "xa-b;Xã B;so-y-te-2;;;;;;;\n"
        "xa-c;Xã C;so-y-te;/c;oracle;c;x;mat-khau;31/02/2027;system\n"
        "xa-c;Xã C;so-y-te;/c;;;;;;\n"
    )
    found = mistakes(tmp_path, text)

    assert {key for key, _what in found} == {
        "row 2, column name",
        "row 2, column title",
        "row 3",
        "row 3, column unit",
        "row 4, column engine",
        "row 4, column port",
        "row 4, column password",
        "row 4, column until",
        "row 4, column reason",
        "row 5, column name",
    }


ROW = HEAD.strip() + ";engine;database;lacks;reason;until\n"
LACKING = "xa-a;Xã A;so-y-te;/a;;;{lacks};{reason};{until}\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("xa-a;=1+1;so-y-te;/a;;;;;", [("row 2, column title", "the cell holds a formula")]),
        (
            "xa-a;#REF!;so-y-te;/a;;;;;",
            [("row 2, column title", "the spreadsheet program could not work this cell out")],
        ),
        (
            "xa-a;Xã A;so-y-te;/a;;;system;Xã Err:502 #N/A;31/12/2027",
            [("row 2, column reason", "the spreadsheet program could not work this cell out")],
        ),
        ("xa-a;Xã A;so-y-te;www/a;;;;;", [("row 2, column path", "the path is relative")]),
        (
            "xa-a;Xã A;so-y-te;/a;sqlite;tin.db;;;",
            [("row 2, column database", "the path is relative")],
        ),
        (
            LACKING.format(lacks="system, owner", reason="x", until="31/12/27"),
            [("row 2, column until", "this must be a day")],
        ),
        (
            LACKING.format(lacks="system, owner", reason="", until="31/12/2027"),
            [("row 2, column reason", "the key is missing")],
        ),
    ],
)
def test_each_mistake_is_told_once_and_as_what_it_is(
    tmp_path: Path, row: str, told: list[tuple[str, str]]
) -> None:
    assert mistakes(tmp_path, ROW + row + "\n") == told


@pytest.mark.parametrize(
    ("cell", "lacks"),
    [
        ("cấu hình", ["cấu hình"]),
        ("Cấu hình, cơ sở dữ liệu | owner", ["Cấu hình", "cơ sở dữ liệu", "owner"]),
        ("owner classes", ["owner", "classes"]),
        ("hệ điều hành cũ", ["hệ điều hành cũ"]),
    ],
)
def test_what_a_site_lacks_may_be_said_in_vietnamese(
    tmp_path: Path, cell: str, lacks: list[str]
) -> None:
    row = LACKING.format(lacks=f'"{cell}"', reason="x", until="31/12/2027")
    (site,) = tomllib.loads(plan(tmp_path, ROW + row).text)["sites"]

    assert [it["lacks"] for it in site["exceptions"]] == lacks


def test_a_database_on_a_server_is_no_path(tmp_path: Path) -> None:
    row = "xa-a;Xã A;so-y-te;/a;mariadb;cong;;;\n"

    assert plan(tmp_path, ROW + row).added == ("xa-a",)


def test_a_literal_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = HEAD.strip() + ";engine;database;password\nxa-a;A;so-y-te;/a;mariadb;a;matkhau123\n"
    with pytest.raises(SheetError) as caught:
        plan(tmp_path, text)

    assert "matkhau123" not in repr(caught.value.problems) + str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("", "the table is empty")),
        ("name\n\xe0".encode("latin-1"), ("row 2", "the table is not UTF-8")),
        ("name\nx".encode("utf-16"), ("row 1", "the table is not UTF-8")),
        (b"name;colour\n", ("row 1, column colour", "no column is called so")),
        (b"name;name\n", ("row 1, column name", "the column is there twice")),
        (b"title\n", ("row 1, column name", "the column is missing")),
        (b'name\n"a', ("row 2", "the row cannot be read: {reason}")),
        (b"name;title\na;b;c\n", ("row 2", "the row has more cells than there are columns")),
        (
            b"name;title\na;b\x1b[2J\n",
            ("row 2, column title", "the cell holds a control character"),
        ),
    ],
)
def test_a_broken_table_is_told(tmp_path: Path, content: bytes, expected: tuple[str, str]) -> None:
    assert expected in mistakes(tmp_path, content)


def test_a_file_that_the_estate_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="does not include"):
        plan(tmp_path, HEAD, include="")


@pytest.mark.parametrize("text", ["", "31-12-2027", "2027/12/31", "29/02/2027", "x"])
def test_what_is_no_day(text: str) -> None:
    assert read_day(text) is None
