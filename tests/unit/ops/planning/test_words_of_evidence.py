"""Each kind of evidence has a name, which the plan tells in the reader's language."""

import re
from pathlib import Path

from ops.language.text import _, speaking
from ops.planning.item import EVIDENCE

ROOT = Path(__file__).parents[4] / "ops" / "planning"


def test_each_kind_that_is_proposed_has_a_name() -> None:
    source = "".join(it.read_text(encoding="utf-8") for it in ROOT.glob("*.py"))
    found = set(re.findall(r'Evidence\("([a-z-]+)"', source))
    assert {"asset", "finding", "plan"} <= found
    assert found - set(EVIDENCE) == set()
    with speaking("vi"):
        assert [name for name, title in EVIDENCE.items() if _(title) in {name, title}] == []
