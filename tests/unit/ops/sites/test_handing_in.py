"""A file of the estate that a person hands in: mistakes, no difference, the same thing twice."""

from pathlib import Path

import pytest

from ops.access.identity import NotAllowedError, check_roles
from ops.estate.edit.proposal import list_proposals
from ops.estate.load.load import load_estate
from ops.language.text import render_error
from ops.sites.hand_in import HandedInError, change_part, hand_in
from ops.sites.propose import propose
from ops.sites.take import take_proposal
from ops.sites.tasks import ChangePart, Propose, Take
from ops.terminal.document import read_document
from tests.integration.jobs.small_estate import build_estate

PART = """
[[people]]
name = "lvc"
title = "Lê Văn C"
[[notices.roster]]
person = "lvc"
from = 2026-12-01
until = 2026-12-07
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = build_estate(tmp_path / "etc")
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return path


def test_a_part_that_is_there_already_is_not_written_again(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "part.toml"
    part.write_text(PART)
    assert change_part(ChangePart(file=str(part))) == 0
    first = capsys.readouterr().out
    assert "changeable.toml is written" in first
    assert "person lvc" in first
    assert "{'" not in first
    written = (estate.parent / "state" / "changeable.toml").stat().st_mtime_ns
    assert change_part(ChangePart(file=str(part))) == 0
    assert "is the same already" in capsys.readouterr().out
    assert (estate.parent / "state" / "changeable.toml").stat().st_mtime_ns == written


def test_a_mistake_is_one_of_the_file_that_was_typed(estate: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.toml"
    part.write_text(PART.replace('person = "lvc"', 'person = "ai"'))
    with pytest.raises(HandedInError) as refused:
        change_part(ChangePart(file=str(part)))
    told = render_error(refused.value)
    assert f'the file "{part}" is not taken' in told
    assert "changeable.toml" not in told
    assert str(estate) not in told
    assert "type the same command again" in told

    whole = tmp_path / "whole.toml"
    whole.write_text(estate.read_text().replace("schema = 1", "schema = 1\nkhong_co = 1"))
    with pytest.raises(HandedInError) as refused:
        hand_in(Propose(file=str(whole), out=estate.name))
    told = render_error(refused.value)
    assert f'the file "{whole}" is not taken' in told
    assert "whole.toml: khong_co" in told


def test_the_same_proposal_waits_once_and_is_listed_for_programs(estate: Path) -> None:
    known = load_estate(estate)
    before = estate.read_bytes()
    made = [
        propose(known, estate, before, before + more, task="estate.import").id
        for more in (b"# a\n", b"# a\n", b"# b\n")
    ]
    assert made[0] == made[1] != made[2]
    assert len(list_proposals(estate.parent / "state")[0]) == 2
    items = read_document(lambda: take_proposal(Take(json=True)))["items"]
    assert isinstance(items, list)
    assert [it["id"] for it in items] == [made[0], made[2]]
    assert items[0]["file"] == estate.name
    assert items[0]["task"] == "estate.import"


def test_a_secret_is_proposed_anew_each_time(estate: Path) -> None:
    known = load_estate(estate)
    secret = estate.parent / "keys" / "mat-ma"
    made = [
        propose(known, secret, None, b"x", task="estate.secret", kind="secret").id for _ in "ab"
    ]
    assert made[0] != made[1]


@pytest.mark.parametrize(("login", "told"), [("root", "with `sudo`"), ("ai-do", "`login` at your")])
def test_root_is_told_to_come_by_sudo(
    estate: Path, monkeypatch: pytest.MonkeyPatch, login: str, told: str
) -> None:
    monkeypatch.setattr("ops.access.identity.login_at_terminal", lambda: login)
    with pytest.raises(NotAllowedError) as refused:
        check_roles(load_estate(estate), frozenset(), "estate.take", {})
    assert told in refused.value.next_step
