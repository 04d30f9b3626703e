"""`python -m tests.record asserts BASE`: what tests asserted at a commit and assert no longer."""

import re
import subprocess
from collections import Counter

_ASSERTS = re.compile(r"\bassert\b|pytest\.raises")


def removed_asserts(base: str) -> list[str]:
    """Give the lines with an assert that went since a commit and came back nowhere.

    Args:
        base: The commit.
    """
    words = ["git", "diff", base, "HEAD", "-U0", "--", "tests"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    gone = Counter[str]()
    for line in told.splitlines():
        if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"} and _ASSERTS.search(line):
            gone["".join(line[1:].split())] += 1 if line[0] == "-" else -1
    return sorted(text for text, count in gone.items() if count > 0)
