"""What became of the items that a run was handed."""

from dataclasses import dataclass, field

from archive.metadata.item import Item, is_part
from archive.metadata.shapes import lacks_of_core

_MOST_NAMED = 50


@dataclass(slots=True)
class Counts:
    """What became of the items of a run.

    Attributes:
        seen: Handed in.
        new, changed, unchanged, withdrawn: Items.
        refused: (source key, why), the first of them.
        refused_count: All of them.
        left_out: (source key, why), the first files that items were kept without.
        left_out_count: All of them.
        bytes: Stored.
        by_class: New and changed items by content class.
        lacking: New and changed items without all fields that the law requires.
        lacks: Which of these fields → how many of them have it not.
    """

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    left_out_count: int = 0
    bytes: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    lacking: int = 0
    lacks: dict[str, int] = field(default_factory=dict)

    def refuse(self, key: str, why: str) -> None:
        """Count an item that cannot be kept."""
        self.refused_count += 1
        if len(self.refused) < _MOST_NAMED:
            self.refused.append((key, why))

    def keep(self, item: Item, *, is_new: bool) -> None:
        """Count an item that is kept."""
        self.new += is_new
        self.changed += not is_new
        kind = item.content_class
        self.by_class[kind] = self.by_class.get(kind, 0) + 1
        self.left_out_count += len(item.refused)
        room = _MOST_NAMED - len(self.left_out)
        self.left_out += [(item.source_key, it.why) for it in item.refused[:room]]
        lacks = () if is_part(item) else tuple(lacks_of_core(item))
        self.lacking += bool(lacks)
        for name in lacks:
            self.lacks[name] = self.lacks.get(name, 0) + 1
