"""What is given out is checked by programs that are not ours; each is red on a damaged sample."""

import json
import subprocess
from pathlib import Path

import pytest

from archive.handed_in.bag import read_bag
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.outside_programs import outside_program

SITE = "cong-xa"
MORE = '[archive]\nurl = "archive/root"\nprivate = "archive/private"\n'
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An estate with one archived item, and its id."""
    folder = tmp_path_factory.mktemp("export")
    estate = build_estate(folder / "estate", MORE)
    (folder / "nop").mkdir()
    (folder / "nop/Thông báo số 1.txt").write_text("Nước sạch suối đá", encoding="utf-8")
    done = giucong(estate, "archive.ingest", "--site", SITE, "--from", str(folder / "nop"))
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(giucong(estate, "archive.list", "--json").stdout)["items"]
    return estate, entry["id"]


def accepts(form: str, folder: Path) -> bool:
    """Say whether a program that is not ours finds everything as it was."""
    if form == "folder":
        program = ["sha256sum", "--strict", "--check", "sha256sums.txt"]
    else:
        program = [outside_program("bagit.py"), "--validate", "--quiet", str(folder)]
    done = subprocess.run(program, cwd=folder, capture_output=True, timeout=60, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("form", ["folder", "bagit"])
def test_it_is_checked_without_our_software(
    archived: tuple[Path, str], tmp_path: Path, form: str
) -> None:
    estate, item_id = archived
    words = ("archive.export", "--id", item_id, "--as", form, "--out", str(tmp_path / "ra"))
    done = giucong(estate, *words)
    again = giucong(estate, *words)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    assert accepts(form, tmp_path / "ra")
    (sheet,) = (tmp_path / "ra").rglob("index.html")
    assert "sum -c " in sheet.read_text(encoding="utf-8")
    if form == "bagit":
        bag = read_bag(tmp_path / "ra")
        assert (bag.errors, bag.warnings) == ([], [])
        assert bag.told("external-identifier").startswith(item_id)
    (content,) = (tmp_path / "ra").rglob("body.txt")
    content.chmod(0o644)
    content.write_text("Nước sạch suối đã", encoding="utf-8")
    assert not accepts(form, tmp_path / "ra")


def test_a_form_that_is_not_there_is_refused(archived: tuple[Path, str], tmp_path: Path) -> None:
    estate, item_id = archived
    done = giucong(
        estate, "archive.export", "--id", item_id, "--as", "zip", "--out", str(tmp_path / "ra")
    )
    assert done.returncode == 2
    assert "use one of: folder, bagit" in done.stderr
