"""What people read, in their language: Vietnamese by default, English with `GIUCONG_LANG=en`.

How to write a message
    from ops.language.text import _, ngettext

    print(_("{count} sites are backed up.").format(count=count))

1. The English sentence is the key; placeholders are named; never an f-string inside `_()`.
2. Errors (`OpsError`, `BackupError` and their subclasses) take plain string literals: they are
   translated when `render_error` prints them. In `next_step` write `{program} backup.run`.
3. A text that is kept in a constant and shown later is marked with `N_("...")`.
4. A task's help is its docstring's first line, and the values of `help={...}`.
5. Put the Vietnamese into `ops/language/locale/parts/<your area>.vi.po` (plain msgid/msgstr
   entries, no header) and run `make messages`. Texts between backticks are commands: leave them as
   they are. `pytest tests/unit/ops/language/build/test_messages.py` names whatever is missing.

Nothing here is loaded before the first message is asked for: `fab --list` must stay fast.
"""

import os
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from ops.meanwhile import meanwhile

if TYPE_CHECKING:
    from gettext import NullTranslations

    from ops.errors import Problem

Language = Literal["vi", "en"]

_WHOLE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LOCALE_FOLDER = Path(__file__).parent / "locale"


class ExplainedError(Protocol):
    """What the errors of all libraries have in common; see `ops.errors.OpsError`."""

    what: str
    why: str
    data: str
    next_step: str
    params: dict[str, object]


def N_(message: str) -> str:  # noqa: N802 - the name gettext users know
    """Mark a message that is translated later; gives it back unchanged."""
    return message


