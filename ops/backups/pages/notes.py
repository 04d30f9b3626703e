"""What is noted of a page, how it stands in the manifest, and how it is read from there; pure."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ops.backups.pages.moving import Stretch, count_staying, hash_words, learn_moves
from ops.backups.pages.page_text import (
    Traits,
    VisibleText,
    decode,
    find_traits,
    fold,
    host_of,
    read_html,
)
from ops.language.text import N_, fill

if TYPE_CHECKING:
    from ops.estate.model.sites import Site

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
    "empty",
    "error",
    "lacks",
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
    "empty": N_("the server answered with an empty page"),
    "error": N_("the page shows an error of its program: {detail}"),
    "lacks": N_("it lacks what it has to contain: {detail}"),
    "late": N_("not fetched: the pages before it took all the time"),
}
_LONGEST_SAID = 120
# As PHP shows it where nobody has told it not to; the status is 200 then.
_PROGRAM_ERROR = re.compile(r"(?:Fatal|Parse) error ?: .{1,500}? on line \d")
_FEW_WORDS = 20


@dataclass(frozen=True, slots=True)
class Fetched:
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
class PageRules:
    """What the estate asks of a page.

    Attributes:
        must_contain: Words that have to stand in its title or its text, in whatever case.
        ignore: Elements that are passed over: `#id`, `.class` or a name.
        alike: Share of what stays on it that has to come back, 0 to 1.
    """

    must_contain: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    alike: float = 0.9


NO_RULES = PageRules()


def rules_of(site: "Site") -> dict[str, PageRules]:
    """Give the rules of each page that the estate names."""
    check = site.page_check
    return {
        page: PageRules(
            tuple(check.must_contain.get(page, ())), check.ignore, check.alike_percent / 100
        )
        for page in site.pages
    }


@dataclass(frozen=True, slots=True)
class Jump:
    """One way in which a page is unlike all that the last good backups noted of it.

    Attributes:
        measure: As in `ops.backups.pages.verdict`.
        detail: The figure or words for it; what a page says is hostile, and bounded.
    """

    measure: str
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
        headings: The main ones that stay.
        sha256: Of its visible text, in hexadecimal; empty without an answer.
        words: Hashes of its words (`ops.backups.pages.moving`).
        moves: Stretches of words that move.
        title_moves: Whether the title does.
        looks: Readings that this was learnt from.
        rules: What the estate asks of it.
        obeys, leads, foreign: As in `ops.backups.pages.page_text.Traits`; its own host is the first
            that it obeys. All empty in notes of versions that knew no traits.
        jumps: How it is unlike what the last good backups noted of it.
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
    headings: tuple[str, ...] = ()
    sha256: str = ""
    words: str = ""
    moves: tuple[Stretch, ...] = ()
    title_moves: bool = False
    looks: int = 1
    rules: PageRules = NO_RULES
    obeys: tuple[str, ...] = ()
    leads: tuple[tuple[str, int], ...] = ()
    foreign: tuple[str, ...] = ()
    jumps: tuple[Jump, ...] = ()
    problem: Problem = ""
    detail: str = ""

    @property
    def stays(self) -> float:
        """Share of its words that stay, 0 to 1."""
        staying, words = count_staying(self.words, self.moves)
        return staying / words if words else 1.0

    @property
    def moves_much(self) -> bool:
        """Whether so little of it stays that this says little about the page."""
        staying, words = count_staying(self.words, self.moves)
        return 4 * staying < words or (staying < _FEW_WORDS and 2 * staying < words)


def note_answer(page: str, answer: Fetched, at: datetime, rules: PageRules = NO_RULES) -> PageNote:
    """Note what a server answered."""
    note = PageNote(
        page=page,
        at=at,
        address=answer.address,
        redirects=answer.redirects,
        status=answer.status,
        problem=answer.problem,
        detail=answer.detail,
        rules=rules,
        obeys=tuple(filter(None, [host_of(answer.address)])),
    )
    if answer.status is None or answer.problem:
        return note
    text, traits = read_answer(answer, rules.ignore)
    note = replace(note, truncated=answer.truncated)
    if text is None:
        note = replace(
            note, length=len(answer.body), sha256=hashlib.sha256(answer.body).hexdigest()
        )
    else:
        note = replace(
            note,
            title=text.title,
            length=len(text.text),
            headings=text.headings,
            sha256=hashlib.sha256(text.text.encode()).hexdigest(),
            words=hash_words(text.text),
            obeys=tuple(dict.fromkeys((*note.obeys, *traits.obeys))),
            leads=traits.leads,
            foreign=traits.foreign,
        )
        if answer.status < GOOD_BELOW and not text.text and not text.title:
            return replace(note, problem="empty")  # as PHP answers where it breaks off
    text = text or VisibleText("", "")
    if answer.status >= GOOD_BELOW:
        said = _cut(text.text or text.title)
        detail = f"{answer.status} ({said})" if said else str(answer.status)
        return replace(note, problem="status", detail=detail)
    if error := _PROGRAM_ERROR.search(text.text):
        return replace(note, problem="error", detail=_cut(error[0]))
    lacks = [it for it in rules.must_contain if not _contains(text, it)]
    return replace(note, problem="lacks", detail="; ".join(lacks)) if lacks else note


def read_answer(answer: Fetched, ignore: Collection[str] = ()) -> tuple[VisibleText | None, Traits]:
    """Read an answer as a visitor does; no text where it is none."""
    kind, _semicolon, rest = answer.content_type.lower().partition(";")
    kind = kind.strip()
    charset = rest.partition("charset=")[2].partition(";")[0].strip(" \"'")
    if kind and not kind.startswith("text/") and not kind.endswith(("xml", "json")):
        return None, Traits()
    source = decode(answer.body, charset)
    if kind.endswith("json") or kind == "text/plain":
        return VisibleText("", fold(source)), Traits()
    text = read_html(source, ignore)
    return text, find_traits(source, text.text)


def _contains(text: VisibleText, wanted: str) -> bool:
    return fold(wanted).casefold() in f"{text.title} {text.text}".casefold()


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]} …"


def learn(first: PageNote, again: PageNote, earlier: Iterable[PageNote]) -> PageNote:
    """Note of a page what stays on it.

    Args:
        first: The page.
        again: The same, fetched once more.
        earlier: What the last backups have noted of it and `first` was not learnt from yet.
    """
    if first.problem or again.problem:
        return first
    before = [it.words for it in earlier if it.words and it.rules.ignore == first.rules.ignore]
    return replace(
        first,
        headings=tuple(it for it in first.headings if it in again.headings),
        jumps=tuple(it for it in first.jumps if it.measure in {of.measure for of in again.jumps}),
        obeys=tuple(dict.fromkeys((*first.obeys, *again.obeys))),
        leads=tuple((dict(again.leads) | dict(first.leads)).items()),
        foreign=tuple(dict.fromkeys((*first.foreign, *again.foreign))),
        moves=learn_moves(first.words, first.moves, again.words, before),
        title_moves=first.title_moves or first.title != again.title,
        looks=first.looks + 1 + len(before),
    )


def tell_problem(problem: str, address: str, detail: str) -> str:
    """Say what went wrong with a page, in the reader's language; empty when nothing did."""
    return fill(PROBLEMS[problem], {"address": address, "detail": detail}) if problem else ""


def describe_note(note: PageNote) -> dict[str, Any]:
    """Give a note as the manifest holds it, but for its moment; texts in the current language."""
    values = asdict(note)
    del values["at"]
    names = ("sha256", "words", "moves", "title_moves", "looks", "headings")
    text = {name: values.pop(name) for name in names}
    values["redirects"] = list(note.redirects)
    values["reason"] = tell_problem(note.problem, note.address, note.detail)
    return {**values, "text": text if note.sha256 else None}


def read_note(values: Mapping[str, Any]) -> PageNote:
    """Read a note from a manifest; of one of an earlier version what there is.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    known = {**values, **(values["text"] or {}), "at": values["at"]["utc"]}
    try:
        return msgspec.convert(known, PageNote)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
