"""What the service itself may write of the estate: what is refused, and whose word holds."""

import os
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from ops.errors import EstateError
from ops.estate.load.changeable import MOST_BYTES, add_changeable
from ops.estate.load.load import load_changed, load_estate
from ops.estate.load.read import CHANGEABLE, read_document
from ops.estate.model import values
from ops.estate.model.changeable import list_open, mark_of
from ops.estate.model.estate import Estate
from tests.unit.ops.estate.conftest import SITE, Load

PEOPLE = """
[[people]]
name = "nva"
title = "Nguyễn Văn A"
mail = "nva@example.vn"
login = "nva"
[[notices.routes]]
severity = "critical"
people = ["nva"]
"""
CHANGED = """
[[sites]]
name = "so-y-te"
names = [{ name = "Cổng Sở Y tế", from = 2026-12-01 }]
[[units]]
name = "so-y-te"
title = "Sở Y tế thành phố"
[[people]]
name = "nva"
phone = "0900 000 001"
mail = "khac@example.vn"
[[people]]
name = "ttb"
title = "Trần Thị B"
mail = "ttb@example.vn"
[[notices.routes]]
people = ["ttb"]
[[notices.roster]]
person = "ttb"
from = 2026-12-01
until = 2026-12-08
[[calendar.years]]
year = 2031
status = "announced"
certainty = "own"
[[calendar.days_off]]
title = { vi = "Nghỉ", en = "Off" }
from = 2031-01-01
until = 2031-01-02
"""


def test_both_are_one_estate_and_the_word_of_root_holds(load: Load) -> None:
    estate = load(SITE + PEOPLE, {f"var/{CHANGEABLE}": CHANGED})
    nva, ttb = estate.people
    assert (nva.login, nva.mail, nva.phone) == ("nva", "nva@example.vn", "0900 000 001")
    assert (ttb.name, ttb.login) == ("ttb", "")
    assert estate.units[0].title == "Sở Y tế"
    assert [it.name for it in estate.sites[0].names] == ["Cổng Sở Y tế"]
    assert [it.people for it in estate.notices.routes] == [("nva",), ("ttb",)]
    assert estate.notices.roster[0].person == "ttb"
    assert estate.calendar.years[0].year == 2031


def test_what_is_held_by_root_is_named(load: Load) -> None:
    path = load(SITE + PEOPLE, {f"var/{CHANGEABLE}": CHANGED}).path
    laid = add_changeable(read_document(path))
    assert (laid.held, laid.missed) == ([("units", 0, "title"), ("people", 0, "mail")], [])


def test_what_root_leaves_out_the_service_may_say(load: Load) -> None:
    changed = '[[sites]]\nname = "so-y-te"\ntitle = "Cổng"\n'
    estate = load(SITE.replace('title = "Sở Y tế"\n', ""), {f"var/{CHANGEABLE}": changed})
    assert estate.sites[0].title == "Cổng"


