"""The list of parts, held against the rooms that ask for them."""

import re
from pathlib import Path

from ops import wiring
from ops.parts import find, names_of_parts

ROOT = Path(wiring.__file__).parent
SEAM = re.compile(r"Seam\(\s*\"([a-z-]+)\"\s*\)")


def test_each_seam_is_given_its_parts_and_no_other_is() -> None:
    asked = {name for path in ROOT.rglob("*.py") for name in SEAM.findall(path.read_text("utf-8"))}

    assert asked
    assert asked == {name for name in names_of_parts() if not name.startswith("test-")}


def test_each_part_is_there() -> None:
    for parts in names_of_parts().values():
        for name in parts:
            assert not isinstance(name, str) or find(name) is not None


def test_tables_of_one_seam_do_not_contradict_each_other() -> None:
    for seam in ("explanations", "notice-kinds", "plan-words", "messages"):
        codes = [code for name in names_of_parts()[seam] for code in find(str(name))]

        assert sorted(codes) == sorted(set(codes)), seam
