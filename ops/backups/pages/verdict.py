"""Hold pages against what was noted of them at backup time; pure.

The verdict is on what stays on a page: its title, its main headings, its words in their order. What
moves by itself was learnt when it was noted. A page that was not well then, or on which too little
stays, is no evidence and is *not checked*, never the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ops.backups.pages.moving import find_share
from ops.backups.pages.notes import PageNote
from ops.language.formats import format_number
from ops.language.text import N_, fill

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
