"""ocfl-py, which is not ours, judges every object of our roots: one by one, for its verdict on a
whole root is "valid" even when an object in it is damaged."""

import json
import subprocess
from pathlib import Path

import pytest

from archive.ocfl.copies import update_copy
from archive.ocfl.root import StorageRoot, create_root
from tests.archive_roots import flip_bit, make_root, place_of, put
from tests.outside_programs import outside_program

pytestmark = pytest.mark.slow

_JUDGE = """
import json, sys
from ocfl.validator import Validator

def judge(path):
    validator = Validator(log_warnings=True)
    good = validator.validate_object(path)
    return [good, validator.log.num_errors, validator.log.num_warnings, validator.status_str()]

print(json.dumps([judge(path) for path in json.load(sys.stdin)]))
"""


def judge(root: StorageRoot) -> list[tuple[bool, int, int, str]]:
    """Give for each object whether it is good, how many errors and warnings, and which."""
    folders = [str(it) for it in root.folders()]
    done = subprocess.run(
        [outside_program("python"), "-I", "-c", _JUDGE],
        input=json.dumps(folders), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [tuple(it) for it in json.loads(done.stdout)]


def test_every_object_of_ours_is_good_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=30, versions=3)
    put(root, [3, 40], version=4, also={"comments/2026-11-27.jsonl": b"{}\n"})
    copy = create_root(tmp_path / "copy")
    update_copy(root, copy)

    assert judge(root) == [(True, 0, 0, "")] * 31
    assert judge(copy) == [(True, 0, 0, "")] * 31

    flip_bit(place_of(root, 7) / "v2" / "c" / "1")
    verdicts = judge(root)
    assert [good for good, *_rest in verdicts].count(False) == 1
    assert "E092" in next(words for good, _errors, _warnings, words in verdicts if not good)
