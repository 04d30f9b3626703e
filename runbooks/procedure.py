"""What a runbook is once it has been read: front matter, prose, numbered steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from runbooks.shapes import Shape

Kind = Literal["check", "run", "ask", "wait", "verify", "rollback"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the text names as `{{name}}`.

    Attributes:
        name: Lower-case ASCII.
        title: What it is, for the one who gives it.
        secret: Whether it is never shown nor kept.
        default: Taken when nobody gives one, empty where it may be left out; None when somebody
            has to. Of a secret only empty.
        pattern: Regular expression that the whole value has to match; empty for any.
        shares: Whether the secret is in several hands: each gives a share, and the command gets
            all of them in one file, parted by ` / `.
        key: Name of the variable with the private key's file whose passphrase the secret is: asked
            for only where that file has one; empty for other secrets.
        shape: How it is written, and whether it may be a place of the machine.
    """

    name: str
    title: str
    secret: bool = False
    default: str | None = None
    pattern: str = ""
    shares: bool = False
    key: str = ""
    shape: Shape = "text"

    @property
    def may_be_left_out(self) -> bool:
        """Whether nobody has to give it."""
        return self.default == ""


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph or heading that people read.

    Attributes:
        line: Number in the file, from 1.
        text: Without the heading's marks.
        level: 1 to 6 for a heading, 0 for a paragraph.
    """

    line: int
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step.

    Attributes:
        number: From 1, without gaps.
        line: Where its sentence begins.
        sentence: For the reader, without the mark.
        kind: Of its fence.
        body: The fence's text.
        commands: Words of each command, variables still in them; empty for `ask`.
        two_people: Whether a second person has to agree before it begins.
        variable: What an `ask` fills; empty when it asks for yes or no.
        deadline: Seconds that each command may take; of a `wait` all tries together.
        every: Seconds between the tries of a `wait`.
        private: Whether what a `run` writes is shown once, and kept nowhere.
        may_be_incomplete: Whether a person decides if exit code 3, done but incomplete, is enough.
    """

    number: int
    line: int
    sentence: str
    kind: Kind
    body: str
    commands: tuple[tuple[str, ...], ...] = ()
    two_people: bool = False
    variable: str = ""
    deadline: float = 3_600.0
    every: float = 10.0
    private: bool = False
    may_be_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook.

    Attributes:
        id: Short name for life.
        title, owner: For the reader.
        systems: Information systems it is for; empty for all.
        rto_hours, rpo_hours: Targets where no site gives them; None where nothing is said.
        variables: By name, in the order of the front matter.
        parts: Prose and steps, in the order of the text.
        text: The whole file.
        language: As the file's name tells it, `vi` in `NAME.vi.md`; empty where it does not.
    """

    id: str
    title: str
    owner: str
    systems: tuple[str, ...]
    rto_hours: float | None
    rpo_hours: float | None
    variables: Mapping[str, Variable]
    parts: tuple[Prose | Step, ...]
    text: str
    language: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order."""
        return tuple(part for part in self.parts if isinstance(part, Step))

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def asked(self) -> frozenset[str]:
        """Names of the variables that steps fill: nobody has to give them at the start."""
        return frozenset(step.variable for step in self.steps if step.variable)
