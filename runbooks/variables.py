"""Put values into a runbook's sentences and commands; secrets only where nobody sees them; pure.

A value is put into a word after the words were split, so it stays one word whatever it holds. A
secret is never put into a word: the command gets the path of an open file that holds it.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from runbooks.command_lines import VARIABLE, find_names
from runbooks.errors import N_, RunbookUseError, ValuesMissingError
from runbooks.procedure import Runbook, Step, Variable
from runbooks.shapes import PATHS, Place, find_place, fits_shape
from runbooks.state import RunState

MASK = "•••"
_ONLY_LOOK = frozenset({"check", "ask", "wait", "verify"})
_EXIT_USE = 2  # a task that ends with it refused what was asked, and has changed nothing
PARTED = " / "
"""What stands between the shares of one secret."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, ready to run.

    Attributes:
        words: Program and arguments; a secret's word is empty.
        secrets: Position in `words` → the secret whose file's path goes there.
        shown: The line for people, secrets masked.
        places: Position in `words` → the place that the word names, to be looked at first.
    """

    words: tuple[str, ...]
    secrets: Mapping[int, str]
    shown: str
    places: Mapping[int, Place] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Command({self.shown!r})"


def fill_text(text: str, values: Mapping[str, str], runbook: Runbook) -> str:
    """Give a text with its values; secrets masked, what has no value yet as it stands."""

    def value(name: str) -> str:
        if runbook.variables[name].secret:
            return MASK
        return values.get(name, f"{{{{{name}}}}}")

    return VARIABLE.sub(lambda found: value(found[1]), text)


def fill_command(
    words: tuple[str, ...], values: Mapping[str, str], secrets: Mapping[str, str], runbook: Runbook
) -> Command:
    """Give a command with its values.

    Args:
        words: As in `Step.commands`.
        values: Without secrets.
        secrets: By name; one that is missing is an empty file.
        runbook: Says which are secret.
    """
    filled = [fill_text(word, values, runbook) for word in words]
    held, places = {}, {}
    for number, word in enumerate(words):
        found = VARIABLE.match(word)
        if found is None:
            continue
        variable = runbook.variables[found[1]]
        if variable.secret:
            held[number] = secrets.get(found[1], "")
            continue
        below = fill_text(word[found.end() :], values, runbook)
        if place := find_place(variable.shape, values.get(found[1], ""), below):
            places[number] = place
    shown = " ".join(
        MASK if number in held else shlex.quote(word) for number, word in enumerate(filled)
    )
    plain = tuple("" if number in held else word for number, word in enumerate(filled))
    return Command(plain, held, shown, places)


def mask(text: str, secrets: Mapping[str, str]) -> str:
    """Give a text in which no secret stands any more, longest first."""
    for secret in sorted(filter(None, secrets.values()), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def check_value(variable: Variable, value: str) -> str:
    """Give a value that fits.

    Raises:
        RunbookUseError: It is empty and may not be, would be taken for a flag, or does not match
            the pattern.
    """
    value = value if variable.secret else value.strip()
    if not value and variable.may_be_left_out:
        return value
    if not value:
        why = N_("it is empty")
    elif value.startswith("-") and not variable.secret:
        why = N_("a value that begins with `-` would be taken for a flag")
    elif not value.isprintable():
        why = N_("it holds a character that cannot be printed")
    elif variable.shape in PATHS and not value.startswith("/"):
        why = N_("write an absolute path, which begins with /: {title}")
    elif not fits_shape(variable.shape, value) or not re.fullmatch(variable.pattern or ".*", value):
        why = N_("it is not written as this has to be: {title}")
    else:
        return value
    raise RunbookUseError(
        'the value of "{name}" cannot be used: {title}',
        why=why,
        data="nothing was changed",
        next_step=N_(
            "go on as told, and type it when you are asked: a secret stands on no command line"
        )
        if variable.secret
        else N_("give it as `--set {name}=VALUE`"),
        name=variable.name,
        title=variable.title,
    )


def find_missing(runbook: Runbook, given: Mapping[str, str]) -> list[Variable]:
    """List what somebody has to give before a run begins, and has not; pure."""
    return [
        it
        for it in runbook.variables.values()
        if it.default is None
        and not it.secret
        and it.name not in runbook.asked
        and not given.get(it.name, "").strip()
    ]


def correct_values(runbook: Runbook, state: RunState, given: Mapping[str, str]) -> dict[str, str]:
    """Give a run's values with some corrected that nothing was done with yet; pure.

    What is said anew as it was is no correction.

    Raises:
        RunbookUseError: As of `choose_values`; or a step that names one is done, was interrupted,
            or may have written.
    """
    values = choose_values(runbook, {**state.values, **given})
    other = {name for name in given if values[name] != state.values.get(name)}
    for step in runbook.steps:
        named = sorted({*find_names(step.body)} & other)
        if named and _may_have_acted(step, state):
            raise RunbookUseError(
                'the value of "{name}" cannot be changed any more',
                why="step {number} was carried out with it",
                data="nothing was changed",
                next_step="give this run up, `{program} runbook.resume --run {run} --abandon`, and"
                " begin a new one",
                name=named[0],
                number=step.number,
                run=state.id,
            )
    return values


def _may_have_acted(step: Step, state: RunState) -> bool:
    last = state.last_of(step.number)
    if last is None or last.state in {"waiting", "declined"}:
        return False
    is_refused = last.exit_code == _EXIT_USE and len(step.commands) == 1
    return last.state != "failed" or not (step.kind in _ONLY_LOOK or is_refused)


def choose_values(runbook: Runbook, given: Mapping[str, str]) -> dict[str, str]:
    """Give the values a run begins with: those given, else the defaults; secrets come later.

    Raises:
        ValuesMissingError: Some are missing; names all of them.
        RunbookUseError: A name is unknown or secret, or a value does not fit.
    """
    for name in given:
        variable = runbook.variables.get(name)
        if variable is None or variable.secret:
            raise RunbookUseError(
                'the runbook takes no value "{name}" here',
                why="a secret is asked for, never given on a command line" if variable else "",
                data="nothing was changed",
                next_step="`{program} runbook.show --id {id}` lists its values",
                name=name,
                id=runbook.id,
            )
    if missing := find_missing(runbook, given):
        raise ValuesMissingError(runbook.id, [(it.name, it.title) for it in missing])
    return {
        it.name: check_value(it, value)
        for it in runbook.variables.values()
        if not it.secret and (value := given.get(it.name, it.default)) is not None
    }
