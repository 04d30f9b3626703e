"""Something has leaked: passwords of stores and databases, a master key, somebody's account."""

from pathlib import Path

import pytest

from backup.errors import WrongPasswordError
from backup.repository.repository import Repository
from backup.stores import open_store
from ops.catalog.open import open_catalog
from tests.integration.runbooks.driving import Desk, Office, assert_done
from tests.mariadb_server import MariadbServer, mariadb_server

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

NEW = "mật khẩu mới của cơ sở dữ liệu"
OLD = "mật khẩu bị lộ"


def opens(place: Path, password: str) -> bool:
    try:
        Repository.open(open_store(str(place)), password.encode())
    except WrongPasswordError:
        return False
    return True


def test_a_leaked_password_of_a_store_is_changed_and_put_on_paper(desk: Desk, medium: Path) -> None:
    key = desk.folder / "keys/repository.key"
    old = key.read_text().strip()
    ended = desk.begin(
        "leaked-backup-password", "có\ncó\ncó\n",
        {"store": "near", "reason": "Lộ mật khẩu", "medium": str(medium),
         "holder1": "nva", "holder2": "ttb", "holder3": "lvc"},
    )  # fmt: skip

    assert_done(desk, ended, 9)
    place = desk.folder / "stores/near/cong-xa"
    assert (opens(place, key.read_text().strip()), opens(place, old)) == (True, False)
    assert len(list(medium.glob("share-near-*.txt"))) == 3
    assert old not in desk.told


def test_a_leaked_master_key_gives_the_site_a_new_repository(desk: Desk) -> None:
    place = open_store(str(desk.folder / "stores/near/cong-xa"))
    password = (desk.folder / "keys/repository.key").read_text().strip().encode()
    before = Repository.open(place, password)
    ended = desk.begin(
        "leaked-master-key", "có\ncó\n", {"site": "cong-xa", "reason": "Lộ khóa chính"}
    )

    assert_done(desk, ended, 8)
    after = Repository.open(place, password)
    assert after.key != before.key
    assert len(after.load_snapshots()) == 2


def test_a_leaked_password_of_a_database_is_changed_and_taken_back(
    desk: Desk, mariadb_server: MariadbServer
) -> None:
    name = mariadb_server.new_database()
    mariadb_server.run("CREATE TABLE tin (id INT PRIMARY KEY); INSERT INTO tin VALUES (1)", name)
    user = f"r{name[:20]}"
    rights = "SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW CREATE ROUTINE"
    mariadb_server.run(
        f"CREATE USER {user}@localhost IDENTIFIED BY '{OLD}';"
        f"GRANT {rights} ON `{name}`.* TO {user}@localhost"
    )
    text = desk.estate.read_text(encoding="utf-8")
    site = f"""[[sites]]
name = "cms"
title = "CMS"
unit = "xa"
  [[sites.databases]]
  name = "cms"
  engine = "mariadb"
  socket = "{mariadb_server.socket}"
  database = "{name}"
  user = "{user}"
  password = "file:keys/cms"
"""
    desk.estate.write_text(f"{text}\n{site}", encoding="utf-8")
    (desk.folder / "keys/cms").write_text(f"{OLD}\n")
    (desk.folder / "keys/cms").chmod(0o600)
    assert desk.type("backup.init", "--site", "cms").returncode == 0
    values = {"site": "cms", "reference": "file:keys/cms"}
    # Nobody has told the server yet: the next backup shows it, and what was stored is taken back.
    early = desk.begin("leaked-database-password", f"có\ncó\n{NEW}\n", values)
    assert (early.returncode, desk.states()[-1]) == (1, (6, "failed"))
    back = desk.resume(f"{OLD}\n", "--roll-back")
    assert back.returncode == 0, back.stdout + back.stderr
    assert (desk.folder / "keys/cms").read_text() == f"{OLD}\n"

    mariadb_server.run(f"ALTER USER {user}@localhost IDENTIFIED BY '{NEW}'")
    (desk.folder / "keys/cms").write_text(f"{NEW}\n")  # step 1 of the next run reads it already
    ended = desk.begin("leaked-database-password", f"có\ncó\n{NEW}\ncó\n", values)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (desk.folder / "keys/cms").read_text() == f"{NEW}\n"
    kept = b"".join(it.read_bytes() for it in (desk.folder / "state").glob("giucong.db*"))
    assert not [it for it in (NEW, OLD) if it in desk.told or it.encode() in kept]


def test_a_stolen_account_is_closed_at_once_and_given_back_by_two(desk: Desk) -> None:
    catalog = open_catalog(f"sqlite:///{desk.folder}/state/giucong.db")
    office = Office(desk, catalog, ("nva", "security_officer", "operator"), ("ttb", "approver"),
                    ("lvc", "operator"))  # fmt: skip
    catalog.close()
    new = "lúa mới trên cánh đồng Bình Minh"

    waiting = desk.begin(
        "leaked-account", f"có\ncó\ncó\n{new}\n", {"person": "lvc", "reason": "Mất điện thoại"},
        "--proof-file", office.prove("nva"),
    )  # fmt: skip
    assert waiting.returncode == 4, waiting.stdout + waiting.stderr
    assert desk.states()[-1] == (7, "waiting")
    office.approve("ttb")
    ended = desk.resume(f"{new}\n", "--proof-file", office.prove("nva"))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "secret=" in ended.stdout  # shown to the person, and kept nowhere
    secret = ended.stdout.partition("secret=")[2][:32]
    kept = b"".join(it.read_bytes() for it in (desk.folder / "state").glob("giucong.db*"))
    assert secret.encode() not in kept
    assert [it.output for it in desk.state().records if it.number == 7] == ["", ""]
