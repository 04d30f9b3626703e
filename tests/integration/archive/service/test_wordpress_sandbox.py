"""A real WordPress on a real MariaDB, archived from its newest backup through the sandbox."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archive.metadata.item import Item, parse_item
from archive.ocfl.root import StorageRoot
from tests.integration.archive.service.test_capturing import holds
from tests.integration.archive.test_by_hand import EICAR
from tests.integration.jobs.small_estate import ESTATE, giucong
from tests.mariadb_server import MariadbServer, mariadb_server
from tests.portal import PhpSite, count_province, make_province_portal

__all__ = ["mariadb_server"]
pytestmark = pytest.mark.slow

SITE = "cong-tinh"
_EDIT = Path(__file__).parents[3] / "portal_files" / "wordpress-edit.php"
_ESTATE = """
[archive]
url = "archive"
private = "archive-private"
[security]
clamav_database = "signatures"
[[sites]]
name = "cong-tinh"
title = "Cổng thông tin điện tử tỉnh"
unit = "xa"
owner = "nva"
url = "{site.address}"
classes = ["news", "media", "page", "spokesperson"]
  [sites.archive]
  connector = "wordpress"
  files = "www"
  [sites.archive.classes]
  "category/nguoi-phat-ngon" = "spokesperson"
  [[sites.files]]
  name = "www"
  path = "{site.folder}"
  exclude = ["wp-includes/**", "wp-admin/**"]
  [[sites.databases]]
  name = "db"
  engine = "mariadb"
  socket = "{socket}"
  database = "{site.database}"
  user = "{site.reader}"
  password = "file:keys/db.key"
