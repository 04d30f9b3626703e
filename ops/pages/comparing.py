"""Compare what was noted of pages at backup time with what a restored site shows; pure.

A page that was not well at backup time is no evidence and is *not checked*, never the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ops.pages.fingerprint import liken
from ops.pages.notes import PageNote

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
