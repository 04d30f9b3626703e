"""Everything is gone but the paper: the password from shares, the key file from its code."""

import base64
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shamir_mnemonic import combine_mnemonics
from sqlalchemy import select

from ops.access.identity import login_at_terminal
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import INIT, ROOT, build_estate, build_used_estate, giucong
from tests.people import KEY_TEXT, appoint, enrol, password_of
from tests.ssh_server import SshServer, make_key, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

PEOPLE = "".join(
    f'[[people]]\nname = "{name}"\ntitle = "{title}"\n'
    for name, title in [("ttb", "Trần Thị B"), ("lvc", "Lê Văn C"), ("ptd", "Phạm Thị D")]
)
HOLDERS = ("--holder", "nva", "--holder", "ttb", "--holder", "lvc", "--holder", "ptd")


@dataclass(frozen=True)
class Paper:
    """What is left: the printed sheets, and the store without any `keys`."""

    estate: Path
    sheets: Path
    store: Path
    bare: Path

    def share_files(self, *numbers: int) -> list[str]:
        found = [next(self.sheets.glob(f"share-near-*-{it}-*.txt")) for it in numbers]
        return [part for path in found for part in ("--share", str(path))]

    def scan_codes(self) -> Path:
        """Read the codes of the HTML sheet with an independent decoder."""
        html = (self.sheets / "key-files-near.html").read_text(encoding="utf-8")
        texts = []
        for number, url in enumerate(re.findall(r'src="(data:image/png[^"]+)"', html)):
            image = self.bare / f"code-{number}.png"
            image.write_bytes(base64.b64decode(url.partition(",")[2]))
            done = subprocess.run(
                ["zbarimg", "-q", "--raw", image], capture_output=True, text=True, check=True
            )
            texts.append(done.stdout)
        scanned = self.bare / "scanned"
        scanned.write_text("".join(texts), encoding="utf-8")
        return scanned

    def combine(self, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
        """Run the task as on a machine that has no estate."""
        return giucong(self.bare / "none.toml", "backup.key-combine", *arguments, language=language)


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    estate = build_used_estate(tmp_path / "estate", PEOPLE)
    sheets, bare = tmp_path / "usb", tmp_path / "bare"
    sheets.mkdir()
    bare.mkdir()
    done = giucong(
        estate, "backup.key-escrow", "--to", str(sheets), "--any-disk", *HOLDERS, language="vi"
    )
    assert done.returncode == 0, done.stderr
    return Paper(estate, sheets, estate.parent / "stores" / "near", bare)


def lose_everything(paper: Paper) -> str:
    """Keep the store without its key files; gives the password that nobody has any more."""
    password = (paper.estate.parent / "keys" / "repository.key").read_text().strip()
    for name in ("keys", "state", "cache"):
        shutil.rmtree(paper.estate.parent / name)
    for keys in paper.store.glob("*/keys"):
        shutil.rmtree(keys)
    return password


def restore(paper: Paper, program: list[str]) -> bytes:
    target = paper.bare / program[0].rpartition("/")[2]
    command = [*program, "--no-cache", "-r", str(paper.store / "cong-xa"), "--password-file", "key"]
    done = subprocess.run(
        [*command, "restore", "latest", "--path", "/cong-xa", "--target", str(target)],
        cwd=paper.bare,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (target / "cong-xa/files/www/uploads/anh-7.jpg").read_bytes()


def journal_of(estate: Path, action: str) -> list[dict[str, Any]]:
    with (
        open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        query = select(JournalRow.details).where(JournalRow.action == action)
        return [json.loads(text) for text in session.execute(query).scalars()]


def test_paper_alone_brings_back_a_site_whose_keys_are_lost(paper: Paper) -> None:
    password = lose_everything(paper)
    repository = paper.store / "cong-xa"
    scanned = paper.scan_codes()
    flags = ("--to", str(paper.bare / "key"), "--key-file", str(scanned), "--repo", str(repository))
    rehearsed = paper.combine(*flags, *paper.share_files(1, 2, 4), "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert not (paper.bare / "key").exists()
    assert not list(repository.glob("keys/*"))
    done = paper.combine(*flags, *paper.share_files(1, 2, 4))

    assert done.returncode == 0, done.stderr
    assert password not in done.stdout + done.stderr
    assert (paper.bare / "key").read_text() == f"{password}\n"
    assert stat.S_IMODE((paper.bare / "key").stat().st_mode) == 0o600
    image = (paper.estate.parent / "www/uploads/anh-7.jpg").read_bytes()
    assert restore(paper, ["restic"]) == image
    assert restore(paper, [sys.executable, "-m", "backup"]) == image


def test_a_key_file_goes_back_into_a_store_on_another_machine(
    paper: Paper, ssh_server: SshServer
) -> None:
    lose_everything(paper)
    url = f"sftp://127.0.0.1:{ssh_server.port}/{paper.store}/cong-xa"
    flags = ("--to", str(paper.bare / "key"), "--key-file", str(paper.scan_codes()), "--repo", url,
             *paper.share_files(1, 2, 4))  # fmt: skip
    none = paper.bare / "none.toml"
    closed = giucong(none, "backup.key-combine", *flags, HOME=str(paper.bare))
    entry = ("--identity", ssh_server.identity, "--known-hosts", ssh_server.known_hosts)
    done = paper.combine(*flags, *map(str, entry))

    assert closed.returncode == 1
    assert "--identity FILE --known-hosts FILE" in closed.stderr
    assert done.returncode == 0, done.stderr
    image = (paper.estate.parent / "www/uploads/anh-7.jpg").read_bytes()
    assert restore(paper, ["restic"]) == image


def test_the_sheets_alone_open_it_by_hand_as_they_say(paper: Paper) -> None:
    password = lose_everything(paper)
    shares = [
        " ".join(re.findall(r"\d\d\. ([a-z]+)", Path(path).read_text(encoding="utf-8")))
        for path in paper.share_files(2, 3, 4)
        if path != "--share"
    ]
    (paper.bare / "HEX").write_text(combine_mnemonics(shares).hex() + "\n")
    sheet = next(paper.sheets.glob("share-near-*-1-*.txt")).read_text(encoding="utf-8")
    (command,) = re.findall(r"(tr a-f .*) > /dev/shm/key", sheet)
    subprocess.run(["bash", "-c", f"{command} > key"], cwd=paper.bare, check=True)
    assert (paper.bare / "key").read_text() == password
    own = paper.scan_codes().read_bytes().splitlines(keepends=True)[0]
    keys = paper.store / "cong-xa" / "keys"
    keys.mkdir()
    (keys / hashlib.sha256(own).hexdigest()).write_bytes(own)

    image = (paper.estate.parent / "www/uploads/anh-7.jpg").read_bytes()
    assert restore(paper, ["restic"]) == image


def test_typed_lines_do_where_there_is_no_scanner(paper: Paper) -> None:
    lose_everything(paper)
    done = paper.combine(
        "--to", str(paper.bare / "key"), "--repo", str(paper.store / "cong-xa"),
        "--key-file", str(paper.sheets / "key-files-near.txt"), *paper.share_files(1, 2, 3),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert len(list(paper.store.glob("cong-xa/keys/*"))) == 1


def test_too_little_or_foreign_paper_is_refused_and_writes_nothing(paper: Paper) -> None:
    to = str(paper.bare / "key")
    few = paper.combine("--to", to, *paper.share_files(1, 2))
    assert (few.returncode, Path(to).exists()) == (1, False)
    assert "2 shares are too few: 3 are needed" in few.stderr

    lose_everything(paper)
    for name in ("cong-xa", "giucong"):
        (paper.bare / name).write_text(
            "\n".join(
                line
                for block in (paper.sheets / "key-files-near.txt").read_text("utf-8").split("\n\n")
                if f": {name} " in block
                for line in block.splitlines()
            )
        )
    foreign = paper.combine(
        "--to", to, "--repo", str(paper.store / "cong-xa"), *paper.share_files(1, 2, 3),
        "--key-file", str(paper.bare / "giucong"),
    )  # fmt: skip
    assert foreign.returncode == 12, foreign.stderr
    assert "none of the key files belongs to" in foreign.stderr
    assert not Path(to).exists()


FAR = """
[[stores]]
name = "far"
url = "sftp:luu@198.51.100.7:/srv/luu"
identity = "file:entry/far"
known_hosts = "entry/hosts"
role = "copy"
of = "near"
key = "file:keys/far.key"
location = "xa"
medium = "disk"
[[stores]]
name = "bucket"
url = "s3:https://s3.example.vn/luu"
access_key = "file:entry/access"
secret_key = "file:entry/secret"
region = "vn-1"
role = "copy"
of = "near"
key = "file:keys/bucket.key"
location = "xa"
medium = "object"
"""


def test_the_sheet_says_what_lets_into_each_store_and_prints_it_by_choice(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", PEOPLE)
    entry, keys = estate.parent / "entry", estate.parent / "keys"
    entry.mkdir()
    giucong(estate, "backup.init")
    giucong(estate, "backup.run", "--site", "cong-xa")
    make_key(entry / "far")
    (entry / "access").write_text("AKIAGIUCONG\n")
    (entry / "secret").write_text("rat-bi-mat\n")
    for name in ("far.key", "bucket.key"):
        (keys / name).write_text(f"{name}\n")
    with estate.open("a", encoding="utf-8") as file:
        file.write(FAR)
    identity = (entry / "far").read_text()
    printed = {}
    for choice in ((), ("--entry-keys",)):
        to = tmp_path / f"usb{len(choice)}"
        to.mkdir()
        done = giucong(
            estate, "backup.key-escrow", "--store", "near", "--to", str(to), "--any-disk",
            *HOLDERS, *choice,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        printed[len(choice)] = {it.name: it.read_text(encoding="utf-8") for it in to.iterdir()}
    sheet = printed[0]["key-files-near.txt"]
    codes = re.findall(r'src="(data:image/png[^"]+)"', printed[1]["entry-keys.html"])
    for number, url in enumerate(codes):
        image = tmp_path / f"code-{number}.png"
        image.write_bytes(base64.b64decode(url.partition(",")[2]))
        scanned = subprocess.run(
            ["zbarimg", "-q", "--raw", image], capture_output=True, text=True, check=True
        )
        codes[number] = scanned.stdout
    rows = journal_of(estate, "backup.key-escrow")

    assert f"far (sftp:luu@198.51.100.7:/srv/luu): SSH key file:{entry}/far" in sheet
    assert "bucket (s3:https://s3.example.vn/luu): S3 keys" in sheet
    assert "--access-key-file FILE --secret-key-file FILE" in sheet
    assert "near (" in sheet
    assert "no entry key" in sheet
    assert "entry-keys.html" not in printed[0]
    assert [it.strip() for it in codes] == [identity.strip(), "AKIAGIUCONG", "rat-bi-mat"]
    assert identity.strip() in printed[1].pop("entry-keys.txt")
    del printed[1]["entry-keys.html"]
    assert not any("rat-bi-mat" in text for it in printed.values() for text in it.values())
    assert [row.get("entry_keys") for row in rows] == [None, ["far", "bucket"]]
    assert "rat-bi-mat" not in json.dumps(rows)


def test_the_journal_knows_who_and_which_and_no_secret(paper: Paper) -> None:
    (row,) = journal_of(paper.estate, "backup.key-escrow")
    password = (paper.estate.parent / "keys" / "repository.key").read_text().strip()
    sheet = (paper.sheets / "key-files-near.html").read_bytes()
    text = next(paper.sheets.glob("share-near-*-1-nva.txt")).read_text(encoding="utf-8")

    assert row["holders"] == ["nva", "ttb", "lvc", "ptd"]
    assert row["threshold"] == 3
    assert row["keys"].keys() == {"cong-xa", "giucong"}
    assert row["key_files_sheet"] == hashlib.sha256(sheet).hexdigest()
    assert str(row["identifier"]) in text
    assert password not in json.dumps(row)
    assert "MẢNH KHÓA SỐ 1 / 4" in text
    for path in paper.sheets.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert password not in path.read_text(encoding="utf-8")
    assert password.encode() not in (paper.estate.parent / "state/giucong.db").read_bytes()


def test_secrets_do_not_go_where_they_would_be_backed_up(paper: Paper) -> None:
    www = paper.estate.parent / "www"
    for folder, why in [(www, "keeps or backs up"), (paper.bare, "is on the same disk")]:
        any_disk = ["--any-disk"] if folder == www else []
        refused = giucong(paper.estate, "backup.key-export", "--to", str(folder), *any_disk)
        assert refused.returncode == 2
        assert why in refused.stderr
        assert not list(folder.glob("*.key"))
    twice = giucong(
        paper.estate, "backup.key-escrow", "--to", str(paper.sheets), "--any-disk",
        "--holder", "nva", "--holder", "nva", "--holder", "ttb",
    )  # fmt: skip
    assert (twice.returncode, "named twice" in twice.stderr) == (2, True)


def write_secret(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_exporting_a_key_takes_two_people(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate", PEOPLE)
    text = estate.read_text(encoding="utf-8")
    login = f'name = "nva"\nlogin = "{login_at_terminal()}"'
    text = text.replace('name = "nva"', login).replace(
        "[keys]", '[keys]\ncredentials = "file:credentials.key"'
    )
    estate.write_text(text, encoding="utf-8")
    assert giucong(estate, "backup.init").returncode == 0
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    codes = enrol(catalog, "nva", "backup_admin", "security_officer", now=datetime.now(UTC)).codes
    write_secret(estate.parent / "credentials.key", KEY_TEXT)
    appoint(catalog, "ttb", "approver", now=datetime.now(UTC))
    catalog.close()
    to = tmp_path / "usb"
    to.mkdir()
    write_secret(tmp_path / "new", "a second password")
    unused = iter(codes)
    wishes = [
        ("backup.key-export", "--to", str(to), "--any-disk"),
        ("backup.key-escrow", "--to", str(to), "--any-disk", *HOLDERS),
        ("backup.key-add", "--password-file", str(tmp_path / "new")),
    ]
    for wish in wishes:
        rehearsed = giucong(estate, *wish, "--dry-run")
        assert rehearsed.returncode == 0, rehearsed.stderr
        assert "another person has to approve it first" in rehearsed.stdout
        assert giucong(estate, *wish).returncode == 2  # no reason was given
        proof = write_secret(tmp_path / "nva", password_of("nva"), next(unused))
        why = ("--reason", "Kiểm tra", "--document", "12/KH", "--proof-file", str(proof))
        waiting = giucong(estate, *wish, *why)
        assert waiting.returncode == 4, waiting.stderr
        assert not list(to.iterdir())
    assert len(list(estate.parent.glob("stores/near/*/keys/*"))) == 2


def test_a_second_password_opens_every_repository_and_is_listed(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    second = tmp_path / "second"
    second.write_text("a second password\n")
    add = ("backup.key-add", "--password-file", str(second))
    assert giucong(estate, *add).returncode == 0
    again = giucong(estate, *add)
    to = tmp_path / "usb"
    to.mkdir()
    exported = giucong(estate, "backup.key-export", "--to", str(to), "--any-disk")
    listed = json.loads(giucong(estate, "backup.key-list", "--json").stdout)["items"]

    assert (again.returncode, again.stdout.count("opens with it already")) == (0, 2)
    assert [(row["site"], row["in_use"]) for row in listed].count(("cong-xa", True)) == 1
    assert [row["site"] for row in listed] == ["cong-xa"] * 2 + ["giucong"] * 2
    assert exported.returncode == 0, exported.stderr
    assert (to / "near.key").read_bytes() == (estate.parent / "keys/repository.key").read_bytes()
    assert len(list(to.glob("near-cong-xa-*"))) == 1
    for row in [*journal_of(estate, "backup.key-add"), *journal_of(estate, "backup.key-export")]:
        assert "a second password" not in json.dumps(row)
    opened = subprocess.run(
        ["restic", "--no-cache", "-r", estate.parent / "stores/near/cong-xa", "snapshots"],
        env={**os.environ, "RESTIC_PASSWORD_FILE": str(second)},
        capture_output=True,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
