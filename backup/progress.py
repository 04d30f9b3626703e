"""How long work tells whoever watches how far it is: a seam, and the one who does not listen.

Library code never prints. It calls a `Progress`; the command line, the service and tests each have
their own. Calls come from one thread at a time; an implementation decides by itself how often it
shows anything, so `advance` may be called for every file or blob.
"""

from typing import Protocol


class Progress(Protocol):
    """What is told about a long operation.

    Stages do not overlap: every `start` is followed by one `finish` before the next `start`; where
    the work ends with an exception, `finish` may be missing.

    Attributes:
        wants_items: Whether `item` should be called at all; false lets the work skip it.
    """

    @property
    def wants_items(self) -> bool:
        """Whether each finished item should be told through `item`."""
        ...

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage.

        Args:
            stage: What is done, in English, as a short phrase: "check packs", "restore files".
            total: How much there is to do, in `unit`, perhaps a guess; None where unknown.
            unit: Plural word for what is counted: "bytes", "packs", "snapshots".
            items: How many items (files, say) the amount is spread over; None where unknown.
        """
        ...

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Say that `amount` more of the stage's unit, and `items` more items, are done."""
        ...

    def expect(self, total: int, *, items: int) -> None:
        """Say how much the stage comes to, now that it is known; at its start it was a guess.

        Args:
            total: In the stage's unit.
            items: Items it is spread over.
        """
        ...

    def finish(self) -> None:
        """End the stage."""
        ...

    def item(self, action: str, path: bytes, size: int) -> None:
        """Say what was done with one item; only called where `wants_items`.

        Args:
            action: restic's word, e.g. "new", "modified", "unchanged", "restored", "deleted".
            path: Its path, as raw bytes.
            size: Its content in bytes; 0 for what has none.
        """
        ...

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Say that one item failed and that the work goes on without it.

        Args:
            path: Its path, as raw bytes.
            during: restic's word for the step: "scan", "archival", "restore", "verify".
            error: What happened; its text is shown.
        """
        ...

    def note(self, text: str) -> None:
        """Say something worth knowing that is no error, as one English sentence."""
        ...


class SilentProgress:
    """Listens to nothing."""

    @property
    def wants_items(self) -> bool:
        """Never."""
        return False

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Ignore the beginning of a stage."""

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Ignore it."""

    def expect(self, total: int, *, items: int) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore the end of a stage."""

    def item(self, action: str, path: bytes, size: int) -> None:
        """Ignore it."""

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Ignore it; results carry the errors too."""

    def note(self, text: str) -> None:
        """Ignore it."""


SILENT: Progress = SilentProgress()
