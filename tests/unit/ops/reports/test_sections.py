"""A unit's own words in the report on its site: drafted, confirmed by its contact, printed."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from docx import Document
from sqlalchemy import select

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.access.identity import NotAllowedError
from ops.access.rights import decide_may
from ops.canonical import digest_of
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.journal.journal import Origin
from ops.reports import tasks
from ops.reports.cli import read_wish
from ops.reports.make import make
from ops.reports.sections import (
    MOST_TEXT,
    PARTS,
    Section,
    change_section,
    confirm_section,
    read_section,
    work_on_section,
)
from tests.a_year import name_of, write_estate

NOW = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
SITE = name_of(0)
OPERATOR, CONTACT = Origin(via="cli", person="nva"), Origin(via="console", person="ltc")
WHOLE = {"board": "Bà Lê Thị C", "content": "120 tin\n35 hỏi đáp", "shortcomings": "Không",
         "proposals": "<b>Nâng băng thông & {year}</b>"}  # fmt: skip
PERSON = f'[[people]]\nname = "ltc"\ntitle = "Lê Thị C"\nunit = "u-{SITE}"\n'


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    made = write_estate(tmp_path, 2, more=PERSON)
    monkeypatch.setenv("GIUCONG_ESTATE", str(made.path))
    return made


@pytest.fixture
def catalog(estate: Estate) -> Iterator[Catalog]:
    opened = open_catalog(reveal(estate.catalog.url))
    yield opened
    opened.close()


def write(catalog: Catalog, texts: dict[str, str], origin: Origin = OPERATOR) -> Section:
    with catalog.writing() as session:
        return change_section(session, origin, read_section(session, SITE, 2026), texts, now=NOW)


def confirm(catalog: Catalog, estate: Estate, origin: Origin = CONTACT) -> Section:
    with catalog.writing() as session:
        section = read_section(session, SITE, 2026)
        return confirm_section(session, origin, estate, section, now=NOW + timedelta(hours=1))


def paper(catalog: Catalog, estate: Estate, kind: str) -> str:
    asked = tasks.Make(kind=kind, out="", year=2026, site=SITE if kind == "site" else "")
    made = make(estate, catalog, read_wish(asked, estate, NOW), NOW)
    document = Document(io.BytesIO(next(iter(made.values()))))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(it.text for it in document.paragraphs), *cells])


@pytest.mark.slow
def test_what_a_unit_says_stands_in_its_report(catalog: Catalog, estate: Estate) -> None:
    before = paper(catalog, estate, "site")
    write(catalog, WHOLE, CONTACT)
    draft = paper(catalog, estate, "site")
    confirm(catalog, estate)
    done, table = paper(catalog, estate, "site"), paper(catalog, estate, "sites")

    dots = "." * 18  # for a unit to fill in; the place of its head has fewer
    assert dots in before
    assert dots not in draft
    assert "chưa được đơn vị xác nhận" in draft
    for line in ("Bà Lê Thị C", "120 tin", "35 hỏi đáp", "<b>Nâng băng thông & {year}</b>"):
        assert line in done.splitlines()
    assert "được ltc xác nhận, 18 giờ 00 phút ngày 14/12/2026" in done
    assert "1 / 2 đơn vị đã xác nhận" in table


def test_who_confirmed_what_is_journaled_and_a_change_undoes_it(
    catalog: Catalog, estate: Estate
) -> None:
    write(catalog, WHOLE)
    confirmed = confirm(catalog, estate)
    with pytest.raises(WrongUseError, match="already"):
        confirm(catalog, estate)
    changed = write(catalog, {"board": "Ông D"})
    with catalog.reading() as session:
        rows = session.execute(
            select(JournalRow).where(JournalRow.action.startswith("report."))
        ).scalars().all()  # fmt: skip
        said = [(it.action, it.person) for it in rows]

        assert confirmed.confirmed_by == "ltc"
        assert (changed.confirmed_at, changed.confirmed_by) == (None, "")
        assert said == [
            ("report.section", "nva"), ("report.section-confirmed", "ltc"),
            ("report.section", "nva"),
        ]  # fmt: skip
        assert digest_of(WHOLE) in rows[1].details
        assert '"was_confirmed":true' in rows[2].details


def test_nobody_but_the_units_own_confirms_and_nothing_empty(
    catalog: Catalog, estate: Estate
) -> None:
    write(catalog, {"content": "1 tin"})
    with pytest.raises(WrongUseError, match="empty"):
        confirm(catalog, estate)
    write(catalog, WHOLE)
    for origin in (OPERATOR, Origin(via="cli", login="ltc"), Origin(via="cli")):
        with pytest.raises(NotAllowedError):
            confirm(catalog, estate, origin)
    with catalog.reading() as session:
        assert read_section(session, SITE, 2026).confirmed_at is None


@pytest.mark.parametrize(
    "texts", [{"nonsense": "x"}, {"board": "x" * (MOST_TEXT + 1)}, {"board": " "}]
)
def test_what_is_no_part_is_refused(catalog: Catalog, texts: dict[str, str]) -> None:
    with pytest.raises(WrongUseError):
        write(catalog, texts)


def test_the_roles_that_may() -> None:
    def may(role: str, *flags: str, own: bool = True) -> bool:
        return decide_may([role], "report.section", is_own_site=own, flags=flags)

    assert may("unit_contact", "board", "confirm")
    assert not may("unit_contact", own=False)
    assert may("operator", "board", own=False)
    assert not may("operator", "confirm")
    assert may("viewer")
    assert not any(may("viewer", it) for it in (*PARTS, "confirm"))


@pytest.mark.usefixtures("estate")
def test_at_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(**flags: object) -> int:
        return work_on_section(tasks.Section(**{"site": SITE, "year": 2026, **flags}))  # type: ignore[arg-type] # flags by name

    assert ask(board="Bà C\x1b[2J", dry_run=True) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert ask(**WHOLE) == 0
    assert ask() == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert f"report.section --site {SITE} --year 2026 --confirm" in printed
    assert ask(site="") == 0
    assert "nothing yet" in capsys.readouterr().out
    with pytest.raises(WrongUseError, match="site"):
        ask(site="", confirm=True)
    with pytest.raises(WrongUseError):
        ask(site="no-such")
