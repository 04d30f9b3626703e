"""Every act of the console: for which role, with which fields, and with whatever is sent for them.

All of it comes from `all_acts()`, so that an act that is added is tried by itself.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ops.access.caller import Caller, acting_for
from ops.access.identity import NotAllowedError, check_door
from ops.access.rights import decide_may
from ops.catalog.tables.core import JournalRow
from ops.console.acts import Act, Field, all_acts, read_values
from ops.console.office.act_runs import ActRun, ActRuns
from ops.console.office.order import Order, parse_order
from ops.console.office.server import NothingHereError
from ops.console.page import all_pages
from ops.errors import OpsError, WrongUseError
from ops.language.text import speaking
from ops.service.act_process import _run_form
from ops.terminal.document import write_document
from ops.terminal.task import find_task
from tests.console_office import (
    OTHER_SITE,
    PEOPLE,
    InProcess,
    build_console_estate,
    office_in_process,
)

pytestmark = pytest.mark.slow

PLAUSIBLE = {"number": "1", "yes": "1", "date": "2026-11-24", "moment": "2026-11-24 08:00",
             "path": "/khong-co"}  # fmt: skip
HOSTILE = {
    "too-long": "x" * 4_001,
    "far-too-long": "x" * 1_000_000,
    "nul": "a\x00b",
    "escape": "a\x1b[2Jb",
    "bell": "\x07a",
    "c1": "a\x9bb",
    "right-to-left": "a\u202eb",
    "isolate": "\u2066a",
}
NAMES_A_PATH = ("file", "folder", "path", "directory", "out", "target", "estate", "media")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate", OTHER_SITE)
    with office_in_process(estate) as found:
        yield found


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """What was begun; no process is started."""
    orders = list[Order]()

    def start(_self: ActRuns, order: Order, **_given: object) -> ActRun:
        orders.append(order)
        run = ActRun("none", order.caller, order.task, Path("/none"))
        run.done.set()
        return run

    monkeypatch.setattr(ActRuns, "start", start)
    return orders


def fill(act: Act, **values: str) -> dict[str, str]:
    """Fill a form as somebody would."""
    given = {it.name: PLAUSIBLE.get(it.kind, "khong-co") for it in act.fields()}
    return {**given, **values}


def names_of(act: Act) -> list[str]:
    return [it.name for it in act.fields()]


def texts_of_form(act: Act) -> list[Field]:
    return [it for it in act.fields() if it.kind not in {"yes", "number"}]


def count_rows(office: InProcess) -> int:
    with office.counter.keeper.get()[1].reading() as session:
        return session.execute(select(func.count()).select_from(JournalRow)).scalar_one()


@pytest.mark.parametrize("task", list(all_acts()))
def test_an_act_is_begun_for_whom_the_terminal_would_do_it(
    office: InProcess, begun: list[Order], task: str
) -> None:
    act, rows = all_acts()[task], count_rows(office)
    sites = {"cong-xa": True, "cong-khac": False} if "site" in names_of(act) else {"": False}
    for person, roles in PEOPLE.items():
        for site, is_own in sites.items():
            form = fill(act, site=site) if site else fill(act)
            given = read_values(act, form)
            may = decide_may(
                roles,
                act.task,
                is_own_site=is_own,
                flags=[it for it, value in given.items() if value],
            )
            before = len(begun)
            with suppress(NotAllowedError):
                office.ask("act", person, task=task, form=form, proof={})
            assert (len(begun) > before) == may, (person, site)
            assert may == passes_the_second_door(office, person, act.task, given), (person, site)
    assert all(it.task == act.task for it in begun)
    assert count_rows(office) == rows


def passes_the_second_door(
    office: InProcess, person: str, task: str, values: dict[str, object]
) -> bool:
    """Whether the act's own process, which asks again, would do it."""
    with pytest.MonkeyPatch.context() as patch, acting_for(Caller(person, person, "")):
        # Another office of this file may have been opened since, for what forms really change.
        patch.setenv("GIUCONG_ESTATE", str(office.estate.path))
        try:
            check_door(task, values)
        except NotAllowedError:
            return False
    return True


def test_an_order_that_the_office_never_gave_is_refused_by_the_acts_own_process(
    office: InProcess,
) -> None:
    """As if the first door had been forgotten."""
    order = Order(
        act="monitor.ack", task="monitor.ack", values={"alert": "1", "note": "x"},
        caller=Caller("viewer", "viewer", ""), language="en",
    )  # fmt: skip
    rows = count_rows(office)
    run = office.counter.acts.start(order)
    assert run.done.wait(120)
    assert run.code == 1
    assert run.document is not None
    assert "monitor.ack" in run.document["error"]["what"]
    assert count_rows(office) == rows


