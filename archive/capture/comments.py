"""What readers said of an item: an object of its own, one file of JSON lines a day.

Apart from the item, because it grows while the item stays, and may be kept for another term. A day
is a file, so that a new version brings only the days that changed. Who said it never stands here:
`archive.capture.making` keeps that in the private part. Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from archive.capture.captured import Captured
from archive.capture.values import find_zone
from archive.metadata.item import Agent, Item, Part, make_id

COMMENTS = "comments"
_UNDATED = "undated"


def comments_of(captured: Captured, publisher: str, time_zone: str) -> Captured | None:
    """Give the comments of an item as an item; None where there are none.

    Args:
        captured: The item.
        publisher: The portal, in words.
        time_zone: Whose days they are.
    """
    if not captured.comments:
        return None
    item = captured.item
    days: dict[str, list[Mapping[str, Any]]] = {}
    for line in captured.comments:
        days.setdefault(_day_of(line, time_zone), []).append(line)
    contents = {
        f"{COMMENTS}/{day}.jsonl": b"".join(msgspec.json.encode(it) + b"\n" for it in lines)
        for day, lines in sorted(days.items())
    }
    about = Item(
        id=make_id(item.site, item.source_key, COMMENTS), site=item.site,
        source_key=f"{item.source_key}/{COMMENTS}", content_class=item.content_class,
        shape="other", title=f"Ý kiến về: {item.title}",
        creators=(Agent(name=publisher, role="keeper"),), source=item.source,
        publisher=item.publisher, language=item.language, published=item.published,
        grade=item.grade, related={"about": item.id},
        parts=tuple(
            Part(path=path, role="comments", media_type="application/x-ndjson")
            for path in contents
        ),
    )  # fmt: skip
    return Captured(item=about, contents=contents)


def _day_of(line: Mapping[str, Any], time_zone: str) -> str:
    try:
        moment = datetime.fromisoformat(str(line.get("moment", "")))
        return moment.astimezone(find_zone(time_zone)).date().isoformat()
    except (ValueError, OverflowError):
        return _UNDATED
