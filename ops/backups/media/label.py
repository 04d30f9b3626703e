"""The label on a removable medium: which one it is, and what lies on it; pure.

It is a file of JSON in the medium's root, for people and for the service. Texts are NFC. A medium
passes through many hands, so a label proves who wrote it: HMACs over all the rest of it, under the
master keys of repositories that lie there (`ops.backups.media.label_proof`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from backup.format.config import is_id
from ops.errors import OpsError
from ops.estate.model.values import is_name
from ops.told_text import clean_text

NAME = "giucong-medium.json"
_SCHEMA = 1


class LabelError(OpsError):
    """A medium's label cannot be read, or says something else than expected."""


@dataclass(frozen=True, slots=True)
class Held:
    """A snapshot on a medium: its id, 64 hexadecimal digits, and when it was taken."""

    id: str
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumContent:
    """One site's repository on a medium.

    Attributes:
        site: Name in the estate.
        repository: Its id, 64 hexadecimal digits.
        snapshots: Its snapshots, oldest first.
        newest_at: When the newest snapshot of the whole site was taken; None without one.
        objects: How many files it consists of, locks left out.
        size_bytes: Their bytes.
        digest: SHA-256 over their names, sizes and contents; see `ops.backups.media.label_proof`.
    """

    site: str
    repository: str
    snapshots: tuple[Held, ...]
    newest_at: datetime | None
    objects: int
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What stands on a medium.

    Attributes:
        code: What the Center calls it; written on its outside, too.
        organisation: Whose it is.
        kind: What it is: disk, tape, …
        started_on: When it was first used.
        renew_on: When it is to be replaced by a new one; None where no duty asks for it.
        kept_at: Where it is kept.
        holder: Who keeps it.
        written_by: Who wrote it last.
        written_at: When; None while the first writing has not ended.
        contents: What lies on it, by site.
        proofs: HMACs over the label without them, by the site whose repository's key made them.
    """

    code: str
    organisation: str
    kind: str
    started_on: date
    renew_on: date | None
    kept_at: str
    holder: str
    written_by: str
    written_at: datetime | None = None
    contents: tuple[MediumContent, ...] = ()
    proofs: Mapping[str, str] = field(default_factory=dict)

    def content_of(self, site: str) -> MediumContent | None:
        """Give what it holds of a site."""
        return next((it for it in self.contents if it.site == site), None)


def replace_contents(label: Label, fresh: Mapping[str, MediumContent]) -> Label:
    """Give the label with new contents of some sites; those of other sites stay."""
    kept = {it.site: it for it in label.contents} | dict(fresh)
    return replace(label, contents=tuple(kept[site] for site in sorted(kept)))


def encode_label(label: Label) -> bytes:
    """Give the file's content."""
    values = {
        "schema": _SCHEMA,
        **asdict(label),
        "count": len(label.contents),
        "contents": [content_values(it) for it in label.contents],
    }
    text = json.dumps(values, ensure_ascii=False, indent=2, default=_as_text)
    return (clean_text_lines(text) + "\n").encode()


def clean_text_lines(text: str) -> str:
    """Give NFC text without control characters, line by line."""
    return "\n".join(clean_text(line) for line in text.splitlines())


def content_values(content: MediumContent) -> dict[str, Any]:
    """Give one repository as plain JSON values."""
    newest = content.newest_at
    return {
        **asdict(content),
        "newest_at": newest.isoformat() if newest else None,
        "snapshot_count": len(content.snapshots),
        "snapshots": [
            {"id": it.id, "taken_at": it.taken_at.isoformat()} for it in content.snapshots
        ],
    }


def content_from(values: Mapping[str, Any]) -> MediumContent:
    """Give one repository from its JSON values.

    Raises:
        KeyError, TypeError, ValueError: They are none.
    """
    newest = values["newest_at"]
    if not is_name(values["site"]):  # it is joined to folders
        raise ValueError(f"{values['site']!r} is not the name of a site")
    if not is_id(values["repository"]):
        raise ValueError(f"{values['repository']!r} is not the id of a repository")
    return MediumContent(
        site=str(values["site"]),
        repository=str(values["repository"]),
        snapshots=tuple(map(_held, values["snapshots"])),
        newest_at=datetime.fromisoformat(newest) if newest else None,
        objects=int(values["objects"]),
        size_bytes=int(values["size_bytes"]),
        digest=str(values["digest"]),
    )


def _held(values: Mapping[str, str]) -> Held:
    return Held(str(values["id"]), datetime.fromisoformat(values["taken_at"]))


def decode_label(data: bytes, place: object) -> Label:
    """Read a label.

    Args:
        data: The file's content.
        place: Where it lies, for the message.

    Raises:
        LabelError: It is none, or of a later version.
    """
    try:
        values = json.loads(data)
        if values["schema"] != _SCHEMA:
            raise ValueError(f"schema {values['schema']}")  # noqa: TRY301 -- told like the others
        return Label(
            code=_line(values["code"]),
            organisation=_line(values["organisation"]),
            kind=_line(values["kind"]),
            started_on=date.fromisoformat(values["started_on"]),
            renew_on=_day(values["renew_on"]),
            kept_at=_line(values["kept_at"]),
            holder=_line(values["holder"]),
            written_by=_line(values["written_by"]),
            written_at=_moment(values["written_at"]),
            contents=tuple(content_from(it) for it in values["contents"]),
            proofs=dict(map(_proof, dict(values.get("proofs", {})).items())),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise LabelError(
            "the label {place} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="look at the file; a damaged label is put back from another copy of it",
            place=place,
            reason=f"{type(error).__name__}: {error}",
        ) from error


def _line(value: object) -> str:
    """Give what people read as one line: it may begin no other in what we print."""
    return " ".join(clean_text(str(value)).split())


def _proof(item: tuple[object, object]) -> tuple[str, str]:
    site, proof = item
    if not (isinstance(proof, str) and is_id(proof)):
        raise ValueError(f"{proof!r} is no proof")
    return str(site), proof


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _as_text(value: object) -> str:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(type(value).__name__)
