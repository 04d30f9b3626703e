"""The documentation says what is true: commands exist, links lead somewhere, pages are fresh."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TASK_PAGES = sorted([*DOCS.glob("how-to/*.md"), *DOCS.glob("tutorial/*.md")])

CODE_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DECISION_PARTS = ("**Situation.**", "**Choice.**", "**What it costs.**", "**When to revisit.**")


def read_blocks(page: Path) -> list[str]:
    """List the code blocks of a page, in order."""
    return [body for _, body in CODE_BLOCK.findall(page.read_text(encoding="utf-8"))]


def list_anchors(page: Path) -> set[str]:
    """List what a link into the page may name, as GitHub derives it from the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_has_the_same_commands_in_both_languages() -> None:
    blocks = read_blocks(ROOT / "README.md")

    assert blocks == read_blocks(ROOT / "README.vi.md")
    assert blocks[0].split("\n")[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", TASK_PAGES, ids=lambda page: page.stem)
def test_operators_pages_exist_in_vietnamese_with_the_same_commands(page: Path) -> None:
    translated = DOCS / "vi" / page.relative_to(DOCS)

    assert translated.exists()
    assert read_blocks(page) == read_blocks(translated)


@pytest.mark.parametrize("page", TASK_PAGES, ids=lambda page: page.stem)
def test_operators_pages_name_the_program_by_both_names(page: Path) -> None:
    for place in (page, DOCS / "vi" / page.relative_to(DOCS)):
        text = place.read_text(encoding="utf-8")
        assert {"`fab`", "`giucong`", "`.venv/bin/fab`"} <= set(re.findall(r"`[^`\n]+`", text))


def test_no_vietnamese_page_is_left_over() -> None:
    translated = {page.relative_to(DOCS / "vi") for page in DOCS.glob("vi/**/*.md")}

    assert translated == {page.relative_to(DOCS) for page in TASK_PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("folder", ["how-to", "vi/how-to", "decisions", "explanation", "reference"])
def test_each_folder_lists_its_pages(folder: str) -> None:
    listed = set(LINK.findall((DOCS / folder / "README.md").read_text(encoding="utf-8")))

    assert {page.name for page in (DOCS / folder).glob("*.md")} - {"README.md"} <= listed


def test_reference_is_what_make_docs_writes() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


def test_decisions_are_numbered_without_gaps_and_complete() -> None:
    pages = sorted(DOCS.glob("decisions/[0-9]*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. ")
        assert [part for part in DECISION_PARTS if part not in text] == []


def test_every_make_target_is_explained_by_make_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+)(?=:)", makefile, re.MULTILINE))
    parts = {"help", "venv", "closing", "test-slow"}
    explained = set(re.findall(r"make ([a-z-]+)", makefile.partition("demo: venv")[0]))

    assert targets - parts - explained == set()


def test_pages_name_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+)(?=[: ].*:|:)", makefile, re.MULTILINE))
    named = {
        word
        for page in PAGES
        for line in re.findall(
            r"(?:`|^ *)make ([a-z -]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
        for word in line.split()
    }

    assert named - targets == set()


OURS = ("archive", "backup", "ops", "provisioning", "runbooks")
SOURCES = sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))
STANDING = [it for it in PAGES if it.name != "CHANGELOG.md" and it.parent.name != "decisions"]
"""What tells of today; decisions and changes tell of their day."""

NAME = re.compile(rf"`((?:{'|'.join(OURS)})(?:\.\w+)+)(?:\(\))?`")
FILE = re.compile(rf"`+((?:{'|'.join([*OURS, 'tests', 'bench', 'examples'])})/[\w/.-]+\.py)`+")


def test_names_of_our_code_in_docstrings_and_pages_exist() -> None:
    tasks = set(re.findall(r"`([a-z-]+\.[a-z.-]+)", read("docs/reference/commands.md")))
    gone = {
        f"{page.relative_to(ROOT)}: {name}"
        for page in [*SOURCES, *STANDING]
        for name in NAME.findall(read(page))
        if name not in tasks and not is_there(name)
    }

    assert gone == set()


def test_files_named_in_docstrings_and_pages_exist() -> None:
    gone = {
        f"{page.relative_to(ROOT)}: {name}"
        for page in [*SOURCES, *STANDING]
        for name in FILE.findall(read(page))
        if not (ROOT / name).is_file()
    }

    assert gone == set()


def read(page: Path | str) -> str:
    """Give a page of the tree as text."""
    return (ROOT / page).read_text(encoding="utf-8")


def is_there(name: str) -> bool:
    """Say whether a dotted name is a package, a module, or something that a module defines."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if place.is_dir() or module.is_file():
            rest = parts[count:]
            return not rest or (module.is_file() and rest[0] in names_of(module))
    return False


@cache
def names_of(module: Path) -> set[str]:
    """Give every name that a module binds at its top, or brings in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(read(module))):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom() | ast.Import():
                names |= {it.asname or it.name for it in node.names}
    return names


def test_the_architecture_names_each_room_of_ops_once() -> None:
    page = read("docs/explanation/architecture.md")
    table = page.partition("an operator finds there |\n")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()]
    named = re.findall(r"`(\w+)`", "\n".join(rows))

    rooms = {it.parent.name for it in (ROOT / "ops").glob("*/__init__.py")}

    assert sorted(set(named) - rooms) == ["outcomes", "wiring"]  # a module each
    assert sorted(it for it in named if it in rooms) == sorted(rooms)
