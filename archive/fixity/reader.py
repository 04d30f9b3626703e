"""A process that reads objects: `python -m archive.fixity.reader`. Started by `Readers` only.

A line of JSON in: paths of objects. A line of JSON out: what was found of each. It ends when nobody
writes to it any more. Processes, because two threads of one are slower than one alone.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

import msgspec

from archive.errors import ArchiveError
from archive.ocfl.validate import Verdict, validate_object

AT_ONCE = 32
"""Objects that a process is told of at once."""

_PAUSE = 0.2  # before damage is believed; a writer may be between an inventory and its sidecar


class Look(msgspec.Struct, frozen=True):
    """What a process found of an object.

    Attributes:
        verdict: Of the last reading; None if it could not be read.
        wavered: The first reading was bad, the second from the disk was good: memory, cable or
            controller, not the disk's bytes.
        refused: Why it could not be read.
    """

    verdict: Verdict | None
    wavered: bool = False
    refused: str = ""


_paths = msgspec.json.Decoder(list[str])
_looks = msgspec.json.Decoder(list[Look])


def look_at(folder: Path) -> Look:
    """Read an object whole from its disk; what is bad is read twice before it is said."""
    try:
        verdict = validate_object(folder, with_fixity=False, from_disk=True)
        if verdict.is_valid:
            return Look(verdict)
        time.sleep(_PAUSE)
        again = validate_object(folder, with_fixity=False, from_disk=True)
        return Look(again, wavered=again.is_valid)
    except ArchiveError as error:
        return Look(None, refused=error.why.format(**error.params))


class Readers:
    """Processes that read objects.

    Args:
        count: How many.
    """

    def __init__(self, count: int = 2) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()

    def __enter__(self) -> Self:
        for _number in range(self._count):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "archive.fixity.reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us; they end with us
            )
            self._processes.append(process)
            self._free.put(process)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            if error:
                process.kill()
            process.communicate()
        self._processes.clear()

    def read(self, folders: Iterable[Path]) -> Iterator[list[tuple[Path, Look]]]:
        """Give what is found of objects, in the order of the folders, some at once.

        Raises:
            ArchiveError: A process died.
        """
        waiting = iter(folders)
        under_way: list[tuple[list[Path], Future[list[Look]]]] = []
        with ThreadPoolExecutor(self._count) as threads:
            while True:
                while len(under_way) < 2 * self._count and (some := list(islice(waiting, AT_ONCE))):
                    under_way.append((some, threads.submit(self._ask, some)))
                if not under_way:
                    return
                asked, answer = under_way.pop(0)
                yield list(zip(asked, answer.result(), strict=True))

    def _ask(self, folders: Sequence[Path]) -> list[Look]:
        process = self._free.get()
        try:
            _pipe(process.stdin).write(msgspec.json.encode([str(it) for it in folders]) + b"\n")
            _pipe(process.stdin).flush()
            line = _pipe(process.stdout).readline()
            return _looks.decode(line)
        except (OSError, msgspec.MsgspecError) as error:
            raise ArchiveError(
                "a process that reads the archive ended",
                why="{reason}",
                data="nothing was changed; what it was reading is not verified",
                next_step="run the same command again",
                reason=f"exit {process.poll()}",
            ) from error
        finally:
            self._free.put(process)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("readers are started with pipes")
    return pipe


def main() -> None:
    """Answer until nobody asks."""
    for line in sys.stdin.buffer:
        looks = [look_at(Path(it)) for it in _paths.decode(line)]
        sys.stdout.buffer.write(msgspec.json.encode(looks) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
