"""Take back an issued paper: its signatures are verified, it is kept and journaled.

Order: 1. the file is read once, and a private copy of these bytes is verified; 2. its bytes are
kept; 3. the document's row and both journal rows are written in one transaction.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.catalog.tables.register import Document
from ops.documents.issued import ISSUED, read_issued
from ops.documents.records import (
    Caption,
    DocumentFile,
    add_document,
    are_checked,
    keep,
    read_document,
)
from ops.durable_files import read_bounded
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_date, format_id
from ops.language.text import N_, _, fill, speaking
from ops.planning.records import call_line
from ops.planning.work import get_in_force
from ops.register.records import find_entry
from ops.reports import signed_pdf
from ops.reports.compare import TOLD, Made, compare_made
from ops.reports.figures.figure import EARLIEST, LATEST, read_day, report_year
from ops.reports.kinds.table import Kind, find_kind
from ops.reports.make import PAPER_LANGUAGE, refuse_to_come, refuse_too_early
from ops.reports.requests import ReportRequest, end_request, find_request
from ops.reports.tasks import Issue
from ops.security.programs import run_child
from ops.terminal.output import write_line
from ops.told_text import one_line

_SECONDS = 60.0
_NO_ROOT = 4
_MOST_ROOT_BYTES = 1 << 20
_UNTRUSTED = N_(
    "not checked: who that is; with `trusted_roots` in `[reports]` of the estate it would be"
)
_TIMES = ("signer", "at", "since", "until")
_CODE = re.compile(r"[a-z0-9-]{0,80}")
_NUMBER = re.compile(r"[0-9A-Za-zĐđ][0-9A-Za-zĐđ./-]{0,60}")


class SignatureError(OpsError):
    """A PDF is not signed, or was changed after it was signed."""

    def __init__(self, path: Path, *, why: str, **params: object) -> None:
        super().__init__(
            "{path} is not taken as an issued paper",
            why=why,
            data="nothing was changed",
            next_step="have it signed again; of a paper signed by hand give the scan with `--scan`",
            path=path,
            **params,
        )


def issue(wish: Issue) -> int:
    """Take it back; gives 0.

    Raises:
        SignatureError: It is not signed, or changed.
        WrongUseError: Kind, number, site or request makes no sense.
        OpsError: It cannot be kept.
    """
    day = read_day(wish.date, "date")
    path, estate, year = Path(wish.file), load_estate(), wish.year or day.year
    _check_day(find_kind(wish.kind), day, year, estate.zone)
    content = read_document(path)
    signatures = [] if wish.scan else verify(path, content, estate.reports.trusted_roots)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            wish = replace(wish, of=_call_subject(session, wish, year))
            about = name_about(wish, estate, year)
            request = find_request(session, wish.request, is_open=True) if wish.request else None
            made = compare_made(session, wish.kind, content.data)
        issued = Issued(wish, day, about, content, signatures, request, made)
        _check_answer(issued, estate.zone)
        if not wish.dry_run:
            keep(estate.service.state, content)
        with bench.catalog.writing() as session:
            kept, is_new = note_issued(session, bench.origin, issued, now=datetime.now(UTC))
    _tell(kept.id.hex, issued, is_new=is_new)
    return 0


@dataclass(frozen=True, slots=True)
class Issued:
    """A paper that is taken back: what was asked, what it is about, and what it answers.

    `made` is as `compare_made` gives.
    """

    wish: Issue
    day: date
    about: str
    content: DocumentFile
    signatures: Sequence[Mapping[str, Any]]
    request: ReportRequest | None
    made: Made

    @property
    def signed_at(self) -> datetime | None:
        """The newest time that a signature names; None where none does."""
        return max((_moment(it["at"]) for it in self.signatures if it["at"]), default=None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _check_day(kind: Kind, day: date, year: int, zone: ZoneInfo) -> None:
    """Refuse a day that is to come, or one on which the paper's year was not over."""
    refuse_to_come(day, datetime.now(zone).date())
    if kind.is_on_a_year and EARLIEST <= year <= LATEST:
        refuse_too_early(day, report_year(year, zone).last)


