"""One word for each thing, as the glossary has it, in every Vietnamese text that people read."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PARTS = sorted((ROOT / "ops/language/locale/parts").glob("*.vi.po"))
PAGES = sorted([*ROOT.glob("docs/vi/**/*.md"), *ROOT.glob("runbooks/procedures/*.vi.md"),
                *ROOT.glob("ops/**/*.vi.txt")])  # fmt: skip
GLOSSARY = (ROOT / "docs/reference/glossary.md").read_text(encoding="utf-8")
ENTRY = re.compile(r'^msgid "(.*)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$', re.MULTILINE)

TERMS = {
    "tệp khai báo": ("tệp estate",),
    "bản soi": ("bản gương", "bản phản chiếu"),
    "phương tiện rời": ("thiết bị tháo rời", "ổ rời", "thiết bị rời"),
    "khôi phục": ("phục hồi",),
    "nghiêm trọng": ("báo động khẩn", "việc khẩn", "nguy cấp", "trầm trọng"),
    "chưa đủ": ("chưa trọn", "chưa đầy đủ"),
    "xóa": ("xoá",),
    "bucket": ("thùng chứa", "thùng giữ"),
}
"""By term: what people wrote instead."""

WORSE = (
    "của ta", "số phận", "những thứ này đang đỏ", "lùi về dữ liệu", "hạt nhân", "lành lặn",
    "bị hỏi tới", "xem xung quanh", "không được tin\n", "trẻ hơn", "chạy sau hay chạy trước",
)  # fmt: skip
"""Wordings that were tried, and read as nobody speaks."""

LAW = {"4. Expected to be back: {until}"}
"""Where the glossary lets the law's own word stand."""

SAID_SO = {
    "estate file": "tệp khai báo",
    "removable medium": "phương tiện rời",
    "bucket": "bucket",
    "critical notice": "nghiêm trọng",
    "mirror": "soi|mirror",
}
"""What a translation holds whose English says the thing by its name."""


def entries() -> Iterator[tuple[str, str, str]]:
    for path in PARTS:
        for english, text in ENTRY.findall(path.read_text(encoding="utf-8")):
            yield path.name, english, text


def test_the_glossary_holds_the_terms() -> None:
    assert [term for term in TERMS if f"| {term} |" not in GLOSSARY] == []


def test_no_text_says_it_otherwise() -> None:
    worse = [*WORSE, *(it for others in TERMS.values() for it in others)]
    found = [
        (name, text)
        for name, english, text in entries()
        if english not in LAW and any(it in f"{text.lower()}\n" for it in worse)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_says_it_otherwise(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    worse = [*WORSE, *(it for others in TERMS.values() for it in others)]
    assert [it for it in worse if it in text] == []


def test_a_thing_that_is_named_has_its_word() -> None:
    found = [
        (name, english, text)
        for name, english, text in entries()
        for thing, word in SAID_SO.items()
        if re.search(rf"\b{thing}\b", english) and not re.search(word, text, re.IGNORECASE)
    ]
    assert found == []


def test_a_configuration_file_is_never_the_estate_file() -> None:
    found = [
        (english, text)
        for _name, english, text in entries()
        if "tệp cấu hình" in text and "configuration" not in english
    ]
    assert found == []
