"""A real MediaWiki on PostgreSQL and on MariaDB, archived from its backup through the sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest

from archive.metadata.item import parse_item
from archive.ocfl.root import StorageRoot
from examples.pictures import draw_picture
from tests.integration.jobs.small_estate import ESTATE, giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.mediawiki import Wiki, make_wiki
from tests.postgres_server import PostgresServer, postgres_server

__all__ = ["mariadb_server", "postgres_server"]
pytestmark = pytest.mark.slow

_ESTATE = """
[archive]
url = "archive"
private = "archive-private"
[[classes]]
name = "procedure"
[[sites]]
name = "wiki"
title = "Wiki của xã"
unit = "xa"
owner = "nva"
url = "https://wiki.example.vn"
classes = ["procedure"]
  [sites.archive]
  connector = "mediawiki"
  files = "www"
  [[sites.files]]
  name = "www"
  path = "{folder}"
  [[sites.databases]]
  name = "db"
  engine = "{engine}"
  socket = "{socket}"
  database = "{database}"
  user = "{user}"
"""


def _on_mariadb(folder: Path, server: MariadbServer) -> tuple[Wiki, dict[str, str]]:
    name = server.new_database()
    server.run("SET GLOBAL innodb_snapshot_isolation = OFF")  # as MediaWiki 1.43 needs it
    wiki = make_wiki(folder, {
        "dbtype": "mysql", "dbname": name, "dbserver": f"localhost:{server.socket}",
        "dbuser": "root", "dbpass": "", "installdbuser": "root", "installdbpass": "",
    })  # fmt: skip
    return wiki, {"database": name, "socket": str(server.socket), "user": "root"}


def _on_postgresql(folder: Path, server: PostgresServer) -> tuple[Wiki, dict[str, str]]:
    name = server.new_database().partition("@/")[2].partition("?")[0]
    wiki = make_wiki(folder, {
        "dbtype": "postgres", "dbname": name, "dbserver": str(server.folder), "dbport": "5432",
        "dbuser": "giucong", "dbpass": "", "installdbuser": "giucong", "installdbpass": "",
    })  # fmt: skip
    return wiki, {"database": name, "socket": str(server.folder), "user": "giucong"}


# On MariaDB a real WordPress goes the same way in each run.
@pytest.mark.parametrize("engine", ["postgresql", pytest.param("mariadb", marks=pytest.mark.soak)])
def test_a_wiki_is_archived_from_its_backup_and_corrected(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "mariadb":
        wiki, words = _on_mariadb(tmp_path / "w", request.getfixturevalue("mariadb_server"))
    else:
        wiki, words = _on_postgresql(tmp_path / "w", request.getfixturevalue("postgres_server"))
    wiki.edit("Chứng thực bản sao", "Bản đầu – “đường dây nóng” 1022")
    (tmp_path / "anh").mkdir()
    (tmp_path / "anh" / "Trụ sở xã.png").write_bytes(draw_picture(1))
    wiki.run("importImages", "--user", "Quantri", "--comment", "Ảnh", str(tmp_path / "anh"))
    wiki.run("runJobs")
    estate = tmp_path / "estate/estate.toml"
    (estate.parent / "keys").mkdir(parents=True)
    head = ESTATE.partition("[[sites]]")[0]
    estate.write_text(
        head + _ESTATE.format(folder=wiki.folder, engine=engine, **words), encoding="utf-8"
    )
    made = giucong(estate, "backup.init")
    assert made.returncode == 0, made.stderr

    first = _capture(estate)
    wiki.edit("Chứng thực bản sao", "Đính chính")
    not_saved = _capture(estate, saved=False)
    again = _capture(estate)

    assert (first["outcome"], first["reason"]) == ("ok", "")
    assert not_saved["summary"]["changed"] == 0, "the newest backup, and not production, is asked"
    assert [again["summary"][it] for it in ("new", "changed", "withdrawn")] == [0, 1, 0]
    stored = {}
    for it in StorageRoot(estate.parent / "archive").objects():
        stored[parse_item(it.read("item.json")).title] = it
    page, picture = stored["Chứng thực bản sao"], stored["Trụ sở xã.png"]
    assert page.read("body.wiki", "v1").decode() == "Bản đầu – “đường dây nóng” 1022"
    assert page.read("body.wiki").decode() == "Đính chính"
    (kept,) = parse_item(picture.read("item.json")).parts
    assert picture.read(kept.path) == draw_picture(1)


def _capture(estate: Path, *, saved: bool = True) -> dict[str, Any]:
    """Back the wiki up and archive it; gives the run."""
    if saved:
        done = giucong(estate, "backup.run", "--site", "wiki")
        assert done.returncode == 0, done.stdout + done.stderr
    told = giucong(estate, "archive.capture", "--site", "wiki", "--json")
    assert told.stdout, told.stderr
    (found,) = json.loads(told.stdout)["items"]
    return dict(found)
