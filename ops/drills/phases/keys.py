"""Get the keys: those the estate points to, or from paper, without reading the folder of keys.

Order, from paper:
1. Clear what an earlier try left, unless it has ended well: its files are kept then.
2. Read the shares and key files, or have the shares typed; prove that they fit together.
3. Write the password, and the key files it opens, into the drill's own folder, for its owner alone.

They are wiped with the folder.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

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
from ops.drills.phases.work import Work, make_folder
from ops.drills.records import PhaseResult
from ops.estate.model.references import resolve

PASSWORD = "password"  # noqa: S105 - the name of a file
_KEY_FILE = "key-"


def get_keys(work: Work) -> PhaseResult:
    """Get them."""
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