_DISGUISED = re.compile(
    r"[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for newline and tab, DEL, C1
    r"\u2028-\u202e\u2066-\u2069\u2800"  # new lines, what turns the writing round, a blank
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
"""What a terminal obeys, and what takes no place (Unicode's Default_Ignorable_Code_Point)."""

LABELS: Mapping[str, str] = {
    "what": N_("error"),
    "why": N_("why"),
    "data": N_("data"),
    "next_step": N_("next"),
}


_READER: ContextVar[Language | None] = ContextVar("reader_language", default=None)


def language() -> Language:
    """Give the reader's language: of `speaking`, else of `GIUCONG_LANG`; Vietnamese if neither."""
    chosen = _READER.get()
    if chosen is not None:
        return chosen
    return "en" if os.environ.get("GIUCONG_LANG", "").lower().startswith("en") else "vi"


@cache
def _catalogue(chosen: Language) -> "NullTranslations":
    """Load the compiled catalogue; without one the English sentences are shown."""
    from gettext import GNUTranslations, NullTranslations

    path = LOCALE_FOLDER / chosen / "LC_MESSAGES" / "giucong.mo"
    if chosen == "en" or not path.is_file():
        return NullTranslations()
    with path.open("rb") as file:
        return GNUTranslations(file)


def _(message: str) -> str:
    """Give the message in the reader's language; placeholders are still to be filled."""
    return _catalogue(language()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """Give the message for this count; placeholders are still to be filled."""
    return _catalogue(language()).ngettext(singular, plural, count)


def paragraphs_of(docstring: str) -> list[str]:
    """Split a docstring into paragraphs, each on one line: every one is a message."""
    return [" ".join(block.split()) for block in docstring.split("\n\n") if block.strip()]


def program_name() -> str:
    """Give the program the reader typed: `fab` in a checkout, else `giucong`."""
    return "fab" if Path(sys.argv[0]).name == "fab" else "giucong"


_IN_A_STORE = re.compile(
    r"backup\.(?:check|files|forget|list|prune|repair) --site \{site\}(?! --store)"
)


def fill(template: str, params: Mapping[str, object]) -> str:
    """Translate a template and fill it in; moments, durations, ids and byte paths become readable.

    Causes that others worded in English are translated too (`ops.language.causes`).
    Of an error among the values its own template is translated and filled in. What the engine
    advises becomes the task to type (`ops.language.causes`); with `in_store` among the
    values it is typed for that store and not for the primary one. A template that cannot be
    filled (a cause that came from elsewhere and holds a brace) is given as it stands: a message
    must never fail while it tells of a failure.
    """
    from ops.language.causes import ENGINE_ADVICE

    values = {"program": program_name()} | {
        name: _readable(value) for name, value in params.items()
    }
    values["site"] = values.get("site") or "NAME"
    try:
        text = _(ENGINE_ADVICE.get(template, template))
        if values.get("in_store"):
            text = _IN_A_STORE.sub(r"\g<0> --store {in_store}", text)
        return text.format(**values)
    except (KeyError, IndexError, ValueError, AttributeError):
        return template


_TYPED: ContextVar[Mapping[str, str] | None] = ContextVar("typed_places", default=None)


def name_as_typed(places: Mapping[str, str]) -> None:
    """Have an act's own places called as they were typed, in all that this process tells of them.

    Args:
        places: Place → as it was typed; none lies in another.
    """
    _TYPED.set(places)


def as_typed(text: str) -> str:
    """Give a text in which places of an act's own are called as they were typed."""
    for place, typed in (_TYPED.get() or {}).items():
        text = text.replace(place, typed)
    return text


def make_visible(text: str, *, one_line: bool = False) -> str:
    """Show what commands a terminal, turns the writing round or is not seen, as a readable escape.

    Names of files and what other machines say may hold such characters, put there to forge what an
    operator reads. Newlines and tabs stay, unless the text is a name that belongs on one line.
    """
    shown = _DISGUISED.sub(lambda found: _escape(ord(found[0])), as_typed(text))
    return shown.replace("\n", "\\n").replace("\t", "\\t") if one_line else shown


def _escape(code: int) -> str:
    width, letter = (8, "U") if code > 0xFFFF else (4, "u") if code > 0xFF else (2, "x")  # noqa: PLR2004 - the last of two bytes, of one
    return f"\\{letter}{code:0{width}x}"


def show_path(path: bytes) -> str:
    """Give a path as it is shown to people: on one line, each byte that is no character escaped."""
    return make_visible(path.decode("utf-8", "backslashreplace"), one_line=True)


def render_error(error: ExplainedError) -> str:
    """Give the text an operator sees, without a final newline, in the reader's language.

    The first line says what happened; then, indented and labelled, why, whether data is safe, and
    what to type next. An `EstateError` lists its problems, one a line, after the first line.
    """
    label = getattr(error, "label", LABELS["what"])
    lines = [f"{_(label)}: {fill(error.what, error.params)}"]
    lines += [f"  {render_problem(problem)}" for problem in getattr(error, "problems", ())]
    for part in ("why", "data", "next_step"):
        template = getattr(error, part)
        if template:
            lines.append(f"  {_(LABELS[part])}: {fill(template, error.params)}")
    return make_visible("\n".join(lines))


def render_problem(problem: "Problem") -> str:
    """Give one line: file, dotted key, what is wrong, and the fix after an arrow."""
    file = "" if problem.file is None else problem.file.name
    place = ": ".join(part for part in (file, problem.key) if part)
    what = fill(problem.what, problem.params)
    fix = fill(problem.fix, problem.params)
    told = f"{place}: {what}" if place else what
    return f"{told} → {fix}" if fix else told


def _readable(value: object) -> object:
    if isinstance(value, datetime | timedelta):
        from ops.language.formats import format_duration, format_moment

        return format_moment(value) if isinstance(value, datetime) else format_duration(value)
    if isinstance(value, Mapping) and value.keys() >= {"what", "params"}:
        return fill(value["what"], value["params"])
    if hasattr(value, "what") and hasattr(value, "params"):
        return fill(value.what, value.params)
    if isinstance(value, bytes):
        shown = os.fsdecode(value).encode("utf-8", "backslashreplace").decode()
        return make_visible(shown, one_line=True)
    if isinstance(value, str):
        from ops.language.causes import tell_cause
        from ops.language.formats import format_id

        return format_id(value) if _WHOLE_ID.fullmatch(value) else tell_cause(value)
    return value


def speaking(language: Language) -> AbstractContextManager[None]:
    """Let all texts be in `language` that this thread, or task of a loop, makes meanwhile.

    A manifest or a notice is written at night by a process and read by people of the organisation:
    it is in the language of whoever will read it later, not of whoever runs this now.
    """
    return meanwhile(_READER, language)