def _check_answer(issued: Issued, zone: ZoneInfo) -> None:
    """Refuse as an answer what is older than the request, or than the time it asks about."""
    if issued.request is None:
        return
    day, signed_at = issued.day, issued.signed_at
    day = min(day, signed_at.astimezone(zone).date()) if signed_at else day
    asked = issued.request.asked
    asked_on = issued.request.noted_at.astimezone(zone).date()
    if day < max(asked_on, asked.last or asked_on):
        raise WrongUseError(
            "a paper of {day} answers no request that was noted on {asked_on}",
            why="it is older than the request, or than the time that it asks about",
            next_step="leave `--request` out; `{program} report.request --end` with a reason ends"
            " what needs no new paper",
            day=format_date(day),
            asked_on=format_date(asked_on),
        )


def note_issued(
    session: Session, origin: Origin, issued: Issued, *, now: datetime
) -> tuple[Document, bool]:
    """Write the document's row and the journal's, and end the request.

    Returns:
        The document, and whether the paper was not taken back before.

    Raises:
        WrongUseError: Its bytes are kept as something else.
    """
    wish, content = issued.wish, issued.content
    with speaking(PAPER_LANGUAGE):
        title = _(find_kind(wish.kind).title)
    told = Caption(
        title=title,
        name=Path(wish.file).name,
        number=wish.number,
        dated=issued.day,
        about=issued.about,
        signatures=issued.signatures,
    )
    kept, is_new = add_document(session, origin, content, told, now=now)
    if not is_new:
        is_new = _take_over(session, kept, issued)
    if is_new:
        signed_at = issued.signed_at
        details = {
            "document": kept.id.hex,
            "number": wish.number,
            "scan": wish.scan,
            "signer": "checked" if are_checked(issued.signatures) else "not_checked",
            "day": issued.day.isoformat(),
            "sha256": content.sha256,
            "made": issued.made,
            **({"signed_at": signed_at.isoformat()} if signed_at else {}),
        }
        journal.append(session, origin, [Entry(ISSUED, issued.about, details)])
    if issued.request is not None:
        end_request(session, replace(origin, document=wish.number), issued.request)
    return kept, is_new


def _take_over(session: Session, kept: Document, issued: Issued) -> bool:
    """Take a document that was kept before as the paper; give whether it was not one already."""
    wish = issued.wish
    before = [it for it in read_issued(session, [issued.about]) if it.document == kept.id.hex]
    is_other = kept.about not in {"", issued.about} or kept.number not in {"", wish.number}
    if is_other or (before and kept.dated != issued.day):
        raise WrongUseError(
            "this file is kept already, as another paper: {about}, {number}",
            why="it is the document {id}",
            next_step="give the file of the paper that is meant, or the number and day that it has",
            about=kept.about,
            number=kept.number or "-",
            id=format_id(kept.id),
        )
    if before:
        return False
    kept.about, kept.number, kept.dated = issued.about, wish.number, issued.day
    kept.signatures = [dict(it) for it in issued.signatures]
    return True


_OF_ONE = frozenset({"stop", "incident", "line"})
"""Needs of kinds whose papers are about the one thing that `--of` names."""


def _call_subject(session: Session, wish: Issue, year: int) -> str:
    """Give what the paper is about as events call it: the register's entry, the plan's line."""
    needs = find_kind(wish.kind).needs if wish.of else ""
    if needs == "incident":
        return find_entry(session, wish.of).called
    if needs == "line":
        number = int(wish.of) if wish.of.isdecimal() else 0
        return call_line(year, get_in_force(session, year).line(number).number)
    return wish.of


def name_about(wish: Issue, estate: Estate, year: int) -> str:
    """Name what the paper is about, `report:site:2026:cong-xa`, `report:notice:CODE`."""
    kind = find_kind(wish.kind)
    if not _NUMBER.fullmatch(wish.number):
        raise WrongUseError(
            '"{number}" is no number of a paper',
            next_step="give `--number` as it stands on the paper, such as 05/BC-TTCNTT",
            number=wish.number[:60],
        )
    if wish.site:
        estate.site(wish.site)
    if bool(wish.site) != (kind.needs == "site"):
        raise WrongUseError(
            "a paper of the kind {kind} is about a site"
            if kind.needs == "site"
            else "a paper of the kind {kind} is about no single site",
            next_step="give `--site`" if kind.needs == "site" else "leave `--site` out",
            kind=kind.name,
        )
    if bool(wish.of) != (kind.needs in _OF_ONE) or not _CODE.fullmatch(wish.of):
        raise WrongUseError(
            "a paper of the kind {kind} is about one thing: a stop, an entry, a line of the plan"
            if kind.needs in _OF_ONE
            else "a paper of the kind {kind} is about no stop, no entry and no line of the plan",
            next_step="give `--of` as the paper names it"
            if kind.needs in _OF_ONE
            else "leave `--of` out",
            kind=kind.name,
        )
    return ":".join(filter(None, ("report", kind.name, wish.of or str(year), wish.site)))


