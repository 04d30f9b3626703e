"""Every role and every task: what a role must not do, it cannot; each task has a line."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from ops.access.approvals.require import Need, decide_need
from ops.access.identity import (
    NotAllowedError,
    check_door,
    check_right,
    find_person,
    login_at_terminal,
    read_login_id,
)
from ops.access.rights import ACTIONS, APPROVERS, ROLES, decide_may, roles_for
from ops.access.role_changes import check_answering, is_founder
from ops.access.roles import give_role
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.access import RoleGrant
from ops.cli.collections import FabricTask, load_tasks
from ops.cli.program import show_status
from ops.errors import EstateError
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.model.people import Person, find_shared
from ops.estate.owner import is_believed
from ops.terminal.exit_codes import attempt
from ops.terminal.task import all_tasks
from tests.people import note_role
from tests.postgres_server import sqlite_catalog

__all__ = ["sqlite_catalog"]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TASKS: dict[str, FabricTask] = {
    f"{name}.{collection.transform(task.name)}": task
    for name, collection in load_tasks().collections.items()
    for task in collection.tasks.values()
}
RIGHTS = {name: task.roles or frozenset() for name, task in all_tasks().items()}
OPEN = {name for name, task in all_tasks().items() if task.roles is None}
OWN_SITES_ONLY = {name for name, task in all_tasks().items() if task.own_sites}
LOOKS_ONLY = ("viewer", "auditor", "approver")
# Changing tasks that even these may run: the own second factor.
OWN_FACTOR = {"user.reset-totp"}
MOST_DANGEROUS = {
    "backup.key-export", "backup.release", "user.role", "user.add", "user.disable",
    "archive.dispose", "backup.forget", "backup.prune", "provision.apply",
}  # fmt: skip


def flags_of(task: FabricTask) -> set[str]:
    return {(argument.name or "").replace("-", "_") for argument in task.get_arguments()}


def test_every_task_has_a_line() -> None:
    assert sorted(set(TASKS) - set(RIGHTS)) == []


def test_every_role_and_action_is_known() -> None:
    assert {role for roles in RIGHTS.values() for role in roles} == set(ROLES)
    assert set(APPROVERS) == set(ACTIONS)
    assert all(roles and roles <= set(ROLES) for roles in APPROVERS.values())
    assert all(RIGHTS[task] == frozenset() for task in OPEN)


@pytest.mark.parametrize("role", ROLES)
def test_the_decision_is_the_table(role: str) -> None:
    for task, roles in RIGHTS.items():
        expected = task in OPEN or role in roles
        assert decide_may([role], task, is_own_site=True) == expected, task
        if role == "unit_contact" and task in OWN_SITES_ONLY:
            assert not decide_may([role], task)


def test_without_a_role_or_a_line_nothing_is_allowed() -> None:
    assert {task for task in RIGHTS if decide_may([], task)} == OPEN
    assert not decide_may(list(ROLES), "backup.erase-everything")


@pytest.mark.parametrize("role", LOOKS_ONLY)
def test_who_only_looks_runs_no_task_that_changes_anything(role: str) -> None:
    changing = {name for name, task in TASKS.items() if "dry_run" in flags_of(task)} - OPEN

    may = {it for it in changing if decide_may([role], it, flags=flags_of(TASKS[it]))}
    assert may <= OWN_FACTOR | ({"duty.record"} if role == "approver" else set())


@pytest.mark.parametrize("role", ROLES)
def test_who_is_told_of_something_red_may_answer(role: str) -> None:
    assert decide_may([role], "monitor.ack", is_asked=True)
    may_silence = decide_may([role], "monitor.silence", is_asked=True)
    assert may_silence == (role in RIGHTS["monitor.silence"])
    assert not decide_may([], "monitor.ack", is_asked=True)


def test_a_second_person_is_asked_for_what_is_known_and_nothing_else_is() -> None:
    assert {it for task in all_tasks().values() for it in task.second} == set(ACTIONS)


def test_flags_with_rights_of_their_own_narrow_those_of_their_task() -> None:
    for task in all_tasks().values():
        for flag in task.flags.values():
            assert flag.roles is None or flag.roles <= set(ROLES)


def test_who_may_not_accept_a_suspicious_backup_may_not_accept_it_beforehand() -> None:
    """One role less for the same word would make of a ransomware night a normal one."""
    for role in ROLES:
        beforehand = decide_may([role], "backup.run", flags=["accept_size"])
        assert beforehand <= decide_may([role], "backup.accept")


def test_a_contact_of_a_unit_runs_only_tasks_that_name_a_site() -> None:
    allowed = {name for name in TASKS if decide_may(["unit_contact"], name, is_own_site=True)}

    for name in allowed - OPEN - OWN_FACTOR:
        assert "site" in flags_of(TASKS[name]), name
        assert name in OWN_SITES_ONLY


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "auditor", "unit_contact"])
def test_the_most_dangerous_tasks_are_for_administrators(role: str) -> None:
    assert {task for task in MOST_DANGEROUS if decide_may([role], task)} == set()


def test_roles_and_credentials_are_the_security_officers_alone() -> None:
    for task in ("user.add", "user.role", "user.disable"):
        assert roles_for(task) == ["security_officer"]


@pytest.mark.parametrize(
    ("task", "flags", "role"),
    [
        ("duty.policy", ["approve"], "viewer"),
        ("service.journal-verify", ["accept"], "auditor"),
        ("backup.list", [], "unit_contact"),
    ],
)
def test_a_refusal_names_only_roles_that_would_do(task: str, flags: list[str], role: str) -> None:
    assert not decide_may([role], task, flags=flags)
    assert role not in roles_for(task, flags=flags)
    assert all(decide_may([it], task, flags=flags) for it in roles_for(task, flags=flags))


@pytest.mark.parametrize(
    ("action", "people", "roles", "need"),
    [
        ("restore-in-place", [], {}, "alone"),
        ("restore-in-place", ["a"], {"a": ["approver"]}, "alone"),
        ("restore-in-place", ["a", "b"], {}, "needed"),
        ("restore-in-place", ["a", "b"], {"b": ["approver"]}, "needed"),
        ("role-change", ["a"], {"a": ["security_officer"]}, "alone"),
        ("role-change", ["a", "b"], {"a": ["security_officer", "approver"]}, "founding"),
        ("role-change", ["a", "b"], {"b": ["viewer"]}, "founding"),
        ("role-change", ["a", "b"], {"b": ["approver"]}, "needed"),
    ],
)
def test_when_a_second_person_is_needed(
    action: str, people: list[str], roles: dict[str, list[str]], need: Need
) -> None:
    assert decide_need(action, "a", people, roles) == need


@pytest.mark.parametrize(
    ("text", "number"),
    [("0\n", 0), ("1000", 1000), ("4294967295\n", None), ("", None), ("-1", None), ("²", None)],
)
def test_what_the_kernel_keeps_of_a_login(text: str, number: int | None) -> None:
    assert read_login_id(text) == number


def test_a_login_of_two_people_is_nobodys() -> None:
    people = [
        Person(name=name, title="x", login=login, mail=mail)
        for name, login, mail in (
            ("nva", "nva", "A@example.vn"),
            ("ttb", "nva", ""),
            ("lvc", "lvc", "a@example.vn"),
            ("ptd", "", ""),
        )
    ]
    found = [find_person(people, login) for login in ("nva", "lvc", "")]

    assert found == [None, people[2], None]
    assert [it.key for it in find_shared(people)] == ["people[ttb].login", "people[lvc].mail"]
    assert {it.severity for it in find_shared(people)} == {"error"}


def test_what_takes_two_people_can_be_proved_from_a_file() -> None:
    needing = {
        *(f"backup.{it}" for it in ("restore", "forget", "release")),
        *(f"backup.key-{it}" for it in ("export", "escrow", "add")),
        *(f"user.{it}" for it in ("add", "role", "reset-totp")),
    }
    assert {name for name, task in TASKS.items() if "proof_file" in flags_of(task)} >= needing


def test_root_and_the_owner_give_the_first_role() -> None:
    assert [is_founder(me, 990) for me in (0, 990, 1000)] == [True, True, False]


def test_no_task_takes_a_secret_on_its_command_line() -> None:
    for name, task in TASKS.items():
        if name.startswith(("user.", "approval.")):
            assert flags_of(task) & {"password", "code", "totp", "secret"} == set()


def test_an_estate_file_of_somebody_else_is_believed_by_nobody() -> None:
    assert [is_believed(owner, 990) for owner in (0, 990, 1000)] == [True, True, False]
    assert not is_believed(1000, 0)  # a stranger may leave one wherever root stands


# At the door -----------------------------------------------------------------------------------

ESTATE = """
schema = 1
[organisation]
name = "Trung tâm"
[service]
state = "state"
[catalog]
url = "sqlite:///state/giucong.db"
[keys]
repository = "file:keys/repository.key"
[[stores]]
name = "near"
url = "stores/near"
role = "primary"
location = "đây"
medium = "disk"
[[units]]
name = "xa"
title = "Xã"
[[units]]
name = "phuong"
title = "Phường"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
login = "{login}"
unit = "xa"
[[sites]]
name = "cong-xa"
title = "Cổng xã"
unit = "xa"
[[sites.files]]
name = "www"
path = "www"
[[sites]]
name = "cong-phuong"
title = "Cổng phường"
unit = "phuong"
[[sites.files]]
name = "www"
path = "www2"
"""


@pytest.fixture
def catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_catalog: Path
) -> Iterator[Catalog]:
    """A catalog beside an estate whose one person sits at this terminal."""
    path = tmp_path / "estate.toml"
    path.write_text(ESTATE.format(login=login_at_terminal()), encoding="utf-8")
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    shutil.copyfile(sqlite_catalog, tmp_path / "state" / "giucong.db")
    with open_catalog(f"sqlite:///{tmp_path}/state/giucong.db") as opened:
        yield opened


def appoint(catalog: Catalog, person: str, role: str) -> None:
    with catalog.writing() as session:
        give_role(session, person, role, by="test", request=None, now=NOW)
        note_role(session, person, role)


def call(name: str, **given: object) -> int:
    """Run a task as it would be typed, with something for every flag that must be given."""
    task = TASKS[name]
    defaults: dict[str, Any] = {
        (argument.name or "").replace("-", "_"): argument.value for argument in task.get_arguments()
    }
    required = dict.fromkeys(task.required, "x")
    try:
        task(Context(Config()), **{**defaults, **required, **given})
    except Exit as ending:
        return int(ending.code)
    return 0


@pytest.mark.slow  # hundreds of tasks, each from its door on
@pytest.mark.parametrize("role", ROLES)
def test_every_task_a_role_must_not_run_is_refused_before_it_begins(
    role: str, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    appoint(catalog, "nva", role)
    forbidden = [name for name in TASKS if not decide_may([role], name)]
    told = {}
    for name in forbidden:
        code = call(name, **({"site": "cong-phuong"} if "site" in flags_of(TASKS[name]) else {}))
        told[name] = (code, f"you may not run `{name}`" in capsys.readouterr().err)

    assert forbidden
    assert {name: it for name, it in told.items() if it != (1, True)} == {}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_run_is_let_through(role: str, catalog: Catalog) -> None:
    appoint(catalog, "nva", role)
    estate = load_estate()
    for name in TASKS:
        if decide_may([role], name, is_own_site=True):
            check_right(catalog, estate, name, {"site": "cong-xa"})


ON_DUTY = """
[[people]]
name = "ttb"
title = "Trần Thị B"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
people = ["ttb"]
[[notices.roster]]
person = "nva"
from = 2026-11-20
until = 2026-12-20
"""


def test_the_person_on_duty_may_answer_and_who_may_not_is_told(catalog: Catalog) -> None:
    path = find_estate_path()
    path.write_text(path.read_text(encoding="utf-8") + ON_DUTY, encoding="utf-8")
    estate = load_estate()
    assert check_answering(estate) == []
    appoint(catalog, "nva", "approver")

    check_right(catalog, estate, "monitor.ack", {"alert": "x"})
    assert [(it.key, it.severity) for it in check_answering(estate)] == [
        ("notices.routes[0].people", "warning")
    ]
    appoint(catalog, "ttb", "viewer")
    assert ["login" in it.fix for it in check_answering(estate)] == [True]


@pytest.mark.parametrize(("role", "code"), [("unit_contact", 1), ("viewer", 0), ("", 1)])
def test_the_program_without_a_task_has_the_same_door(
    role: str, code: int, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    appoint(catalog, "nva" if role else "ttb", role or "viewer")
    (find_estate_path().parent / "keys").mkdir()

    ended = attempt(show_status)
    told = capsys.readouterr()
    assert ("you may not run `giucong`" in told.err) == bool(code)
    assert (told.out == "") == bool(code)
    assert ended in {0, 1}


def test_a_contact_of_a_unit_sees_no_other_units_sites(catalog: Catalog) -> None:
    appoint(catalog, "nva", "unit_contact")
    estate = load_estate()

    check_right(catalog, estate, "backup.list", {"site": "cong-xa"})
    for site in ("cong-phuong", "cong-khac", None):
        with pytest.raises(NotAllowedError):
            check_right(catalog, estate, "backup.list", {"site": site})


@pytest.mark.parametrize("flag", ["unit", "from_alert", "from_drill", "from_finding"])
def test_a_contact_of_a_unit_enters_for_the_own_unit_and_reads_of_no_other_site(flag: str) -> None:
    assert decide_may(["unit_contact"], "register.add", is_own_site=True)
    assert not decide_may(["unit_contact"], "register.add", is_own_site=True, flags=[flag])
    assert decide_may(["operator"], "register.add", flags=[flag])
    for task in ("register.show", "register.update", "register.close"):
        assert not decide_may(["unit_contact"], task, is_own_site=True)


def test_before_anybody_holds_a_role_everything_is_allowed(catalog: Catalog) -> None:
    estate = load_estate()
    for name in TASKS:
        check_right(catalog, estate, name, {})


def test_once_somebody_else_holds_a_role_a_login_without_one_is_refused(
    catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    appoint(catalog, "ttb", "security_officer")

    assert call("backup.status") == 1
    assert "may not run" in capsys.readouterr().err


def test_a_role_that_was_taken_away_counts_no_more(catalog: Catalog) -> None:
    appoint(catalog, "nva", "viewer")
    appoint(catalog, "ttb", "security_officer")
    check_right(catalog, load_estate(), "estate.show", {})
    with catalog.writing() as session:
        session.query(RoleGrant).filter_by(person="nva").one().taken_at = NOW

    with pytest.raises(NotAllowedError):
        check_right(catalog, load_estate(), "estate.show", {})


def test_a_catalog_that_is_still_to_be_made_is_not_made_at_the_door(
    catalog: Catalog, tmp_path: Path
) -> None:
    catalog.close()
    for path in (tmp_path / "state").iterdir():
        path.unlink()

    assert call("estate.show") == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_an_estate_that_cannot_be_read_lets_nobody_in_but_those_who_look_why(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appoint(catalog, "ttb", "security_officer")
    (tmp_path / "estate.toml").write_text("schema = 1\n", encoding="utf-8")

    with pytest.raises(EstateError):
        check_door("backup.status", {})
    check_door("estate.check", {})
    assert call("estate.check") == 1
    assert "may not run" not in capsys.readouterr().err


def test_private_parts_of_the_archive_are_for_few() -> None:
    for task in ("archive.list", "archive.search", "archive.show"):
        assert decide_may(["auditor"], task)
        assert roles_for(task, flags=["private"]) == ["security_officer", "archivist"]
    assert roles_for("archive.export", flags=["private"]) == ["archivist"]
    assert not decide_may(["archivist"], "backup.restore")
    assert not decide_may(["archivist"], "user.list")
