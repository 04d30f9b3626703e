"""Merge the Vietnamese parts into one catalogue, compile it, and say what is wrong with it."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Translation
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from ops.language.build.extract import Message

# Babel writes the present minute otherwise, and the file would be stale a minute later.
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_COMMAND = re.compile(r"`[^`]*`")
_BLANK = re.compile(r"(?<![\w.-])[^\W\d_a-z]+(?:-[^\W\d_a-z]+)*(?![\w.-])")


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
        _BLANK.sub(lambda it: "…" if it[0].isupper() and len(it[0]) > 1 else it[0], command)
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
