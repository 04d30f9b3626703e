"""What goes wrong with a host, said as what goes wrong with a source."""

from collections.abc import Iterator
from contextlib import contextmanager

from backup.errors import SourceError
from provisioning.errors import ProvisioningError

UNTOUCHED = "no snapshot was made; earlier ones are untouched"


def refused_by_gate(host: str, words: str, *, is_dump: bool = False) -> SourceError:
    """Say that a host's account may not run a command that the backup needs by now."""
    # Only where dumps are asked for does the account's script let them through.
    return SourceError(
        "the account on the host {host} may not run a command that the backup needs",
        why="{words}",
        data=UNTOUCHED,
        next_step="print the account's script again and run it there as root:"
        " `{program} estate.account --host {host} --databases`"
        if is_dump
        else "print the account's script again and run it there as root:"
        " `{program} estate.account --host {host}`",
        host=host,
        words=words,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Say errors about a host as errors about a source; their templates stay templates.

    Raises:
        SourceError: The host did not let us in or did not answer, or the line was cut.
    """
    try:
        yield
    except ProvisioningError as error:
        raise SourceError(
            error.what, why=error.why, data=UNTOUCHED, next_step=error.next_step, **error.params
        ) from error
