"""A site is encrypted, or defaced: its runbook is carried out by a script, to the end."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.jobs.answering import carry_out
from tests.integration.jobs.small_estate import ROOT, build_estate, giucong
from tests.web_server import Page, say, web_server

pytestmark = pytest.mark.slow

SITE = "cong-xa"
GOOD = "<title>Cổng xã Bình Minh</title><p>Thông báo lịch tiếp công dân tháng mười một của xã"
DEFACED = "<title>hacked</title><p>pwned by nobody"
SECURITY = """
[security]
clamav_database = "signatures"
scan_before_use = true
"""


def page_of(file: Path) -> Page:
    """Serve a file as it is at that moment."""

    def answer(request: object) -> None:
        body = file.read_bytes() if file.exists() else b""
        say(body, 200 if body else 500)(request)  # type: ignore[arg-type]  # the server's own

    return answer


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "estate"
    home = folder / "www" / "index.html"
    with web_server({"/": page_of(home)}) as address:
        path = build_estate(folder, SECURITY)
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace(
                'unit = "xa"\n  [[', f'unit = "xa"\nurl = "{address}"\npages = ["/"]\n  [['
            ),
            encoding="utf-8",
        )
        home.write_text(GOOD, encoding="utf-8")
        signatures = folder / "signatures"
        signatures.mkdir()
        known = hashlib.md5(b"x" * 68, usedforsecurity=False).hexdigest()
        (signatures / "own.hdb").write_text(f"{known}:68:Test\n")
        assert giucong(path, "backup.init").returncode == 0
        back_up(path)
        yield path


def back_up(estate: Path) -> None:
    done = giucong(estate, "backup.run", "--site", SITE)
    assert done.returncode == 0, done.stdout + done.stderr


def newest(estate: Path) -> str:
    listed = giucong(estate, "backup.list", "--site", SITE, "--json")
    return str(json.loads(listed.stdout)["items"][-1]["id"])[:12]


def held(estate: Path) -> list[str]:
    listed = giucong(estate, "backup.hold", "--list", "--json")
    return [str(it["snapshot"] or "") for it in json.loads(listed.stdout)["items"]]


def test_an_encrypted_site_comes_back_from_the_last_clean_snapshot(estate: Path) -> None:
    www = estate.parent / "www"
    good, before = newest(estate), (www / "uploads" / "anh-7.jpg").read_bytes()
    command = [sys.executable, "-m", "tests.ransomware", str(www / "uploads"), ".locked"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    (www / "index.html").unlink()
    back_up(estate)
    seen: list[str] = []

    def keep_the_evidence() -> None:
        refused = giucong(estate, "backup.prune", "--site", SITE, "--confirm", SITE)
        seen.append(refused.stdout)
        www.rename(www.with_name("www.bi-ma-hoa"))

    done = carry_out(
        estate,
        "ransomware",
        {"site": SITE, "reason": "Tệp bị mã hóa đêm 24/11", "document": "7/BB"},
        [
            ("rút khỏi mạng", "có"),
            ("Bản sạch cuối cùng", good),
            ("Đường vào", "có"),
            ("đã được chuyển sang tên khác", keep_the_evidence),
            ("Mật khẩu đã đổi", "có"),
            ("báo cáo đã gửi", "có"),
        ],
    )

    assert done.code == 0, done.told
    assert f"the last without these signs: {good[:8]}" in done.told
    assert "anh-7.jpg.locked" in done.told  # by the comparison
    assert "the same: 100 % of what stays on it" in done.told
    assert (www / "uploads" / "anh-7.jpg").read_bytes() == before
    assert not list(www.rglob("*.locked"))
    assert list(www.with_name("www.bi-ma-hoa").rglob("*.locked"))
    assert held(estate) == [""]  # all of them, and later ones
    assert "Nothing is frozen" in giucong(
        estate, "backup.accept", "--site", SITE, "--reason", "thử"
    ).stdout  # fmt: skip


def test_a_defaced_site_is_mended_and_its_evidence_kept(estate: Path) -> None:
    www = estate.parent / "www"
    good = newest(estate)
    (www / "index.html").write_text(DEFACED, encoding="utf-8")
    (www / "uploads" / "cua-sau.php").write_text("<?php eval($_POST['x']);")
    assert giucong(estate, "backup.scan", "--site", SITE).returncode == 0
    evidence: list[str] = []

    def name_the_evidence() -> str:
        evidence.append(newest(estate))
        return evidence[0]

    def remove_what_is_strange() -> None:
        assert (www / "index.html").read_text(encoding="utf-8") == GOOD
        (www / "uploads" / "cua-sau.php").unlink()

    done = carry_out(
        estate,
        "defacement",
        {"site": SITE, "reason": "Trang chủ bị sửa", "document": "8/BB"},
        [
            ("Mã của bản vừa làm", name_the_evidence),
            ("trang bảo trì", "có"),
            ("Bản cuối cùng trang còn đúng", good),
            ("ghi lại mọi tệp lạ", "có"),
            ("Tệp lạ đã xóa", remove_what_is_strange),
            ("Mọi mật khẩu đã đổi", "có"),
            ("không còn gì lạ", "có"),
        ],
    )

    assert done.code == 0, done.told
    assert f"M  {SITE}/files/www/index.html" in done.told
    assert f"+  {SITE}/files/www/uploads/cua-sau.php" in done.told
    assert "files: 0 added (+), 0 gone (-), 0 with other content (M)" in done.told
    assert "the same: 100 % of what stays on it" in done.told
    (kept,) = held(estate)
    assert kept.startswith(evidence[0])
    listed = giucong(estate, "backup.files", "--site", SITE, "--snapshot", evidence[0], "--all")
    assert "cua-sau.php" in listed.stdout
