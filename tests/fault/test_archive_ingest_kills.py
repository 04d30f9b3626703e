"""A run that archives items is killed before any change: the next one has all, once, and tells it.

Of the estate's own journal and index the moments before and after each writing count as changes,
as SQLite's own are its authors' to prove.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archive.ingest import Delivery
from archive.metadata.findings import Findings
from archive.metadata.item import ITEM_FILE, Agent, Grade, Item, Part, Retention, Source, parse_item
from archive.ocfl.files import remove_tree
from archive.ocfl.validate_root import validate_root
from archive.search.index import ItemIndex
from ops.access.session import at_bench
from ops.archives.bench import Workbench
from ops.archives.keep import INGESTED, Counts, keeping
from ops.archives.places import make_roots, own_places
from ops.archives.reindex import reindex
from ops.catalog.columns import new_id
from ops.catalog.tables.core import JournalRow
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.schedule.kinds import RunContext
from tests.archive_roots import in_memory
from tests.fault.dying import changes_of, is_killed
from tests.integration.archive.test_by_hand import MORE, SITE
from tests.integration.jobs.small_estate import build_estate

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
WANTED = {"1": ("v1", "một"), "2": ("v2", "hai, đính chính"), "3": ("v1", "riêng")}
"""Source key → version and words when everything is kept."""


class Blind(Workbench):
    """Without tools: PRONOM's Go runtime does not live in a forked process."""

    def look(self, _contents: object) -> Findings:
        """Nothing was looked at, as where no tool is installed."""
        return Findings()


def delivery(key: str, text: str, grade: Grade = Grade.PUBLIC) -> Delivery:
    item = Item(
        id=f"urn:uuid:00000000-0000-5000-8000-00000000000{key}", site=SITE, source_key=key,
        content_class="news", shape="news", title=f"Tin {key}", creators=(Agent(name="Ban"),),
        source=Source(name="Cổng"), published=NOW, grade=grade, addresses=(f"https://x/{key}",),
        parts=(Part(path="body.txt", role="body"),),
    )  # fmt: skip
    return Delivery(item=item, files={"body.txt": text.encode()})


def keep(folder: Path, deliveries: tuple[Delivery, ...]) -> Counts:
    estate = load_estate(folder / "estate.toml")
    with ExitStack() as stack:
        bench = stack.enter_context(at_bench(estate))
        context = RunContext(
            run_id=new_id(), job="archive/x", kind="archive", site=SITE, due_at=NOW, attempt=1,
            arguments={}, estate=str(estate.path), state=estate.service.state,
            catalog=bench.catalog, origin=bench.origin, is_stopping=lambda: False,
        )  # fmt: skip
        make_roots(estate, bench.catalog)
        tools = Blind(folder, None, "none", lambda _item: Retention())
        keeper = stack.enter_context(keeping(context, estate, tools, "test"))
        for it in deliveries:
            keeper.keep(it)
    return keeper.counts


def keep_all(folder: Path) -> Counts:
    return keep(
        folder,
        (
            delivery("1", "một"),
            delivery("2", "hai, đính chính"),
            delivery("3", "riêng", Grade.RESTRICTED),
        ),
    )


def watched(folder: Path) -> None:
    """Keep all, with a change of the file system before and after the journal and the index."""

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            folder.chmod(0o755)
            told = real(*arguments, **named)
            folder.chmod(0o755)
            return told

        return call

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ItemIndex, "put", around(ItemIndex.put))
        patched.setattr(journal, "append", around(journal.append))
        keep_all(folder)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Path]:
    with in_memory(tmp_path) as folder:
        build_estate(folder / "start", MORE)
        keep(folder / "start", (delivery("2", "hai"),))
        yield folder / "start"


def prove_killed_at(start: Path, points: Iterable[int]) -> None:
    for at in points:
        work = shutil.copytree(start, start.with_name("work"))
        assert is_killed(partial(watched, work), at)
        prove(work)
        remove_tree(work)


def prove(folder: Path) -> None:
    """The next run has everything, once; the index tells what is stored; all is journaled."""
    counts = keep_all(folder)
    estate, stored = load_estate(folder / "estate.toml"), {}
    for place in own_places(estate):
        verdict = validate_root(place.folder)
        assert verdict.findings == ()
        assert verdict.is_valid
        for it in place.root().objects():
            key = parse_item(it.read(ITEM_FILE)).source_key
            stored[key] = (it.inventory.head, it.read("body.txt").decode())
        assert reindex(estate, place, place.folder, lambda _count: None).differs is False

    assert counts.refused_count == 0
    assert stored == WANTED
    assert versions_journaled(estate) >= 4, "three now, and the first of the corrected one"
    again = keep_all(folder)
    assert (again.unchanged, again.new, again.changed) == (3, 0, 0)


def versions_journaled(estate: Estate) -> int:
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        rows = session.execute(select(JournalRow.details).where(JournalRow.action == INGESTED))
        return sum(json.loads(details)["versions"] for (details,) in rows)


def points(start: Path) -> list[tuple[str, str]]:
    counted = shutil.copytree(start, start.with_name("counted"))
    return changes_of(partial(watched, counted), start.with_name("log"))


def test_killed_at_each_step_of_an_ingest_the_next_run_has_everything_once(start: Path) -> None:
    """Before each step that counts, and every seventeenth change; `make soak`: before each."""
    changes = points(start)
    first = next(at for at, (call, _where) in enumerate(changes, 1) if call == "syncfs")
    told = ("chmod", str(start.with_name("counted")))
    wanted = [
        at
        for at, change in enumerate(changes, 1)
        if at % 17 == 0 or (at >= first and (change[0] in {"rename", "syncfs"} or change == told))
    ]
    assert len(wanted) > 25
    prove_killed_at(start, wanted)


@pytest.mark.soak
def test_killed_at_every_change_of_an_ingest(start: Path) -> None:
    prove_killed_at(start, range(1, len(points(start)) + 1))