@pytest.mark.parametrize("task", list(all_acts()))
def test_a_field_takes_one_bounded_text(office: InProcess, begun: list[Order], task: str) -> None:
    act = all_acts()[task]
    for field in texts_of_form(act):
        for how, value in HOSTILE.items():
            with pytest.raises(WrongUseError):
                office.ask("act", "bach", task=task, form=fill(act, **{field.name: value}))
            with pytest.raises(WrongUseError):
                read_values(act, fill(act, **{field.name: value}))
            assert begun == [], (field.name, how)
        if field.is_required:
            for nothing in ("", " \t\r\n", None, ["a", "b"], {"a": "b"}, 7, True):
                with pytest.raises((WrongUseError, NotAllowedError)):
                    office.ask("act", "bach", task=task, form={**fill(act), field.name: nothing})
    for field in (it for it in act.fields() if it.kind == "number"):
        for value in ("-1", "1.5", "x", "1e9", "٣", "9999999", "0x1", " ", "１"):
            with suppress(WrongUseError):
                read = read_values(act, fill(act, **{field.name: value}))
                assert field.name not in read
    assert begun == []


@pytest.mark.parametrize("task", list(all_acts()))
def test_a_form_gives_its_own_fields_and_no_other_flag(task: str) -> None:
    act = all_acts()[task]
    parameters = list(find_task(act.task).flags)
    for name in (*names_of(act), *act.form.always, act.form.upload, act.form.out):
        assert not name or name in parameters
    decided = {act.form.upload, act.form.out, act.proof} - {""}
    assert decided.isdisjoint(names_of(act))
    for name in set(names_of(act)) - {"file"}:  # a file inside a backup
        assert not any(word in name.lower().split("_") for word in NAMES_A_PATH), name
    everything = {**dict.fromkeys(parameters, "/etc/passwd"), "unknown": "x", "__class__": "x"}
    with suppress(WrongUseError):
        read = read_values(act, {**everything, **fill(act)})
        assert set(read) <= {*names_of(act), *act.form.always}
        assert "/etc/passwd" not in map(str, read.values())


@pytest.mark.parametrize("task", list(all_acts()))
def test_what_looks_like_a_flag_stays_a_value(
    office: InProcess, begun: list[Order], task: str
) -> None:
    act = all_acts()[task]
    texts = [it.name for it in texts_of_form(act) if it.kind != "path"]
    person = next((it for it, roles in PEOPLE.items() if decide_may(roles, act.task)), "")
    for value in ("--json", "-x", "--person=chau", "$(id)", "{{7*7}}", "../../etc/passwd"):
        if texts and person:
            form = fill(act, **dict.fromkeys(texts, value))
            with suppress(NotAllowedError):
                office.ask("act", person, task=task, form=form, proof={})
                given = [begun[-1].values[it] for it in texts]
                assert all(it in (value, [value]) for it in given)
            for name in begun[-1].values if begun else ():
                assert name in {*names_of(act), *act.form.always, "person", "dry_run"}


def test_who_acts_is_who_is_logged_in_whatever_the_form_says(
    office: InProcess, begun: list[Order]
) -> None:
    form = {"id": "1", "person": "bach", "login": "bach", "address": "x", "password_file": "/x"}
    office.ask("act", "chau", task="approval.approve", form=form, proof={"password": "kín"})
    (order,) = begun
    assert (order.caller.person, order.values["person"]) == ("chau", "chau")
    assert "password_file" not in order.values
    assert "kín" not in repr(order)


@pytest.mark.parametrize(
    "proof", [{"password": "x" * 70_000}, {"code": "1\n2"}, {"code": "1" * 201}]
)
def test_a_proof_is_short_and_on_one_line(
    office: InProcess, begun: list[Order], proof: dict[str, str]
) -> None:
    with pytest.raises(WrongUseError):
        office.ask("act", "chau", task="approval.approve", form={"id": "1"}, proof=proof)
    assert begun == []


@pytest.mark.parametrize(
    "task",
    ["", "nothing", "user.add", "service.run", "backup.Run", "__init__", "a" * 9_000, "a.b.c"],
)
def test_what_is_no_act_of_the_console_is_not_done(
    office: InProcess, begun: list[Order], task: str
) -> None:
    if task not in all_acts():
        with pytest.raises(WrongUseError) as caught:
            office.ask("act", "bach", task=task, form={}, proof={})
        assert len(str(caught.value)) < 500
    assert begun == []


SOUND = {
    "site": "cong-xa", "year": "2027", "job": "backup/cong-xa", "person": "viewer", "item": "1",
    "role": "operator", "number": "5", "title": "Mất điện", "about": "site:cong-xa", "note": "x",
    "until": "2026-12-20 08:00", "from_": "2026-12-10 22:00", "reason": "vì sao",
    "document": "12/QĐ",
}  # fmt: skip
KINDS = {"register.add": "incident", "report.make": "activity", "report.issue": "activity",
         "report.request": "activity", "asset.export": "server"}  # fmt: skip
