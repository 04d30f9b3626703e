"""How long work is told with --json: restic's messages."""

import time
from typing import Any

from backup.commands.output import Output, decode_path
from backup.commands.progress import QuietProgress, describe

_BACKED_UP = ("files_done", "bytes_done")
_RESTORED = ("files_restored", "bytes_restored")
# What each item's message of a backup holds; how much of an item was new is not known by item.
_ITEM_FIGURES = {
    "duration": 0, "data_size": 0, "data_size_in_repo": 0, "metadata_size": 0,
    "metadata_size_in_repo": 0, "total_files": 0,
}  # fmt: skip


class JsonProgress(QuietProgress):
    """restic's messages: ``status`` and ``verbose_status`` on stdout, ``error`` on stderr."""

    def __init__(
        self,
        output: Output,
        *,
        interval: float,
        is_backup: bool,
        wants_items: bool,
        wants_status: bool,
    ) -> None:
        super().__init__(output)
        self.wants_items = wants_items
        self.wants_total = wants_status
        self._interval = interval
        self._is_backup = is_backup
        self._wants_status = wants_status
        self._errors = 0
        self._is_counted = False
        self._next_at = 0.0

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and send a status when it is time."""
        self._stage.done += amount
        self._stage.items += items
        now = time.monotonic()
        if self._wants_status and now >= self._next_at:
            self._next_at = now + self._interval
            self._look_at_scan()
            self._output.json(self._status())
            self._output.flush()

    def expect(self, total: int, *, items: int) -> None:
        """Send how much there is to back up, once."""
        super().expect(total, items=items)
        if self._is_backup and self.wants_items and not self._is_counted:
            self._is_counted = True
            figures = {"data_size": total, "total_files": items}
            self._send_item("scan_finished", "", duration=self._stage.elapsed, **figures)

    def finish(self) -> None:
        """Send a last status."""
        if self._wants_status:
            self._output.json(self._status())

    def _status(self) -> dict[str, Any]:
        stage = self._stage
        status: dict[str, Any] = {"message_type": "status"}
        if int(stage.elapsed):
            status["seconds_elapsed"] = int(stage.elapsed)
        status["percent_done"] = stage.fraction()
        files, size = _BACKED_UP if self._is_backup else _RESTORED
        is_bytes = stage.unit == "bytes"
        figures = {
            "total_files": stage.total_items and max(stage.total_items, stage.items),
            files: stage.items,
            "total_bytes": stage.total and is_bytes and max(stage.total, stage.done),
            size: stage.done if is_bytes else None,
        }
        if self._is_backup:
            figures |= {"seconds_remaining": stage.remaining(), "error_count": self._errors}
        return status | {key: number for key, number in figures.items() if number}

    def item(self, action: str, path: bytes, size: int) -> None:
        """Send what was done with one item."""
        name = "data_size" if self._is_backup else "size"
        self._send_item(action, decode_path(path), **{name: size})

    def _send_item(self, action: str, item: str, **figures: float) -> None:
        message = {"message_type": "verbose_status", "action": action, "item": item}
        self._output.json(message | (_ITEM_FIGURES if self._is_backup else {}) | figures)

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Send what happened to one item."""
        self._errors += 1
        message = {
            "message_type": "error",
            "error": {"message": describe(error)},
            "during": during,
            "item": decode_path(path),
        }
        self._output.warn_json(message)

    def note(self, text: str) -> None:
        """Keep it to ourselves: restic has no such message."""
