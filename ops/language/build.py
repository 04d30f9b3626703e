"""Developer's command: gather the messages, merge the Vietnamese parts, compile, report gaps.

`python -m ops.language.build` rewrites `ops/language/locale/vi/LC_MESSAGES/giucong.mo` from the
parts in `ops/language/locale/parts/`; `python -m ops.language.build --check` only reports.
Needs babel, which operators do not have to install: the compiled catalogue is part of the source.

Messages stand in: calls of `_`, `N_` and `ngettext`; the templates given to an error class (first
argument, `why`, `data`, `next_step`), to `Problem`, `make_warning`, `add_problem` or `mistake`
(`what`, `fix`), to a `Kind` of finding (template, next step), to `Words` and `unknown` (first
argument); to a model's `Field(description=...)`; and operators' tasks (docstring, `Flag`, `Form`);
calls of `_` and `ngettext` in the console's templates. A constant of the same module may stand for
a literal.
"""

import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Translation
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ops.language.text import LOCALE_FOLDER, paragraphs_of

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


# Babel writes the present minute otherwise, and the file would be stale a minute later.
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_COMMAND = re.compile(r"`[^`]*`")
_BLANK = re.compile(r"(?<![\w.-])[^\W\d_a-z]+(?:-[^\W\d_a-z]+)*(?![\w-])")
_OWN_WORDS = re.compile(r'"[^"]* [^"]*"')


@dataclass(frozen=True, slots=True)
class Merged:
    """The parts as one catalogue.

    Attributes:
        catalogue: All translations, sorted by message when written.
        problems: Where two parts, or two entries of one, say different things; may be empty.
    """

    catalogue: Catalog
    problems: list[str]


def merge_parts(folder: Path) -> Merged:
    """Read `*.vi.po` of a folder in the order of their names."""
    merged = Catalog(
        locale="vi", project="giucong", fuzzy=False, charset="utf-8", header_comment="# Giữ Cổng"
    )
    origins: dict[str, Path] = {}
    problems = []
    for path in sorted(folder.glob("*.vi.po")):
        part = read_po(
            io.StringIO(path.read_text(encoding="utf-8")), locale="vi", abort_invalid=True
        )
        for entry in part:
            if not entry.id:
                continue
            known = merged.get(entry.id)
            if known is not None and known.string != entry.string:
                other = origins[_key(entry.id)].name
                problems.append(f"{path.name}: {entry.id!r} is translated otherwise in {other}")
            origins.setdefault(_key(entry.id), path)
            merged.add(entry.id, entry.string, flags=sorted(entry.flags))
    return Merged(merged, problems)


def _key(message: str | Sequence[str]) -> str:
    """Give what a message is found by: of a plural its singular, as the catalogue does."""
    return message if isinstance(message, str) else message[0]


def render_mo(catalogue: Catalog) -> bytes:
    """Give the compiled catalogue; no moment stands in it: it changes with the texts alone."""
    plain = Catalog(locale="vi", charset="utf-8", creation_date=_NO_MOMENT)
    for entry in catalogue:
        if entry.id:
            plain.add(entry.id, entry.string, flags=sorted(entry.flags))
    buffer = io.BytesIO()
    write_mo(buffer, plain)
    return buffer.getvalue()


def find_gaps(messages: Iterable[Message], catalogue: Catalog) -> Iterator[str]:
    """Say, one line a message, which translations are missing, fuzzy or do not fit."""
    for message in messages:
        if not _holds_words(message.text):
            continue
        translation = catalogue.get(message.text)
        if translation is None or not _strings(translation) or not all(_strings(translation)):
            yield f"{message.place}: no translation of {message.text!r}"
        elif translation.fuzzy:
            yield f"{message.place}: the translation of {message.text!r} is marked fuzzy"
        else:
            yield from _find_misfits(message, _strings(translation))


def find_unused(messages: Iterable[Message], catalogue: Catalog) -> list[str]:
    """List translated messages that the source does not hold as literals, sorted."""
    used = {message.text for message in messages}
    return sorted(text for text in map(_singular, catalogue) if text and text not in used)


def _holds_words(template: str) -> bool:
    """Tell whether anything is left to translate besides placeholders."""
    return any(part[0].strip(" :.,") for part in Formatter().parse(template))


def _find_misfits(message: Message, strings: tuple[str, ...]) -> Iterator[str]:
    wanted = message.plural or message.text
    for string in strings:
        if placeholders_of(string) != placeholders_of(wanted):
            yield f"{message.place}: other placeholders in the translation of {message.text!r}"
        if commands_of(string) != commands_of(wanted):
            yield f"{message.place}: other commands in the translation of {message.text!r}"


def commands_of(template: str) -> list[str]:
    """Give what stands between backticks, sorted; what people fill in (FOLDER, TỆP) is alike."""
    return sorted(
        _BLANK.sub(
            lambda it: "…" if it[0].isupper() and len(it[0]) > 1 else it[0],
            _OWN_WORDS.sub('"…"', command),
        )
        for command in _COMMAND.findall(template)
    )


def placeholders_of(template: str) -> set[str]:
    """Give the names between braces, with their format if one is given."""
    return {
        f"{name}:{form}" if form else name
        for _text, name, form, _conversion in Formatter().parse(template)
        if name is not None
    }


def _strings(translation: Translation) -> tuple[str, ...]:
    string = translation.string
    return (string,) if isinstance(string, str) else tuple(string or ())


def _singular(translation: Translation) -> str:
    return translation.id if isinstance(translation.id, str) else translation.id[0]


PACKAGES = ("archive", "backup", "examples", "ops", "provisioning", "runbooks")
ROOT = Path(__file__).parents[2]
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
