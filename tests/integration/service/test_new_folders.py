"""A runbook's new folder: made by the service below a place, and handed to who typed."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.installed_machine import SERVICE, only_root
from tests.installed_service import InstalledService, done_there, give_to
from tests.integration.service.installed_estate import installed
from tests.lab.terminal import Typed

pytestmark = pytest.mark.slow
PLACES = """
[[places]]
name = "khoi-phuc"
path = "{folder}/restored"

[[places]]
name = "kin"
path = "{folder}/closed"

[drill]
workdir = "{folder}/var/drill"
"""
ROWS = """+++
id = "lay-dong"
title = "Lấy dòng"
owner = "Trung tâm"
systems = []
[variables.target]
title = "Thư mục mới"
shape = "new-folder"
+++
# Lấy dòng
1. Lấy.
   ```run deadline=600
   giucong drill.extract --site cong-xa --database db --table uploads --target {{target}} --reason x
   ```
2. Xem.
   ```ask
   Đọc được chưa?
   ```
3. Xóa.
   ```verify
   giucong drill.wipe --target {{target}}
   ```
"""
TARGET = "target: "
INDEX = "cong-xa/files/www/index.php"
ANSWERS = (
    ("Lấy bản nào?", "latest"), ("Tệp tên gì?", "index"), ("Lấy tệp nào?", INDEX),
    ("đúng tệp cần tìm chưa?", "có"),
)  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed(PLACES) as running:
        for name, mode in (("restored", 0o711), ("closed", 0o700)):
            place = running.estate.parent / name
            place.mkdir()
            os.chown(place, SERVICE, SERVICE)
            place.chmod(mode)
        yield running


def answering(*targets: str) -> Callable[[str], str]:
    """Answer what the runbook asks; for its folder one after the other."""
    left = list(targets)

    def answer(told: str) -> str:
        last = max((*(it for it, _said in ANSWERS), TARGET), key=told.rfind)
        return left.pop(0) if last == TARGET else dict(ANSWERS)[last]

    return answer


def restore(service: InstalledService, *targets: str) -> Typed:
    words = ("runbook.run", "--id", "restore-one-file", "--set", "site=cong-xa")
    return service.type("nva", words, answering(*targets))


def read_as(service: InstalledService, login: str, path: Path) -> bytes:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except PermissionError:
            return b"-"

    return done_there(service, login, read)


@only_root
def test_who_typed_reads_what_was_restored_and_nobody_else(service: InstalledService) -> None:
    place = service.estate.parent / "restored"
    wanted = (service.estate.parent / "www" / "index.php").read_bytes()
    for target in ("1", str(place / "của tôi")):
        told = restore(service, target)
        assert told.code == 0, told.told
        assert f"{place}/khoi-phuc-cong-xa-" in told.told
        assert str(service.estate.parent / "closed") not in told.told
        assert "  /var/" not in told.told
        newest = max(place.iterdir(), key=lambda it: it.stat().st_ctime)
        assert read_as(service, "nva", newest / INDEX) == wanted
        assert read_as(service, "ttb", newest / INDEX) == b"-"
        for it in (newest, newest / INDEX):
            assert not done_there(service, "nva", partial(os.access, it, os.W_OK))
    assert len(list(place.iterdir())) == 2


@only_root
def test_a_folder_that_who_types_could_not_read_is_refused_at_the_prompt(
    service: InstalledService,
) -> None:
    place, mine = service.estate.parent / "restored", service.estate.parent / "mine"
    for it in (mine, place / "co-san"):
        it.mkdir(exist_ok=True)
    give_to("nva", mine)
    give_to("giucong", place / "co-san")
    elsewhere = (str(mine), f"{mine}/moi", "/srv/moi", f"{place}/a/b",
                 f"{service.estate.parent}/closed/x")  # fmt: skip
    try:
        told = restore(service, "thu-muc", *elsewhere, str(place / "co-san"), str(place / "moi"))
    finally:
        shutil.rmtree(place / "moi", ignore_errors=True)
        shutil.rmtree(place / "co-san")
    text = re.sub(r"\s+", " ", told.told)
    assert told.code == 0, text
    assert text.count("write an absolute path") == 1
    assert text.count("install -d -o giucong") == len(elsewhere)
    assert "[[places]]" in text
    assert "is there already" in text
    assert list(mine.iterdir()) == []

    words = ("runbook.run", "--id", "restore-one-file", "--set", "site=cong-xa", "--only-begin")
    for typed in elsewhere:
        refused = service.run("nva", *words, "--set", f"target={typed}")
        assert refused.returncode == 2
        assert "ReadWritePaths=" in refused.stderr


@only_root
def test_rows_are_read_by_who_typed_until_they_are_wiped(service: InstalledService) -> None:
    target, read = service.estate.parent / "restored" / "dong", list[bytes]()
    (service.estate / "runbooks").mkdir()
    (service.estate / "runbooks" / "lay-dong.vi.md").write_text(ROWS, encoding="utf-8")

    def answer(told: str) -> str:
        assert "Đọc được chưa?" in told, told
        read.append(read_as(service, "nva", target / "rows.csv"))
        return "có"

    words = ("runbook.run", "--id", "lay-dong", "--set", f"target={target}")
    told = service.type("nva", words, answer)
    assert told.code == 0, told.told
    assert b"anh-19.jpg" in read[0]
    assert not done_there(service, "nva", (target / "rows.csv").exists)