"""
_CLASSES = "".join(
    f'[[classes]]\nname = "{it}"\n' for it in ("news", "media", "page", "spokesperson")
)


@dataclass(frozen=True, slots=True)
class Province:
    """The portal, and its estate."""

    site: PhpSite
    server: MariadbServer
    estate: Path

    @property
    def root(self) -> StorageRoot:
        return StorageRoot(self.estate.parent / "archive")

    def edit(self, step: str) -> None:
        command = ["php", str(_EDIT), str(self.site.folder), self.site.address, "-", step]
        subprocess.run(command, capture_output=True, check=True, timeout=60)

    def sql(self, statement: str) -> None:
        self.server.run(statement, self.site.database)

    def run(self, *words: str) -> dict[str, Any]:
        done = giucong(self.estate, *words, "--json")
        told: dict[str, Any] = json.loads(done.stdout or "{}")
        assert told.get("items"), done.stdout + done.stderr
        return told

    def capture(self, *, saved: bool = True) -> dict[str, Any]:
        """Back the portal up as every night, and archive it; gives the run."""
        if saved:
            assert giucong(self.estate, "backup.run", "--site", SITE).returncode == 0
        (found,) = self.run("archive.capture", "--site", SITE)["items"]
        return dict(found)

    def items(self, folder: str = "archive") -> dict[str, tuple[Item, str]]:
        """Give what is archived, with its version, by what WordPress calls it."""
        found = {}
        for it in StorageRoot(self.estate.parent / folder).objects():
            item = parse_item(it.read("item.json"))
            found[item.source_key] = (item, it.inventory.head)
        return found


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory, mariadb_server: MariadbServer) -> Province:
    folder = tmp_path_factory.mktemp("tinh")
    site = make_province_portal(folder / "www", mariadb_server)
    estate = folder / "estate"
    (estate / "keys").mkdir(parents=True)
    (estate / "signatures").mkdir()
    (estate / "keys/db.key").write_text(f"{site.password}\n", encoding="utf-8")
    own = f"{hashlib.md5(EICAR, usedforsecurity=False).hexdigest()}:{len(EICAR)}:Eicar-Test\n"
    (estate / "signatures/own.hdb").write_text(own)
    head = ESTATE.partition("[[sites]]")[0] + _CLASSES
    more = _ESTATE.format(site=site, socket=mariadb_server.socket)
    (estate / "estate.toml").write_text(head + more, encoding="utf-8")
    made = Province(site, mariadb_server, estate / "estate.toml")
    made.edit("permalinks")
    (site.folder / "wp-content/uploads/2026/11/anh-3.jpg").write_bytes(EICAR)
    (site.folder / "wp-content/uploads/2026/11/anh-4.jpg").unlink()
    done = giucong(made.estate, "backup.init")
    assert done.returncode == 0, done.stderr
    return made


def test_a_portal_is_archived_from_its_backup_corrected_deleted_and_archived_again(
    province: Province,
) -> None:
    first = province.capture()
    told: dict[str, Any] = count_province(province.site)
    before = province.items()
    province.edit("correct")
    again = province.capture()
    after = province.items()

    # What WordPress itself says of its articles is what lies in the archive, byte for byte.
    public = {
        f"wordpress/{key}": digest
        for key, _title, status, digest in told["posts"]
        if status == "publish" and key != 2002
    }
    assert {
        key: item.parts[0].sha256
        for key, (item, _version) in before.items()
        if item.shape in {"news", "page", "statement"}
    } == public
    assert (first["outcome"], first["reason"]) == ("incomplete", "archive_refused")
    assert first["summary"]["refused"] == [
        ["wordpress/3003", "malware was found: body.jpg: Eicar-Test.UNOFFICIAL"]
    ]
    assert holds(province.estate.parent / "archive", EICAR.decode()) == []
    assert before["wordpress/3004"][0].fields["missing.body.jpg"] == "not in the backup"
    assert {it.malware.partition(" ")[0] for it in before["wordpress/1001"][0].parts
            if not it.derived_from} == {"clean"}  # fmt: skip

    assert [again["summary"][it] for it in ("new", "changed", "withdrawn")] == [0, 5, 11]
    after = {key: it for key, it in after.items() if not key.endswith("/comments")}
    gone = {key for key, (item, _version) in after.items() if item.withdrawn}
    assert gone == {"wordpress/1005", "wordpress/1006", "wordpress/1007",
                    "wordpress/3005", "wordpress/3006"}  # fmt: skip
    talked_of = {"wordpress/1005", "wordpress/1006", "wordpress/1007"}
    private = {key for key, (it, _) in province.items("archive-private").items() if it.withdrawn}
    assert private == {f"{key}/private" for key in talked_of}, "who commented goes with the article"
    assert after.keys() <= before.keys(), "nothing is deleted here"
    assert len(province.items()) == len(before)
    assert {key for key in after if after[key][1] == "v2"} == gone | {
        f"wordpress/{it}" for it in (1001, 1002, 1004, 1008)
    }
    assert holds(province.estate.parent / "archive", "dan@example.vn") == []
    assert holds(province.estate.parent / "archive-private", "dan@example.vn")


def test_what_was_written_since_the_backup_is_archived_from_the_living_portal(
    province: Province,
) -> None:
    text = province.estate.read_text(encoding="utf-8")
    if not list(province.root.objects()):
        province.capture()
    named = 'connector = "wordpress"'
    province.estate.write_text(text.replace(named, f'{named}\n  from = "live"'), encoding="utf-8")
    province.sql("UPDATE wp_posts SET post_title = 'Vừa viết' WHERE ID = 1012")
    live = province.capture(saved=False)
    counted = province.run("archive.status", "--counts", "--year", "2026")
    classes = {it["class"]: it["items"] for it in counted["items"]}

    assert live["summary"]["changed"] == 1
    assert province.items()["wordpress/1012"][0].title == "Vừa viết"
    assert (classes["spokesperson"], classes["media"]) == (1, 10)
    columns = {(it["class"], it["column"]): it["items"] for it in counted["columns"]}
    assert columns["spokesperson", "Người phát ngôn"] == 1
