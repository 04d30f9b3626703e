"""The engine's errors. Each says what happened, why, whether data is safe, and what to type next.

::

    BackupError                     exit 1
    ├── RepositoryNotFoundError     exit 10   nothing at that place is a repository
    ├── RepositoryLockedError       exit 11   somebody else's lock is in the way
    ├── WrongPasswordError          exit 12   no key file opens with this password
    ├── UsageError                  exit 2    the command or its arguments make no sense; 1 in
    │                                         `python -m backup`, as restic has it
    ├── UnsupportedFormatError      exit 1    a newer repository version, an unknown JSON form
    ├── DamagedError                exit 1    stored bytes are not what they should be
    ├── SourceError                 exit 1    a source could not be read at all
    ├── PlanOutdatedError           exit 1    the facts a plan was made from have changed
    └── StoreError                  exit 1    a store did not do what was asked
        ├── ObjectNotFoundError               no object has that key
        ├── ObjectExistsError                 an object has that key already
        ├── StoreFullError                    no room left
        ├── StoreReadOnlyError                mounted read-only
        ├── StoreDeniedError                  our credential is refused
        ├── ObjectLockedError                 the store has promised not to delete it yet
        └── StoreUnavailableError             may work when tried again
            └── StoreUnreachedError           nobody answers at its address

`what`, `why`, `data` and `next_step` are templates in English with named placeholders; `params`
fills them. Keeping the two apart lets the service say the same thing in the reader's language.
Neither ever holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a sentence: a template in English and its values, so that it can be translated."""

    what: str
    params: Mapping[str, object]

    def __str__(self) -> str:
        return self.what.format(**self.params)


class BackupError(Exception):
    """Root of the engine's errors.

    Attributes:
        what: What failed; names the thing and gives the number.
        why: The cause, as far as it is known; may be empty.
        data: Whether data is safe; may be empty where no data was touched.
        next_step: The next command to type or the next thing to do; may be empty.
        params: Values for the placeholders of the four templates.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, why: str = "", data: str = "", next_step: str = "", **params: object
    ) -> None:
        self.what = what
        self.why = why
        self.data = data
        self.next_step = next_step
        self.params = params
        super().__init__(what)

    def __str__(self) -> str:
        return self.what.format(**self.params)

    def lines(self) -> list[tuple[str, str]]:
        """Give the filled-in parts in English, as (label, text) pairs, empty parts left out."""
        parts = (
            ("error", self.what),
            ("why", self.why),
            ("data", self.data),
            ("next", self.next_step),
        )
        return [(label, text.format(**self.params)) for label, text in parts if text]


class RepositoryNotFoundError(BackupError):
    """Nothing at that place is a repository."""

    exit_code = 10


class RepositoryLockedError(BackupError):
    """Somebody else's lock is in the way."""

    exit_code = 11


class WrongPasswordError(BackupError):
    """No key file of the repository opens with this password."""

    exit_code = 12


class UsageError(BackupError):
    """The command or its arguments make no sense."""

    exit_code = 2


class UnsupportedFormatError(BackupError):
    """The repository is of a version or form this engine does not know."""


class DamagedError(BackupError):
    """Stored bytes are not what they should be."""


class SourceError(BackupError):
    """A source could not be read at all."""


class PlanOutdatedError(BackupError):
    """The facts a plan was made from have changed."""


class StoreError(BackupError):
    """A store did not do what was asked."""


class ObjectNotFoundError(StoreError):
    """No object has that key."""


class ObjectExistsError(StoreError):
    """An object has that key already; objects are written once."""


class StoreFullError(StoreError):
    """The store has no room left."""


class StoreReadOnlyError(StoreError):
    """The store is mounted read-only."""


class StoreDeniedError(StoreError):
    """The store refuses our credential, or what we ask for with it."""


class ObjectLockedError(StoreError):
    """The store has promised not to delete the object yet; `params` has "until"."""


class StoreUnavailableError(StoreError):
    """The store did not answer or failed in a way that may pass when tried again."""


class StoreUnreachedError(StoreUnavailableError):
    """Nobody answers at the store's address: it restarts, or the address is wrong."""
