"""Compare a signed paper with the files that were made here."""

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.catalog.tables.core import JournalRow
from ops.language.text import N_
from ops.reports.make import MADE

Made = Literal["same", "other", "not_compared"]
"""How a paper stands to the files that were made here, as `compare_made` finds."""

TOLD: Mapping[Made, str] = {
    "same": N_("its text is that of a file made here"),
    "other": N_("note: it is another file than those of its kind that were made here"),
    "not_compared": N_("not compared with a file made here: none of its kind is known"),
}


def compare_made(session: Session, kind: str, data: bytes) -> Made:
    """Compare a paper with the PDF files of its kind that were made here.

    Who signs a PDF adds to its end (ISO 32000-2, 7.5.6), so a signed one begins with all bytes of
    that which was made.

    Returns:
        `same` where it begins so; `other` where it does not; `not_compared` where of none that was
        made the length is known.
    """
    rows = select(JournalRow.details).where(JournalRow.action == MADE, JournalRow.subject == kind)
    known: dict[int, set[str]] = {}
    for details in session.execute(rows).scalars():
        told = json.loads(details)
        for name, length in told.get("bytes", {}).items():
            if name.endswith(".pdf"):
                known.setdefault(length, set()).add(told["files"][name])
    digest, done = hashlib.sha256(), 0
    for length in sorted(it for it in known if it <= len(data)):
        digest.update(data[done:length])
        done = length
        if digest.hexdigest() in known[length]:
            return "same"
    return "other" if known else "not_compared"
