"""A file is found over all snapshots: its versions, since when and until when each was saved."""

import json
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow


def test_every_version_of_a_file_is_found_with_the_snapshots_that_have_it(tmp_path: Path) -> None:
    estate = build_estate(tmp_path / "estate")
    www = estate.parent / "www"
    giucong(estate, "backup.init")
    report = www / "uploads" / "Báo-cáo.pdf"
    report.write_bytes(b"one")
    (www / "hostile\x1b[2J").write_bytes(b"x")
    ids = []
    for content in (None, b"two, longer", b""):
        if content:
            report.write_bytes(content)
        elif content is not None:
            report.unlink()
        done = giucong(estate, "backup.run", "--site", "cong-xa", "--json")
        ids.append(json.loads(done.stdout)["items"][0]["summary"]["snapshot"])

    def find(*words: str) -> tuple[int, str]:
        done = giucong(estate, "backup.find", "--site", "cong-xa", *words)
        return done.returncode, done.stdout

    code, told = find("--name", "báo-CÁO*", "--json")
    first, second = json.loads(told)["items"]
    assert (code, first["size"], second["size"]) == (0, 3, 11)
    assert [first["newest_snapshot"], second["oldest_snapshot"]] == ids[:2]
    assert [first["snapshots"], second["snapshots"]] == [1, 1]
    assert ids[1][:8] in find("--name", "/cong-xa/files/www/uploads/Báo*")[1]
    folder = find("--name", "uploads")[1]
    assert ("uploads/" in folder, "anh-1.jpg" in folder) == (True, False)
    assert "\x1b" not in find("--name", "hostile*")[1]
    assert find("--name", "Báo-cáo.pdf", "--snapshot", ids[2][:8])[0] == 1
