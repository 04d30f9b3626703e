"""Before anything is fetched: choose the copy, look at this machine, get the keys.

The copy is chosen from the catalog's index; where that knows none, the fetching chooses.
"""

import hashlib
import platform
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.format.crypto import MasterKey
from backup.format.key_file import parse_key_file, unwrap_master_key
from backup.repository.repository import Repository
from ops.backups.keys.paper.combine import (
    ask_shares,
    find_master,
    open_with_master,
    read_paper,
    read_shares,
)
from ops.backups.keys.paper.key_files import read_key_files
from ops.backups.keys.paper.shares import combine_shares
from ops.backups.keys.secrets import write_secret_files
from ops.backups.repositories.open import open_place, open_repository, open_with
from ops.backups.repositories.stock_restic import PACKAGE, Restic
from ops.catalog.tables.index import Snapshot, is_believed, is_of_whole_site
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult, choose_copy
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.version import software_version

_GB = 1_000_000_000
_SPARE_BYTES = 256_000_000
"""Room for the programs' own files, besides twice what is restored: once as files, once loaded."""


@dataclass(frozen=True, slots=True)
class ChosenCopy:
    """A snapshot as the index knows it; `size_bytes` and `files` None where it does not say."""

    id: str
    taken_at: datetime
    size_bytes: int | None
    files: int | None


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes: free in the work folder, needed for the drill (None: unknown), and allowed."""

    free: int
    needed: int | None
    size: int | None
    limit: int


def prepare(work: Work) -> PhaseResult:
    """Look, and decide whether the drill can go on."""
    with work.catalog.reading() as session:
        copy = find_copy(
            session,
            work.site.name,
            work.store.name,
            work.drill.wanted,
            until=work.drill.incident_at,
        )
    if copy is not None:
        with work.catalog.writing() as session:
            choose_copy(
                session,
                work.drill.id,
                store=work.store.name,
                snapshot=copy.id,
                taken_at=copy.taken_at,
            )
    room = look_at_room(work.estate, copy)
    facts = describe(work.estate, room, copy)
    if work.drill.engine == "restic" and not facts["versions"]["restic"]:
        return PhaseResult(
            outcome="not_checked",
            reason="drill_without_restic",
            params={"package": PACKAGE},
            facts=facts,
        )
    reason, params = judge_room(room)
    return PhaseResult(
        outcome="not_checked" if reason else "ok", reason=reason, params=params, facts=facts
    )


def find_copy(
    session: Session, site: str, store: str, wanted: str = "", *, until: datetime | None = None
) -> ChosenCopy | None:
    """Find a snapshot in the index: by the beginning of its id, else the newest of the whole site.

    Args:
        session: Reading is enough.
        site: Which.
        store: Where it lies.
        wanted: Beginning of an id; empty for the newest.
        until: The newest that was not taken after this moment: a later one may hold the damage.
    """
    query = select(Snapshot).where(Snapshot.site == site, Snapshot.store == store)
    if wanted:
        query = query.where(Snapshot.id.startswith(wanted, autoescape=True))
    else:
        query = query.where(is_of_whole_site(), is_believed())
        if until is not None:
            query = query.where(Snapshot.taken_at <= until)
    rows = list(session.execute(query.order_by(Snapshot.taken_at.desc()).limit(2)).scalars())
    if not rows or (wanted and len(rows) > 1):
        return None
    return ChosenCopy(rows[0].id, rows[0].taken_at, rows[0].processed_bytes, rows[0].file_count)


def look_at_room(estate: Estate, copy: ChosenCopy | None) -> Room:
    """Look at the free space under the work folder, which need not exist yet."""
    folder = estate.drill.workdir.absolute()
    nearest = next(it for it in (folder, *folder.parents) if it.exists())
    size = None if copy is None else copy.size_bytes
    needed = None if size is None else 2 * size + _SPARE_BYTES
    return Room(shutil.disk_usage(nearest).free, needed, size, estate.drill.max_size_gb * _GB)


def judge_room(room: Room) -> tuple[str, dict[str, Any]]:
    """Give why there is too little room, as a reason code with its parameters; pure."""
    if room.size is not None and room.size > room.limit:
        return "drill_too_large", {"size": room.size, "limit": room.limit}
    if room.needed is not None and room.needed > room.free:
        return "drill_no_room", {"needed": room.needed, "free": room.free}
    return "", {}


def describe(estate: Estate, room: Room, copy: ChosenCopy | None) -> dict[str, Any]:
    """Give what was looked at as JSON values."""
    from ops.sandbox.rehearse import find_isolation

    isolation = find_isolation()
    return {
        "machine": socket.gethostname(),
        "host": estate.drill.host,
        "workdir": str(estate.drill.workdir),
        "files": None if copy is None else copy.files,
        "size_bytes": room.size,
        "needed_bytes": room.needed,
        "free_bytes": room.free,
        "limit_bytes": room.limit,
        "isolation": {"way": isolation.way, "why": isolation.why},
        "versions": {
            "giucong": software_version(),
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
            "restic": restic_version(),
        },
    }


def restic_version() -> str:
    """Give the version of stock restic here; empty without it."""
    program = shutil.which("restic")
    if program is None:
        return ""
    return Restic(program, {"PATH": str(Path(program).parent)}).version()


PASSWORD = "password"  # noqa: S105 - the name of a file
_KEY_FILE = "key-"


def get_keys(work: Work) -> PhaseResult:
    """Get the keys of the drill.

    From paper:

    1. Clear what an earlier try left, unless it has ended well: its files are kept then.
    2. Read the shares and key files, or have the shares typed; prove that they fit together.
    3. Write the password, and the key files it opens, into the drill's own folder, for its owner
       alone.

    They are wiped with the folder.
    """
    if not work.drill.from_paper:
        resolve(work.estate.repository_key(work.store))
        return PhaseResult(outcome="ok", facts={"from_paper": False})
    earlier = work.drill.phases.get("keys")
    if earlier is not None and earlier.outcome == "ok" and (work.keys / PASSWORD).is_file():
        return PhaseResult(outcome="ok", facts=dict(earlier.facts))
    return _combine(work)


def _combine(work: Work) -> PhaseResult:
    make_folder(work.keys)
    given = read_shares(work.paper.shares)
    typed = bool(work.paper.typed) or not given
    texts = list(work.paper.typed) or given or ask_shares()
    combined = combine_shares(texts)
    key_files = [it for name in work.paper.key_files for it in read_key_files(read_paper(name))]
    files = {f"{_KEY_FILE}{hashlib.sha256(it).hexdigest()}": it for it in key_files}
    password = combined.password.encode()
    write_secret_files(work.keys, {PASSWORD: password + b"\n", **files})
    facts = {
        "from_paper": True,
        "typed": typed,
        "set": combined.identifier,
        "shares": len(texts),
        "key_files": len(key_files),
        "key_files_opened": len(_open_all(key_files, password)),
    }
    return PhaseResult(outcome="ok", facts=facts)


def _open_all(key_files: Sequence[bytes], password: bytes) -> list[MasterKey]:
    opened = (unwrap_master_key(parse_key_file(it), password) for it in key_files)
    return [master for master in opened if master is not None]


def open_for_drill(work: Work) -> Repository:
    """Open the site's repository with the keys of the drill; nothing is written to the store."""
    if not work.drill.from_paper:
        return open_repository(work.estate, work.site.name, work.store)
    password = paper_password(work.keys).encode()
    place = open_place(work.estate, work.site.name, work.store)
    paths = sorted(work.keys.glob(f"{_KEY_FILE}*"))
    masters = _open_all([path.read_bytes() for path in paths], password)
    master = find_master(place, password, masters)
    if master is not None:
        return open_with_master(place, master)
    opened = open_with(place, password)
    if opened is None:  # find_master has just seen it open
        raise AssertionError(place.location)
    return opened


def paper_password(keys: Path) -> str:
    """Give the password that came from paper."""
    return (keys / PASSWORD).read_text(encoding="utf-8").rstrip("\n")
