"""What citizens, hosts and colleagues type is reckoned by no spreadsheet that opens our tables."""

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.assets.asset import AssetRow, read_assets, write_lines
from ops.assets.records import plan_import
from ops.assets.sheet import read_lines, write_xlsx
from ops.csv_file import tame, untame, write_csv
from ops.errors import Problem
from tests.effort import takes_at_most

ROOT = Path(__file__).parents[2]
WRITER = "ops/csv_file.py"
FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", " =1", '"=1', "＝1+1", "'=1", "''-1",
    "=cmd|'/c calc'!A0", "-2+3+cmd|' /C calc'!A0", "+84 901", "-", "=",
    "a;=1+1;b", "a\n=1", 'a;"=HYPERLINK(1)', ";;=1", "a\t\t'=1",
]  # fmt: skip
SIGNS = tuple("=+-@＝＋－＠\t\r")
texts = st.text(st.sampled_from("=+-@\t\r\n;,'\" aé1＝.") | st.characters(codec="utf-8"))


def read(content: bytes, delimiter: str) -> list[list[str]]:
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=delimiter))


def reckoned(cells: list[list[str]]) -> list[str]:
    """Give the cells that some program takes for a formula."""
    every = [cell for line in cells for cell in line]
    return [it for it in every if it.strip(" '\"").startswith(SIGNS) and it.strip()[:1] != "'"]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula_wherever_it_is_parted(text: str, delimiter: str) -> None:
    content = write_csv([["số", text], ["x", text, "y"]])

    assert reckoned(read(content, delimiter)) == []


@pytest.mark.parametrize("number", ["-5", "-5.25", "-1,5", "-1e-05", "0", "-12%", -6, -5.5, None])
def test_a_number_stays_a_number(number: object) -> None:
    assert tame(number) == number


@given(texts)
def test_a_cell_is_read_as_it_was(text: str) -> None:
    tamed = tame(text)

    assert isinstance(tamed, str)
    assert untame(tamed) == text
    assert not tamed.startswith(SIGNS) or re.fullmatch(r"-[\d.,eE%+-]+", tamed)
    assert read(write_csv([[text, "x"]]), ",") == [[tamed, "x"]]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("text", FORMULAS)
def test_an_exported_asset_is_imported_as_it_was(text: str, form: str, tmp_path: Path) -> None:
    plain = "".join(it for it in text.strip() if it.isprintable())
    asset = AssetRow(name="a", kind="server", title=plain, note=plain, serial=plain, price=5)
    path = tmp_path / f"assets.{form}"
    lines = write_lines([asset])
    path.write_bytes(write_csv(lines) if form == "csv" else write_xlsx(lines, title="x"))
    cells, problems = read_lines(path), list[Problem]()
    found = read_assets(cells, problems)

    assert reckoned([[it for it in line if isinstance(it, str)] for line in cells]) == []
    assert problems == []
    assert plan_import([asset], found) == []
    assert found.rows == (asset,)


@pytest.mark.parametrize("text", [";", "\n=", "' ", "' x"])
def test_a_cell_without_end_is_tamed_in_one_go(text: str) -> None:
    cell = text * 1_000_000

    assert takes_at_most(3, lambda: untame(str(tame(cell))))


def test_every_csv_goes_through_the_one_writer() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("archive", "backup", "ops", "provisioning", "runbooks", "examples", "docs")
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        if "csv" in text
        for line in _writers(ast.parse(text))
    ]

    assert found
    assert {it.partition(":")[0] for it in found} == {WRITER}


def _writers(tree: ast.Module) -> Iterator[int]:
    """Give the lines that take `csv.writer` or `csv.DictWriter`."""
    names = {"writer", "DictWriter"}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="csv"), attr=name) if name in names:
                yield node.lineno
            case ast.ImportFrom(module="csv", names=taken) if names & {it.name for it in taken}:
                yield node.lineno
