"""What papers cite is valid on their day, and what nobody has read is asked about."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ops.reports.legal_texts import LegalText, list_unread, load_citations
from ops.reports.texts import SHIPPED, TextsError, load_texts
from ops.toml import read_toml

AUTUMN = date(2025, 11, 20)


def test_a_paper_of_2025_cites_nothing_of_2026() -> None:
    bases = load_texts(["plan", "decision"], None).list("bases", table="paper")
    before, after = (
        load_citations(None, it).cite_bases(bases) for it in (AUTUMN, date(2026, 11, 20))
    )

    assert not any("2026" in it for it in before)
    assert "Căn cứ Luật An toàn thông tin mạng ngày 19 tháng 11 năm 2015" in before
    assert any("42/2022/NĐ-CP" in it for it in before)
    assert any("82/2024/NĐ-CP" in it for it in before)
    assert not any("42/2022" in it or "Luật An toàn thông tin mạng" in it for it in after)
    assert any("224/2026/NĐ-CP ngày 24 tháng 6 năm 2026 của Chính phủ" in it for it in after)
    # Competence and budget come first; the last is the submission, which is no legal text.
    assert [it.split(" ngày")[0] for it in after[:2]] == [
        "Căn cứ Luật Tổ chức chính quyền địa phương", "Căn cứ Luật Ngân sách nhà nước",
    ]  # fmt: skip
    assert after[-1].startswith("Theo đề nghị của {submits} tại Tờ trình số")


def test_on_every_day_of_ten_years_no_subject_cites_two_of_one_name() -> None:
    day = date(2018, 6, 1)
    while day < date(2028, 1, 1):
        found = load_citations(None, day).by_subject
        names = [it.name for rows in found.values() for it in rows]
        assert len(names) == len(set(names)), day
        assert found["portal"], day
        assert found["local-government"], day
        day += timedelta(days=13)


def test_a_law_has_its_day_and_no_number_and_a_decree_has_all() -> None:
    tables = read_toml(SHIPPED / "legal_texts.toml")
    law = LegalText.model_validate(tables["luat-chuyen-doi-so-2025"])
    unknown = LegalText.model_validate(tables["nghi-dinh-98-2025"])

    assert law.citation == "Luật Chuyển đổi số ngày 11 tháng 12 năm 2025"
    assert unknown.citation == (
        "Nghị định số 98/2025/NĐ-CP ngày ..... tháng ..... năm 2025 của Chính phủ .........."
    )


def test_what_is_in_no_copy_is_asked_about_until_the_office_has_read_it(tmp_path: Path) -> None:
    said = load_citations(None, AUTUMN).values["dated_regulation"]
    laws = "Căn cứ Luật An ninh mạng ngày 12 tháng 6 năm 2018"
    told = "Quyết định 57/2018/QĐ-UBND: ngày ban hành, trích yếu"
    assert list_unread(None, said) == [told]
    assert list_unread(None, laws) == ["Luật 24/2018/QH14: ngày ban hành"]
    (tmp_path / "legal_texts.toml").write_text(
        '[quyet-dinh-57-2018]\nday = 2018-12-20\nabout = "ban hành Quy chế A"\nunread = []\n'
        '[nghi-quyet-1-2025]\nsubject = "regulation"\nkind = "Nghị quyết"\n'
        'number = "1/2025/NQ-HĐND"\nissuer = "Hội đồng nhân dân"\nfrom = 2026-01-01\n',
        encoding="utf-8",
    )
    own = load_citations(tmp_path, AUTUMN)

    assert list_unread(tmp_path, said) == []
    assert own.values["law_regulation"] == (
        "Quyết định số 57/2018/QĐ-UBND ngày 20 tháng 12 năm 2018 của Ủy ban nhân dân tỉnh Đồng Nai"
        " ban hành Quy chế A"
    )
    assert len(load_citations(tmp_path, date(2026, 1, 1)).by_subject["regulation"]) == 2


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('[nghi-dinh-85-2016]\nday = "1/7/2016"\n', 2, "day"),
        ('[moi]\nkind = "Luật"\nnumber = "1"\nfrom = 2026-01-01\n', 0, "subject"),
        ("[nghi-dinh-85-2016]\n\ndya = 2016-07-01\n", 3, "dya"),
        ("dya = 2016-07-01\n", 1, "dya"),
    ],
)
def test_a_broken_file_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, key: str
) -> None:
    (tmp_path / "legal_texts.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TextsError) as caught:
        load_citations(tmp_path, AUTUMN)

    assert caught.value.params["line"] == line
    assert key in {caught.value.params.get("key"), caught.value.params["name"]}
