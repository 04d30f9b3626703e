"""Whether each link to a page names only what that page reads: else it leads to a whole list."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.console.page import all_pages
from tests.links import strange_links

ROOT = Path(__file__).parents[4] / "ops"
TEMPLATES = sorted((ROOT / "console" / "web" / "templates").rglob("*.html"))
_SET = re.compile(r"{%-? *set (\w+) = (.*?) *%}")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SHOWN = re.compile(r"{{(.*?)}}|{%.*?%}|{#.*?#}", re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda it: f"{it.parent.name}/{it.name}")
def test_a_template_links_to_what_a_page_reads(path: Path) -> None:
    assert strange_links(flatten(path.read_text(encoding="utf-8"))) == []


def test_code_links_to_what_a_page_reads() -> None:
    found = [(path.name, strange_links(f'<a href="/{text.removeprefix("/")}">'))
             for path in ROOT.rglob("*.py") for text in addresses(path)]  # fmt: skip
    assert len(found) > 10
    assert [it for it in found if it[1]] == []


def test_a_strange_link_is_found() -> None:
    assert strange_links('<a href="/findings?nobody=1&amp;site=x">') == ["/findings: nobody"]
    assert strange_links('<a href="/nowhere?a=1"><a href="/static/a.css">') == ["/nowhere"]
    form = '<form method="get" action="/sites"><select name="kind"></select></form><b name="x">'
    assert strange_links(form) == ["/sites: kind"]


def flatten(template: str) -> str:
    """Give a template with texts in place of what it works out: names of arguments stay."""
    known = {name: "".join(_TEXT.findall(rest)) for name, rest in _SET.findall(template)}
    return _SHOWN.sub(lambda it: known.get((it[1] or "").strip(), "1" if it[1] else ""), template)


def addresses(path: Path) -> Iterator[str]:
    """Give the texts of a module that begin an address of a page with arguments."""
    source = path.read_text(encoding="utf-8")
    if not re.search(r"\?\w+=", source):
        return
    names = "|".join(all_pages())
    for it in ast.walk(ast.parse(source)):
        text = it.value if isinstance(it, ast.Constant) else None
        if isinstance(text, str) and re.match(rf"/?(?:{names})\?\w+=", text):
            yield text
