"""What root takes is what was proposed for the file as it was, not what the service makes of it."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.entering import StrangeLinkError
from ops.errors import EstateError, OpsError, WrongUseError
from ops.estate.edit.proposal import (
    FOLDER,
    Kind,
    Proposal,
    find_proposal,
    keep_proposal,
    list_proposals,
    make_proposal,
    show_difference,
)
from ops.language.text import make_visible
from ops.sites.take import take_proposal
from ops.sites.tasks import Take
from ops.terminal.progress import NotConfirmedError
from tests.integration.jobs.small_estate import build_estate

SITE = """
[[sites]]
name = "xa-moi"
title = "Xã Mới"
unit = "xa"
[[sites.files]]
name = "www"
path = "/srv/xa-moi"
"""


@dataclass
class World:
    """An estate whose service proposes."""

    estate: Path

    @property
    def state(self) -> Path:
        return self.estate.parent / "state"

    def propose(
        self, file: str = "sites.d/moi.toml", content: str = SITE, kind: Kind = "estate"
    ) -> str:
        place = self.estate.parent / file
        before = place.read_bytes() if place.is_file() else None
        made = make_proposal(kind, file, before, content.encode(), task="estate.import", by="nva")
        return keep_proposal(self.state, made)

    def take(self, name: str, confirm: str = "moi.toml", *, dry_run: bool = False) -> int:
        return take_proposal(Take(id=name, confirm=confirm, dry_run=dry_run))

    def entries(self) -> list[tuple[str, str]]:
        with (
            open_catalog(f"sqlite:///{self.state}/giucong.db") as catalog,
            catalog.reading() as session,
        ):
            rows = select(JournalRow.action, JournalRow.subject)
            return [(action, subject) for action, subject in session.execute(rows)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    path = build_estate(tmp_path / "etc")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("schema = 1", 'schema = 1\ninclude = ["sites.d/*.toml"]'))
    path.chmod(0o640)
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return World(path)


def test_what_is_shown_is_written_once_and_journaled(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name = world.propose()
    assert world.take(name) == 0
    target = world.estate.parent / "sites.d" / "moi.toml"
    assert target.read_text() == SITE
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert '+name = "xa-moi"' in capsys.readouterr().out
    assert ("estate.taken", name) in world.entries()
    with pytest.raises(WrongUseError, match="there is no proposal"):
        world.take(name)
    assert list_proposals(world.state) == ([], False)


def test_a_look_and_a_no_write_nothing(world: World) -> None:
    name = world.propose()
    assert world.take(name, dry_run=True) == 0
    with pytest.raises(NotConfirmedError):
        world.take(name, confirm="other")
    assert not (world.estate.parent / "sites.d").exists()
    assert [it for it, _proposal in list_proposals(world.state)[0]] == [name]


def test_a_file_that_has_changed_is_left_alone(world: World) -> None:
    name = world.propose(world.estate.name, world.estate.read_text() + SITE)
    world.estate.write_text(world.estate.read_text() + "# root was here\n")
    with pytest.raises(OpsError, match="has changed since"):
        world.take(name, confirm=world.estate.name)
    assert world.estate.read_text().endswith("# root was here\n")
    first, second = world.propose(), world.propose(content=SITE.replace("xa-moi", "xa-hai"))
    assert world.take(first) == 0
    with pytest.raises(OpsError, match="has changed since"):
        world.take(second)


def test_a_file_that_changes_while_root_is_asked_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, target = world.propose(), world.estate.parent / "sites.d" / "moi.toml"

    def meanwhile(*_asked: object) -> None:
        target.parent.mkdir()
        target.write_text("# other")

    monkeypatch.setattr("ops.sites.take.need_confirmation", meanwhile)
    with pytest.raises(OpsError, match="has changed since"):
        world.take(name)
    assert target.read_text() == "# other"


@pytest.mark.parametrize("change", ["content", "file", "nothing", "spaces", "large", "pipe"])
def test_a_proposal_that_was_changed_is_not_believed(world: World, change: str) -> None:
    name = world.propose()
    path = world.state / FOLDER / f"{name}.json"
    told = json.loads(path.read_bytes())
    if change == "content":
        told["content"] = "IyBi4bqldA=="
    elif change == "file":
        told["file"] = "estate.toml"
    path.unlink()
    if change == "pipe":
        os.mkfifo(path)
    elif change == "nothing":
        path.write_bytes(b"")
    elif change == "large":
        path.write_bytes(b" " * (9 << 20))
    else:
        path.write_text(json.dumps(told))
    with pytest.raises(OpsError, match="is not believed"):
        world.take(name)
    assert list_proposals(world.state) == ([], False)


def test_no_link_leads_to_a_proposal(world: World, tmp_path: Path) -> None:
    name = world.propose()
    path = world.state / FOLDER / f"{name}.json"
    (tmp_path / "aside").write_bytes(path.read_bytes().replace(b"estate.import", b"x"))
    path.unlink()
    path.symlink_to(tmp_path / "aside")
    with pytest.raises(OpsError, match="is not believed"):
        world.take(name)
    for odd in ("../../etc/shadow", "A" * 20, "0" * 19, ""):
        with pytest.raises(WrongUseError):
            find_proposal(world.state, odd)


@pytest.mark.parametrize(
    "file",
    ["../out.toml", "/etc/cron.d/x", "sites.d/../../x.toml", "other.toml", "keys/k", ".",
     "sites.d/a\nroot: b.toml", "sites.d/a\x00.toml"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["estate", "secret", "hosts"])
def test_only_what_the_estate_reads_is_written(world: World, file: str, kind: Kind) -> None:
    name = world.propose(file, kind=kind)
    with pytest.raises(OpsError, match="is not believed"):
        world.take(name, confirm=Path(file).name)


def test_an_estate_with_mistakes_is_not_written(world: World) -> None:
    name = world.propose(content=SITE.replace('unit = "xa"', 'unit = "khong-co"'))
    with pytest.raises(EstateError):
        world.take(name)
    assert not (world.estate.parent / "sites.d").exists()


def test_others_may_not_have_the_folder(world: World) -> None:
    name = world.propose()
    world.estate.parent.chmod(0o777)
    assert world.take(name) == 1  # the service itself does not believe such an estate
    world.estate.parent.chmod(0o755)
    world.estate.parent.parent.chmod(0o777)
    assert world.take(name) == 1  # nor one that they could swap
    world.estate.parent.parent.chmod(0o700)
    (world.estate.parent / "keys").mkdir()
    (world.estate.parent / "keys").chmod(0o777)
    with pytest.raises(OpsError, match="is not root's"):
        world.take(world.propose("keys/repository.key", "x", "secret"))
    assert not (world.estate.parent / "sites.d").exists()


def test_a_secret_is_stored_and_never_shown(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    key = world.estate.parent / "keys" / "repository.key"
    key.parent.mkdir()
    key.write_text("cũ")
    name = world.propose("keys/repository.key", "mật khẩu mới", "secret")
    assert (world.state / FOLDER / f"{name}.json").stat().st_mode & 0o077 == 0
    assert world.take(name, confirm="repository.key") == 0
    assert key.read_text() == "mật khẩu mới"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [it.read_text() for it in key.parent.glob("*.old")] == ["cũ"]
    told = capsys.readouterr().out
    assert "mới" not in told
    assert "cũ" not in told
    assert "it is not shown" in told


def test_the_id_of_a_secret_says_nothing_of_it(world: World) -> None:
    ids = {world.propose("keys/repository.key", "1234", "secret") for _number in range(2)}
    assert len(ids) == 2


def test_what_cannot_be_seen_is_shown_as_an_escape() -> None:
    new = "a\x1b[2Jb\u202ec\u200bd\re\n\ud83d\n".encode("utf-8", "surrogatepass")
    shown = "\n".join(show_difference("x", None, new))
    assert shown.isprintable() or set(shown) - {"\n"} == {it for it in shown if it.isprintable()}
    for part in ("\\x1b[2J", "\\u202e", "\\u200b", "\\r"):
        assert part in shown


_UNSEEN = (
    0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180F, 0x200B, 0x2028, 0x2800, 0x3164, 0xFE00,
    0xFE0F, 0xFFA0, 0xFFF0, 0xE0041, 0xE0101, 0xE0FFF,
)  # fmt: skip


@pytest.mark.parametrize("code", _UNSEEN, ids=hex)
def test_no_sign_that_takes_no_place_is_shown_as_it_is(code: int) -> None:
    """Between two words of a command it would look as if it were not there, or were a space."""
    sign, escape = chr(code), chr(code).encode("unicode_escape").decode()
    shown = list(show_difference("x", b"a", f"a{sign}b".encode()))
    assert f"+a{escape}b" in shown[-1]
    assert make_visible(f"a{sign}b") == f"a{escape}b"


def test_a_flood_hides_no_proposal_and_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has the service's rights may fill the folder; root is not told that nothing waits."""
    name = world.propose()
    folder = world.state / FOLDER
    for number in range(3000):
        (folder / f"{number:020x}.json").write_bytes(b"{}")
    assert world.take("") == 0
    told = capsys.readouterr().out
    assert "nothing waits" not in told
    assert f"more lies in {folder}" in told
    for path in folder.iterdir():
        if path.stem != name:
            path.unlink()
    assert world.take("") == 0
    told = capsys.readouterr().out
    assert name in told
    assert "more lies" not in told


def test_a_strange_form_is_no_proposal() -> None:
    made = make_proposal("estate", "sites.d/x.toml", None, b"x", task="t", by="b")
    told = json.loads(msgspec.json.encode(made))
    for strange in (
        {**told, "at": "2026-12-01T00:00:00"},
        {**told, "form": 2},
        {**told, "kind": "root"},
        {**told, "more": 1},
        [told],
    ):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(json.dumps(strange), type=Proposal)


def test_a_link_in_the_place_of_the_file_leads_nowhere(world: World, tmp_path: Path) -> None:
    name = world.propose()
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    (world.estate.parent / "sites.d").symlink_to(outside)
    assert world.take(name) == 1  # whoever writes there could have it included
    (world.estate.parent / "sites.d").unlink()
    (world.estate.parent / "keys").symlink_to(outside)
    with pytest.raises((OpsError, StrangeLinkError)):
        world.take(world.propose("keys/repository.key", "x", "secret"))
    assert list(outside.iterdir()) == []


def test_what_would_be_read_for_hours_is_refused(world: World) -> None:
    name = world.propose(content=f"x{'.a' * 100_000} = 1\n")
    with pytest.raises(EstateError):
        world.take(name)
