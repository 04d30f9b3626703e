"""Errors about hosts. Each says what happened, why, whether data is safe, and what to type next.

::

    ProvisioningError               exit 1
    ├── HostKeyError                a host shows an unknown or another key
    ├── HostRefusedError            it was reached, and lets us not in
    ├── HostUnavailableError        it did not answer, or the line was cut; may pass
    └── CommandError                a command could not be started, failed or ran out of time

`what`, `why`, `data` and `next_step` are templates in English with named placeholders that `params`
fills, so that the service can say the same in the reader's language. None ever holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass


def N_(message: str) -> str:  # noqa: N802 - the name gettext users know
    """Mark a message to be translated by whoever shows it."""
    return message


class ProvisioningError(Exception):
    """Root of the errors about hosts.

    Attributes:
        what: What failed; names the host.
        why: The cause, as far as it is known; may be empty.
        data: Whether data is safe; may be empty.
        next_step: The next command to type or thing to do; may be empty.
        params: Values for the placeholders of the four templates.
    """

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

    @property
    def cause(self) -> "Cause":
        """Why, to be told within another error in any language."""
        return Cause(self.why, self.params)


@dataclass(frozen=True, slots=True)
class Cause:
    """One template with its values."""

    what: str
    params: Mapping[str, object]

    def __str__(self) -> str:
        return self.what.format(**self.params)


class HostKeyError(ProvisioningError):
    """A host shows a key that is not the one on record, or none is on record."""


class HostRefusedError(ProvisioningError):
    """The host was reached, and does not let us in."""


class OwnKeyError(HostRefusedError):
    """Our own key cannot be read or used; the host was not asked."""


class HostUnavailableError(ProvisioningError):
    """The host did not answer or the line was cut; may work when tried again."""


class CommandError(ProvisioningError):
    """A command on a host could not be started, failed, or ran out of time."""
