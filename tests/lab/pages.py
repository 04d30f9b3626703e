"""What a reader of the how-to pages takes from them: lines to type, text to write into files."""

import re
import textwrap
from collections.abc import Iterator
from itertools import takewhile

from tests.interop.test_readme_followed import read_lines
from tests.systemd_machine import ROOT

SERVICE = "docs/how-to/run-as-a-service.md"
PEOPLE = "docs/how-to/people-and-approvals.md"
CONSOLE = "docs/how-to/the-console.md"
HOST = "docs/how-to/reach-a-host.md"


def blocks(page: str, kind: str) -> list[str]:
    """Give the page's blocks of a kind (`toml`, `nginx`)."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(it) for it in found]


def lines_before(page: str, word: str) -> Iterator[str]:
    """Give what is typed, until a line holds a word."""
    return takewhile(lambda line: word not in line, read_lines(page))
