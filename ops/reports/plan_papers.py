"""All papers of a plan as files: Kế hoạch, Tờ trình, draft of the Quyết định."""

from datetime import datetime, time

from ops.estate.model.estate import Estate
from ops.language.text import speaking
from ops.planning.document import PlanDocument
from ops.reports.kinds.table import KINDS
from ops.reports.make import PAPER_LANGUAGE, Wish, make_frame, write_files
from ops.reports.papers.paper import Paper
from ops.reports.window import report_year

NAMES = {"plan": "ke-hoach", "submission": "to-trinh", "decision": "du-thao-quyet-dinh"}
"""Kind of each paper, and how its files are called."""


def write_papers(document: PlanDocument, estate: Estate) -> dict[str, bytes]:
    """Give all papers of a plan as DOCX and PDF: name of the file → its content.

    Raises:
        OpsError: A text is broken, or a paper cannot be written as PDF.
    """
    revision = f"-sua-doi-{document.revision}" if document.revision else ""
    papers = make_papers(document, estate)
    return {
        name: content
        for kind, stem in NAMES.items()
        for name, content in write_files(papers[kind], f"{stem}-{document.year}{revision}").items()
    }


def make_papers(document: PlanDocument, estate: Estate) -> dict[str, Paper]:
    """Give the papers by kind, with the letterheads that were valid on the plan's day.

    Raises:
        OpsError: A text is broken.
    """
    found: dict[str, Paper] = {}
    taken_at = datetime.combine(document.day, time(), estate.zone)
    with speaking(PAPER_LANGUAGE):
        for name in NAMES:
            wish = Wish(kind=KINDS[name], window=report_year(document.year, estate.zone),
                        day=document.day)  # fmt: skip
            frame = make_frame(estate, wish, taken_at)
            found[name] = wish.kind.module().write(document, frame)
    return found
