"""Flags that mean the same in several tasks: one sentence for one meaning. And their numbers."""

from collections.abc import Callable
from typing import Annotated

from ops.errors import WrongUseError
from ops.terminal.task import Flag

MOST_COUNTED = 9_000
"""The greatest number that a flag takes: what counts days or years needs no more."""


def number_reader(flag: str) -> Callable[[str], int]:
    """Give what reads the number that is given to a flag; invoke calls it the flag's kind."""

    def read(text: str) -> int:
        digits = text.strip()
        is_short = len(digits) <= len(str(MOST_COUNTED))
        if digits.isascii() and digits.isdigit() and is_short and int(digits) <= MOST_COUNTED:
            return int(digits)
        raise WrongUseError(
            "the flag --{flag} takes a whole number from 0 to {most}",
            why='"{given}" was given',
            next_step="correct it and type the command again",
            flag=flag,
            most=MOST_COUNTED,
            given=text,
        )

    read.__name__ = "int"  # invoke prints a kind by its name
    return read


Site = Annotated[str, Flag("Name of the site.", shape="site")]
SiteOrAll = Annotated[str, Flag("Name of the site; left out: all sites.", shape="site")]
ConfirmSite = Annotated[
    str, Flag("Name of the site, instead of typing it when asked.", shape="site")
]
StoreOrPrimary = Annotated[str, Flag("Store; left out: the primary.", shape="store")]
SnapshotOrNewest = Annotated[
    str, Flag("Beginning of the snapshot's id; left out: the newest.", shape="snapshot")
]
At = Annotated[str, Flag("As it was at this moment, e.g. '20/11/2026 18:00'.", shape="moment")]
ReasonForApprover = Annotated[str, Flag("Why; the person who approves it reads it.", shape="long")]
ReasonForJournal = Annotated[str, Flag("Why; goes into the journal.", shape="long")]
Document = Annotated[str, Flag("Reference of the document behind it.")]
PasswordFile = Annotated[
    str, Flag("File with the new password; left out: asks; - reads standard input.", shape="secret")
]
Identity = Annotated[str, Flag("File with the SSH key that an SFTP store lets in.", shape="secret")]
KnownHosts = Annotated[str, Flag("File with the host key of an SFTP store.", shape="input-file")]
AccessKeyFile = Annotated[str, Flag("File with the access key of an S3 store.", shape="secret")]
SecretKeyFile = Annotated[str, Flag("File with the secret key of an S3 store.", shape="secret")]
Region = Annotated[str, Flag("Region of an S3 store.")]
Json = Annotated[bool, Flag("Print the result as JSON.")]
DryRun = Annotated[bool, Flag("Say what would be done, and change nothing.")]
