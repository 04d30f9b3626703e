"""What the memory store promises beyond the contract of all stores."""

from backup.stores.memory import MemoryStore


def test_a_clone_and_its_original_go_separate_ways() -> None:
    original = MemoryStore({"config": b"c", "data/00/a": b"a"})
    clone = original.clone()
    clone.write("data/00/b", b"b")
    original.delete("config")

    assert clone.objects() == {"config": b"c", "data/00/a": b"a", "data/00/b": b"b"}
    assert original.objects() == {"data/00/a": b"a"}


def test_a_clone_shares_the_bytes() -> None:
    content = bytes(1000)
    clone = MemoryStore({"config": content}).clone()

    assert clone.read("config") is content


def test_replace_puts_other_bytes_under_a_key() -> None:
    store = MemoryStore({"config": b"right"})
    store.replace("config", b"wrong")

    assert store.read("config") == b"wrong"
