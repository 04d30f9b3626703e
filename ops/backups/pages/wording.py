"""Tell people what came of noting pages."""

from collections.abc import Iterable, Mapping, Sequence

from ops.backups.pages.notes import PageNote, tell_problem
from ops.language.formats import format_number
from ops.language.text import _, ngettext
from ops.terminal.output import write_line


def list_remarks(notes: Iterable[PageNote]) -> list[dict[str, str]]:
    """Give what a run's summary keeps of its pages, as JSON values; `problem` is empty for good."""
    return [
        {"page": it.page, "problem": it.problem, "address": it.address, "detail": it.detail}
        for it in notes
    ]


def write_pages(pages: Sequence[Mapping[str, str]]) -> None:
    """Write how many pages were noted, and which could not be: a remark, no failure."""
    failed = [page for page in pages if page["problem"]]
    if pages:
        count = len(pages) - len(failed)
        text = ngettext("  {count} page noted", "  {count} pages noted", count)
        write_line(text.format(count=format_number(count)))
    for page in failed:
        reason = tell_problem(page["problem"], page["address"], page["detail"])
        text = _("  remark: the page {page} could not be noted: {reason}")
        write_line(text.format(page=page["page"], reason=reason))