WRONG: dict[str, tuple[str, ...]] = {
    "date": ("9999-12-31", "0001-01-01", "31/02/2027"),
    "moment": ("9999-12-31 23:59", "0001-01-01 00:00", "hôm qua"),
    "number": ("0", "999999"),
    "yes": ("1",),
    "path": ("/../../etc/passwd", "/%ff%fe"),
}
WRONG_TEXTS = ("../../../etc/passwd'\"><img src=x>{x}{0}%s",)
WRONG_TOGETHER = "ế" * 4_000
BUSY = frozenset({"drill.run", "security.audit", "monitor.check", "plan.show"})
"""Acts that would do what they are for, whatever else their form says."""


def sound_form(act: Act) -> dict[str, str]:
    """Fill a form with what is right, as far as a form alone can be."""
    known = {**SOUND, "kind": KINDS.get(act.task, "")}
    return {it.name: "2027-03-31" if it.kind == "date" else known.get(it.name, "")
            for it in act.fields() if it.kind != "yes"}  # fmt: skip


def wrong_forms(act: Act) -> Iterator[dict[str, str]]:
    """Yield forms with nothing, with all fields wrong, and with one wrong field each."""
    fields = act.fields()
    wrong = {it.name: WRONG.get(it.kind, WRONG_TEXTS) for it in fields}
    if act.task not in BUSY:
        yield {}
        for name, values in wrong.items():
            for value in values:
                yield {**sound_form(act), name: value}
    yield {name: values[0] for name, values in wrong.items()}
    yield {it.name: WRONG[it.kind][-1] if it.kind in WRONG else WRONG_TOGETHER for it in fields}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """An office of its own, for what these forms really change."""
    folder = tmp_path_factory.mktemp("spoilt") / "estate"
    with office_in_process(build_console_estate(folder, OTHER_SITE, proving=())) as found:
        yield found


@pytest.mark.parametrize("task", list(all_acts()))
def test_whatever_a_form_says_the_task_itself_gives_a_clear_answer(
    spoilt: InProcess, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], task: str
) -> None:
    """As the act's own process does it, in this one; nothing is written but where it belongs."""
    act, estate, bodies = all_acts()[task], spoilt.estate.path.parent, list[bytes]()

    def take(_runs: ActRuns, run: ActRun, body: bytes) -> None:
        bodies.append(body)
        run.ended = time.monotonic()
        run.done.set()

    monkeypatch.setattr(ActRuns, "_do", take)
    person = "bach" if decide_may(PEOPLE["bach"], act.task) else "head"
    before = {it for it in estate.rglob("*") if "state" not in it.relative_to(estate).parts}
    for number, form in enumerate(wrong_forms(act)):
        file: dict[str, Any] = {"upload": b"PK\x03\x04 \xff"} if number else {}
        begun = len(bodies)
        with suppress(WrongUseError, NotAllowedError):
            spoilt.ask("act", person, task=task, form=form, proof={"password": "x"}, **file)
        if len(bodies) == begun:
            continue
        order = parse_order(bodies[-1])
        capfd.readouterr()
        with speaking("en"), acting_for(Caller(person, person, "")):
            code = write_document(lambda order=order: _run_form(order))  # type: ignore[misc]  # bound
        told = json.loads(capfd.readouterr().out)
        assert code in {0, 1, 2, 3, 4}, form
        assert "unexpected" not in told.get("error", {"what": ""})["what"], (form, told)
    after = {it for it in estate.rglob("*") if "state" not in it.relative_to(estate).parts}
    assert after == before
    assert bodies


def test_nobody_sees_what_another_does(office: InProcess) -> None:
    run = ActRun("of-bach", Caller("bach", "bach", ""), "monitor.ack", Path("/none"))
    office.counter.acts._runs[run.id] = run
    assert office.ask("act-state", "bach", id=run.id)["page"]["act"] == "monitor.ack"
    for person in PEOPLE:
        if person != "bach":
            for what in ("act-state", "act-file"):
                with pytest.raises(NothingHereError):
                    office.ask(what, person, id=run.id, name="x")


def test_a_contact_of_a_unit_is_told_nothing_of_others(office: InProcess) -> None:
    """Also not by naming an own site in the address of a page that does not ask for one."""
    for name in all_pages():
        for arguments in (
            {},
            {"site": "cong-xa"},
            {"site": "cong-khac"},
            {"site": "cong-xa", "all": "1"},
        ):
            told: dict[str, Any] = {}
            with suppress(OpsError):
                told = office.ask("page", "unit-contact", page=name, arguments=arguments)
            assert "cong-khac" not in str(told), (name, arguments)
            assert "Xã Khác" not in str(told), (name, arguments)
