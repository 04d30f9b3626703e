"""Hold a page against what was noted of it, at backup time and when restored, and tell of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ops.backups.pages.moving import MOVED, find_share, read_words
from ops.backups.pages.notes import Jump, PageNote, tell_problem
from ops.language.formats import format_number
from ops.language.text import N_, _, fill, ngettext
from ops.terminal.output import write_line

UNLIKE = "pages_unlike"
"""Reason of a good backup whose pages have jumped."""

NEEDED = 2
"""Good backups that must have noted a page; with fewer nothing is judged."""

_LEAST_KEPT = 0.25
_WORTH_WORDS = 8
_TIMES = 2.0
_WORTH_LENGTH = 400
_MOST_NEW_HOSTS = 6
_MOST_NEW_LINKS = 12
_MOST_FOREIGN = 25
_MOST_TOLD = 8
_LETTERS = re.compile(r"[^\W\d_]+")


def find_jumps(now: PageNote, earlier: Sequence[PageNote]) -> tuple[Jump, ...]:
    """Give every measure beyond what is usual on a page.

    A living page changes every hour, so it is held against several of its notes: what it shares
    with any one is usual. Each measure lies beyond what a month of a living portal shows in tests,
    on purpose: what it lets pass stands in the how-to. A page that obeys no host was noted by a
    version without traits.

    `title`: none of the titles that there were, though they were always the same; half of its words
    are new where they were not. `heading`: none of the main headings that always stayed is there.
    `words`: of what stays on it too little is there, or too much stands between. `size`: far
    shorter or longer than it ever was. `obeys`: it loads scripts or frames from a new host, or
    sends its visitors there. `leads`: many links to hosts it never led to. `foreign`: many foreign
    words that are new.

    Args:
        now: The page.
        earlier: What the last good backups have noted, of this and other pages.
    """
    well = [it for it in earlier if it.page == now.page and not it.problem and it.sha256]
    known = [it for it in well if it.obeys]
    if len(well) < NEEDED:
        return ()
    found = [*_judge_obeys(now, known)]
    if now.words and not now.problem:
        found += [*_judge_frame(now, well), *_judge_text(now, well), *_judge_traits(now, known)]
    return tuple(found)


def _judge_obeys(now: PageNote, known: Sequence[PageNote]) -> Iterator[Jump]:
    own = {it.obeys[0].removeprefix("www.") for it in known}
    usual = {host for it in known for host in it.obeys}
    new = [it for it in now.obeys if it not in usual and not _is_below(it, own)]
    if new and len(known) >= NEEDED:
        yield Jump("obeys", _tell(new))


def _is_below(host: str, own: set[str]) -> bool:
    return any(host == it or host.endswith(f".{it}") for it in own)


def _judge_frame(now: PageNote, well: Sequence[PageNote]) -> Iterator[Jump]:
    titles = {_plain(it.title) for it in well}
    if (
        _plain(now.title) not in titles
        and not (any(it.title_moves for it in well) or len(titles) > 1)
    ) or all(_is_other(now.title, it) for it in titles):
        yield Jump("title", now.title[:200])
    stayed = set(well[0].headings).intersection(*(it.headings for it in well))
    if stayed and stayed.isdisjoint(now.headings):
        yield Jump("heading", min(stayed)[:200])


def _plain(text: str) -> str:
    return " ".join(_LETTERS.findall(text.casefold()))


def _is_other(title: str, usual: str) -> bool:
    words = set(_plain(title).split())
    return bool(usual) and 2 * len(words & set(usual.split())) < max(len(words), 1)


def _judge_text(now: PageNote, well: Sequence[PageNote]) -> Iterator[Jump]:
    like = [it for it in well if it.rules.ignore == now.rules.ignore and it.words]
    if len(like) < NEEDED:
        return
    stays = set.intersection(*(set(read_words(it.words, it.moves)) for it in like)) - {MOVED}
    kept = len(stays & set(read_words(now.words))) / max(len(stays), 1)
    if len(stays) >= _WORTH_WORDS and kept < _LEAST_KEPT:
        yield Jump("words", f"{100 * kept:.0f}")
    lengths = [it.length for it in like]
    is_far = _TIMES * now.length < min(lengths) or now.length > _TIMES * max(lengths)
    if is_far and max(abs(now.length - it) for it in lengths) > _WORTH_LENGTH:
        yield Jump("size", str(now.length))


def _judge_traits(now: PageNote, known: Sequence[PageNote]) -> Iterator[Jump]:
    if len(known) < NEEDED:
        return
    own = {it.obeys[0].removeprefix("www.") for it in known}
    led = {host for it in known for host, _count in it.leads}
    new = {host: n for host, n in now.leads if host not in led and not _is_below(host, own)}
    if len(new) >= _MOST_NEW_HOSTS or sum(new.values()) >= _MOST_NEW_LINKS:
        yield Jump("leads", _tell(list(new)))
    usual = {word for it in known for word in it.foreign}
    strange = [it for it in now.foreign if it not in usual]
    if len(strange) >= max(_MOST_FOREIGN, max(len(it.foreign) for it in known) // 2):
        yield Jump("foreign", _tell(strange))


def _tell(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_TOLD]) + (" …" if len(names) > _MOST_TOLD else "")


Verdict = Literal["same", "changed", "missing", "not_checked"]
Why = Literal["", "title", "heading", "words", "moves", "problem", "later", "cached"]

_KIN = 0.5
"""Share of what stays on a page without which it is another page."""

_WHYS = {
    "title": N_('its title is "{detail}" now'),
    "heading": N_('its heading "{detail}" is gone'),
    "words": N_("{alike} % of what stays on it are there, and {least} % are needed"),
    "moves": N_("only {stays} % of its words stay the same from one visit to the next"),
    "problem": N_("it was not well when it was noted"),
    "later": N_("its database is of a later moment; {alike} % of what stayed on it are there"),
    "cached": N_("{alike} % of what stays on it are there, and {least} % are needed"),
}


@dataclass(frozen=True, slots=True)
class PageComparison:
    """How a page stands against what was noted of it.

    Attributes:
        page: As the estate names it.
        verdict: `same`: what stays is there; `changed`; `missing`: it does not come, comes with a
            failure, or lacks what it has to contain; `not_checked`.
        alike: Share of what stays that is there in the same order, 0 to 1; 0 without a comparison.
        least: The share that is needed.
        stays: Share of the noted page's words that stay.
        why, detail: What is not as it was, or why it was not checked; empty where all is well.
    """

    page: str
    verdict: Verdict
    alike: float = 0.0
    least: float = 0.0
    stays: float = 1.0
    why: Why = ""
    detail: str = ""


def compare_pages(
    noted: Iterable[PageNote], found: Iterable[PageNote]
) -> tuple[PageComparison, ...]:
    """Compare pages by their names, in the order they were noted in.

    The verdict is on what stays on a page: its title, its main headings, its words in their order.
    What moves by itself was learnt when it was noted. A page that was not well then, or on which
    too little stays, is no evidence and is *not checked*, never the same.

    Args:
        noted: From the manifest.
        found: Of the restored site; pages that were never noted are passed over.
    """
    there = {note.page: note for note in found}
    return tuple(_compare(note, there.get(note.page)) for note in noted)


def _compare(noted: PageNote, found: PageNote | None) -> PageComparison:
    least, stays = noted.rules.alike, round(noted.stays, 4)
    if noted.problem or not noted.sha256:
        return PageComparison(noted.page, "not_checked", least=least, why="problem")
    if found is None or found.problem or not found.sha256:
        return PageComparison(noted.page, "missing", least=least, stays=stays)
    alike, verdict, why, detail = _judge(noted, found)
    return PageComparison(noted.page, verdict, round(alike, 4), least, stays, why, detail)


def _judge(noted: PageNote, found: PageNote) -> tuple[float, Verdict, Why, str]:
    is_equal = noted.sha256 == found.sha256
    alike = 1.0 if is_equal else find_share(noted.words, noted.moves, found.words)
    if noted.title != found.title and not noted.title_moves:
        return alike, "changed", "title", found.title
    gone = next((it for it in noted.headings if it not in found.headings), "")
    if gone:
        return alike, "changed", "heading", gone
    if noted.moves_much and not is_equal:  # what it has to contain is there
        asked = bool(noted.rules.must_contain)
        return (alike, "same", "", "") if asked else (alike, "not_checked", "moves", "")
    if alike < noted.rules.alike:
        return alike, "changed", "words", ""
    return alike, "same", "", ""


def excuse_pages(
    compared: Iterable[PageComparison], *, rows_are_later: bool, has_caches: bool
) -> tuple[PageComparison, ...]:
    """Take pages that may well differ from their notes out of the comparison.

    Only words or a heading may differ, and half of what stays has to be there.

    Args:
        compared: With the notes.
        rows_are_later: Whether the restored rows are of a later moment than the notes.
        has_caches: Whether the site keeps pages in a cache: what was noted may then be older than
            the rows it was made of.
    """
    why: Why = "later" if rows_are_later else "cached" if has_caches else ""
    return tuple(
        replace(it, verdict="not_checked", why=why)
        if why and it.why in {"words", "heading"} and it.alike >= _KIN
        else it
        for it in compared
    )


def tell_comparison(why: str, detail: str, alike: float, least: float, stays: float) -> str:
    """Say what is not as it was, or why a page was not checked; empty where all is well."""
    shares = {"alike": alike, "least": least, "stays": stays}
    told = {name: format_number(int(100 * share)) for name, share in shares.items()}
    return fill(_WHYS[why], {"detail": detail, **told}) if why else ""


def list_remarks(notes: Iterable[PageNote]) -> list[dict[str, Any]]:
    """Give what a run's summary keeps of its pages, as JSON values; `problem` is empty for good."""
    return [
        {
            "page": it.page,
            "problem": it.problem,
            "address": it.address,
            "detail": it.detail,
            "stays": round(it.stays, 4),
            "moves_much": it.moves_much,
        }
        for it in notes
    ]


