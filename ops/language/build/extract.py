"""Find every message that a reader may see, by reading the source as syntax trees.

Messages stand in: calls of `_`, `N_` and `ngettext`; the templates given to an error class (first
argument, `why`, `data`, `next_step`), to `Problem`, `make_warning`, `add_problem` or `mistake`
(`what`, `fix`), to a `Kind` of finding (template, next step), to `Words` and `unknown` (first
argument); to a model's `Field(description=...)`; and operators' tasks (docstring, `Flag`, `Form`);
calls of `_` and `ngettext` in the console's templates. A constant of the same module may stand for
a literal.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ops.language.text import paragraphs_of

MARKERS = {"_", "N_"}
ROOT_ERRORS = frozenset(
    {"BackupError", "OpsError", "ArchiveError", "ProvisioningError", "RunbookError"}
)
TEMPLATE_KEYWORDS = {"what", "why", "data", "next_step", "fix"}
ENGLISH_ONLY = "backup/commands"  # the engine's own command line speaks restic's language
TASK_DECORATOR = "task"
_POSITIONS = {
    "Problem": slice(1, 3),
    "make_warning": slice(1, 3),
    "add_problem": slice(1, 3),
    "mistake": slice(0, 2),
    "Kind": slice(1, 3),
    "Words": slice(0, 1),
    "unknown": slice(0, 1),
    "Flag": slice(0, 2),
    "Form": slice(0, 2),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message in the source.

    Attributes:
        text: The English sentence, for a plural the singular.
        plural: The English plural; empty when the message has none.
        place: `path:line` of its first use.
    """

    text: str
    plural: str
    place: str


def find_messages(root: Path, packages: Iterable[str]) -> list[Message]:
    """Read every module below `root/<package>`; one message a text, sorted by text."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
        if not path.is_relative_to(root / ENGLISH_ONLY)
    }
    errors = find_error_classes(trees.values())
    found: dict[tuple[str, str], Message] = {}
    for path, tree in trees.items():
        for text, plural, line in _messages_of_module(tree, errors):
            place = f"{path.relative_to(root)}:{line}"
            if text:
                found.setdefault((text, plural), Message(text, plural, place))
    for text, plural, place in _messages_of_templates(root, packages):
        found.setdefault((text, plural), Message(text, plural, place))
    return sorted(found.values(), key=lambda message: (message.text, message.plural))


def _messages_of_templates(root: Path, packages: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Find what the console's templates give to `_` and `ngettext`."""
    from jinja2 import Environment
    from jinja2.ext import extract_from_ast

    reader = Environment(autoescape=True)
    paths = (it for package in packages for it in sorted((root / package).rglob("*.html")))
    for path in paths:
        tree = reader.parse(path.read_text(encoding="utf-8"))
        for line, _function, texts in extract_from_ast(tree, ("_", "ngettext")):
            given = [it for it in ([texts] if isinstance(texts, str) else texts or ()) if it]
            if given:
                plural = given[1] if len(given) > 1 else ""
                yield given[0], plural, f"{path.relative_to(root)}:{line}"


def find_error_classes(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Give the names of all classes that descend from a root error, the roots included."""
    bases: dict[str, set[str]] = {}
    for node in chain.from_iterable(ast.walk(tree) for tree in trees):
        if isinstance(node, ast.ClassDef):
            bases.setdefault(node.name, set()).update(_name(base) for base in node.bases)
    known = set(ROOT_ERRORS)
    while more := {name for name, above in bases.items() if above & known} - known:
        known |= more
    return frozenset(known)


def _messages_of_module(tree: ast.Module, errors: frozenset[str]) -> Iterator[tuple[str, str, int]]:
    constants = _constants(tree)
    carriers = {*_POSITIONS, *errors}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _messages_of_call(node, carriers, constants)
        elif isinstance(node, ast.ClassDef) and node.name in errors:
            yield from _messages_of_super(node, constants)
        elif isinstance(node, ast.ClassDef):
            yield from _messages_of_task(node)


def _messages_of_call(
    call: ast.Call, carriers: set[str], constants: Mapping[str, ast.expr]
) -> Iterator[tuple[str, str, int]]:
    name = _name(call.func)
    if name in MARKERS and call.args:
        yield from _texts(call.args[0], constants)
    elif name == "ngettext":
        texts = [text for part in call.args[:2] for text, _plural, _line in _texts(part, constants)]
        if len(texts) == 2:  # noqa: PLR2004 - a singular and a plural
            yield texts[0], texts[1], call.lineno
    elif name == "Field":
        yield from _descriptions(call, constants)
    elif name in carriers:
        yield from _templates(call, constants)


def _descriptions(
    call: ast.Call, constants: Mapping[str, ast.expr]
) -> Iterator[tuple[str, str, int]]:
    """Find what a model says about a key: it is the comment in the sample file."""
    for item in call.keywords:
        if item.arg == "description":
            yield from _texts(item.value, constants)


def _messages_of_super(
    definition: ast.ClassDef, constants: Mapping[str, ast.expr]
) -> Iterator[tuple[str, str, int]]:
    """Find the templates an error class hands to its parent in `super().__init__(...)`."""
    for node in ast.walk(definition):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "__init__"
        ):
            yield from _templates(node, constants)


def _templates(call: ast.Call, constants: Mapping[str, ast.expr]) -> Iterator[tuple[str, str, int]]:
    places = _POSITIONS.get(_name(call.func), slice(0, 1))
    named = [item.value for item in call.keywords if item.arg in TEMPLATE_KEYWORDS]
    for part in (*call.args[places], *named):
        yield from _texts(part, constants)


def _messages_of_task(wish: ast.ClassDef) -> Iterator[tuple[str, str, int]]:
    for decorator in wish.decorator_list:
        if isinstance(decorator, ast.Call) and _name(decorator.func) == TASK_DECORATOR:
            for paragraph in paragraphs_of(ast.get_docstring(wish) or ""):
                yield paragraph, "", wish.lineno


def _texts(node: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[tuple[str, str, int]]:
    """Give the literals a value can be: a string, either branch of a choice, a constant's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, "", node.lineno
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, constants)
        yield from _texts(node.orelse, constants)
    elif isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from _texts(part, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _texts(constants[node.id], {})


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Give every name that is assigned a plain value somewhere in the module."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
