"""What is noted of a page, how it stands in the manifest, and how it is read from there; pure.

Compare what was noted of pages at backup time with what a restored site shows; pure.

A page that was not well at backup time is no evidence and is *not checked*, never the same.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ops.backups.pages.page_text import (
    Fingerprint,
    VisibleText,
    decode,
    fold,
    liken,
    read_html,
    take_fingerprint,
)
from ops.language.text import N_, fill

Problem = Literal[
    "",
    "address",
    "unreachable",
    "certificate",
    "timeout",
    "broken",
    "redirects",
    "inside",
    "status",
    "late",
]
GOOD_BELOW = 400
"""HTTP statuses from here on are failures (RFC 9110, section 15)."""

PROBLEMS: Mapping[str, str] = {
    "address": N_("{address} is no address of a page; is `url` of the site set?"),
    "unreachable": N_("the server does not answer: {detail}"),
    "certificate": N_("the server's certificate is not trusted: {detail}"),
    "timeout": N_("the page was not there after {detail} seconds"),
    "broken": N_("the server's answer makes no sense: {detail}"),
    "redirects": N_("redirected in a circle, or too often: {detail}"),
    "inside": N_(
        "redirected into a network, to {detail}; if that is the site, write it as its `url`"
    ),
    "status": N_("the server answered with status {detail}"),
    "late": N_("not fetched: the pages before it took all the time"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered, or why it has not.

    Attributes:
        address: Of the answer, after redirects.
        redirects: Addresses that led there.
        status: HTTP status; None without an answer.
        content_type: As the server names it.
        body: At most as many bytes as were asked for.
        truncated: Whether there was more.
        problem, detail: What went wrong, and the figure or words for it.
    """

    address: str
    redirects: tuple[str, ...] = ()
    status: int | None = None
    content_type: str = ""
    body: bytes = b""
    truncated: bool = False
    problem: Problem = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PageNote:
    """What is noted of a page.

    Attributes:
        page: As the estate names it.
        at: When it was fetched.
        address: Where it was in the end.
        redirects: Addresses that led there.
        status: HTTP status; None without an answer.
        title: Of the page.
        length: Characters of its visible text; bytes of what is no text.
        truncated: Whether only its beginning was read.
        fingerprint: Of its visible text; None without an answer.
        problem, detail: What went wrong; empty when nothing did.
    """

    page: str
    at: datetime
    address: str
    redirects: tuple[str, ...] = ()
    status: int | None = None
    title: str = ""
    length: int = 0
    truncated: bool = False
    fingerprint: Fingerprint | None = None
    problem: Problem = ""
    detail: str = ""


def note_answer(page: str, answer: Answer, at: datetime) -> PageNote:
    """Note what a server answered."""
    note = PageNote(
        page=page,
        at=at,
        address=answer.address,
        redirects=answer.redirects,
        status=answer.status,
        problem=answer.problem,
        detail=answer.detail,
    )
    if answer.status is None or answer.problem:
        return note
    title, length, fingerprint = _read(answer)
    failed = answer.status >= GOOD_BELOW
    return replace(
        note,
        title=title,
        length=length,
        truncated=answer.truncated,
        fingerprint=fingerprint,
        problem="status" if failed else "",
        detail=str(answer.status) if failed else "",
    )


def _read(answer: Answer) -> tuple[str, int, Fingerprint]:
    kind, _semicolon, rest = answer.content_type.lower().partition(";")
    kind = kind.strip()
    charset = rest.partition("charset=")[2].partition(";")[0].strip(" \"'")
    if kind and not kind.startswith("text/") and not kind.endswith(("xml", "json")):
        return "", len(answer.body), Fingerprint(hashlib.sha256(answer.body).hexdigest())
    source = decode(answer.body, charset)
    is_plain = kind.endswith("json") or kind == "text/plain"
    read = VisibleText("", fold(source)) if is_plain else read_html(source)
    return read.title, len(read.text), take_fingerprint(read.text)


def tell_problem(problem: str, address: str, detail: str) -> str:
    """Say what went wrong with a page, in the reader's language; empty when nothing did."""
    return fill(PROBLEMS[problem], {"address": address, "detail": detail}) if problem else ""


def describe_note(note: PageNote) -> dict[str, Any]:
    """Give a note as the manifest holds it, but for its moment; texts in the current language."""
    values = asdict(note)
    del values["at"]
    values["redirects"] = list(note.redirects)
    values["reason"] = tell_problem(note.problem, note.address, note.detail)
    fingerprint = values.pop("fingerprint")
    return {**values, "text": fingerprint}


def read_note(values: Mapping[str, Any]) -> PageNote:
    """Read a note from a manifest.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    text = values["text"]
    return PageNote(
        page=str(values["page"]),
        at=datetime.fromisoformat(values["at"]["utc"]),
        address=str(values["address"]),
        redirects=tuple(values["redirects"]),
        status=values["status"],
        title=str(values["title"]),
        length=int(values["length"]),
        truncated=bool(values["truncated"]),
        fingerprint=text and Fingerprint(str(text["sha256"]), str(text["sketch"])),
        problem=values["problem"],
        detail=str(values["detail"]),
    )


Verdict = Literal["same", "changed", "missing", "not_checked"]


@dataclass(frozen=True, slots=True)
class PageComparison:
    """How a page stands against what was noted of it.

    Attributes:
        page: As the estate names it.
        verdict: `same`: status, title and every word; `changed`; `missing`: it does not come, or
            with a failure; `not_checked`: it was not well when it was noted.
        alike: Share of the text's runs of words that both have, 0 to 1; 0 without a comparison.
    """

    page: str
    verdict: Verdict
    alike: float = 0.0


def compare_pages(
    noted: Iterable[PageNote], found: Iterable[PageNote]
) -> tuple[PageComparison, ...]:
    """Compare pages by their names, in the order they were noted in.

    Args:
        noted: From the manifest.
        found: Of the restored site; pages that were never noted are passed over.
    """
    there = {note.page: note for note in found}
    return tuple(_compare(note, there.get(note.page)) for note in noted)


def _compare(noted: PageNote, found: PageNote | None) -> PageComparison:
    if noted.problem or noted.fingerprint is None:
        return PageComparison(noted.page, "not_checked")
    if found is None or found.problem or found.fingerprint is None:
        return PageComparison(noted.page, "missing")
    alike = liken(noted.fingerprint, found.fingerprint)
    is_same = noted.fingerprint.sha256 == found.fingerprint.sha256 and (
        (noted.status, noted.title) == (found.status, found.title)
    )
    return PageComparison(noted.page, "same" if is_same else "changed", alike)