_JUMPS: Mapping[str, str] = {
    "title": N_('the title of {page} is "{detail}" now'),
    "heading": N_('the heading "{detail}" of {page} is gone'),
    "words": N_("of the words that stay on {page} only {detail} % are there"),
    "size": N_("{page} is far shorter or longer than before: {detail} characters"),
    "obeys": N_("{page} loads from, or sends visitors to, what it never did: {detail}"),
    "leads": N_("{page} has many links to hosts that it never led to: {detail}"),
    "foreign": N_("{page} has many foreign words that are new: {detail}"),
}


def list_jumps(notes: Iterable[PageNote]) -> list[dict[str, str]]:
    """Give each way in which a page is unlike what the last good backups noted, as JSON values."""
    return [
        {"page": note.page, "measure": it.measure, "detail": it.detail}
        for note in notes
        for it in note.jumps
    ]


def tell_jump(jump: Mapping[str, str]) -> str:
    """Say in which way a page is unlike; `jump` as `list_jumps` gives it."""
    return _(_JUMPS[jump["measure"]]).format(page=jump["page"], detail=jump["detail"])


def write_pages(site: str, pages: Sequence[Mapping[str, Any]]) -> None:
    """Write how many pages were noted, and which could not be: a remark, no failure."""
    failed = [page for page in pages if page["problem"]]
    if pages:
        count = len(pages) - len(failed)
        write_line(ngettext("  {count} page noted", "  {count} pages noted", count), count=count)
    for page in failed:
        reason = tell_problem(page["problem"], page["address"], page["detail"])
        text = _("  remark: the page {page} could not be noted: {reason}")
        write_line(text, page=page["page"], reason=reason)
    moving = [page for page in pages if page.get("moves_much")]
    for page in moving:
        told, _next_step = tell_moving(page["stays"], ())
        write_line(_("  remark: the page {page}: {reason}"), page=page["page"], reason=told)
    if moving:
        next_step = N_("`{program} estate.test --site {site}` proposes pages that stay")
        write_line(f"    → {fill(next_step, {'site': site})}")


def tell_moving(stays: float, better: Sequence[str]) -> tuple[str, str]:
    """Say that little stays on a page, and what to do: name better ones, where some are known."""
    told = _("only {stays} % of its words stay the same from one visit to the next")
    next_step = _(
        "choose another page, or let parts be passed over (`ignore`) or words be asked for"
        " (`must_contain`) in `[sites.page_check]`"
    )
    if better:
        next_step = _("write better ones into `pages`: {pages}").format(pages=", ".join(better))
    return told.format(stays=int(100 * stays)), next_step