def _tell(document: str, issued: Issued, *, is_new: bool) -> None:
    wish, signatures = issued.wish, issued.signatures
    for it in signatures:
        text = _(
            "signed by {signer}, certificate of {issuer}; the bytes are those that were signed"
        )
        write_line(text.format(signer=it["signer"], issuer=it["issuer"]))
        if root := it.get("root"):
            write_line(_("its certificate leads to the trusted root {root}").format(root=root))
        else:
            write_line(fill(_UNTRUSTED, {}))
        if not it["at"]:
            write_line(_("not checked: whether the certificate was valid then; it says no time"))
    if signatures:
        write_line(_("not checked: whether it was revoked; the time, which is the signer's word"))
    if wish.scan:
        write_line(_("a scan: nothing about its signature was checked"))
    else:
        write_line(fill(TOLD[issued.made], {}))
    if not is_new:
        text = _("kept already, as {id}")
    else:
        text = _("would keep it as {id}") if wish.dry_run else _("kept as {id}")
    write_line(text.format(id=format_id(document)))
    if wish.request:
        text = _("would answer {request}") if wish.dry_run else _("it answers {request}")
        write_line(text.format(request=wish.request))


def verify(path: Path, content: DocumentFile, roots: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """Verify the signatures of a PDF in a process of its own.

    Args:
        path: What it is called.
        content: Its bytes.
        roots: Files of certificates to one of which each signature has to lead; none: who signed
            is not checked, and what is given has no `root`.
    """
    found = _look(path, content, roots)
    if not found:
        raise SignatureError(path, why="it has no signature")
    if not all(it["holds"] for it in found):
        raise SignatureError(path, why="a signature does not hold: its bytes were changed")
    if not all(it["is_whole"] for it in found):
        raise SignatureError(path, why="something was added to it after it was signed")
    if odd := next((it for it in found if it["was_valid"] is False), None):
        why = N_("{signer} signed at {at}, and the certificate was valid from {since} to {until}")
        raise SignatureError(path, why=why, **{name: odd[name] for name in _TIMES})
    if roots and (forged := next((it for it in found if not it["root"]), None)):
        why = N_(
            "the certificate of {signer}, issued by {issuer}, leads to none of the roots in the"
            " estate's [reports] trusted_roots, or was not made for signing"
        )
        raise SignatureError(path, why=why, signer=forged["signer"], issuer=forged["issuer"])
    names = ("signer", "issuer", "at", *(["root"] if roots else []))
    return [{name: one_line(it[name]) for name in names} for it in found]


def _look(path: Path, content: DocumentFile, roots: Sequence[Path]) -> list[dict[str, Any]]:
    """Have the signatures read by a process of its own, which sees copies alone."""
    if content.type != "pdf":
        raise SignatureError(path, why="only a PDF can be verified")
    with tempfile.TemporaryDirectory(prefix="giucong-") as folder:
        copy = Path(folder) / "paper.pdf"
        copy.write_bytes(content.data)
        copies = [_copy_root(it, Path(folder) / f"root-{place}") for place, it in enumerate(roots)]
        words = [sys.executable, "-I", str(signed_pdf.__file__), str(copy), *copies]
        ended = run_child(words, seconds=_SECONDS, folder=Path(folder))
    if ended.status == _NO_ROOT:
        raise _unread_root(", ".join(map(str, roots)))
    if ended.status or ended.is_late or ended.is_flooding:
        raise SignatureError(path, why="it could not be read as PDF within its bounds")
    found: list[dict[str, Any]] = json.loads(ended.output)["signatures"]
    return found


def _copy_root(path: Path, copy: Path) -> str:
    try:
        data = read_bounded(path, _MOST_ROOT_BYTES)
    except OSError as error:
        raise _unread_root(str(path)) from error
    if len(data) > _MOST_ROOT_BYTES:
        raise _unread_root(str(path))
    copy.write_bytes(data)
    return str(copy)


def _unread_root(path: str) -> OpsError:
    return OpsError(
        "a trusted root cannot be read: {path}",
        why="it is not there, or holds no certificate in PEM or DER",
        data="nothing was changed; nothing about the signature was checked",
        next_step="correct `trusted_roots` in `[reports]` of the estate file",
        path=path,
    )
