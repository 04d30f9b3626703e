"""Tell people what came of noting pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ops.backups.pages.notes import PageNote, tell_problem
from ops.language.text import N_, _, fill, ngettext
from ops.terminal.output import write_line


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
