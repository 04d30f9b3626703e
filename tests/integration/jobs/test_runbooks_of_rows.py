"""An article, then a whole table, come back from a backup by their runbooks, to the end."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.jobs.answering import carry_out
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

TITLE = "Lịch tiếp công dân tháng 11 – phường Đống Đa"
VALUES = {"site": "cong-xa", "database": "db", "table": "bai_viet", "reason": "Văn phòng đề nghị"}


def rows_of(live: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(live)) as database:
        return list(database.execute("SELECT so, tieu_de, noi_dung FROM bai_viet ORDER BY so"))


def change(live: Path, *statements: str) -> None:
    with closing(sqlite3.connect(live)) as database:
        for statement in statements:
            database.executescript(statement)
        database.commit()


def test_an_article_and_a_table_are_copied_back(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    live = estate.parent / "www" / "data" / "live.db"
    change(
        live,
        "CREATE TABLE bai_viet (so INTEGER PRIMARY KEY, tieu_de TEXT, noi_dung TEXT)",
        "INSERT INTO bai_viet VALUES (1, 'TITLE', 'Nội dung ''một'' 🏛️'), (2, 'Hai', 'B')".replace(
            "TITLE", TITLE
        ),
    )
    before = rows_of(live)
    for words in (("backup.init",), ("backup.run", "--site", "cong-xa")):
        assert giucong(estate, *words).returncode == 0
    change(live, "DELETE FROM bai_viet WHERE so = 1")
    target = tmp_path / "article"
    taken: list[str] = []

    def copy_back() -> None:
        taken.append((target / "rows.sql").read_text(encoding="utf-8"))
        change(live, taken[-1])

    article = carry_out(
        estate,
        "restore-article",
        {**VALUES, "text": "Lịch tiếp công dân", "target": str(target)},
        [
            ("Lấy từ bản nào?", "latest"),
            ("cần chép về trang", "có"),
            ("Đã chạy rows.sql", copy_back),
            ("Bài đã hiện đúng", "có"),
        ],
    )
    assert article.code == 0, article.told
    assert rows_of(live) == before
    assert "Hai" not in taken[0]
    assert not (target / "rows.csv").exists()

    change(live, "DELETE FROM bai_viet")
    target = tmp_path / "table"
    table = carry_out(
        estate,
        "restore-table",
        {**VALUES, "target": str(target)},
        [
            ("Lấy từ bản nào?", "latest"),
            ("cần chép về trang", "có"),
            ("đủ dòng", copy_back),
            ("hiện đúng", "có"),
        ],
    )
    assert table.code == 0, table.told
    assert rows_of(live) == before
    assert "Hai" in taken[1]
