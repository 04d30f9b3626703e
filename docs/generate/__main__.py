"""`make docs`: write every generated page of `docs/reference`.

With `--check` nothing is written; stale pages are named and the exit code is 1.
"""

import os
import sys
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "reference"


def main() -> int:
    """Write the pages that changed and name them; give the exit code."""
    os.environ["GIUCONG_LANG"] = (
        "en"  # before the tasks are imported: their help is translated then
    )
    from docs.generate.pages import render_pages

    is_check = "--check" in sys.argv[1:]
    stale = [
        (REFERENCE / name, text)
        for name, text in render_pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text("utf-8") != text
    ]
    for page, text in stale:
        if not is_check:
            page.write_text(text, encoding="utf-8")
        print(f"{'stale, run `make docs`' if is_check else 'written'}: docs/reference/{page.name}")
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
