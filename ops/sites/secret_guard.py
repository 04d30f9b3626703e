"""Say which secrets the estate names, and guard the keys without which nothing opens again.

Order of a replacement: somebody confirms it by the file's name; another person agrees; the old key
is kept beside the new one under a name with the moment; only then the new one takes its place.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import Permit
from ops.access.session import at_bench
from ops.durable_files import place_file
from ops.errors import WrongUseError
from ops.estate.check.check import find_references
from ops.estate.model.estate import Estate
from ops.language.text import _
from ops.sites.tasks import Secret
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line

REPLACEMENT = "key-replacement"
_MODE = 0o600
_FILE = "file:"


def check_named(estate: Estate, path: Path, reference: str) -> None:
    """Refuse a place that no reference of the estate names; pure.

    Raises:
        WrongUseError: The estate names none such.
    """
    named = {_normal(it) for _location, it in find_references(estate) if it.startswith(_FILE)}
    if _normal(f"{_FILE}{path}") not in named:
        raise WrongUseError(
            "the estate names no secret {reference}",
            why="secrets are stored only where the estate looks for them",
            data="nothing was stored",
            next_step="write the reference into the estate first; `{program} estate.check` lists"
            " the secrets that are still missing",
            reference=reference,
        )


def is_key(estate: Estate, path: Path) -> bool:
    """Tell whether a file is a key that repositories, the journal or people's proofs need; pure."""
    return _normal(f"{_FILE}{path}") in {_normal(it) for it in _keys(estate)}


def ask_to_replace(estate: Estate, path: Path, reference: str, wish: Secret) -> Permit | None:
    """Have a key's replacement confirmed and agreed to; None for a dry run.

    Raises:
        NotConfirmedError: Nobody has typed the file's name.
        ApprovalAwaitedError: Another person has to agree first.
    """
    if not wish.dry_run:
        question = _("What was made with the key {path} does not open with another one.")
        need_confirmation(path.name, wish.confirm, question.format(path=path))
    asked = Wish(
        action=REPLACEMENT,
        subject=path.name,
        plan={"act": "replace", "key": reference},
        reason=wish.reason,
        document=wish.document,
    )
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        return ask_second_person(bench, asked, dry_run=wish.dry_run)


def keep_old(path: Path) -> Path:
    """Keep a key beside the one that takes its place; gives where.

    Raises:
        OSError: It cannot be read or written.
    """
    kept = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.old")
    place_file(kept, path.read_bytes(), mode=_MODE, replace=False)
    write_line(_("the key that was there is kept as {path}").format(path=kept))
    return kept


def _keys(estate: Estate) -> Iterator[str]:
    keys = (estate.keys.repository, estate.keys.signing, estate.keys.credentials)
    yield from (it for it in keys if it)
    yield from (store.key for store in estate.stores if store.key)


def _normal(reference: str) -> str:
    return os.path.realpath(reference.removeprefix(_FILE)) if reference.startswith(_FILE) else ""
