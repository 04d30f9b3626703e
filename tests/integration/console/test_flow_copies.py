"""Copies in Chromium: a file found by its day, downloaded and put back; a run watched; a drill."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console_flow import (
    DONE,
    WAITS,
    People,
    be_over,
    do,
    download,
    either_way,
    fill,
    go_back,
    open_form,
    people_at,
    send,
    text_of_docx,
    text_of_pdf,
)
from tests.console_office import ConsoleEstate, build_console_estate
from tests.integration.jobs.small_estate import GIUCONG
from tests.ssh_server import SshServer, make_ssh_server, ssh_server
from tests.warm_program import run_warm

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

ON_A_HOST = """
[[hosts]]
name = "may-1"
address = "127.0.0.1"
port = {port}
user = "{user}"
identity = "file:{identity}"
known_hosts = "{known_hosts}"
[[sites]]
name = "cong-may"
title = "Cổng trên máy chủ"
unit = "xa"
  [[sites.files]]
  name = "web"
  host = "may-1"
  path = "{web}"
[[sites]]
name = "cong-cham"
title = "Cổng chậm"
unit = "xa"
  [[sites.files]]
  name = "ban-ghi"
  host = "may-1"
  source = "command"
  command = "sh -c 'echo; until test -e {gate}; do head -c 1000000 /dev/urandom; sleep 0.2; done'"
  path = "/ban-ghi"
"""
RUNBOOK = """+++
id = "dua-tep-ve"
title = "Đưa tệp về máy chủ"
owner = "Trung tâm"
systems = []
[variables.site]
title = "Trang nào"
[variables.login]
title = "Tài khoản quản trị trên máy chủ"
[variables.reason]
title = "Lý do"
[variables.identity]
title = "Tệp khóa SSH của tài khoản ấy"
default = "{identity}"
[variables.snapshot]
title = "Mã bản sao lưu"
pattern = "[0-9a-f]{4,64}"
+++

# Đưa tệp về máy chủ

1. Chọn bản cuối cùng mà trang còn đúng.

   ```ask snapshot
   Lấy bản nào?
   ```

2. Ghi tệp lên máy chủ.

   ```run deadline=600
   giucong backup.restore --site {{site}} --snapshot {{snapshot}} --include /{{site}}/files --in-place --login {{login}} --identity {{identity}} --confirm {{site}} --reason {{reason}}
   ```

3. Xem trang.

   ```ask
   Trang hiện đúng chưa?
   ```
"""  # noqa: E501 - one command
DAYS = 2


@dataclass
class Place:
    """What is backed up, and who sits before its console.

    Attributes:
        web: Folder of the site on the host.
        gate: File for which the slow site waits.
    """

    people: People
    estate: ConsoleEstate
    server: SshServer
    web: Path
    gate: Path

    @property
    def uploads(self) -> Path:
        """Folder of the site on this machine."""
        return self.estate.path.parent / "www" / "uploads"


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    ssh_server: SshServer,
) -> Iterator[Place]:
    """Two sites of which one lies on a host, each backed up two days ago and today."""
    folder = tmp_path_factory.mktemp("flow")
    web, gate = folder / "web", folder / "gate"
    web.mkdir()
    target = ssh_server.target()
    more = ON_A_HOST.format(
        port=target.port, user=target.user, identity=target.identity,
        known_hosts=target.known_hosts, web=web, gate=gate,
    )  # fmt: skip
    estate = build_console_estate(folder / "estate", more, ("bach", "chau"))
    books = estate.path.parent / "runbooks"
    books.mkdir()
    book = RUNBOOK.replace("{identity}", str(target.identity), 1)  # no place is typed in a form
    (books / "dua-tep-ve.vi.md").write_text(book, encoding="utf-8")
    gate.touch()
    back_up_twice(estate, (estate.path.parent / "www" / "uploads", web))
    with people_at(estate) as people:
        yield Place(people, estate, ssh_server, web, gate)


def texts_of(name: str) -> tuple[bytes, bytes]:
    """Give what a file held two days ago, and today."""
    return f"{name} đúng".encode() * 999, f"{name} sửa".encode()


def back_up_twice(estate: ConsoleEstate, folders: Sequence[Path]) -> None:
    environment = {**estate.environment, "SUDO_USER": "bach"}
    assert run_warm([str(GIUCONG), "backup.init"], environment, timeout=240).returncode == 0
    words = [str(GIUCONG), "backup.run-all"]
    for version in (0, 1):
        for name, folder in product(("thông báo 1", "thông báo 2"), folders):
            (folder / f"{name}.txt").write_bytes(texts_of(name)[version])
        done = (
            run_warm(words, environment, timeout=240)
            if version
            else subprocess.run(
                ["faketime", "-f", f"-{DAYS}d", *words], env=environment, check=False,
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
            )
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def find_by_day(page: Page, site: str, name: str) -> Locator:
    """Go through the wizard to a file's versions; gives the older one."""
    page.get_by_role("link", name=site).click()
    form = page.locator("main form[action='/restore']")
    day = datetime.now(UTC).astimezone(ZoneInfo("Asia/Ho_Chi_Minh")) - timedelta(days=DAYS)
    fill(form, name=name, on=f"{day:%Y-%m-%d}")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=f"{name}.txt").click()
    expect(page.locator("article")).to_have_count(2)
    return page.locator("article").nth(1)


