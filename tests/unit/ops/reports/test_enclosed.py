"""Evidence beside its tables: kept papers, minutes with their hash, verdicts, all of it checked."""

import csv
import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import open_catalog
from ops.catalog.tables.drills import Drill
from ops.documents.records import Caption, add_document, keep, place_of, read_document
from ops.estate.model.references import reveal
from ops.journal.journal import Origin
from ops.reports.make import make
from tests.a_year import NOW, name_of, write_estate, write_year
from tests.unit.ops.reports.a_drill import write_minutes
from tests.unit.ops.reports.test_kinds import checked, wish_of

pytestmark = pytest.mark.slow
WHO = Origin(via="cli", person="nva")
TITLE = "Quyết định phê duyệt: kế hoạch/2026"


def test_papers_minutes_and_verdicts_lie_in_the_evidence(tmp_path: Path) -> None:
    estate = write_estate(tmp_path, 1)
    write_year(estate)
    with open_catalog(reveal(estate.catalog.url)) as catalog:
        for number, (about, dated) in enumerate(
            [("plan:2026", date(2026, 1, 20)), ("plan:2026", date(2026, 2, 1)),
             ("plan:2020", date(2020, 1, 20)), ("asset:x", date(2026, 1, 20))]
        ):  # fmt: skip
            scan = tmp_path / "scan.png"
            scan.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([number]))
            content = read_document(scan)
            keep(estate.service.state, content)
            told = Caption(title=TITLE, name="scan.png", number=f"{number}/QĐ", dated=dated,
                           about=about)  # fmt: skip
            with catalog.writing() as session:
                add_document(session, WHO, content, told, now=NOW)
            if number == 1:
                place_of(estate.service.state, content.sha256).write_bytes(b"changed")
        with catalog.writing() as session:
            write_minutes(session, name_of(0))
        wish = wish_of("evidence", estate, from_="2020-06-01", to="2026-12-14")
        made = make(estate, catalog, wish, NOW)
        with catalog.reading() as session:
            drills = {it.id.hex: it.minutes_sha256 for it in session.query(Drill) if it.minutes}
    with zipfile.ZipFile(io.BytesIO(next(iter(made.values())))) as packed:
        packed.extractall(tmp_path / "out")
        names = packed.namelist()
    (scanned,) = [it for it in names if it.endswith(".png")]
    rows = {it: read(tmp_path / "out" / f"{it}.csv") for it in ("documents", "duties", "drills")}

    assert scanned.startswith("Văn bản, quyết định/Quyết định phê duyệt- kế hoạch-2026 số 0-QĐ (")
    assert [it[1] for it in rows["documents"][1:]] == ["0/QĐ", "1/QĐ"]
    assert [it[4].startswith("không kèm tệp") for it in rows["documents"][1:]] == [False, True]
    (drilled,) = [it for it in rows["drills"][1:] if it[8]]
    assert {drilled[0]: drilled[8]} == drills
    minutes = tmp_path / "out" / drilled[9]
    assert minutes.name.startswith("Cổng Thông tin điện tử ngày ")
    assert hashlib.sha256(minutes.read_bytes()).hexdigest() == drilled[8]
    assert minutes.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    assert {"Nghĩa vụ", "Kết luận"} <= set(rows["duties"][0])
    assert "Hệ thống Cổng Thông tin điện tử" in {it[2] for it in rows["duties"]}
    assert "cong-ttdt" not in {it[2] for it in rows["duties"]}
    assert len(rows["duties"]) > 300  # a backup is owed every day
    status, answer = checked(tmp_path / "out")
    assert status == 0, answer
    (tmp_path / "out" / scanned).write_bytes(b"other")
    assert "is not what was written" in checked(tmp_path / "out")[1]


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
