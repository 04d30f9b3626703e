"""The one JSON document that a task with `--json` writes, and nothing beside it.

::

    {"schema": 1, "items": [{…}, …], "told": ["…"], "error": {…}, …}

`items` are the rows that the table would show, the one thing that was asked for, or, of a task
that changes something and has no result of its own, the acts it has journaled: `action`, `subject`
and `details`. `told` are the lines that a person would have read. `error` is there where the task
failed or waits. Other keys are true of all items together. Moments are in UTC and end in `Z`,
durations are seconds. What was kept with a hash (`minutes`) stays as it was hashed.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ops.errors import OpsError
from ops.language.text import ExplainedError, as_typed, fill, make_visible
from ops.meanwhile import meanwhile
from ops.terminal.exit_codes import attempt, explained
from ops.terminal.output import BORDER, Block
from ops.terminal.printer import Printer, plain_text
from ops.terminal.task import JSON_FLAG

SCHEMA = 1
_KEPT_WITH_HASH = "minutes"
_SAID = {"what": "said", "why": "reason", "data": "kept", "next_step": "step"}
_TEMPLATES = tuple(_SAID)
_LONGEST = 4_000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(slots=True)
class Result:
    """What an act comes to.

    Attributes:
        code: Its exit code.
        told: What it has told people, in order.
        given: Its rows and what is true of all of them together, as a document has them.
        acts: Those it has journaled.
        error: What it failed with, or waits for.
    """

    code: int = 0
    told: list[Block] = field(default_factory=list)
    given: dict[str, object] = field(default_factory=dict)
    acts: list[object] = field(default_factory=list)
    error: ExplainedError | None = None

    def document(self, *, dry_run: bool = False) -> dict[str, object]:
        """Give it as a document; of a rehearsal nothing lasts: no act is among the items."""
        document: dict[str, object] = {"schema": SCHEMA, "items": [] if dry_run else self.acts}
        document |= self.given
        if told := "".join(map(plain_text, self.told)).splitlines():
            document["told"] = told
        if self.error:
            document["error"] = describe_error(self.error)
        return document


class Keeper(Printer):
    """The border that keeps all of it; who sits at the terminal reads it while it happens."""

    def __init__(self, *, echoes: bool = False) -> None:
        self.result = Result()
        self._echoes = echoes

    def is_terminal(self) -> bool:
        """Tell that nothing is drawn."""
        return False

    def show(self, block: Block) -> None:
        """Keep it."""
        self.result.told.append(block)
        if self._echoes:
            sys.stderr.write(make_visible(plain_text(block)))

    def give(self, items: Iterable[object], whole: Mapping[str, object]) -> None:
        """Keep a task's rows."""
        self.result.given = rows_of(items, whole)


def write_document(action: Callable[[], int | None], *, dry_run: bool = False) -> int:
    """Run a task's work, write its document, and give its exit code."""
    keeper = Keeper(echoes=sys.stderr.isatty())

    def run() -> int | None:
        try:
            return action()
        except Exception as error:
            keeper.result.error = explained(error)
            raise

    with meanwhile(BORDER, keeper):
        keeper.result.code = attempt(run)
    return attempt(lambda: write(keeper.result.document(dry_run=dry_run))) or keeper.result.code


def tell_as_asked(action: Callable[[], int | None], values: Mapping[str, object]) -> int:
    """Run a task's work and give its exit code; tell programs of it where `--json` was given."""
    if not values.get(JSON_FLAG):
        return attempt(action)
    return write_document(action, dry_run=bool(values.get("dry_run")))


def read_document(action: Callable[[], object]) -> dict[str, object]:
    """Give the document of a task that only looks; what the task raises is not caught."""
    keeper = Keeper()
    with meanwhile(BORDER, keeper):
        action()
    return keeper.result.document()


def rows_of(items: Iterable[object], whole: Mapping[str, object]) -> dict[str, object]:
    """Give rows as a document has them, and what is true of all of them together.

    Raises:
        TypeError: The items are no rows.
    """
    rows = [plain(it) for it in items]
    if isinstance(items, Mapping | str) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("each item is a mapping or a dataclass")
    return {"items": rows, **{name: plain(value, name) for name, value in whole.items()}}


def asked_result() -> Result | None:
    """Give the result that the act which runs is asked for; None where it only tells people."""
    told = BORDER.get()
    return told.result if isinstance(told, Keeper) else None


def describe_error(error: ExplainedError) -> dict[str, object]:
    """Give an error as a document has it, in the reader's language."""
    texts = {part: fill(getattr(error, part), error.params) for part in _TEMPLATES}
    return {**texts, "values": {name: str(value) for name, value in error.params.items()}}


def said_error(said: Mapping[str, object], kind: type[OpsError] = OpsError) -> OpsError:
    """Give the error that another process has described; what it says is text, and no template."""
    texts = {name: str(said.get(part, ""))[:_LONGEST] for part, name in _SAID.items()}
    parts = {part: f"{{{name}}}" if texts[name] else "" for part, name in _SAID.items()}
    return kind(**parts, **texts)


def write(document: Mapping[str, object]) -> None:
    """Print a document."""
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
        return _moment(datetime.fromisoformat(text)) if _MOMENT.fullmatch(text) else text
    except (ValueError, OverflowError):  # no moment, or one that UTC's calendar does not have
        return text


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
