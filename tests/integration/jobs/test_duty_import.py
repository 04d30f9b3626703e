"""An edited table of duties is compared, taken over and journaled; one with mistakes is not."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.duties.table.import_table import import_duties
from ops.duties.table.load import DutiesError, check_tables, load_duties
from ops.duties.tasks import ImportDuties
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.language.text import render_error
from tests.integration.jobs.small_estate import build_estate
from tests.integration.jobs.test_duties import LOCAL

INCLUDE = '[duties]\ninclude = ["duties.local.toml"]\n'
SHEET = (
    "name;title_vi;title_en;document;article;certainty;valid_from;kind;every;due;lead;responsible\n"
    "fire-extinguisher;Bình chữa cháy;Fire;Trung tâm tự đặt;;own;2026-01-01;organisation;"
    "6 months;;10 days;nva\n"
    "generator;Máy phát;Generator;Quy chế;Điều 5;own;2026-01-01;site;1 years;5 working-days;;nva\n"
)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "estate", INCLUDE)
    (path.parent / "state").mkdir()
    (path.parent / "duties.local.toml").write_text(LOCAL, encoding="utf-8")
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return path


def journaled(estate: Path) -> list[tuple[str, dict[str, object]]]:
    with (
        open_catalog(f"sqlite:///{estate.parent / 'state/giucong.db'}") as catalog,
        catalog.reading() as session,
    ):
        query = select(JournalRow.action, JournalRow.details).order_by(JournalRow.sequence)
        rows = [(action, json.loads(text)) for action, text in session.execute(query)]
    return [it for it in rows if it[0].startswith("duty.")]


def put(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_an_edited_file_is_rehearsed_then_taken_over_and_journaled(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = put(tmp_path, "edited.toml", LOCAL.replace("count = 3", "count = 6"))
    local = estate.parent / "duties.local.toml"
    import_duties(ImportDuties(file=edited, dry_run=True))
    rehearsed = (local.read_text(encoding="utf-8"), capsys.readouterr().out)
    import_duties(ImportDuties(file=edited, json=True))
    told = json.loads(capsys.readouterr().out)
    import_duties(ImportDuties(file=edited))

    key = "duties[fire-extinguisher@2026-01-01].every.count"
    assert rehearsed[0] == LOCAL
    assert "fire-extinguisher, from 01/01/2026: period: 3 → 6" in rehearsed[1]
    assert told["items"] == [{"key": key, "old": 3, "new": 6}]
    assert told["written"]
    assert [action for action, _details in journaled(estate)] == ["duty.changed", "duty.imported"]
    assert journaled(estate)[1][1]["changed"] == [key]
    assert "no difference" in capsys.readouterr().out


def test_rows_of_a_csv_table_are_added_or_take_the_place_of_others(
    estate: Path, tmp_path: Path
) -> None:
    import_duties(ImportDuties(file=put(tmp_path, "bang.csv", "\ufeff" + SHEET), json=True))
    duties = load_duties(load_estate(estate))
    (changed,), (added,) = duties.named("fire-extinguisher"), duties.named("generator")

    assert changed.every is not None
    assert (changed.every.count, changed.every.unit, changed.title.en) == (6, "months", "Fire")
    assert (added.applies.kind, added.due.count, added.due.unit) == ("site", 5, "working-days")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.toml", LOCAL.replace('kind = "organisation"', 'kind = "web"'), "applies.kind"),
        ("a.toml", "schema = ", "not valid TOML"),
        ("a.csv", SHEET.replace("6 months", "now and then"), "row 2, column every"),
        ("a.csv", "colour;name\n", "colour"),
        ("a.csv", "", "the heads are"),
    ],
)
def test_a_table_with_mistakes_changes_nothing(
    estate: Path, tmp_path: Path, name: str, content: str, told: str
) -> None:
    with pytest.raises(DutiesError) as caught:
        import_duties(ImportDuties(file=put(tmp_path, name, content)))

    assert told in render_error(caught.value)
    assert (estate.parent / "duties.local.toml").read_text(encoding="utf-8") == LOCAL
    assert journaled(estate) == []


def test_a_table_in_another_encoding_is_refused_and_no_letter_lost(
    estate: Path, tmp_path: Path
) -> None:
    edited = tmp_path / "a.toml"
    edited.write_bytes(LOCAL.replace('vi = "', 'vi = "\xe0', 1).encode("latin-1", "ignore"))
    with pytest.raises(DutiesError) as caught:
        import_duties(ImportDuties(file=str(edited)))

    assert "not valid TOML" in render_error(caught.value)
    assert (estate.parent / "duties.local.toml").read_text(encoding="utf-8") == LOCAL


def test_an_estate_without_a_file_of_its_own_says_what_to_write(
    estate: Path, tmp_path: Path
) -> None:
    estate.write_text(estate.read_text(encoding="utf-8").replace(INCLUDE, ""), encoding="utf-8")
    with pytest.raises(WrongUseError, match="no file"):
        import_duties(ImportDuties(file=put(tmp_path, "a.toml", LOCAL), dry_run=True))


def test_mistakes_in_the_tables_are_problems_of_the_estate(estate: Path) -> None:
    assert check_tables(load_estate(estate)) == []
    put(estate.parent, "duties.local.toml", LOCAL.replace('kind = "organisation"', "kind = 7"))
    (problem,) = check_tables(load_estate(estate))

    assert problem.key == "duties[fire-extinguisher].applies.kind"
    assert problem.file == estate.parent / "duties.local.toml"
