"""Prove that a label is as this service wrote it, and sign one, with the keys of what lies there.

Who finds or borrows a medium can edit its label, but has no repository's master key. One proof
under a key that opens is enough, since it is over the whole label. Labels of earlier versions bear
none: they are told, believed where the catalog or their repositories bear them out, and signed when
they are next written.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backup.errors import BackupError
from backup.format.crypto import MasterKey, prove
from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from ops.backups.media.label import NAME, Label, LabelError, content_from, encode_label
from ops.backups.media.mount_point import repository_on
from ops.backups.media.read_only_store import ReadOnlyStore
from ops.catalog.tables.copies import Medium
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.values import is_name

_PURPOSE = "giucong-medium-label 1"


def open_on_medium(estate: Estate, folder: Path, site: str) -> Repository:
    """Open a site's repository on a medium, which is only read.

    Raises:
        LabelError: It leads out of the medium.
        BackupError: There is none, or the key is not its own.
        SecretError: The key cannot be read.
    """
    password = resolve(estate.keys.repository).get_secret_value().encode()
    place = ReadOnlyStore(FolderStore(repository_on(folder, site)))
    return Repository.open(place, password, cache_dir=None)


def prove_label(estate: Estate, folder: Path, label: Label) -> Repository | None:
    """Give a repository on the medium whose key proves the label; None where none can.

    Raises:
        LabelError: Somebody has changed the label.
        SecretError: The key cannot be read.
    """
    text = _text(label)
    for site, proof in label.proofs.items():
        repository = _find(estate, folder, site)
        if repository is None:
            continue
        if hmac.compare_digest(prove(repository.key, _PURPOSE, text), proof):
            return repository
        raise LabelError(
            "the label of the medium {code} was changed after this service had written it",
            why="it does not bear out its proof under the key of {site}",
            data="nothing was changed; the repositories on it can still be opened by themselves",
            next_step="put the label back from a copy; else give the medium a new code, after"
            " `{program} backup.retire-media --code {code}` and removing {place}",
            code=label.code,
            site=site,
            place=folder / NAME,
        )
    return None


def find_openable(estate: Estate, folder: Path, label: Label) -> Mapping[str, Repository]:
    """Give the repositories on a medium, by site, that are those its label names and open."""
    found = {it.site: (it, _find(estate, folder, it.site)) for it in label.contents}
    return {
        site: repository
        for site, (content, repository) in found.items()
        if repository is not None and repository.id == content.repository
    }


def doubt_label(label: Label, known: Medium | None) -> Label:
    """Give what is believed of a label without a proof: what the catalog knows counts; pure.

    Args:
        label: As it was read.
        known: What the catalog remembers of the medium; None where it has never heard of it.
    """
    if known is None:
        return label
    contents = tuple(content_from(it) for it in known.contents)
    return replace(label, kind=known.kind, started_on=known.started_on, kept_at=known.kept_at,
                   holder=known.holder, contents=contents)  # fmt: skip


def sign_label(label: Label, keys: Mapping[str, MasterKey]) -> Label:
    """Give the label with a proof under each of these keys, by site; of other sites none stays."""
    text = _text(label)
    proofs = {site: prove(key, _PURPOSE, text) for site, key in sorted(keys.items())}
    return replace(label, proofs=proofs)


def _find(estate: Estate, folder: Path, site: str) -> Repository | None:
    with suppress(BackupError):
        return open_on_medium(estate, folder, site) if is_name(site) else None
    return None


def _text(label: Label) -> bytes:
    return encode_label(replace(label, proofs={}))
