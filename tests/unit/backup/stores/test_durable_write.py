"""The single steps of a durable write, where the system is made to get in their way."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from backup.stores import durable_write


def test_a_file_system_without_hard_links_still_refuses_to_replace(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "taken").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        durable_write.rename_if_free(str(tmp_path / "new"), str(tmp_path / "taken"))
    durable_write.rename_if_free(str(tmp_path / "new"), str(tmp_path / "free"))

    assert (tmp_path / "taken").read_bytes() == b"old"
    assert (tmp_path / "free").read_bytes() == b"new"
    assert not (tmp_path / "new").exists()


def test_an_object_whose_name_cannot_be_made_durable_is_withdrawn(tmp_path: Path) -> None:
    (tmp_path / "object").write_bytes(b"x")
    with pytest.raises(FileNotFoundError):
        durable_write.settle(str(tmp_path / "object"), (str(tmp_path / "gone" / "folder"),))

    assert list(tmp_path.iterdir()) == []


def test_writes_that_the_system_cuts_short_are_carried_on() -> None:
    """A signal makes a blocked write return early: a real short write."""
    data = os.urandom(1_000_000)
    reader, writer = os.pipe()
    received = bytearray()
    signals = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: signals.append(number))
    caller = threading.get_ident()

    def drain() -> None:
        for _ in range(5):
            time.sleep(0.01)
            signal.pthread_kill(caller, signal.SIGUSR1)
            received.extend(os.read(reader, 65_536))
        while chunk := os.read(reader, 65_536):
            received.extend(chunk)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        with pytest.raises(OSError, match="has not the length"):
            durable_write.write_all(writer, memoryview(data))  # a pipe has no length to compare
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)
        signal.signal(signal.SIGUSR1, before)

    assert signals
    assert received == data
