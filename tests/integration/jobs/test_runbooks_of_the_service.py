"""The service's own machine is lost: its two runbooks are carried out on a bare one, to the end."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.runbooks.commands import ProcessCommands
from ops.runbooks.library import SHIPPED
from runbooks.memory import MemoryApprover, MemoryStates, ScriptedAsker, SteppedClock
from runbooks.parse import load_runbook
from runbooks.procedure import Runbook
from runbooks.runner import Runner, Seams
from runbooks.state import RunState
from tests.integration.jobs.answering import answer
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

SITE = "cong-xa"
PEOPLE = "".join(
    f'[[people]]\nname = "{name}"\ntitle = "{title}"\n'
    for name, title in [("ttb", "Trần Thị B"), ("lvc", "Lê Văn C"), ("ptd", "Phạm Thị D")]
)
COPY = """
[[stores]]
name = "offsite"
url = "OFFSITE"
role = "copy"
of = "near"
location = "Biên Hòa"
medium = "object"
key = "file:keys/offsite.key"
"""
HOLDERS = ("--holder", "nva", "--holder", "ttb", "--holder", "lvc", "--holder", "ptd")


@dataclass(frozen=True)
class Left:
    """What is left of everything.

    Attributes:
        estate: Where the estate file was.
        store: The copy in another place, whose key is its own.
        shares: What each holder's sheet says.
        password: Of the copy, in the sealed envelope.
        other: Of the stores that are lost, in another.
        www: The site, which nobody has touched.
    """

    estate: Path
    store: Path
    shares: list[str]
    password: str
    other: str
    www: Path


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("gone")
    store, sheets = folder / "disk", folder / "usb"
    estate = build_estate(folder / "estate", PEOPLE + COPY.replace("OFFSITE", str(store)))
    www = folder / "www"
    (estate.parent / "www").rename(www)
    text = estate.read_text(encoding="utf-8")
    for place in ('path = "www', 'database = "www'):
        text = text.replace(place, place.replace("www", str(www)))
    estate.write_text(text, encoding="utf-8")
    sheets.mkdir()
    for words in (
        ("backup.init",), ("backup.run", "--site", SITE), ("backup.run", "--site", "giucong"),
        ("backup.copy",),
        ("backup.key-escrow", "--store", "offsite", "--to", str(sheets), "--any-disk", *HOLDERS),
    ):  # fmt: skip
        done = giucong(estate, *words)
        assert done.returncode == 0, done.stderr
    shares = [_words_of(path) for path in sorted(sheets.glob("share-offsite-*.txt"))]
    password = (estate.parent / "keys" / "offsite.key").read_text().strip()
    other = (estate.parent / "keys" / "repository.key").read_text()
    shutil.rmtree(estate.parent)
    return Left(estate, store, shares, password, other, www)


def _words_of(sheet: Path) -> str:
    """Give what is typed from a sheet: all its words on one line."""
    return " ".join(re.findall(r"\d\d\. ([a-z]+)", sheet.read_text(encoding="utf-8")))


def test_the_service_comes_back_from_paper_and_one_store(left: Left, tmp_path: Path) -> None:
    estate = left.estate

    def bring_the_other_key() -> None:
        key = estate.parent / "keys" / "repository.key"
        key.touch(mode=0o600)
        key.write_text(left.other)

    def have_the_copy_stand_in() -> None:
        text = estate.read_text(encoding="utf-8")
        before, near, after = text.partition('name = "near"')
        near += after.replace('role = "primary"', 'role = "copy"\nof = "offsite"', 1).replace(
            'of = "offsite"', 'of = "offsite"\nkey = "file:keys/repository.key"', 1
        )
        near = near.replace('role = "copy"\nof = "near"', 'role = "primary"')
        estate.write_text(before + near.replace('full_read = ""', 'full_read = ""\nforget = ""'))

    done = answer(
        None,
        [
            "runbook.run", "--id", "service-gone", "--set", f"store={left.store}",
            "--set", f"estate={left.estate}",
        ],
        [
            ("mảnh khóa, 1", left.shares[0]),
            ("mảnh khóa, 2", left.shares[2]),
            ("mảnh khóa, 3", left.shares[3]),
            ("đủ mới không?", "có"),
            ("Is it enough to go on?", "có"),
            ("Các bí mật khác", bring_the_other_key),
            ("đang có thật chưa?", have_the_copy_stand_in),
            ("Is it enough to go on?", "có"),
            ("Is it enough to go on?", "có"),
            ("ghi vào sổ", "có"),
        ],
        cwd=tmp_path,
    )  # fmt: skip

    assert done.code == 0, done.told
    for words in (["runbook.list"], ["runbook.show", "--id", "service-gone"]):
        read = answer(None, words, [], cwd=tmp_path)
        assert read.code == 0, read.told
        assert "Mất máy chủ vận hành" in read.told
    assert (estate.parent / "keys" / "offsite.key").read_text().strip() == left.password
    assert not (tmp_path / "key").exists()
    kept = b"".join(it.read_bytes() for it in tmp_path.glob("giucong-runbooks.db*"))
    assert left.shares[0].encode() not in kept
    told = giucong(left.estate, "backup.list", "--site", SITE)
    assert told.stdout.count("/cong-xa") == 2


def carry_out_on_paper(runbook: Runbook, asker: ScriptedAsker, values: dict[str, str]) -> RunState:
    """Do what the page says, without Giữ Cổng's own state: as somebody does who types it."""
    clock = SteppedClock()
    seams = Seams(MemoryStates(), ProcessCommands({}), MemoryApprover(), asker, clock)
    state = RunState(
        id="paper", runbook=runbook.id, text=runbook.text, person="nva", values=values,
        started_at=datetime.now(UTC),
    )  # fmt: skip
    return Runner(runbook, seams, "nva").go(state)


def test_a_site_comes_back_by_stock_restic_alone(left: Left, tmp_path: Path) -> None:
    runbook = load_runbook(SHIPPED / "restore-with-restic.vi.md")
    path = f"{SITE}/files/www/uploads/anh-7.jpg"
    asker = ScriptedAsker(
        ["có", path, "có", "có"], {"Khóa: một dòng chữ trong phong bì niêm phong": left.password}
    )
    values = {"store": str(left.store), "site": SITE, "target": str(tmp_path / "out")}
    state = carry_out_on_paper(runbook, asker, values)

    assert state.standing == "done", [it.output for it in state.records]
    assert not any(words[0] in {"giucong", "fab"} for it in runbook.steps for words in it.commands)
    assert (tmp_path / "out" / path).read_bytes() == (left.www / "uploads/anh-7.jpg").read_bytes()
    assert (tmp_path / "out/giucong/databases/catalog.sqlite").exists()
    assert left.password not in repr(state)
