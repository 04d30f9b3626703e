"""Show captured pages again: in a browser, until Ctrl-C; and one of them for a drill.

The program that shows them (pywb) is none of ours and not installed with ours; an error names the
command that installs it. It stands in an environment of its own, beside ours.
"""

import hashlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from archive.errors import ArchiveError
from archive.metadata.item import ITEM_FILE, parse_item
from archive.ocfl.root import StoredObject
from archive.web.cdxj import Capture, read_index, write_index
from archive.web.replay import Copy, lay_out, replaying, shown
from archive.web.warc import is_as_captured, read_body
from ops.archives.item import infected_parts
from ops.archives.pages import INDEX, KEY, LARGEST_INDEX, WARC, object_id, place_of_site
from ops.archives.places import opened_index, own_places
from ops.archives.tasks import Replay
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.text import N_, _
from ops.terminal.output import flush, write_line

PROGRAM, PINNED = "wayback", "pywb==2.10.0"
HOURS = 8
"""After which a replay that nobody ended ends."""


class ProgramLackingError(OpsError):
    """The program that shows captured pages is not installed."""


def replay(wish: Replay) -> int:
    """Serve a month of a site until somebody ends it."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # the line of who looks has gone
        signal.signal(number, signal.default_int_handler)
    estate = load_estate()
    site = choose_sites(estate, wish.site)[0].name
    chosen, stored = find_month(estate, site, wish.month)
    program = find_program()
    copy = copy_month(stored, estate.service.scratch)
    with replaying(program, copy, wish.port or free_port()) as (address, server):
        told = _("{site}, pages of {month}: {address}")
        url = f"{address}{place_of_site(estate.site(site)).base}"
        write_line(told.format(site=site, month=_shown(chosen), address=url))
        for infected in infected_parts(parse_item(stored.read(ITEM_FILE))):
            write_line(_("Malware is among them: {found}").format(found=infected))
        text = _(
            "Only this machine sees them. Ctrl-C, or {hours} hours, end it and remove the copy."
        )
        write_line(text.format(hours=HOURS))
        flush()
        try:
            return 1 if server.wait(HOURS * 3600) else 0
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            write_line()
            return 0


def find_month(estate: Estate, site: str, month: str) -> tuple[str, StoredObject]:
    """Give a month of a site, the newest when none is named, and its object.

    Raises:
        WrongUseError: It was not captured.
    """
    place = own_places(estate)[0]
    with opened_index(place, read_only=True) as index:
        months = sorted(it.removeprefix(KEY) for it in index.known_of(site, KEY))
    if not months or month not in {"", *months}:
        raise WrongUseError(
            "no pages of {site} were captured in {month}"
            if month
            else "no pages of {site} were captured yet",
            why="captured were: {months}" if months else "",
            next_step="name one of these with --month"
            if months
            else "`{program} archive.capture --site {site} --web`",
            site=site,
            month=month,
            months=", ".join(months),
        )
    chosen = month or months[-1]
    return chosen, place.root().find(object_id(site, chosen))


def list_months(estate: Estate) -> list[dict[str, object]]:
    """Give each site with the months of it that were captured, the newest first."""
    with opened_index(own_places(estate)[0], read_only=True) as index:
        found = [
            (
                it,
                sorted(
                    (key.removeprefix(KEY) for key in index.known_of(it.name, KEY)), reverse=True
                ),
            )
            for it in estate.sites
        ]
    return [
        {"site": it.name, "title": it.title, "months": months} for it, months in found if months
    ]


def find_program() -> str:
    """Give the path of pywb's server."""
    place = tools_folder() / "bin" / PROGRAM
    if not place.exists():
        raise ProgramLackingError(
            "the program that shows captured pages, pywb, is not installed",
            why="it is a separate program with a licence of its own, and is looked for in {folder}",
            data="the archive was not touched",
            next_step="`python3 -m venv {folder} && {folder}/bin/pip install {pinned}`",
            folder=tools_folder(),
            pinned=PINNED,
        )
    return str(place)


def tools_folder() -> Path:
    """Give where programs of others stand: beside the environment that we run in."""
    return Path(sys.prefix).parent / ".tools"


def copy_month(stored: StoredObject, scratch: Path) -> Copy:
    """Copy a month's files, each held against its digest, and lay them out."""
    folder = make_room(scratch)
    try:
        taken: dict[str, dict[str, Path]] = {WARC: {}, INDEX: {}}
        for number, logical in enumerate(stored.inventory.version().state):
            kind, _slash, name = logical.partition("/")
            if kind not in taken:
                continue
            taken[kind][name] = folder / str(number)
            with taken[kind][name].open("xb") as file:
                stored.copy(logical, file)
        return lay_out(folder, taken[WARC], taken[INDEX])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def make_room(scratch: Path) -> Path:
    """Make a folder for a copy; what killed replays have left goes."""
    scratch.mkdir(parents=True, exist_ok=True)
    for old in scratch.glob("replay-*"):
        if time.time() - old.stat().st_mtime > (HOURS + 1) * 3600:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix="replay-", dir=scratch))


def free_port() -> int:
    """Give a free port of this machine."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _shown(month: str) -> str:
    return f"{month[5:]}/{month[:4]}"


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

    1. One whole page of the month is drawn by lot; everybody can draw it again (`draw_page`).
    2. Our own reader holds its record against the index: address, moment, every digest.
    3. The program that shows pages shows it; what it shows is what the site said, byte by byte.

    Where that program is not installed, 3 is not checked, and that is said. The month may come from
    a copy that somebody has altered: what its index says is never used as a path.

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
