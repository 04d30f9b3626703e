"""Every argument of every page, whatever an address says: a page, or an error that people can read.

Which arguments a page has is seen by watching what it asks for.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product

import pytest

from archive.errors import ArchiveError
from backup.errors import BackupError
from ops.access.caller import Caller
from ops.access.rights import decide_may
from ops.console.page import Page, all_pages
from ops.console.subjects import page_of_row
from ops.console.web.shown import make_templates, render
from ops.errors import OpsError
from ops.language.text import speaking
from runbooks.errors import RunbookUseError
from tests.console_office import (
    AROUND,
    PEOPLE,
    InProcess,
    build_console_estate,
    office_in_process,
    served,
)

pytestmark = pytest.mark.slow

HOSTILE = (
    "1", "-1", "99999999999999999999", "٣", "x" * 5_000, "9" * 5_000, "0001-01-01", "9999-12-31",
    "0001-01-01T00:00:00+07:00 1", "9999-12-31T23:59:59-07:00 00000000-0000-0000-0000-000000000000",
    "a/" * 2_000, "%00%ff/../..", "\x00\x1b[2J", "'\"><%_*[{x}\\", "cong-xa",
)  # fmt: skip

OF_CONTENT = {"captured", "item", "plan", "restore"}
"""Pages that ask for all their arguments only where there is something to be shown."""

CLEAR = (OpsError, RunbookUseError, BackupError, ArchiveError)
"""What says itself what is wrong."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("console") / "estate"
    with office_in_process(build_console_estate(folder, proving=())) as found:
        yield found


class Watched(dict[str, str]):
    """Arguments that note what is asked for."""

    def __init__(self, given: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(given)
        self._asked = asked

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]  # one default
        """Note and give one."""
        self._asked.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        """Note that it was looked for."""
        self._asked.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> str:
        """Note and give one."""
        self._asked.add(key)
        return super().__getitem__(key)


def arguments_of(office: InProcess, page: Page, person: str) -> set[str]:
    """Give the arguments that a page asks for, those too that depend on others."""
    asked, seen, caller = set[str](), {""}, Caller(person, person, "")
    while asked != seen:
        seen = set(asked)
        for value in ("cong-xa", "1", ""):
            given = {it: "cong-xa" if it == "site" else value for it in asked}
            with office.counter.keeper.at_desk(caller) as desk, suppress(*CLEAR):
                page.read(desk, Watched(given, asked))
    return asked


@pytest.mark.parametrize("name", list(all_pages()))
def test_a_page_declares_what_it_reads(office: InProcess, name: str) -> None:
    page = all_pages()[name]
    person = next(it for it in ("bach", *PEOPLE) if decide_may(PEOPLE[it], page.task))
    asked = arguments_of(office, page, person)
    assert asked <= set(page.reads)
    assert asked == set(page.reads) or name in OF_CONTENT


@pytest.mark.parametrize("name", list(all_pages()))
def test_a_page_bears_every_argument(office: InProcess, name: str) -> None:
    page, templates = all_pages()[name], make_templates()
    person = next(it for it in ("bach", *PEOPLE) if decide_may(PEOPLE[it], page.task))
    names = arguments_of(office, page, person)
    for argument, value in product(sorted(names), HOSTILE):
        others = {"site": "cong-xa"} if "site" in names - {argument} else {}
        arguments = {**others, argument: value}
        with speaking("vi"), suppress(*CLEAR):
            answer = office.ask("page", person, page=name, arguments=arguments)
            values = {**AROUND, **answer, "data": answer["page"], "arguments": arguments,
                      "way": "", "problem": None}  # fmt: skip
            text = render(templates, f"pages/{name}.html", values)
            assert "\x1b" not in text
            assert "<%_*" not in text


def test_what_says_itself_what_is_wrong_is_no_failure_of_the_console(office: InProcess) -> None:
    """Whichever package says it; only what nobody was prepared for is one, and is in the log."""
    with served(office) as browser:
        bach = browser.as_somebody(office, "bach")
        for path in ("/runbooks?run=1", "/runbooks?id=x", "/restore?site=cong-xa&on=9999-12-31",
                     "/site?site=x", "/duty?duty=x"):  # fmt: skip
            assert bach.get(path).status == 400, path
        assert bach.get("/journal?day=9999-12-31").status == 200


def test_an_entrys_links_name_arguments_that_their_pages_have(office: InProcess) -> None:
    for kind in ("alert", "run", "drill"):
        page, _mark, argument = page_of_row(kind, "x")[1:].partition("?")
        assert argument.partition("=")[0] in arguments_of(office, all_pages()[page], "bach")
