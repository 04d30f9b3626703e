"""The rules of the house that no linter knows: who imports whom, what files are called."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("archive", "backup", "ops", "provisioning", "runbooks")
FOLDERS = {*PACKAGES, ".ci", "bench", "changelog.d", "docs", "examples", "tests"}

# docs/explanation/architecture.md: package or module -> what of other packages it may import.
ARROWS = {
    "backup.stores.sftp": ("provisioning.ssh", "provisioning.errors"),
    "backup.sources": ("provisioning.ssh", "provisioning.hosts", "provisioning.errors"),
    "ops": ("archive", "backup", "provisioning", "runbooks"),
}

# Longer than 400 lines on purpose; each with its reason.
LONG_MODULES: dict[str, str] = {}

SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools"}

# Put together from pieces, so that this file does not find itself.
PLACES_ON_ONE_MACHINE = re.compile(
    "|".join(("/wo" + "rk/", r"\.\./sha" + "red", "/ro" + r"ot/\.", "/home/" + "[a-z]+/"))
)
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b")
SILENCED_TEST = re.compile(
    r"\b(?:mark\.ski" + r"p|pytest\.ski" + r"p|importorski" + r"p|xfa" + "il)"
)


def list_tracked_files() -> list[Path]:
    """List the files that belong to the project, relative to its root."""
    listing = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (Path(name) for name in listing.stdout.decode().split("\0") if name)
    return sorted(path for path in paths if (ROOT / path).is_file())


TRACKED = list_tracked_files()
MODULES = [path for path in TRACKED if path.suffix == ".py" and path.parts[0] in PACKAGES]


def read_text(path: Path) -> str | None:
    """Give the text of a tracked file; None if it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def find_imports(path: Path) -> Iterator[str]:
    """Yield the full names a module imports, wherever in the module the import stands."""
    inside: list[ast.AST] = [ast.parse((ROOT / path).read_text(encoding="utf-8"))]
    while inside:
        node = inside.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not isinstance(node, ast.expr):  # which holds no statement, and most of the nodes
            inside.extend(ast.iter_child_nodes(node))


def is_within(name: str, package: str) -> bool:
    """Say whether a dotted name is the package or lies in it."""
    return name == package or name.startswith(package + ".")


def test_there_is_code_to_judge() -> None:
    assert {path.parts[0] for path in MODULES} == set(PACKAGES)


def test_imports_follow_the_arrows() -> None:
    assert {str(path): astray for path in MODULES if (astray := find_astray(path))} == {}


def find_astray(path: Path) -> list[str]:
    """List what a module imports of another package though no arrow leads there."""
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    allowed = [
        room for start, rooms in ARROWS.items() if is_within(module, start) for room in rooms
    ]
    foreign = [
        name
        for name in find_imports(path)
        if name.split(".")[0] in {*PACKAGES, "bench", "docs", "examples", "tests"}
        and not is_within(name, path.parts[0])
    ]

    return [name for name in foreign if not any(is_within(name, room) for room in allowed)]


def test_top_level_holds_only_the_rooms_of_the_house() -> None:
    assert {path.parts[0] for path in TRACKED if len(path.parts) > 1} - FOLDERS == set()


def test_files_are_named_by_what_they_are_about() -> None:
    assert [
        path
        for path in TRACKED
        if SHAPELESS_NAMES & {part.lower() for part in (*path.parts[:-1], path.stem)}
    ] == []


def test_long_modules_have_a_reason() -> None:
    long = {
        str(path)
        for path in MODULES
        if len((ROOT / path).read_text(encoding="utf-8").splitlines()) > 400
    }

    assert long == set(LONG_MODULES)


@pytest.mark.parametrize(
    "pattern", [PLACES_ON_ONE_MACHINE, UNFINISHED], ids=["places on one machine", "unfinished"]
)
def test_no_file_holds_what_does_not_belong_in_it(pattern: re.Pattern[str]) -> None:
    hits = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in TRACKED
        if path.name != "requirements.lock"
        for number, line in enumerate((read_text(path) or "").splitlines(), start=1)
        if pattern.search(line)
    ]

    assert hits == []


def test_no_test_is_silenced() -> None:
    tests = [path for path in TRACKED if path.parts[0] == "tests" and path.suffix == ".py"]

    assert [
        path for path in tests if SILENCED_TEST.search((ROOT / path).read_text(encoding="utf-8"))
    ] == []


def test_each_exception_to_a_rule_says_why() -> None:
    bare = re.compile(
        r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w,\s-]+\])?)\s*$"
    )
    hits = [
        f"{path}:{number}"
        for path in TRACKED
        if path.suffix == ".py"
        for number, line in enumerate(
            (ROOT / path).read_text(encoding="utf-8").splitlines(), start=1
        )
        if bare.search(line)
    ]

    assert hits == []


def test_every_dependency_is_pinned_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)

    assert pins
    assert [
        pin.splitlines()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin
    ] == []


# Who prints: the borders that an act crosses, and programs whose output another program reads.
PRINTS = {
    "ops/terminal/": "the border of a terminal, and what asks there",
    "ops/cli/": "the command line",
    "ops/console/office/fork_server.py": "they are flushed before a fork",
    "ops/service/log_lines.py": "the service's log",
    "ops/service/watch_process.py": "it ends without Python's own flush",
    "ops/sandbox/inside.py": "a program: its result",
    "ops/reports/signed_pdf.py": "a program: its result",
    "ops/backups/restore/sqlite_in_place.py": "a program: its result",
    "ops/backups/pages/noting.py": "a program: its result",
    "ops/language/build.py": "a program of the makers",
}


def test_an_act_prints_nothing() -> None:
    """It tells (`ops.terminal.output`); who runs it prints."""
    printing = {str(path) for path in MODULES if path.parts[0] == "ops" and _prints(path)}
    excused = {it for it in printing if it.startswith(tuple(PRINTS))}
    assert printing == excused
    assert all(any(it.startswith(place) for it in excused) for place in PRINTS)


def _prints(path: Path) -> bool:
    """Whether a module calls `print`, or does more with an output than ask who reads it."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if not re.search("print|stdout|stderr", text):
        return False
    nodes = list(ast.walk(ast.parse(text)))
    asked = {id(it.value) for it in nodes if isinstance(it, ast.Attribute) and it.attr == "isatty"}
    return any(
        ast.unparse(it) in {"print", "sys.stdout", "sys.stderr"}
        for it in nodes
        if isinstance(it, ast.Name | ast.Attribute) and id(it) not in asked
    )
