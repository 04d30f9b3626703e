"""A mirror gets what it lacks, in an order that never leaves something pointing nowhere."""

from backup.stores.base import Buffer
from backup.stores.memory import MemoryStore
from ops.recovery.mirroring import copy_objects


class NotingStore(MemoryStore):
    """A store that notes the order of its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, key: str, data: Buffer) -> None:
        super().write(key, data)
        self.written.append(key)


def test_only_what_is_missing_is_copied_and_the_config_last() -> None:
    source, target = MemoryStore(), NotingStore()
    for key in ("config", "keys/k", "data/aa/p", "index/i", "snapshots/s", "locks/l"):
        source.write(key, key.encode())
    target.write("keys/k", b"keys/k")
    count = copy_objects(source, target)
    again = copy_objects(source, target)

    assert (count, again) == (4, 0)
    assert target.written == ["keys/k", "data/aa/p", "index/i", "snapshots/s", "config"]
