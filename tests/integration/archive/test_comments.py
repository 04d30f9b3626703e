"""Comments of a draft are an object of their own, one file a day, related both ways."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archive.capture.connectors import find_connector
from archive.metadata.item import ITEM_FILE, Item, parse_item
from ops.access.session import at_bench
from ops.archives.bench import set_up
from ops.archives.capture import capture_items, portal_of
from ops.archives.keep import Counts, keeping
from ops.archives.places import make_roots, own_places
from ops.catalog.columns import new_id
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.schedule.kinds import RunContext
from tests.integration.archive.test_by_hand import MORE, SITE
from tests.integration.jobs.small_estate import build_estate

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MAPPING = """
schema = 1
[[items]]
name = "du-thao"
class = "draft-law"
shape = "draft-law"
query = "SELECT id FROM drafts"
key = "id"
title = "{title}"
bodies = [{ text = "{body}", type = "text/plain" }]
authors = ["Sở Tư pháp"]
published = "{day}"
comments = { query = "SELECT id FROM remarks", item = "draft", id = "id", text = "said",\
 moment = "at", private = { name = "who" } }
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return load_estate(build_estate(tmp_path / "estate", MORE))


@contextmanager
def run_of(estate: Estate) -> Iterator[RunContext]:
    with at_bench(estate) as bench:
        yield RunContext(
            run_id=new_id(), job="archive/x", kind="archive", site=SITE, due_at=NOW, attempt=1,
            arguments={}, estate=str(estate.path), state=estate.service.state,
            catalog=bench.catalog, origin=bench.origin, is_stopping=lambda: False,
        )  # fmt: skip


def capture(estate: Estate, *remarks: tuple[int, str, str]) -> Counts:
    rows: dict[str, list[dict[str, Any]]] = {
        "du-thao:items": [
            {"id": 1, "title": "Dự thảo quy chế", "body": "toàn văn dự thảo", "day": "2026-11-01"}
        ],
        "du-thao:comments": [
            {"draft": 1, "id": number, "said": text, "at": moment, "who": "Nguyễn Văn Kín"}
            for number, moment, text in remarks
        ],
    }
    with ExitStack() as stack:
        context = stack.enter_context(run_of(estate))
        make_roots(estate, context.catalog)
        keeper = stack.enter_context(keeping(context, estate, set_up(estate), "test"))
        portal = portal_of(estate, estate.site(SITE), None, NOW)
        capture_items(find_connector("mapping", MAPPING), rows, portal, None, keeper)
    return keeper.counts


def objects(estate: Estate) -> dict[str, tuple[Item, dict[str, bytes], str]]:
    found = {}
    for stored in own_places(estate)[0].root().objects():
        item = parse_item(stored.read(ITEM_FILE))
        kept = {it.path: stored.read(it.path) for it in item.parts}
        found[item.source_key.rpartition("/")[2]] = (item, kept, stored.inventory.head)
    return found


FIRST = (1, "2026-11-01T23:30:00+07:00", "Đồng ý với Điều 3")
SECOND = (2, "2026-11-01T17:30:00+00:00", "Đề nghị bỏ khoản 2")  # the 2nd of November here


def test_comments_lie_by_days_and_only_new_days_are_written(estate: Estate) -> None:
    assert capture(estate, FIRST).new == 3

    draft, _files, _head = objects(estate)["1"]
    comments, files, _head = objects(estate)["comments"]
    assert draft.related["comments"] == comments.id
    assert comments.related == {"about": draft.id}
    assert comments.content_class == "draft-law"
    assert list(files) == ["comments/2026-11-01.jsonl"]
    line = msgspec.json.decode(files["comments/2026-11-01.jsonl"])
    assert line["text"] == "Đồng ý với Điều 3"
    assert "Kín" not in str(files), "who said it lies in the private root"

    counts = capture(estate, FIRST, SECOND)
    assert (counts.new, counts.changed, counts.unchanged) == (0, 2, 1)
    _item, files, head = objects(estate)["comments"]
    assert (list(files), head) == (["comments/2026-11-01.jsonl", "comments/2026-11-02.jsonl"], "v2")
    assert objects(estate)["1"][2] == "v1", "the draft itself has not changed"

    assert capture(estate, FIRST, SECOND).unchanged == 3


def test_comments_that_are_gone_are_marked_and_kept(estate: Estate) -> None:
    capture(estate, FIRST)

    assert capture(estate).withdrawn == 2, "what was said, and who said it"

    comments, files, _head = objects(estate)["comments"]
    assert comments.withdrawn is not None
    assert len(files) == 1
