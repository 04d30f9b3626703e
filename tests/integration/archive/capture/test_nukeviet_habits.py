"""The stand-in for NukeViet has the habits that make its sites hard to keep, and our connector's
tables.
"""

import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from archive.capture.captured import Tally
from archive.capture.nukeviet.connector import NukeViet
from tests import nukeviet
from tests.mariadb_server import MariadbServer
from tests.portal import PhpSite
from tests.portal_rows import mariadb_facts, mariadb_rows, portal_of
from tests.private_server import find_free_port

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Stand:
    """The portal, running."""

    site: PhpSite
    server: MariadbServer

    def ask(self, sql: str) -> str:
        return self.server.run(sql, self.site.database).strip()

    def get(self, path: str, data: bytes | None = None, **headers: str) -> str:
        request = urllib.request.Request(f"{self.site.address}{path}", data, headers)  # noqa: S310 -- our own
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own
            told: bytes = answer.read()
        return told.decode()


@pytest.fixture(scope="module")
def stand(
    tmp_path_factory: pytest.TempPathFactory, mariadb_server: MariadbServer
) -> Iterator[Stand]:
    database = mariadb_server.new_database()
    folder = tmp_path_factory.mktemp("nukeviet") / "www"
    words = nukeviet.files(database, "root", "", str(mariadb_server.socket))
    nukeviet.make_folder(folder, words)
    mariadb_server.run(nukeviet.tables(), database)
    site = PhpSite(folder, find_free_port(), database, "root")
    with site.running():
        yield Stand(site, mariadb_server)


def send_paper(stand: Stand) -> str:
    """Send a question with a paper, as a browser does."""
    mark = uuid.uuid4().hex
    parts = [('name="title"', "Hỏi"), ('name="paper"; filename="don.pdf"', "%PDF-1.7")]
    body = "".join(
        f"--{mark}\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n"
        for head, text in parts
    )
    kind = f"multipart/form-data; boundary={mark}"
    return stand.get("/lien-he/", f"{body}--{mark}--\r\n".encode(), **{"Content-Type": kind})


def test_every_visit_changes_rows_without_transactions(stand: Stand) -> None:
    engines = stand.ask(
        "SELECT engine, COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
        " GROUP BY engine ORDER BY engine"
    )
    assert [it.split("\t")[0] for it in engines.splitlines()] == ["MEMORY", "MyISAM"]
    before = int(stand.ask("SELECT c_count FROM nv4_counter WHERE c_type = 'total'"))
    pages = [stand.get(page) for page in nukeviet.PAGES]
    assert int(stand.ask("SELECT c_count FROM nv4_counter WHERE c_type = 'total'")) == before + 4
    assert stand.ask("SELECT COUNT(*) FROM nv4_sessions") == "1"
    assert stand.ask("SELECT hitstotal FROM nv4_vi_news_rows WHERE id = 1") == "1"
    assert 'quy hoạch "đô thị sân bay"' in pages[1]
    assert "Thông báo số 60/TB-UBND" in pages[0]
    assert [it.name[:3] for it in (stand.site.folder / "data/cache").iterdir()] == ["vi_"]
    assert "Cơ cấu tổ chức" in stand.get("/index.php?language=vi&nv=about")
    assert "<form" in stand.get("/index.php?language=vi&nv=contact")


def test_a_paper_needs_the_folder_that_nobody_backs_up(stand: Stand) -> None:
    assert "Đã nhận" in send_paper(stand)
    assert (stand.site.folder / "uploads/contact/don.pdf").read_bytes() == b"%PDF-1.7"
    place = stand.site.folder / "data/tmp"
    place.rmdir()
    with pytest.raises(urllib.error.HTTPError, match="500"):
        send_paper(stand)
    place.mkdir()


def test_its_rows_are_what_the_connector_asks_for(stand: Stand) -> None:
    facts, tally = mariadb_facts(stand.server, stand.site.database), Tally()
    rows = mariadb_rows(stand.server, stand.site.database, NukeViet(), facts)
    found = list(NukeViet().items(rows, portal_of(), tally))

    assert tally.refused == 0
    news = [it for it in found if it.item.source_key.startswith("nukeviet/vi/news/")]
    assert len(news) == 66
