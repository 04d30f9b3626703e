"""Show one captured page again, for a drill: nobody believes in pages that nobody can look at.

1. One whole page of the month is drawn by lot; everybody can draw it again.
2. Our own reader holds its record against the index: address, moment, every digest.
3. The program that shows pages (pywb) shows it; what it shows is what the site said, byte by byte.

Where that program is not installed, 3 is not checked, and that is said. The month may come from a
copy that somebody has altered: what its index says is never used as a path.
"""

import hashlib
import re
import shutil
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from archive.errors import ArchiveError
from archive.ocfl.root import StoredObject
from archive.web.cdxj import Capture, read_index, write_index
from archive.web.replay import lay_out, replaying, shown
from archive.web.warc import is_as_captured, read_body
from ops.archives.pages import INDEX, LARGEST_INDEX, WARC
from ops.archives.replay import PINNED, ProgramLackingError, find_program, free_port, make_room
from ops.estate.model.estate import Estate
from ops.language.text import N_

NO_PAGE = N_("the month holds no whole page")
DAMAGED = N_("its record is not what was captured")
NOT_INSTALLED = N_("its bytes are what was captured; pywb, which would show it, is not installed")
NOT_BEGUN = N_("its bytes are what was captured; pywb, which would show it, did not begin")
OTHER = N_("pywb shows other bytes than those that were captured")
SHOWN = N_("shown by pywb, byte by byte what was captured")

_OK = 200
_PLAIN = re.compile(r"https?://[!-~]{1,2000}")
_LARGEST = 64 << 20
_NAME = "page.warc.gz"


def show_page(stored: StoredObject, estate: Estate, lot: str) -> dict[str, Any]:
    """Show a page of a month.

    Args:
        stored: The month, as it was taken back.
        estate: Says where there is room.
        lot: What the page is drawn with.

    Returns:
        `outcome`, a word of the house; `why`, a text of this module; of the page that was drawn
        its address (`page`), moment (`captured`), `bytes` of its body, and `seconds` it took.

    Raises:
        OSError: There is no room.
    """
    begun = monotonic()
    folder = make_room(estate.service.scratch)
    try:
        capture = draw_page(stored, lot)
        if capture is None:
            return {"outcome": "not_checked", "why": NO_PAGE}
        outcome, why, size = _show(stored, capture, folder)
    except (ArchiveError, ValueError):
        return {"outcome": "failed", "why": DAMAGED, "page": stored.inventory.id}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "outcome": outcome,
        "why": why,
        "page": capture.url,
        "captured": capture.moment.isoformat(),
        "bytes": size,
        "seconds": round(monotonic() - begun, 3),
        "program": PINNED,
    }


def draw_page(stored: StoredObject, lot: str) -> Capture | None:
    """Draw one of a month's whole pages; None where it has none."""
    best: tuple[bytes, Capture] | None = None
    for logical in stored.inventory.version().state:
        if not logical.startswith(f"{INDEX}/"):
            continue
        for it in read_index(stored.read(logical, limit=LARGEST_INDEX)):
            is_whole = it.status == _OK and it.mime == "text/html" and not it.truncated
            if not (is_whole and _PLAIN.fullmatch(it.url)):
                continue
            mark = hashlib.sha256(f"{lot}\0{it.stamp} {it.url}".encode()).digest()
            if best is None or mark < best[0]:
                best = mark, it
    return best[1] if best else None


def _show(stored: StoredObject, capture: Capture, folder: Path) -> tuple[str, str, int]:
    """Give outcome, why, and the bytes of the page's body."""
    warc = folder / _NAME
    with warc.open("xb") as file:
        stored.copy(f"{WARC}/{capture.filename}", file)
    if not is_as_captured(warc, capture):
        return "failed", DAMAGED, 0
    digest, size = hashlib.sha256(), 0
    for piece in read_body(warc, capture):
        digest.update(piece)
        size += len(piece)
    index = folder / "page.cdxj"
    index.write_bytes(write_index([msgspec.structs.replace(capture, filename=_NAME)]))
    copy = lay_out(folder, {_NAME: warc}, {index.name: index})
    try:
        with replaying(find_program(), copy, free_port()) as (address, _server):
            body = shown(address, capture, min(size + 1, _LARGEST))
    except ArchiveError:
        return "not_checked", NOT_BEGUN, size
    except ProgramLackingError:
        return "not_checked", NOT_INSTALLED, size
    if size < _LARGEST and hashlib.sha256(body).digest() != digest.digest():
        return "failed", OTHER, size
    return "ok", SHOWN, size
