"""Whatever stands in names, titles, lines and texts of others stays text on every page.

Each page is made from a small hostile estate; then each kind of value that it shows is exchanged
for one more hostile still. A page that cannot be made so is an error page, and says nothing raw.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateError

from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.rights import decide_may
from ops.console.page import all_pages
from ops.console.web.captured import Below, rewrite_page, rewrite_style
from ops.console.web.guard import csrf_of
from ops.console.web.shown import make_templates, render
from ops.errors import OpsError
from ops.language.text import speaking
from tests.console_office import PEOPLE, InProcess, build_console_estate, office_in_process
from tests.effort import takes_at_most
from tests.people import origin_of

pytestmark = pytest.mark.slow

EVIL = """"><img src=x onerror=alert(1)><script>alert(1)</script>'{{7*7}}${7*7}\u202e\x1b[2J"""
HOSTILE_ESTATE = """
[[sites]]
name = "cong-la"
title = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www"
"""
AROUND = {
    "organisation": EVIL,
    "zone": "Asia/Ho_Chi_Minh",
    "csrf": csrf_of("x"),
    "path": f"/{EVIL}",
}
MOST_PLACES = 400


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate", HOSTILE_ESTATE)
    with office_in_process(estate) as found:
        _estate, catalog = found.counter.keeper.get()
        wish = Wish(action="restore-in-place", subject="cong-la", plan={"a": EVIL}, reason=EVIL)
        with pytest.raises(ApprovalAwaitedError):
            require_approval(catalog, origin_of("bach"), wish, now=datetime.now(UTC))
        yield found


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.found = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in {"iframe", "object", "embed", "base"} or (tag == "img" and ("src", "x") in attrs):
            self.found.append(tag)
        for name, value in attrs:
            bare = "".join((value or "").split()).lower()
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if (
                name in {"href", "src", "action", "formaction", "hx-get"}
                and not bare.startswith(("/", "#", "data:image/", "mailto:", "https:"))
                and bare
            ):
                self.found.append(f"{tag} {name}={value}")
            if bare.startswith(("javascript:", "//")) and name in {"href", "src", "action"}:
                self.found.append(f"{tag} {name}={value}")


def check(text: str, where: object) -> None:
    tags = Tags()
    tags.feed(text)
    assert tags.found == [], where
    assert tags.scripts == 1, where
    assert "\u202e" not in text, where
    assert "\x1b" not in text, where
    assert "49$" not in text, where
    assert "$49" not in text, where


@pytest.mark.parametrize("name", list(all_pages()))
def test_a_page_shows_texts_of_others_as_texts(office: InProcess, name: str) -> None:
    templates, page = make_templates(), all_pages()[name]
    person = next(it for it, roles in PEOPLE.items() if decide_may(roles, page.task))
    with speaking("vi"):
        for arguments in ({}, {"site": "cong-la"}, {"all": "1"}, {"action": EVIL, "subject": EVIL}):
            try:
                answer = office.ask("page", person, page=name, arguments=arguments)
            except OpsError:  # of what an error says, the next test
                continue
            values = {**AROUND, **answer, "data": answer["page"], "arguments": arguments}
            check(render(templates, f"pages/{name}.html", values), arguments)
            for place in list(places(answer["page"]))[:MOST_PLACES]:
                spoilt = {**values, "data": spoil(answer["page"], place)}
                try:
                    text = render(templates, f"pages/{name}.html", spoilt)
                except (TemplateError, ValueError, LookupError, TypeError):
                    continue
                check(text, place)


def places(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give where texts stand, each list once; drawings are ours and stay."""
    seen = set[tuple[str, ...]]()
    if isinstance(value, dict):
        for key, it in value.items():
            yield from places(it, (*path, key))
    elif isinstance(value, list):
        for it in value[:20]:
            for found in places(it, (*path, "*")):
                if found not in seen:
                    seen.add(found)
                    yield found
    elif isinstance(value, str) and not value.lstrip().startswith("<svg"):
        yield path


def spoil(value: Any, path: tuple[str, ...]) -> Any:
    """Put a hostile text at a place, everywhere where it is found."""
    if not path:
        return EVIL if isinstance(value, str) else value
    if isinstance(value, list):
        return [spoil(it, path[1:]) for it in value] if path[0] == "*" else value
    if isinstance(value, dict) and path[0] in value:
        return {**value, path[0]: spoil(value[path[0]], path[1:])}
    return value


def test_errors_and_acts_show_texts_of_others_as_texts() -> None:
    templates = make_templates()
    error = {"what": EVIL, "why": EVIL, "data": EVIL, "next_step": EVIL, "values": {"a": EVIL}}
    around = {**AROUND, "me": {"person": EVIL, "roles": [EVIL]}, "nav": [], "acts": {}, "name": "",
              "title": EVIL}  # fmt: skip
    doing = {"label": EVIL, "is_over": True, "is_rehearsal": False, "code": 1, "id": "x",
             "lines": [EVIL],
             "again": {"task": EVIL, "form": {EVIL: EVIL}},
             "document": {"error": error, "told": [EVIL]}, "task": EVIL,
             "files": [{"name": EVIL, "shown": EVIL, "bytes": 1}]}  # fmt: skip
    with speaking("vi"):
        for template, values in (
            ("error.html", {"error": error}),
            ("login.html", {"error": error, "next": EVIL}),
            ("doing.html", {"data": doing, "back": "/today"}),
            ("doing.html", {"data": {**doing, "is_over": False}, "back": "/today"}),
        ):
            check(render(templates, template, {**around, **values}), template)


def test_no_template_marks_texts_of_others_as_safe() -> None:
    """Only drawings that `ops.charts` made are put in as they are."""
    folder = Path("ops/console/web/templates")
    folder = Path(__file__).parents[2] / folder
    for path in folder.rglob("*.html"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for mark in ("| safe", "|safe"):
                for before in line.split(mark)[:-1]:
                    assert any(
                        it in before[-60:] for it in ("svg", "chart", "drawing", "calendar")
                    ), line
            assert "autoescape false" not in line
            assert "<script>" not in line
            assert " style=" not in line
            assert " onclick=" not in line


EVIL_PAGES = {
    "open": "<a " * 60_000, "quoted": "<a x='" * 30_000, "comments": "<!--" * 50_000,
    "ends": "</a" * 60_000, "styles": "<style>" + "</style" * 30_000, "type": "<!DOCTYPE [" * 9_000,
    "instruction": "<?" * 90_000, "attributes": "<a" + " a" * 90_000, "urls": "url(" * 50_000,
    "number": f"<a x='&#{'9' * 5_000};'>", "cdata": "<![CDATA[" * 20_000, "lt": "<" * 200_000,
    "equals": "<a " + "= " * 90_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", list(EVIL_PAGES))
def test_a_captured_page_is_read_once_whatever_it_holds(kind: str) -> None:
    """60 KiB of `<a ` took two minutes of the whole console's time."""
    here = Below("ticket", "https://a.vn", "https://a.vn/")

    def rewrite() -> None:
        rewrite_page(EVIL_PAGES[kind], here)
        rewrite_style(EVIL_PAGES[kind], here)

    assert takes_at_most(10, rewrite)


def test_a_tag_that_is_written_oddly_takes_nothing_of_the_page_away() -> None:
    here = Below("ticket", "https://a.vn", "https://a.vn/")
    shown = rewrite_page('<a ="x" href=/b>tin</a><a =>y</a><p>rest', here)
    assert shown == '<a href="/ticket/b">tin</a><a>y</a><p>rest'
