"""A site whose page is defaced: backed up and told of, frozen, restored from the moment before."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.alerts import Alert
from ops.runbooks.choices import list_choices
from ops.status.daily_summary import tell_problems
from tests.defacements import DEFACEMENTS
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.moving_pages import HOME, LivingPortal
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow

SITE = "cong-xa"
FAR = """
[[stores]]
name = "far"
url = "stores/far"
role = "copy"
of = "near"
key = "file:keys/far.key"
location = "nơi khác"
medium = "disk"
"""
DEFACED = "<title>Hacked by N0B0DY</title><p>Your security is zero"


class Served:
    """A living portal, or what was made of it; its home page is a file of the site, too."""

    def __init__(self, folder: Path) -> None:
        self.portal, self.day = LivingPortal(7), 2.0
        self.deface: Callable[[str], str]
        self.file = folder / "index.html"
        self.restore()

    def restore(self) -> None:
        self.deface, self.day = lambda html: html, self.day + 0.5
        self.file.write_text("tốt", encoding="utf-8")

    def attack(self, how: str) -> None:
        self.deface, self.day = DEFACEMENTS[how], self.day + 0.5
        self.file.write_text(DEFACED, encoding="utf-8")

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        say(self.deface(self.portal.visit(HOME, self.day)).encode())(request)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, Served]]:
    """Give the estate and what is served; three good backups were made."""
    path = build_estate(tmp_path / "estate", FAR)
    there = Served(path.parent / "www")
    with web_server({"/": there.answer}) as url:
        text = path.read_text(encoding="utf-8")
        more = f'unit = "xa"\nurl = "{url}"\npages = ["/"]\n'
        path.write_text(text.replace('unit = "xa"\n', more), encoding="utf-8")
        assert giucong(path, "backup.init").returncode == 0
        for _ in range(3):
            there.restore()
            assert back_up(path)["reason"] == ""
        yield path, there


def back_up(estate: Path, *flags: str) -> dict[str, Any]:
    done = giucong(estate, "backup.run", "--site", SITE, "--json", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["items"][0]
    return found


def flat(text: str) -> str:
    return " ".join(text.split())


def newest(estate: Path, store: str = "near") -> list[str]:
    done = giucong(estate, "backup.list", "--site", SITE, "--store", store, "--json")
    return [str(it["id"])[:8] for it in json.loads(done.stdout)["items"]]


def test_a_defaced_site_is_told_frozen_and_restored_from_the_moment_before(
    served: tuple[Path, Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate, site = served
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    site.attack("whole page replaced")
    shown = giucong(estate, "backup.run", "--site", SITE)
    again = back_up(estate)
    good = newest(estate)[2]
    status, sites = giucong(estate), giucong(estate, "backup.status", "--json")
    pruned = giucong(estate, "backup.forget", "--site", SITE, "--confirm", SITE)
    listed = giucong(estate, "backup.list", "--site", SITE)
    drilled = giucong(estate, "drill.run", "--site", SITE)
    assert giucong(estate, "backup.copy", "--site", SITE).returncode == 0
    far = newest(estate, "far")
    target = tmp_path / "away"
    defaced = giucong(estate, "backup.restore", "--site", SITE, "--target", str(tmp_path / "bad"))
    copied = giucong(
        estate, "backup.restore", "--site", SITE, "--store", "far", "--target", str(tmp_path / "f")
    )
    restored = giucong(
        estate, "backup.restore", "--site", SITE, "--target", str(target), "--snapshot", good
    )

    offered = [" · in doubt" in it.said for it in list_choices("snapshot", {"site": SITE})]
    assert offered == [True, True, False, False, False]
    assert shown.returncode == 0, shown.stderr
    assert 'the title of / is "Hacked" now' in flat(shown.stdout)
    assert (again["outcome"], again["reason"]) == ("ok", "pages_unlike")
    assert again["params"]["before"] == good
    assert "the site may be defaced" in flat(status.stdout)
    assert "0 of 1 sites are well backed up" in status.stdout
    assert json.loads(sites.stdout)["items"][0]["frozen"]["before"][:8] == good
    assert pruned.returncode == 1
    assert "nothing of the site is deleted, in any store" in flat(pruned.stdout)
    assert drilled.returncode != 0
    assert "the site may be defaced" in flat(drilled.stdout), drilled.stdout
    for told, before in ((listed, good), (defaced, good), (copied, far[2])):
        assert "the site may be defaced" in flat(told.stdout), told.stdout
        assert f"--snapshot {before}" in flat(told.stdout)
    assert defaced.stdout.index("may be defaced") < defaced.stdout.index("restored")
    assert "in doubt" not in restored.stdout
    assert (target / SITE / "files" / "www" / "index.html").read_text() == "tốt"


def test_what_a_person_accepts_is_usual_from_then_on(served: tuple[Path, Served]) -> None:
    """A site that is made anew is one warning; one that was put back keeps its old look."""
    estate, site = served
    site.attack("whole page replaced")
    assert back_up(estate)["reason"] == "pages_unlike"
    accepted = giucong(estate, "backup.accept", "--site", SITE, "--reason", "Giao diện mới")
    after = [back_up(estate)["reason"]]
    site.restore()
    after.append(back_up(estate)["reason"])  # one of the last three looked so
    site.attack("a script from a new host")
    attacked = back_up(estate)
    site.restore()
    put_back = back_up(estate)
    over = giucong(estate, "backup.accept", "--site", SITE, "--reason", "Tấn công, đã khôi phục")
    site.attack("a script from a new host")
    once_more = back_up(estate)

    assert accepted.returncode == 0, accepted.stderr
    assert "counts as usual from now on" in flat(accepted.stdout)
    assert after == ["", ""]
    assert (attacked["reason"], put_back["reason"]) == ("pages_unlike", "")
    assert "counts as usual" not in over.stdout
    assert once_more["reason"] == "pages_unlike"


def test_people_are_told_once_and_a_planned_change_is_none(served: tuple[Path, Served]) -> None:
    estate, site = served
    site.attack("hidden links of casinos")
    back_up(estate)
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    now = datetime.now(UTC)
    tell_problems(catalog, now)
    tell_problems(catalog, now)
    with catalog.reading() as session:
        (alert,) = session.execute(select(Alert)).scalars()
    catalog.close()
    listed = flat(giucong(estate, "monitor.alerts").stdout)
    planned = back_up(estate, "--accept-size")
    usual = back_up(estate)

    assert (alert.subject, alert.severity, alert.times) == (f"frozen:{SITE}", "warning", 1)
    assert "its pages look defaced" in listed
    assert (planned["reason"], usual["reason"]) == ("", "")
    assert {it["measure"] for it in planned["summary"]["accepted"]} == {"leads", "foreign"}
