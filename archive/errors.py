"""The archive's errors. Same shape as the engine's: what, why, is data safe, what to type next.

::

    ArchiveError                exit 1
    ├── NotAnArchiveError       exit 10   nothing at that place is a storage root of ours
    ├── ArchiveBusyError        exit 11   another process is writing there
    ├── ObjectDamagedError      exit 1    stored bytes are not what their inventory says
    ├── ItemRefusedError        exit 1    what was handed in may not be archived as it is
    │   └── NotCapturedError    exit 1    the portal has it in a way that cannot be captured
    ├── UnreadableFeedError     exit 1    a feed or sitemap is none, or is made to harm
    ├── WrongMappingError       exit 1    a mapping file is not right
    ├── StorageFullError        exit 1    no room left; nothing half-done stays
    ├── WrongTableError         exit 1    a table that somebody wrote is not right
    └── HandedInError           exit 1    a folder, table or bag cannot be taken

The four parts are templates in English with named placeholders; `params` fills them, so that the
service says the same in the reader's language. None holds personal data of what is archived.
"""

from typing import ClassVar


class ArchiveError(Exception):
    """Root of the archive's errors.

    Attributes:
        what: What failed; names the thing and gives the number.
        why: The cause, as far as it is known; may be empty.
        data: Whether data is safe; may be empty where no data was touched.
        next_step: The next command to type; may be empty.
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


class NotAnArchiveError(ArchiveError):
    """Nothing at that place is a storage root that this version writes."""

    exit_code = 10


class ArchiveBusyError(ArchiveError):
    """Another process is writing to the storage root."""

    exit_code = 11


class ObjectNotFoundError(ArchiveError):
    """No object has that id."""


class ObjectDamagedError(ArchiveError):
    """Stored bytes are not what their inventory says."""


class ItemRefusedError(ArchiveError):
    """What was handed in may not be archived as it is."""


class NotCapturedError(ItemRefusedError):
    """An item that the portal has in a way that cannot be captured; the tally says which."""

    def __init__(self, *, why: str, **params: object) -> None:
        super().__init__(
            "{key} of {site} cannot be captured",
            why=why,
            data="nothing of it was written; the others are captured",
            next_step="put it right on the portal; the next capture takes it",
            **({"key": "?", "site": "?"} | params),
        )


class UnreadableFeedError(ArchiveError):
    """A feed or sitemap that is none, or that is made to harm."""

    def __init__(self, *, why: str, **params: object) -> None:
        super().__init__(
            "this is no feed or sitemap that can be read",
            why=why,
            data="nothing of it was taken",
            next_step="open its address in a browser; correct it in `[sites.archive]`",
            **params,
        )


class WrongMappingError(ArchiveError):
    """A mapping file that is not right."""

    def __init__(self, *, why: str, **params: object) -> None:
        super().__init__(
            "the mapping file cannot be used",
            why=why,
            data="nothing was captured",
            next_step="correct it; docs/how-to has an example",
            **params,
        )


class StorageFullError(ArchiveError):
    """No room is left; what was being written is gone, what was there stays."""


class WrongTableError(ArchiveError):
    """A table that somebody wrote is not right: of terms, or of items handed in."""


class HandedInError(ArchiveError):
    """A folder, table or bag that was handed in cannot be taken."""

    def __init__(self, *, why: str, **params: object) -> None:
        super().__init__(
            "what was handed in cannot be taken",
            why=why,
            data="nothing of it was archived",
            next_step="put it right and hand it in again",
            **params,
        )

    @property
    def reason(self) -> str:
        """Why, in English."""
        return self.why.format(**self.params)
