"""The page that shows the archive on disk shows what the code writes."""

from pathlib import Path

from archive.ingest import prepare
from archive.metadata.item import make_id
from archive.ocfl.root import create_root
from archive.ocfl.write import writing
from tests.archive_roots import MOMENT, WRITER
from tests.unit.archive.test_ingest import look, make_delivery

PAGE = Path(__file__).parents[4] / "docs/explanation/archive-on-disk.md"
RUN = "20261129t150000"
NEWS, MONTH = make_id("cong-xa", "k/1"), make_id("cong-xa", "web/2026-11")


def fill(folder: Path) -> None:
    """Store an article, correct it, and a month of captured pages."""
    article = {"body.html": b"<p>Tin</p>", "att-01.jpg": b"\xff\xd8\xff\xe0"}
    corrected = article | {"body.html": "<p>Tin đã đính chính</p>".encode()}
    month = {
        f"warc/{RUN}-00001.warc.gz": b"WARC/1.1", f"index/{RUN}.cdxj": b"vn,x)/ 2026",
        f"log/{RUN}.jsonl": b"{}",
    }  # fmt: skip
    root = create_root(folder)
    for item_id, files in ((NEWS, article), (NEWS, corrected), (MONTH, month)):
        shape = "page" if item_id == MONTH else "news"
        delivery = make_delivery(files, id=item_id, shape=shape)
        prepared = prepare(delivery, look(delivery), retention=None, agent="a", now=MOMENT)
        with writing(root) as batch:
            batch.put(item_id, prepared.files, message="archived", author=WRITER, created=MOMENT)
            batch.commit()


def draw(folder: Path, margin: str = "") -> str:
    """Draw a folder, files before folders."""
    entries = sorted(folder.iterdir(), key=lambda it: (it.is_dir(), it.name))
    lines = []
    for it in entries:
        is_last = it == entries[-1]
        lines.append(f"{margin}{'└── ' if is_last else '├── '}{it.name}{'/' * it.is_dir()}\n")
        if it.is_dir():
            lines.append(draw(it, margin + ("    " if is_last else "│   ")))
    return "".join(lines)


def test_the_page_shows_what_is_written(tmp_path: Path) -> None:
    fill(tmp_path / "root")
    assert f"cong-khai/\n{draw(tmp_path / 'root')}" in PAGE.read_text(encoding="utf-8")
