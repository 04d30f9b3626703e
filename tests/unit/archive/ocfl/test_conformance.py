"""The fixtures of the OCFL project: each bad one must be refused, for the reason in its name."""

import json
import re
import shutil
from pathlib import Path

import pytest

from archive.ocfl import layout
from archive.ocfl.copies import update_copy
from archive.ocfl.inventory import INVENTORY
from archive.ocfl.root import create_root
from archive.ocfl.validate import Verdict, validate_object
from archive.ocfl.write import writing
from tests.archive_roots import MOMENT, WRITER
from tests.conformance import CONFORMANCE

pytestmark = pytest.mark.conformance

FIXTURES = CONFORMANCE / "ocfl-fixtures"


def kind_of(verdict: Verdict) -> str:
    return "bad" if verdict.errors else "warn" if verdict.warnings else "good"


def names_of(kind: str) -> list[Path]:
    return sorted(FIXTURES.glob(f"1.[01]/{kind}-objects/*"))


@pytest.mark.parametrize(("kind", "count"), [("good", 22), ("warn", 27), ("bad", 107)])
def test_every_fixture_gets_its_verdict_and_every_code_of_its_name(kind: str, count: int) -> None:
    wrong = {}
    for fixture in names_of(kind):
        verdict = validate_object(fixture)
        codes = {it.code for it in verdict.findings}
        expected = set(re.findall(r"[EW]\d{3}", fixture.name)) if kind != "good" else set()
        if kind_of(verdict) != kind or not expected <= codes:
            wrong[str(fixture.relative_to(FIXTURES))] = (kind_of(verdict), sorted(codes))

    assert wrong == {}
    assert len(names_of(kind)) == count


def test_what_is_fine_for_the_scrub_is_what_is_fine() -> None:
    """Without the fixity block, only what it says is missed."""
    missed = {it.name for it in names_of("bad") if validate_object(it, with_fixity=False).is_valid}

    assert missed == {"E093_fixity_digest_mismatch"}


OLD = [it for it in names_of("good") if it.parent.parent.name == "1.1" and "mixed" not in it.name]
"""Objects of SHA-512 alone."""


@pytest.mark.parametrize("fixture", OLD, ids=lambda it: it.name)
def test_an_object_of_others_is_read_copied_and_goes_on_in_its_own_folders(
    fixture: Path, tmp_path: Path
) -> None:
    """Whatever contentDirectory it declares, or none: roots of our first versions had `content`."""
    block = json.loads((fixture / INVENTORY).read_bytes())
    root, copy = create_root(tmp_path / "root"), create_root(tmp_path / "copy")
    shutil.copytree(fixture, root.path / layout.object_path(block["id"]))
    before = root.find(block["id"])
    for logical in before.inventory.version().state:
        before.read_back(logical)
    assert update_copy(root, copy).is_complete

    with writing(root) as batch:
        more: dict[str, bytes | Path] = {"more.txt": b"more"}
        batch.put(block["id"], more, message="more", author=WRITER, created=MOMENT)
        batch.commit()
    report = update_copy(root, copy)

    assert (report.is_complete, report.versions) == (True, 1)
    for where in (root, copy):
        stored = where.find(block["id"])
        assert stored.read("more.txt") == b"more"
        folder = stored.inventory.content_path("more.txt").split("/")[1]
        assert folder == block.get("contentDirectory", "content")
        assert validate_object(stored.path).is_valid