@either_way
def test_a_file_is_found_by_its_day_downloaded_and_put_back_by_two_people(
    place: Place, scripts: bool
) -> None:
    people, name = place.people, "thông báo 1" if scripts else "thông báo 2"
    live, right = place.uploads / f"{name}.txt", texts_of(name)[0]
    live.write_bytes(b"defaced")
    with people.sit_down("bach", "/restore", scripts=scripts) as page:
        older = find_by_day(page, "Cổng xã Bình Minh", name)
        send(open_form(older, "backup.restore"))
        be_over(page, DONE)
        assert download(page, f"{name}.txt") == right
        go_back(page)
        form = open_form(page.locator("article").nth(1), "backup.restore.in-place")
        fill(form, confirm="cong-xa", reason=f"{name} bị sửa")
        people.prove(form, "bach")
        send(form)
        be_over(page, WAITS)
        assert live.read_bytes() == b"defaced"
        people.approve("chau", f"{name} bị sửa", scripts=scripts)
        send(page.locator("#doing form"))
        be_over(page, DONE)
    assert live.read_bytes() == right


def test_a_file_of_a_host_is_downloaded_and_its_site_comes_back_by_a_runbook_of_two_people(
    place: Place,
) -> None:
    """Without scripts alone: the same forms, in the other tests, are sent with them, too."""
    people, name, scripts = place.people, "thông báo 1", False
    live, right = place.web / f"{name}.txt", texts_of(name)[0]
    live.write_bytes(b"defaced")
    server = {"set__login": place.server.target().user}
    with people.sit_down("bach", "/restore", scripts=scripts) as page:
        older = find_by_day(page, "Cổng trên máy chủ", name)
        expect(page.locator("main")).to_contain_text("Phần này lấy từ may-1")
        expect(page.locator("[action='/act/backup.restore.in-place']")).to_have_count(0)
        send(open_form(older, "backup.restore"))
        be_over(page, DONE)
        assert download(page, f"{name}.txt") == right
        page.goto("/site?site=cong-may")
        snapshot = page.locator("a[href*='snapshot=']").last.get_attribute("href")
        page.goto("/runbooks?id=dua-tep-ve")
        form = open_form(page, "runbook.run")
        fill(form, set__site="cong-may", set__reason=f"{name} trên máy bị sửa", **server)
        do(page, form)
    with people.sit_down("bach", "/runbooks", scripts=scripts) as page:  # another day, as it were
        page.locator("a[href*='run=']").first.click()
        form = open_form(page, "runbook.resume")
        fill(form, answer=str(snapshot).rpartition("=")[2][:8])
        do(page, form)
        form = open_form(page, "runbook.resume")
        people.prove(form, "bach")
        do(page, form, WAITS)
        assert live.read_bytes() == b"defaced"
        people.approve("chau", f"{name} trên máy bị sửa", scripts=scripts)
        do(page, open_form(page, "runbook.resume"))
        assert live.read_bytes() == right
        form = open_form(page, "runbook.resume")
        fill(form, answer="có")
        do(page, form)
        expect(page.locator("h1 .mark")).to_have_text("xong")
        expect(page.locator("article pre").first).to_contain_text("chau")  # who has approved


@either_way
def test_a_run_that_somebody_asks_for_is_watched_until_its_end(place: Place, scripts: bool) -> None:
    place.gate.unlink(missing_ok=True)
    with place.people.sit_down("bach", "/site?site=cong-cham", scripts=scripts) as page:
        page.locator("form", has=page.locator("[value='backup/cong-cham']")).locator(
            "button"
        ).click()
        be_over(page, DONE)
        go_back(page)
        page.locator("#running a[href*='/run?id=']").first.click()
        state = page.locator("#state")
        expect(state).to_contain_text(re.compile("sao lưu: [1-9][0-9,]* MiB"))
        place.gate.touch()
        expect(state.locator(".mark").first).to_have_text("thành công")
        expect(state.locator("table a[href*='/journal']")).not_to_have_count(0)


@either_way
def test_a_drill_is_run_to_its_minutes_and_their_paper(
    place: Place, tmp_path: Path, scripts: bool
) -> None:
    """A whole site, of which nothing says how to start it; without scripts one file of it."""
    with place.people.sit_down("bach", "/drills", scripts=scripts) as page:
        form = open_form(page, "drill.run")
        fill(form, site="cong-xa", reason="theo lịch", **({} if scripts else {"file": "1"}))
        do(page, form, "đã xong, có điều cần xem" if scripts else DONE)
        page.locator("table a[href*='drill=']").first.click()
        expect(page.locator("h1")).to_contain_text("chưa đầy đủ" if scripts else "đạt")
        send(open_form(page, "report.drill"))
        be_over(page, DONE)
        assert "BIÊN BẢN" in text_of_docx(download(page, ".docx"))
        assert "theo lịch" in text_of_pdf(download(page, ".pdf"), tmp_path)
