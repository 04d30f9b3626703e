"""A captured page is shown again for a drill; one that is not what it was is not called shown."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from archive.ocfl.root import StoredObject, create_root
from archive.ocfl.write import Author, writing
from archive.web.cdxj import Capture, write_index
from ops.archives import replay
from ops.archives.replay import show_page
from ops.estate.model.estate import Estate
from tests.crawls import crawl, paths_of
from tests.outside_programs import outside_program
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow
LOT = "01a2295c"
Change = Callable[[list[Capture]], list[Capture]]


def as_they_are(captures: list[Capture]) -> list[Capture]:
    return captures


def store(tmp_path: Path, change: Change = as_they_are) -> StoredObject:
    """Capture two pages and store the month, with an index that a test has changed."""
    with web_server({"/": say(b"<a href=/hai>x</a>"), "/hai": say(b"<p>Hai</p>")}) as url:
        _crawled, captures = crawl(url, tmp_path / "crawl")
    root = create_root(tmp_path / "root")
    (warc,) = paths_of(tmp_path / "crawl")
    index = write_index(change(list(captures.values())))
    with writing(root) as batch:
        batch.put(
            "urn:uuid:1", {f"warc/{warc.name}": warc, "index/a.cdxj": index}, message="archived",
            author=Author("test"), created=datetime.now(UTC),
        )  # fmt: skip
        batch.commit()
    return root.find("urn:uuid:1")


def estate_in(folder: Path) -> Estate:
    return cast("Estate", SimpleNamespace(service=SimpleNamespace(scratch=folder / "scratch")))


def test_it_is_shown_byte_by_byte_and_nothing_is_left(tmp_path: Path) -> None:
    outside_program("wayback")
    told = show_page(store(tmp_path), estate_in(tmp_path), LOT)
    assert (told["outcome"], told["why"]) == ("ok", replay.SHOWN)
    assert told["bytes"] in {18, 10}
    assert not list((tmp_path / "scratch").iterdir())


def test_without_the_program_it_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "tools_folder", lambda: tmp_path / "none")
    told = show_page(store(tmp_path), estate_in(tmp_path), LOT)
    assert (told["outcome"], told["why"]) == ("not_checked", replay.NOT_INSTALLED)


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://127.0.0.1:1/x"},
        {"digest": "sha256:AA"},
        {"offset": 1},
        {"filename": "../../index/a.cdxj"},
    ],
    ids="".join,
)
def test_an_index_that_was_altered_is_seen_before_anything_is_shown(
    tmp_path: Path, changed: dict[str, str | int]
) -> None:
    def change(captures: list[Capture]) -> list[Capture]:
        return [msgspec.structs.replace(it, **changed) for it in captures]

    told = show_page(store(tmp_path, change), estate_in(tmp_path), LOT)
    assert (told["outcome"], told["why"]) == ("failed", replay.DAMAGED)


def test_a_month_without_a_whole_page_is_not_checked(tmp_path: Path) -> None:
    stored = store(tmp_path, lambda captures: [it for it in captures if it.status != 200])
    assert show_page(stored, estate_in(tmp_path), LOT)["why"] == replay.NO_PAGE


def test_other_bytes_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that shows something else in place of pywb."""
    program = tmp_path / "other"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "class Other(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "        self.wfile.write(b'<p>Other</p>')\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[4])), Other).serve_forever()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setattr(replay, "find_program", lambda: str(program))
    told = show_page(store(tmp_path), estate_in(tmp_path), LOT)
    assert (told["outcome"], told["why"]) == ("failed", replay.OTHER)


def test_the_way_to_the_program_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "tools_folder", lambda: tmp_path / "none")
    with pytest.raises(replay.ProgramLackingError) as caught:
        replay.find_program()
    next_step = caught.value.next_step.format(**caught.value.params)
    assert next_step.startswith("`python3 -m venv /")
    assert next_step.endswith("pywb==2.10.0`")