FORBIDDEN = [
    "schema = 1", 'include = ["x.toml"]',
    '[[places]]\nname = "x"\npath = "/etc"',
    '[service]\nstate = "/etc"', '[catalog]\nurl = "sqlite:////tmp/x.db"',
    '[keys]\nrepository = "file:/etc/shadow"',
    '[[stores]]\nname = "x"\nurl = "/srv"\nrole = "copy"\nlocation = "x"\nmedium = "disk"',
    '[[stores]]\nname = "near"\nurl = "/srv/other"',
    '[[hosts]]\nname = "web1"\naddress = "evil.example"\nuser = "root"',
    '[[lines]]\nname = "x"', '[[devices]]\nname = "x"', '[[systems]]\nname = "x"\nlevel = 1',
    '[[units]]\nname = "so-y-te"\nlevel = 5',
    '[[sites]]\nname = "so-y-te"\n[[sites.files]]\nname = "www"\ncommand = ["sh"]',
    '[[sites]]\nname = "so-y-te"\n[[sites.files]]\nname = "etc"\npath = "/etc"',
    '[[sites]]\nname = "so-y-te"\n[[sites.databases]]\nname = "db"\nengine = "sqlite"',
    '[[sites]]\nname = "so-y-te"\nurl = "http://evil.example"',
    '[[sites]]\nname = "so-y-te"\nprofile = "wordpress"',
    '[[sites]]\nname = "so-y-te"\nexclude = ["/"]',
    '[[sites]]\nname = "so-y-te"\n[sites.retention]\nminimum_days = 0',
    '[profiles.x]\nurl = "x"', "[defaults.retention]\nkeep_last = 1",
    '[[people]]\nname = "nva"\nlogin = "mallory"', '[[people]]\nname = "x"\nunit = "so-y-te"',
    '[[people]]\nname = "x"\ntitle = "X"\nroles = ["security_officer"]',
    '[notices]\nrelay = "json://evil.example"', '[notices]\nheartbeat_url = "http://x"',
    '[calendar]\nholidays = ["/etc/shadow"]', '[duties]\ninclude = ["/etc/shadow"]',
    '[organisation]\nname = "X"', '[organisation]\ntimezone = "UTC"',
    '[drill]\nworkdir = "/etc"', '[archive]\nurl = "/srv"', '[monitor]\nmetrics = "0.0.0.0:1"',
    "[security]\nx = 1", '[planning]\nprices = "/etc/shadow"', '[reports]\ntexts = "/etc"',
    '[console]\nproxy = "x"', "[unheard]\nof = 1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORBIDDEN)
def test_all_else_is_refused(load: Load, text: str) -> None:
    with pytest.raises(EstateError) as refused:
        load(SITE + PEOPLE, {f"var/{CHANGEABLE}": text})
    assert {it.file and it.file.name for it in refused.value.problems} == {CHANGEABLE}
    assert "may not stand in the part" in refused.value.problems[0].what


@pytest.mark.parametrize("section", ["sites", "units"])
def test_no_site_and_no_unit_is_added(load: Load, section: str) -> None:
    changed = f'[[{section}]]\nname = "moi"\ntitle = "Mới"\n'
    estate = load(SITE, {f"var/{CHANGEABLE}": changed})
    assert [it.name for it in getattr(estate, section)] == ["so-y-te"]
    assert add_changeable(read_document(estate.path)).missed == [f"{section}[moi]"]


@pytest.mark.parametrize("text", ["\\u001b[2J", "a\\nb", "\\u202egnp", "\\u0000"])
def test_no_text_commands_a_terminal(load: Load, text: str) -> None:
    changed = f'[[people]]\nname = "x"\ntitle = "{text}"\n'
    with pytest.raises(EstateError) as refused:
        load(SITE, {f"var/{CHANGEABLE}": changed})
    assert "commands a terminal" in refused.value.problems[0].what


@pytest.mark.parametrize("key", ["people", "x", "notices.routes", "sites"])
def test_what_lies_too_deep_is_refused(load: Load, key: str) -> None:
    with pytest.raises(EstateError) as refused:
        load(SITE, {f"var/{CHANGEABLE}": f"{key}{'.a' * 100_000} = 1\n"})
    assert "too deep" in refused.value.problems[0].what


def test_neither_a_link_nor_a_pipe_nor_much_is_read(load: Load, tmp_path: Path) -> None:
    load()
    place = tmp_path / "var" / CHANGEABLE
    place.parent.mkdir()
    aside = tmp_path / "aside"
    aside.write_text(CHANGED)
    for put in (
        lambda: place.symlink_to(aside),
        lambda: os.mkfifo(place),
        lambda: place.write_text("#" * (MOST_BYTES + 1)),
        place.mkdir,
    ):
        put()
        with pytest.raises(EstateError) as refused:
            load_estate(tmp_path / "estate.toml")
        assert "cannot be read" in refused.value.problems[0].what
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()


def test_a_change_is_seen(load: Load, tmp_path: Path) -> None:
    path = load().path
    assert load_changed(path).people == ()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / CHANGEABLE).write_text('[[people]]\nname = "x"\ntitle = "X"\n')
    assert [it.name for it in load_changed(path).people] == ["x"]


def test_the_marks_say_what_is_open() -> None:
    assert set(list_open(Estate)) == {
        "organisation.names", "calendar.years", "calendar.days_off", "calendar.made_up",
        "units[].title", "units[].names", "people[].title", "people[].mail", "people[].phone",
        "notices.routes", "notices.roster", "sites[].title", "sites[].names",
    }  # fmt: skip


ROOTS_KINDS = {
    values.make_reference, values.make_address, values.make_place, values.make_catalog_url,
    values.make_path,
}  # fmt: skip


def _whole(model: type[BaseModel], inside: bool = False) -> typing.Iterator[tuple[str, object]]:
    for key, field in values.fields_of(model).items():
        mark, inner = mark_of(field), values.model_of(field)
        is_marked = inside or (mark is not None and mark.is_whole)
        if inner is not None:
            yield from _whole(inner, is_marked)
        elif is_marked:
            yield key, (field.annotation, field.metadata)


def test_no_mark_lets_in_a_path_a_key_or_an_address() -> None:
    found = dict(_whole(Estate))
    assert {"mail", "people", "person"} <= set(found)
    for key, told in found.items():
        annotation, metadata = typing.cast("tuple[object, list[object]]", told)
        assert "Path" not in str(annotation), key
        assert not {getattr(it, "func", None) for it in metadata} & ROOTS_KINDS, key
        assert key not in {"command", "login", "unit", "url", "host", "address", "user"}
