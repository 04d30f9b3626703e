"""Is a page unlike all that the last good backups noted of it, as a defaced one is? Pure.

A living page changes every hour, so it is held against several of them: what it shares with any one
is usual. Each measure lies beyond what a month of a living portal shows in tests, on purpose: what
it lets pass stands in the how-to. A page that obeys no host was noted by a version without traits.

`title`: none of the titles that there were, though they were always the same; half of its words are
new where they were not. `heading`: none of the main headings that always stayed is there.
`words`: of what stays on it too little is there, or too much stands between. `size`: far shorter or
longer than it ever was. `obeys`: it loads scripts or frames from a new host, or sends its visitors
there. `leads`: many links to hosts it never led to. `foreign`: many foreign words that are new.
"""

import re
from collections.abc import Iterator, Sequence

from ops.backups.pages.moving import MOVED, read_words
from ops.backups.pages.notes import Jump, PageNote

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
