"""The one JSON document that a task with `--json` writes, and nothing beside it.

::

    {"schema": 1, "items": [{…}, …], "told": ["…"], "error": {…}, …}

`items` are the rows that the table would show, the one thing that was asked for, or, of a task
that changes something and has no result of its own, the acts it has journaled: `action`, `subject`
and `details`. `told` are the lines that a person would have read. `error` is there where the task
failed or waits. Other keys are true of all items together. Moments are in UTC and end in `Z`,
durations are seconds. What was kept with a hash (`minutes`) stays as it was hashed.
"""

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, redirect_stdout
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ops.language.text import ExplainedError, as_typed, fill, make_visible
from ops.meanwhile import meanwhile
from ops.terminal.exit_codes import attempt, explained
from ops.terminal.output import writing_aside

SCHEMA = 1
_KEPT_WITH_HASH = "minutes"
_TEMPLATES = ("what", "why", "data", "next_step")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(slots=True)
class _Page:
    """What a task has given so far."""

    given: dict[str, object] = field(default_factory=dict)
    acts: list[dict[str, object]] = field(default_factory=list)


class _Lines(io.StringIO):
    """What a person would read; who sits at a terminal reads it while it happens."""

    def write(self, text: str) -> int:
        """Keep it."""
        if sys.stderr.isatty():
            sys.stderr.write(make_visible(text))
        return super().write(text)


_page: ContextVar[_Page | None] = ContextVar("page", default=None)


def write_document(action: Callable[[], int | None], *, dry_run: bool = False) -> int:
    """Run a task's work, write its document, and give its exit code.

    Args:
        action: The work; what it writes for people becomes `told`.
        dry_run: Nothing lasts, so that no act is among the items.
    """
    page, lines, failed = _Page(), _Lines(), list[ExplainedError]()

    def run() -> int | None:
        try:
            return action()
        except Exception as error:
            failed.append(explained(error))
            raise

    with _filling(page), redirect_stdout(lines):
        code = attempt(run)
    document = _finish(page, lines, dry_run=dry_run)
    if failed:
        document["error"] = describe_error(failed[0])
    return attempt(lambda: _write(document)) or code


def read_document(action: Callable[[], object]) -> dict[str, object]:
    """Give the document of a task that only looks, to who asks for it in this process.

    Others of its threads may do the same at the same time. What the task raises is not caught.

    Args:
        action: The work; what it writes for people becomes `told`.
    """
    page, lines = _Page(), io.StringIO()
    with _filling(page), writing_aside(lines):
        action()
    return _finish(page, lines)


def _filling(page: _Page) -> AbstractContextManager[None]:
    return meanwhile(_page, page)


def _finish(page: _Page, lines: io.StringIO, *, dry_run: bool = False) -> dict[str, object]:
    document: dict[str, object] = {"schema": SCHEMA, "items": [] if dry_run else page.acts}
    document |= page.given
    if told := lines.getvalue().splitlines():
        document["told"] = told
    return document


def give(items: Iterable[object], whole: Mapping[str, object]) -> None:
    """Give a task's result; outside of a task that was asked for JSON it is written at once.

    Raises:
        TypeError: The items are no rows.
    """
    rows = [plain(it) for it in items]
    if isinstance(items, Mapping | str) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("each item is a mapping or a dataclass")
    document = {"items": rows, **{name: plain(value, name) for name, value in whole.items()}}
    if page := _page.get():
        page.given = document
    else:
        _write({"schema": SCHEMA, **document})


def is_asked() -> bool:
    """Tell whether the task that runs writes a document."""
    return _page.get() is not None


def note_act(action: str, subject: str, details: Mapping[str, object]) -> None:
    """Note an act that lasts."""
    if page := _page.get():
        act = {"action": action, "subject": subject, "details": details}
        page.acts.append({name: plain(value) for name, value in act.items()})


def describe_error(error: ExplainedError) -> dict[str, object]:
    """Give an error as a document has it, in the reader's language."""
    texts = {part: fill(getattr(error, part), error.params) for part in _TEMPLATES}
    return {**texts, "values": {name: str(value) for name, value in error.params.items()}}


def _write(document: Mapping[str, object]) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def plain(value: object, name: str = "") -> object:
    """Give the JSON form of a value as a document has it; `name` is the key it stands at."""
    if (convert := _FORM_OF.get(type(value))) is not None:
        return convert(value)  # nearly every value is one of these exactly
    if is_dataclass(value) and not isinstance(value, type):
        value = {it.name: getattr(value, it.name) for it in fields(value)}
    if isinstance(value, Mapping):
        return _plain_mapping(value, name)
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return [plain(it) for it in value]
    for kind, convert in _FORMS:
        if isinstance(value, kind):
            return convert(value)
    return str(value)


def _plain_mapping(value: Mapping[str, Any], name: str) -> object:
    if {"what", "params"} <= value.keys() <= {*_TEMPLATES, "params"}:  # kept as templates
        told = {key: fill(value[key], value["params"]) for key in _TEMPLATES if key in value}
        return told["what"] if len(told) == 1 else told
    return value if name == _KEPT_WITH_HASH else {key: plain(it, key) for key, it in value.items()}


def _in_utc(text: str) -> str:
    """Give a moment that somebody has written as text, in UTC; every other text as it is.

    What is no character, as in names of files, is escaped.
    """
    text = as_typed(text)
    if not text.isascii():
        return text.encode("utf-8", "backslashreplace").decode()
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return text
    return text if moment is None else _moment(moment)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_FORMS: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, _in_utc),
    (datetime, _moment),
    (date, date.isoformat),
    (timedelta, timedelta.total_seconds),
    (bytes, lambda raw: raw.decode("utf-8", "backslashreplace")),
    (int, lambda plain: plain),
    (float, lambda plain: plain),
    (type(None), lambda plain: plain),
)
_FORM_OF = dict(_FORMS)
