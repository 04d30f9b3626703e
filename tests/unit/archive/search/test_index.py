"""Words of an item that changed are found, its old ones are not, and lists stay as they were."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.metadata.item import Item, Source, make_id
from archive.search.index import ItemIndex, Row, Wanted, open_index

DAY = datetime(2026, 11, 30, tzinfo=UTC)


def row(number: int, words: str) -> Row:
    item = Item(
        id=make_id("portal", str(number)), site="portal", source_key=f"news/{number}",
        content_class="news", shape="news", title=f"Tin {number}", creators=(),
        source=Source(name="Cổng"), published=DAY, addresses=(f"https://portal/{number}",),
    )  # fmt: skip
    return Row(item, "v1", DAY.date().isoformat(), "0" * 64, words)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ItemIndex]:
    opened = open_index(tmp_path / "index.db")
    opened.put(row(number, f"nước sạch số {number}") for number in range(10))
    yield opened
    opened.close()


def found(index: ItemIndex, text: str = "", *, address: str = "", after: str = "") -> list[str]:
    wanted = Wanted(text=text, address=address, after=after)
    return [it.source_key for it in index.search(wanted).entries]


def test_a_changed_item_is_found_by_its_new_words_alone(index: ItemIndex) -> None:
    index.put([row(3, "đường mới")])

    assert found(index, "duong moi") == ["news/3"]
    assert "news/3" not in found(index, "nuoc sach")
    assert index.search(Wanted(text="nuoc sach")).count == 9
    assert found(index, address="https://portal/3") == ["news/3"]


def test_a_change_between_two_pages_moves_nothing(index: ItemIndex) -> None:
    before = found(index)
    last = index.search(Wanted(limit=4)).entries[-1]
    index.put([row(int(before[3][-1]), "đổi"), row(int(before[7][-1]), "cũng đổi")])

    assert found(index, after=last.id) == before[4:]
    assert found(index) == before


def test_words_of_a_lost_row_are_never_those_of_another(index: ItemIndex) -> None:
    with index._connection as connection:
        connection.execute("DELETE FROM items WHERE number > 5")
    index.put([row(20, "khác")])

    assert found(index, "khac") == ["news/20"]
    assert "news/20" not in found(index, "nuoc sach")


def test_an_index_of_many_changes_is_worn(index: ItemIndex) -> None:
    index.put([row(0, "một"), row(1, "hai")])
    is_worn = index.is_worn
    index.put([row(0, "ba")])

    assert not is_worn
    assert index.is_worn
