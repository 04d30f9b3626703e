"""Every Vietnamese text keeps to the words that `docs/generate/glossary.toml` declares."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
DECLARED: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "docs/generate/glossary.toml").read_text(encoding="utf-8")
)
PLACES = (
    "ops/language/locale/parts/*.vi.po",
    "ops/reports/wordings/*.toml",
    "ops/**/*.vi.txt",
    "runbooks/procedures/*.vi.md",
    "docs/vi/**/*.md",
    "README.vi.md",
)
FILES = sorted(path for place in PLACES for path in ROOT.glob(place))
ENTRY = re.compile(r'^msgid "(.*)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$', re.MULTILINE)
COMMAND = re.compile(r"`[^`\n]*`|\]\([^)\n]*\)")
FENCE = re.compile(r"\s*(`{3,}|\+{3})")
PLACEHOLDER = re.compile(r"\{[^{}\n]*\}")

SAID_SO = {
    "estate file": "tệp khai báo",
    "removable medium": "phương tiện lưu trữ rời",
    "bucket": "bucket",
    "critical notice": "nghiêm trọng",
    "mirror": "đồng bộ|mirror",
}
"""What a translation holds whose English says the thing by its name."""


class Rule:
    """Words or a form that no text has, what is right all the same, and what to say instead."""

    def __init__(self, declared: dict[str, Any]) -> None:
        self.words = [it.lower() for it in declared.get("not", [])]
        self.form = declared.get("pattern", "")
        self.say = declared.get("vietnamese") or declared["say"]
        self.in_commands = declared.get("commands", False)
        whole = r"(?<!\w)(?:" + "|".join(map(re.escape, declared.get("not", []))) + r")(?!\w)"
        is_exact = declared.get("case") or self.form
        self.found = re.compile(self.form or whole, 0 if is_exact else re.IGNORECASE)
        right = "|".join(map(re.escape, declared.get("but", [])))
        self.right = re.compile(right or "(?!)", re.IGNORECASE)

    def may_hit(self, content: str) -> bool:
        return bool(self.form) or any(word in content for word in self.words)

    def hits(self, text: str) -> list[str]:
        if not self.in_commands:
            text = PLACEHOLDER.sub("¤", COMMAND.sub("`", text))
        return self.found.findall(self.right.sub("·", text))


RULES = [
    Rule(it)
    for it in [*DECLARED["term"], *DECLARED["style"], *DECLARED["form"]]
    if "not" in it or "pattern" in it
]


def texts_of(path: Path, content: str) -> Iterator[tuple[str, bool]]:
    """Give every text of a file that people read, and whether it is a line of code."""
    if path.suffix == ".po":
        for text in re.findall(r'^msgstr(?:\[\d\])? "(.*)"$', content, re.MULTILINE):
            yield text.replace('\\"', '"').replace("\\n", "\n"), False
    elif path.suffix == ".toml":
        yield from ((text, False) for text in strings_of(tomllib.loads(content)))
    else:
        within = ""
        for line in content.splitlines():
            found = FENCE.match(line)
            if found and not within:
                within = found[1]
            elif found and found[1] == within:
                within = ""
            yield line, bool(within)


def strings_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for it in value.values() if isinstance(value, dict) else value:
            yield from strings_of(it)


def misused(path: Path) -> list[str]:
    content = path.read_text(encoding="utf-8")
    rules = [rule for rule in RULES if rule.may_hit(content.lower())]
    return [
        f"{path.name}: “{word}” in “{text}”; say: {rule.say}"
        for text, is_code in texts_of(path, content)
        for rule in rules
        if not (is_code and rule.form)
        for word in rule.hits(text)
        if not is_allowed(path.name, text, word)
    ]


def is_allowed(name: str, text: str, word: str) -> bool:
    return any(
        it["file"] == name and it["word"] == word.lower() and it["text"] in text
        for it in DECLARED.get("allow", [])
    )


def test_no_text_has_a_forbidden_word() -> None:
    assert [it for path in FILES for it in misused(path)] == []


@pytest.mark.parametrize(
    "text",
    ["có báo động mới", "Kho chính còn đầy", 'trang "haivan"', "đạt 99,9 %", "từ 2026-11-24"],
)
def test_a_forbidden_word_is_seen(text: str) -> None:
    assert any(rule.hits(text) for rule in RULES)


@pytest.mark.parametrize(
    "text", ["kho sao lưu và kho lưu trữ", "cổng mạng 443", "`--reason 2026-11-24`", "phê duyệt"]
)
def test_what_is_right_is_not_seen(text: str) -> None:
    assert [it for rule in RULES for it in rule.hits(text)] == []


def test_every_exception_is_still_there() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    assert [it for it in DECLARED.get("allow", []) if it["text"] not in texts[it["file"]]] == []
    assert [it for it in DECLARED.get("allow", []) if not it["reason"]] == []


def test_all_letters_are_composed() -> None:
    composed = [it.read_text(encoding="utf-8") for it in FILES]
    assert [it for it in composed if not unicodedata.is_normalized("NFC", it)] == []


def entries() -> Iterator[tuple[str, str, str]]:
    for path in FILES:
        if path.suffix == ".po":
            for english, text in ENTRY.findall(path.read_text(encoding="utf-8")):
                yield path.name, english, text


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
