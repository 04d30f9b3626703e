"""Inventories as bytes: small enough, and read back as they were."""

import hashlib

import pytest

from archive.errors import ObjectDamagedError
from archive.ocfl.inventory import (
    Inventory,
    NewFile,
    Version,
    add_version,
    continues,
    parse_inventory,
)
from tests.archive_roots import MOMENT, object_id


def day(inventory: Inventory | None, number: int, changed: int) -> Inventory:
    """One more version of five files, of which so many changed."""
    names = ("item.json", "events.jsonl", "comments.jsonl", "body.html", "att-01.pdf")
    state, new = {}, []
    for at, name in enumerate(names):
        said = number if at < changed else 1
        digests = [hashlib.new(it, f"{name} {said}".encode()) for it in ("sha512", "sha256")]
        state[name] = digests[0].hexdigest()
        if said == number:
            path = f"v{number}/c/{name}"
            new.append(NewFile(path, *(it.hexdigest() for it in digests)))
    version = Version(MOMENT, "daily capture", "Giữ Cổng", "urn:giucong:archive", state)
    return add_version(inventory, object_id(1), version, new)


def test_sixty_daily_versions_of_five_files_take_less_than_three_megabytes() -> None:
    inventory, size = None, 0
    for number in range(1, 61):
        inventory = day(inventory, number, changed=3)
        size += len(inventory.as_json())
    assert inventory

    assert size + len(inventory.as_json()) < 3_000_000


def test_what_is_written_is_read_back_and_continues_what_was_before() -> None:
    first = day(None, 1, changed=5)
    second = day(first, 2, changed=2)

    assert parse_inventory(second.as_json()) == second
    assert continues(first, second)
    assert not continues(second, first)
    assert not continues(first, first)
    assert not continues(day(None, 2, changed=5), second)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 10_000])
def test_what_is_no_inventory_is_told(data: bytes) -> None:
    with pytest.raises(ObjectDamagedError):
        parse_inventory(data)
