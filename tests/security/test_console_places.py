"""A runbook at the console: no value names a place of the server that is not offered."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ops.access.caller import Caller, acting_for
from ops.runbooks.library import SHIPPED
from ops.runbooks.places import names_place, refuse_places
from runbooks.command_lines import VARIABLE
from runbooks.errors import RunbookUseError
from runbooks.parse import load_runbook
from tests.console_office import InProcess, build_console_estate, office_in_process

pytestmark = pytest.mark.slow

BACH = Caller("bach", "bach", "192.0.2.1")
RUNBOOKS = sorted(SHIPPED.glob("*.md"))
PLACES = ("/etc/shadow", "/srv/x", "~/.ssh/id", "../../keys/x", "a/../../b", " /etc/passwd", "..")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("console") / "estate"
    with office_in_process(build_console_estate(folder, proving=())) as found:
        yield found


@pytest.mark.parametrize("place", RUNBOOKS, ids=[it.name for it in RUNBOOKS])
def test_no_value_of_any_runbook_names_a_place_at_the_console(
    office: InProcess, place: Path
) -> None:
    runbook = load_runbook(place)
    assert runbook.variables
    for name, variable in runbook.variables.items():
        for value in PLACES:
            with acting_for(BACH), pytest.raises(RunbookUseError, match=name):
                refuse_places(runbook, {name: value}, {})
            refuse_places(runbook, {name: value}, {})  # at a terminal
        with acting_for(BACH):
            refuse_places(runbook, {name: variable.default or "cong-xa"}, {})
    del office


def test_text_of_every_day_is_no_place() -> None:
    for text in ("12/QĐ-UBND", "https://a.vn/b", "20/11/2026 18:00", "cong-xa/files/x", "a..b", ""):
        assert not names_place(text)


def test_every_command_takes_a_place_only_where_it_must_begin_with_a_slash() -> None:
    """A relative one would not be seen: what `--to` and the like are given has a pattern."""
    flags = ("--identity", "--password-file", "--to", "--target", "--estate", "-r", "--repo")
    for place in RUNBOOKS:
        runbook = load_runbook(place)
        for words in (command for step in runbook.steps for command in step.commands):
            for flag, word in pairwise(words):
                found = VARIABLE.fullmatch(word)
                if flag in flags and found and not runbook.variables[found[1]].secret:
                    pattern = runbook.variables[found[1]].pattern or ".*"
                    assert not re.fullmatch(pattern, "keys/x"), (place.name, word)


def test_what_the_console_offers_begins_a_run_and_nothing_else_does(
    office: InProcess, tmp_path: Path
) -> None:
    offered = {
        it["name"]: [value for value, _text in it["choices"]]
        for it in office.page("runbooks", id="restore-one-file")["runbook"]["variables"]
    }
    form = {"id": "restore-one-file", "set.site": "cong-xa"}
    for target in (str(tmp_path), "/srv", "/srv/khoi-phuc-x/y", "/srv/khoi-phuc-a/../../x"):
        told = office.act("runbook.run", form={**form, "set.target": target})
        assert told["code"] != 0
        assert "target" in told["document"]["error"]["what"]
    told = office.act("runbook.run", form={**form, "set.target": offered["target"][0]})
    assert told["code"] == 0
    assert told["document"]["told"]
    (run,) = office.page("runbooks", id="restore-one-file")["runs"]
    for answer in ("/etc/passwd", "../../etc/passwd"):
        form = {"run": run["id"], "step": "2", "answer": answer}
        told = office.act("runbook.resume", form=form)
        assert told["code"] != 0
    assert office.page("runbooks", run=run["id"])["records"] == []
