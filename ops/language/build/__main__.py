"""Run as `python -m ops.language.build [--check]`; see the package's docstring."""

import sys
from pathlib import Path

from ops.language.build.catalogue import find_gaps, find_unused, merge_parts, render_mo
from ops.language.build.extract import find_messages
from ops.language.text import LOCALE_FOLDER

PACKAGES = ("archive", "backup", "examples", "ops", "provisioning", "runbooks")
ROOT = Path(__file__).parents[3]
TARGET = LOCALE_FOLDER / "vi" / "LC_MESSAGES" / "giucong.mo"


def find_problems() -> list[str]:
    """List everything that keeps the Vietnamese from being complete; empty when all is well."""
    merged = merge_parts(LOCALE_FOLDER / "parts")
    problems = [*merged.problems, *find_gaps(find_messages(ROOT, PACKAGES), merged.catalogue)]
    if not TARGET.is_file() or TARGET.read_bytes() != render_mo(merged.catalogue):
        problems.append(f"{TARGET.relative_to(ROOT)} is stale: run `make messages`")
    return problems


def write_catalogue() -> None:
    """Write the `.mo` in one step: a reader sees a whole file."""
    merged = merge_parts(LOCALE_FOLDER / "parts")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    fresh = TARGET.with_name(f".{TARGET.name}.new")
    fresh.write_bytes(render_mo(merged.catalogue))
    fresh.replace(TARGET)


def main() -> int:
    """Merge and compile unless `--check` is given; print what is missing; exit 1 if anything is."""
    if "--check" not in sys.argv[1:]:
        write_catalogue()
    problems = find_problems()
    catalogue = merge_parts(LOCALE_FOLDER / "parts").catalogue
    for text in find_unused(find_messages(ROOT, PACKAGES), catalogue):
        sys.stderr.write(f"note: translated, but not a literal anywhere: {text!r}\n")
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(f"{len(list(catalogue)) - 1} messages, {len(problems)} problems\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
